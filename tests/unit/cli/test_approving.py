"""`approve`, what `status` shows of it, and what the next pass reads, on a table and a queue in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from reconciler.aws.approvals import query
from reconciler.cli import approving
from reconciler.model.approval import Approval
from reconciler.report.status import status_document
from tests.fakes import outcomes
from tests.unit.report.test_schemas import check

HOME = ("--home-region", "us-east-1")
WHY = ("--reason", "read it with Bob")
JSON = ("--format", "json")
F, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
APPROVE = ("approve", "orders", *HOME, *WHY)


@pytest.fixture
def aws(monkeypatch, meridian):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield lambda name: boto3.client(name, region_name="us-east-1")


@pytest.fixture
def table(aws):
    names = {"pk": "HASH", "sk": "RANGE"}
    aws("dynamodb").create_table(
        TableName="meridian-state",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
    )
    return aws("dynamodb")


def keep(table, outcome) -> dict:
    document = status_document(outcome, None)
    item = {"pk": {"S": "topology#orders"}, "sk": {"S": "status"}, "body": {"S": json.dumps(document)}}
    table.put_item(TableName="meridian-state", Item=item)
    return document


def waiting(fingerprint=F, approval=None):
    """A pass that waits for an approval of this plan, and saw that one."""
    seen = outcomes.refused()
    plan = replace(seen.plan, fingerprint=fingerprint, unapproved=("write-interruption",))
    return replace(seen, plan=plan, observed=replace(seen.observed, approval=approval))


@pytest.fixture
def recorded(table):
    return keep(table, waiting())


@pytest.fixture
def queue(aws):
    return aws("sqs").create_queue(QueueName="meridian-reconcile")["QueueUrl"]


def test_a_plan_is_approved_and_the_control_plane_told(meridian, aws, recorded, queue):
    ran = meridian(*APPROVE, "--fingerprint", F, "--expires", "2h", *JSON)
    document = check(ran.json)
    assert (ran.code, document["changed"], document["awaited"], document["woken"]) == (0, True, F, True)
    word = Approval.recorded(query(aws("dynamodb"), "orders"))
    assert word.document() == document["approval"]
    assert word.by.startswith("arn:aws:")
    assert word.expires - datetime.fromisoformat(word.at) - timedelta(hours=2) < timedelta(seconds=1)
    assert word.holds(F, datetime.now(UTC))
    (message,) = aws("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"]) == {"topology": "orders", "reason": "approval"}


def test_without_a_control_plane_it_is_said_that_nobody_was_told(meridian, recorded):
    ran = meridian(*APPROVE, "--fingerprint", F)
    assert ran.code == 0
    assert f"orders: the plan {F} is approved until" in ran.out
    assert "the control plane could not be told" in ran.out
    assert "warning" not in ran.out


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (waiting(OTHER), f"another plan waits: {OTHER}"),
        (outcomes.outcome(), "shows no plan that waits"),
    ],
    ids=["another", "none"],
)
def test_a_plan_that_does_not_wait_is_approved_with_a_warning(meridian, table, seen, words):
    keep(table, seen)
    ran = meridian(*APPROVE, "--fingerprint", F)
    assert (ran.code, f"warning: its status {'shows that ' if 'another' in words else ''}{words}" in ran.out) == (
        0,
        True,
    )


def test_it_is_taken_back_with_or_without_its_fingerprint(meridian, table, recorded):
    assert "nothing of orders was approved" in meridian(*APPROVE, "--revoke").out
    meridian(*APPROVE, "--fingerprint", F)
    ran = meridian(*APPROVE, "--revoke", *JSON)
    assert (ran.code, check(ran.json)["approval"]["fingerprint"]) == (0, F)
    assert ran.json["approval"]["revoked"].startswith("arn:aws:")
    assert not Approval.recorded(query(table, "orders")).holds(F, datetime.now(UTC))
    assert not meridian(*APPROVE, "--revoke", *JSON).json["changed"]
    assert meridian(*APPROVE, "--revoke", "--fingerprint", OTHER, *JSON).json["approval"]["fingerprint"] == OTHER
    assert meridian(*APPROVE, "--fingerprint", F, *JSON).json["approval"]["revoked"] == "", "and may be given anew"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--fingerprint is missing"),
        (("--fingerprint", "sha256:abc"), "is not a plan's fingerprint"),
        (("--fingerprint", F, "--expires", "31d"), "longer than 30 days"),
        (("--fingerprint", F, "--reason", " "), "must say why"),
        (("--fingerprint", F, "--reason", "x" * 501), "must say why"),
    ],
)
def test_what_makes_no_sense_is_refused(meridian, recorded, arguments, words):
    ran = meridian(*APPROVE, *arguments)
    assert (ran.code, words in ran.err) == (64, True)


def test_what_is_not_there_is_not_said_to_be_approved(meridian, recorded):
    ran = meridian("approve", "ordrs", *HOME, *WHY, "--fingerprint", F, *JSON)
    assert (ran.code, ran.json["errors"][0]["code"]) == (1, "NotRecorded")


WORD = Approval(
    fingerprint=F, by="arn:ann", at="2026-01-01T00:00:00Z", expires=datetime(2100, 1, 1, tzinfo=UTC), reason="R"
)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        (WORD, "valid until 2100-01-01T00:00:00+00:00: R"),
        (
            replace(WORD, expires=datetime(2000, 1, 1, tzinfo=UTC)),
            "expired at 2000-01-01T00:00:00+00:00, without effect",
        ),
        (replace(WORD, revoked="arn:bob"), "revoked by arn:bob"),
        (replace(WORD, fingerprint=OTHER), "not of the plan as it is now"),
    ],
    ids=["valid", "expired", "revoked", "another"],
)
def test_the_status_shows_what_was_approved_and_what_waits(meridian, table, word, words):
    keep(table, waiting(approval=word))
    document = check(meridian("status", "orders", *HOME, *JSON).json)
    assert document["plan"]["fingerprint"] == F
    assert document["plan"]["approval"] == {"fingerprint": F, "hazards": ["write-interruption"]}
    assert f"by arn:ann at 2026-01-01T00:00:00Z: {words}" in meridian("status", "orders", *HOME).out


@pytest.mark.parametrize(
    "body", ["", "no json", "[]", "{}", '{"fingerprint": 7}', json.dumps(WORD.document() | {"expires": "1"})]
)
def test_what_makes_no_sense_in_the_table_approves_nothing(table, body):
    item = {"pk": {"S": "approval#orders"}, "sk": {"S": "approval"}, "body": {"S": body}}
    table.put_item(TableName="meridian-state", Item=item)
    assert Approval.recorded(query(table, "orders")) is None


def test_who_converges_with_a_plan_file_has_approved_that_plan():
    class Cloud:
        def facts(self, topology, sweep=None):
            return outcomes_facts

        def account(self, topology):
            return "111111111111"

    class Clock:
        def now(self):
            return datetime(2026, 1, 1, tzinfo=UTC)

    from reconciler.loop import Ports
    from tests.fakes.topologies import orders
    from tests.unit.observe.worlds import facts

    outcomes_facts = facts()
    ports = Ports(cloud=Cloud(), synthesizer=None, revisions=None, journal=None, clock=Clock(), issuers=None)
    assert approving.agreed(ports, orders(), F, by=lambda home: "arn:ann") is ports, "where nobody asks"
    careful = replace(orders(), safety=replace(orders().safety, approval="hazards"))
    ours = approving.agreed(ports, careful, F, by=lambda home: "arn:ann")
    word = Approval.recorded(ours.cloud.facts(careful).approval)
    assert (word.fingerprint, word.by, word.reason) == (F, "arn:ann", "converge --plan")
    assert word.holds(F, Clock().now())
    assert ours.cloud.account(careful) == "111111111111"
    for taken_back, counts in ((F, False), (OTHER, True)):
        revoked = replace(WORD, fingerprint=taken_back, revoked="arn:bob")
        outcomes_facts = replace(outcomes_facts, approval=revoked.document())
        assert Approval.recorded(ours.cloud.facts(careful).approval).holds(F, Clock().now()) is counts
