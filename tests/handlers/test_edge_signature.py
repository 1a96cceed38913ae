"""The edge router's signature: the published vectors, and botocore's over requests of every kind.

botocore judges what both do: the canonical request, the string to sign and the signature of what the router sends on, which is
after `rewrite` has put the query into one spelling. It is no judge of what CloudFront and API Gateway do on the way: that a path
is signed as it is in the event, encoded once more, is the rule for every service but S3 [V: IAM User Guide, "Create a signed AWS
API request"]. That `+` in a query is a space, and that parameters keep their order on the way to the Region, is ours, and tested
in `test_edge_router.py`; botocore takes a query as it is spelt. A query that would grow too long keeps its own spelling, and is
left out here.
"""

from __future__ import annotations

import base64
import calendar
import json
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

SUITE = json.loads((Path(__file__).parent / "sigv4_vectors.json").read_text(encoding="utf-8"))
REQUESTS = 12_000 if os.environ.get("MERIDIAN_SOAK") else 500
END_OF_TIME = 253_402_300_799
"""Years have four digits."""

# A path as CloudFront shows it, and what no client should send: bytes that are no UTF-8 arrive percent-encoded. What no URL can
# hold unencoded is left out: `?`, `#`, line breaks and tabs, which botocore's parser would drop.
SEGMENTS = st.one_of(
    st.sampled_from(
        ["", ".", "..", "...", "orders", "a%20b", "%2F", "%2e%2e", "%ff", "%C3%A9", "%", "%zz", "a+b", "~", "é", "日本"]
    ),
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/?#"), max_size=8),
)
PATHS = st.lists(SEGMENTS, max_size=6).map(lambda parts: "/" + "/".join(parts))
WORDS = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "A",
            "b",
            "a-",
            "a.",
            "x+y",
            "%2B",
            "%20",
            "%ff",
            "%C3%A9",
            "%c3%a9",
            "%",
            "%zz",
            "=",
            "a=b",
            "é",
            "/?:@",
        ]
    ),
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="&#"), max_size=8),
)
PARAMETERS = st.one_of(WORDS, st.tuples(WORDS, WORDS).map("=".join))
QUERIES = st.one_of(st.just(""), st.lists(PARAMETERS, max_size=6).map("&".join))
BODIES = st.one_of(
    st.none(),
    st.just({}),
    st.binary(max_size=200).map(lambda data: {"encoding": "base64", "data": base64.b64encode(data).decode()}),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=40).map(
        lambda text: {"encoding": "text", "data": text}
    ),
)
REGIONS = st.sampled_from(["eu-west-1", "ap-northeast-1", "us-gov-west-1", "ap-southeast-5"])
CLOCKS = st.one_of(st.integers(0, END_OF_TIME), st.floats(0, 4e9), st.sampled_from([0, 951_782_400, 1_709_164_799.999]))
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])


def signed_by(router, request, host, region, keys, now, **more):
    environment = {f"AWS_{name}": value for name, value in keys.items() if value}
    return {
        name: v["value"] for name, (v,) in router.sign(request, host, environment, now, region=region, **more).items()
    }


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=[v["name"] for v in SUITE["vectors"]])
def test_published_vectors(vector, router, request_):
    """The suite's service is no API's, hence the argument; the body is empty in all that apply."""
    request = {
        **request_,
        "method": vector["method"],
        "uri": vector["path"],
        "querystring": vector["query"],
        "body": {},
    }
    keys = {
        "ACCESS_KEY_ID": SUITE["accessKey"],
        "SECRET_ACCESS_KEY": SUITE["secretKey"],
        "SESSION_TOKEN": vector.get("token"),
    }
    now = calendar.timegm(time.strptime(SUITE["date"], "%Y%m%dT%H%M%SZ"))
    names = "host;x-amz-date" + (";x-amz-security-token" if "token" in vector else "")
    scope = f"{SUITE['accessKey']}/{SUITE['date'][:8]}/{SUITE['region']}/{SUITE['service']}/aws4_request"
    headers = signed_by(router, request, SUITE["host"], SUITE["region"], keys, now, service=SUITE["service"])
    assert headers["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={vector['signature']}"
    )


def by_botocore(request, host, region, keys, body, now):
    """Every header that botocore adds to the request, by its own public way in."""
    url = f"https://{host}{request['uri']}" + (f"?{request['querystring']}" if request["querystring"] else "")
    theirs = AWSRequest(request["method"], url, data=body)
    moment = datetime(1970, 1, 1) + timedelta(seconds=int(now))  # naive UTC, as botocore has it
    with patch.object(botocore.auth, "get_current_datetime", lambda **_: moment):
        credentials = Credentials(keys["ACCESS_KEY_ID"], keys["SECRET_ACCESS_KEY"], keys["SESSION_TOKEN"])
        SigV4Auth(credentials, "execute-api", region).add_auth(theirs)
    return {name.lower(): value for name, value in theirs.headers.items()}


@settings(
    max_examples=REQUESTS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    method=METHODS, path=PATHS, query=QUERIES, body=BODIES, region=REGIONS, secret=SECRETS, now=CLOCKS,
    token=st.one_of(st.none(), SECRETS),
)  # fmt: skip
@example(
    "POST", "/a//../%2e/é/", "a=2&a=1&=&&b=+&%ff", {"encoding": "base64", "data": "/w=="}, "eu-west-1", "s", 0, "t"
)
def test_signature_is_the_one_that_botocore_makes(
    router, request_, method, path, query, body, region, secret, now, token
):
    host = f"{region}.origin.api.example.com"
    request = {**request_, "method": method, "uri": path, "querystring": query, "body": body}
    routed = router.rewrite(request, host)
    keys = {"ACCESS_KEY_ID": "AKIDEXAMPLE", "SECRET_ACCESS_KEY": secret, "SESSION_TOKEN": token}
    ours = signed_by(router, routed, host, region, keys, now)
    sent = (
        b"" if not body else base64.b64decode(body["data"]) if body["encoding"] == "base64" else body["data"].encode()
    )
    assert ours == by_botocore(routed, host, region, keys, sent, now)


def test_path_of_the_origin_is_signed_too(router, request_):
    """CloudFront puts it in front of the request's own, so that it is a part of what arrives."""
    custom = {**request_["origin"]["custom"], "path": "/stage"}
    keys = {"ACCESS_KEY_ID": "AKIDEXAMPLE", "SECRET_ACCESS_KEY": "secret", "SESSION_TOKEN": None}
    host, now = "eu-west-1.origin.api.example.com", 1_800_000_000
    plain = signed_by(router, {**request_, "uri": "/stage/orders"}, host, "eu-west-1", keys, now)
    assert (
        signed_by(router, {**request_, "uri": "/orders", "origin": {"custom": custom}}, host, "eu-west-1", keys, now)
        == plain
    )
