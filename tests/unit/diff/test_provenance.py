"""Who made a finding: which questions CloudTrail gets, and which call of its answers is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler import tracing
from reconciler.diff import provenance
from reconciler.model.change import Diff, Disposition, Finding
from reconciler.model.observed import Unknown
from reconciler.model.provenance import Act, Lookup
from reconciler.model.stacks import StackKind
from tests.fakes import outcomes

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
API = outcomes.ref(StackKind.API, "eu-west-1")
NAME = "meridian-orders-api"
TEMPLATE = {
    "Resources": {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": NAME, "MemorySize": 512}},
        "Record": {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": "a.example.com.", "TTL": 10}},
    }
}
OBSERVED = outcomes.observed(stacks={API: outcomes.state(API, template=TEMPLATE, resources={"Function": NAME})})
MEMORY = Finding(
    path="regions/eu-west-1/api/memoryMb",
    region="eu-west-1",
    disposition=Disposition.HEAL,
    reason="",
    desired=512,
    observed=128,
    stack=API,
    logical_id="Function",
)
UPDATE = "UpdateFunctionConfiguration20150331v2"
BY_NAME = Lookup(region="eu-west-1", attribute="ResourceName", value=NAME)


def act(who="alice", minute=0, **more):
    given = {"call": UPDATE, "request": {"functionName": NAME, "memorySize": 128}, "agent": "aws-cli", **more}
    return Act(
        id=f"{who}{minute}",
        at=NOW + timedelta(minutes=minute),
        who=f"arn:aws:iam::1:user/{who}",
        address=given.pop("address", "203.0.113.7"),
        read_only=given.pop("read_only", False),
        failed=given.pop("failed", False),
        **given,
    )


def test_the_one_who_did_it_is_named_with_call_place_and_time():
    said = provenance.author(MEMORY, OBSERVED, [act()])
    assert said == f"arn:aws:iam::1:user/alice {UPDATE} 203.0.113.7 2026-03-01T03:00:00Z"


@pytest.mark.parametrize(
    "other",
    [
        {"agent": "Botocore meridian/1 meridian-lease/orders#7"},
        {"agent": "cloudformation.amazonaws.com", "address": "cloudformation.amazonaws.com"},
        {"read_only": True},
        {"failed": True},
        {"request": {"functionName": "another"}},
        {"call": "TagResource20170331v2"},
    ],
    ids=str,
)
def test_calls_that_cannot_have_done_it_are_passed_over(other):
    assert provenance.author(MEMORY, OBSERVED, [act("bob", 5, **other)]) is None
    assert "alice" in provenance.author(MEMORY, OBSERVED, [act("bob", 5, **other), act()])


def test_who_set_the_value_is_named_not_who_repeated_it_or_changed_something_else():
    finding = replace(MEMORY, path="regions/eu-west-1/api/Function/MemorySize")
    elsewhere = act("carol", 9, request={"functionName": NAME, "timeout": 3})
    acts = [elsewhere, act("bob", 5), act("alice", 1), act("dave", 0, request={"functionName": NAME, "memorySize": 64})]
    assert "alice" in provenance.author(finding, OBSERVED, acts)
    assert "dave" in provenance.author(replace(finding, observed=64), OBSERVED, acts[3:])


def test_hostile_names_are_one_short_line():
    said = provenance.author(MEMORY, OBSERVED, [act("a\x1b[2Jb\n" + "x" * 900)])
    assert said.isprintable()
    assert len(said) == 240


GATE = replace(MEMORY, path="regions/eu-west-1/traffic", stack=None, logical_id=None)
WRITER = replace(GATE, path="database/writer", region=None, desired="us-east-1", observed="eu-west-1")


@pytest.mark.parametrize(
    ("finding", "first", "then"),
    [
        (MEMORY, [("eu-west-1", NAME)], [("eu-west-1", UPDATE), ("eu-west-1", "UpdateFunctionCode20150331v2")]),
        (replace(MEMORY, logical_id="Record"), [("us-east-1", "Z1")], [("us-east-1", "ChangeResourceRecordSets")]),
        (
            GATE,
            [("us-east-1", "g-eu-west-1")],
            [("us-east-1", "UpdateHealthCheck"), ("us-east-1", "DeleteHealthCheck")],
        ),
        (
            WRITER,
            [("us-east-1", "orders"), ("eu-west-1", "orders")],
            [(r, f"{c}GlobalCluster") for c in ("Switchover", "Failover") for r in ("us-east-1", "eu-west-1")],
        ),
        (replace(MEMORY, logical_id="Gone"), [], []),
    ],
)
def test_the_resource_is_asked_for_then_the_usual_calls_where_their_events_arrive(finding, first, then):
    assert [(q.region, q.value) for q in provenance.by_resource(finding, OBSERVED)] == first
    assert [(q.region, q.value) for q in provenance.by_event(finding, OBSERVED)] == then


class Trail:
    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def looked_up(self, lookups):
        self.asked.append(tuple(lookups))
        return {q: self.answers.get(q, ()) for q in lookups}


def traced(trail, *findings):
    outcome = outcomes.outcome(observed=OBSERVED, diff=Diff(findings=findings))
    return [f.by for f in tracing.traced(trail, outcome).diff.findings]


def test_a_few_questions_are_asked_and_none_of_what_is_known():
    trail = Trail({BY_NAME: (act(),)})
    (told,) = traced(trail, MEMORY)
    assert (told.split("/")[1].split()[0], trail.asked) == ("alice", [(BY_NAME,)])
    assert traced(trail, replace(MEMORY, by="alice, long ago")) == ["alice, long ago"]
    assert len(trail.asked) == 1
    many = [replace(MEMORY, stack=None, path="regions/r/traffic", region=r) for r in outcomes.REGIONS] * 9
    traced(trail, *many)
    assert all(len(asked) <= tracing.MOST for asked in trail.asked)


def test_who_sets_it_back_after_each_repair_is_asked_for_and_not_of_what_no_hand_did():
    trail = Trail({BY_NAME: (act(),)})
    returned = replace(MEMORY, detected_by="repair", returns=2)
    unsettled = replace(MEMORY, detected_by="deployment", returns=2)
    back, never = traced(trail, returned, unsettled)
    assert ("alice" in back, never, trail.asked) == (True, None, [(BY_NAME,)])
    assert traced(trail, unsettled) == [None]
    assert len(trail.asked) == 1


def test_where_cloudtrail_knows_nothing_nobody_is_named_and_where_it_cannot_be_asked_that_is_said():
    assert traced(Trail({}), MEMORY) == [None]
    assert traced(Trail({BY_NAME: Unknown("AccessDenied", "no")}), MEMORY) == ["not known (CloudTrail: AccessDenied)"]
