"""`status` links to the page: signed by whoever reads, for an hour, and never where others read along."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.aws.pages import link
from tests.unit.cli.test_suspending import HOME, JSON, recorded, table  # noqa: F401
from tests.unit.report.test_schemas import check

BUCKET, KEY = "meridian-revisions-111111111111-us-east-1", "reports/orders.html"


@pytest.fixture
def paged(recorded, table, monkeypatch):  # noqa: F811
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def keep(bucket=BUCKET, key=KEY):
        document = {**recorded, "report": {"bucket": bucket, "key": key}}
        item = {"pk": {"S": "topology#orders"}, "sk": {"S": "status"}, "body": {"S": json.dumps(document)}}
        table.put_item(TableName="meridian-state", Item=item)

    keep()
    return keep


def test_the_link_is_signed_with_the_readers_credentials_for_an_hour(meridian, paged):
    url = check(meridian("status", "orders", *HOME, *JSON).json)["report"]["url"]
    parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
    assert parts.scheme == "https"
    assert parts.hostname.startswith(f"{BUCKET}.s3.")
    assert parts.path == f"/{KEY}"
    assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == (["3600"], ["AWS4-HMAC-SHA256"])
    assert query["X-Amz-Credential"][0].startswith("FOOBARKEY/")  # the key that moto gives everybody
    assert f"https://{BUCKET}.s3." in meridian("status", "orders", *HOME).out


@pytest.mark.parametrize(
    ("format_", "environment"),
    [("markdown", {}), ("text", {"GITHUB_ACTIONS": "true"}), ("json", {"GITHUB_ACTIONS": "true"})],
)
def test_nobody_is_given_a_link_where_others_read_along(meridian, paged, monkeypatch, format_, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran = meridian("status", "orders", *HOME, "--format", format_)
    assert ran.code == 0
    assert "X-Amz" not in ran.out + ran.err


@pytest.mark.parametrize(
    "place",
    [
        ("somebody-elses", KEY),
        (BUCKET, "runs/orders/x.json.gz"),
        (BUCKET, "reports/other.html"),
        (f"{BUCKET}0", KEY),
        (1, []),
    ],
)
def test_only_the_topologys_own_page_is_signed_for(meridian, paged, place):
    paged(*place)
    ran = meridian("status", "orders", *HOME, *JSON)
    assert ran.code == 0
    assert "X-Amz" not in ran.out


@pytest.mark.parametrize(
    ("region", "host"),
    [("eu-west-1", "eu-west-1.amazonaws.com"), ("eu-south-1", "eu-south-1.amazonaws.com")],
)
def test_the_link_names_the_region(monkeypatch, region, host):
    """Where the global address leads nowhere, or to another Region."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    bucket = f"meridian-revisions-111111111111-{region}"
    assert urlsplit(link(bucket, KEY, region)).hostname == f"{bucket}.s3.{host}"
