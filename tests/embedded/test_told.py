"""Outlets of a pass where IAM is enforced: notices reach a queue once, and the page whoever may look, by a link."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.announcing import Announcing, Outlets
from reconciler.aws.clients import Clients
from reconciler.aws.notices import TopicNotifier
from reconciler.aws.pages import BucketPages, link
from reconciler.report.html import page
from tests.embedded.iam_world import ACCOUNT, Caller, World, allow
from tests.fakes import outcomes
from tests.unit.loop.test_announcing import Clock
from tests.unit.loop.test_announcing import World as Journal
from tests.unit.report.test_schemas import check

HOME = "us-east-1"
BUCKET = f"meridian-revisions-{ACCOUNT}-{HOME}"
TOPIC = f"arn:aws:sns:{HOME}:{ACCOUNT}:meridian-events"
QUEUE = f"arn:aws:sqs:{HOME}:{ACCOUNT}:told"


@pytest.fixture
def key(world: World) -> str:
    """Bucket, topic and a team's queue, as `bootstrap` and the team leave them."""
    made = str(world.aws.client("kms").create_key()["KeyMetadata"]["Arn"])
    s3, sns, sqs = (world.aws.client(name) for name in ("s3", "sns", "sqs"))
    s3.create_bucket(Bucket=BUCKET)
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": made}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=rules)
    sns.create_topic(Name="meridian-events", Attributes={"KmsMasterKeyId": made})
    admits = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**admits, "Resource": QUEUE}]}
    sqs.create_queue(QueueName="told", Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    return made


def acting(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setenv("AWS_ENDPOINT_URL", caller.url)
    for name, value in caller.environment.items():
        monkeypatch.setenv(name, value)
    return Clients()


def told(world: World) -> list[dict[str, Any]]:
    sqs = world.aws.client("sqs")
    url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
    return [check(json.loads(json.loads(message["Body"])["Message"])) for message in found]


def one_pass(journal: Journal, clients: Clients, status: dict[str, Any]) -> None:
    outlets = Outlets(
        notifier=TopicNotifier(clients, TOPIC, HOME),
        pages=BucketPages(clients, BUCKET, HOME),
        page=lambda document, at: page([document], at),
        untold=journal.untold.append,
    )
    telling = Announcing(journal, outlets, Clock(journal), ())
    telling.recorded(None)
    telling.record(None, status)
    telling.tell(None)
    journal.now += timedelta(minutes=1)


def statuses() -> tuple[dict[str, Any], dict[str, Any]]:
    from reconciler.report.status import status_document

    good = check(status_document(outcomes.outcome(), None))
    return good, check(status_document(outcomes.refused(), good))


def test_a_convergence_and_a_refusal_are_told_once_each_and_the_page_is_for_who_may_look(
    world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishes = (
        allow("sns:Publish", resource=TOPIC),
        allow("s3:PutObject", resource=f"arn:aws:s3:::{BUCKET}/reports/*"),
        allow("kms:Decrypt", "kms:GenerateDataKey", resource=key),
    )
    clients = acting(world.assume("reconcile", *publishes), monkeypatch)
    journal, (good, bad) = Journal(now=datetime(2026, 3, 1, 4, tzinfo=UTC)), statuses()
    for status in (good, good, bad, bad):
        one_pass(journal, clients, status)
    assert journal.untold == []
    found = told(world)
    assert [notice["event"] for notice in found] == ["converged", "refused"]
    assert len({notice["id"] for notice in found}) == 2

    kept = world.aws.client("s3").get_object(Bucket=BUCKET, Key="reports/orders.html")
    assert (kept["ContentType"], kept["CacheControl"]) == ("text/html; charset=utf-8", "no-cache")
    via = {"StringEquals": {"kms:ViaService": f"s3.{HOME}.amazonaws.com"}}
    reads = allow("s3:GetObject", resource=f"arn:aws:s3:::{BUCKET}/reports/*")
    acting(world.assume("reader", reads, allow("kms:Decrypt", resource=key, Condition=via)), monkeypatch)
    with urllib.request.urlopen(link(BUCKET, "reports/orders.html", HOME)) as answer:
        assert "orders" in answer.read().decode()
    acting(world.assume("stranger", allow("sqs:ListQueues")), monkeypatch)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link(BUCKET, "reports/orders.html", HOME))


def test_without_the_right_it_waits_says_so_and_is_told_once_there_is_one(
    world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, (good, _) = Journal(now=datetime(2026, 3, 1, 4, tzinfo=UTC)), statuses()
    one_pass(journal, acting(world.assume("blind", allow("sns:Publish", resource=TOPIC)), monkeypatch), good)
    assert told(world) == []
    assert "AccessDenied: s3:PutObject of reports/orders.html" in journal.untold[0]
    assert "kms:GenerateDataKey" in journal.untold[1]
    rights = allow("sns:Publish", "kms:*", "s3:PutObject")
    one_pass(journal, acting(world.assume("granted", rights), monkeypatch), good)
    assert [notice["event"] for notice in told(world)] == ["converged"]
