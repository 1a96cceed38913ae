"""Which topologies an event is about."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.message import Message
from reconciler.waking import Waker, concerned, reason

KNOWN = ("orders", "orders-eu", "bills", "api")
ALL = tuple(sorted(KNOWN))
OURS = "arn:aws:iam::111111111111:role/meridian-reconcile"
THEIRS = "arn:aws:iam::111111111111:role/operator"


def event(source: str, kind: str, **detail: Any) -> dict[str, Any]:
    return {"version": "0", "source": source, "detail-type": kind, "detail": detail, "region": "eu-west-1"}


def uploaded(key: str) -> dict[str, Any]:
    return event("aws.s3", "Object Created", bucket={"name": "meridian-revisions"}, object={"key": key})


def stack(name: str, status: str = "UPDATE_COMPLETE") -> dict[str, Any]:
    arn = f"arn:aws:cloudformation:eu-west-1:111111111111:stack/{name}/8f3e"
    details = {"stack-id": arn, "status-details": {"status": status}}
    return event("aws.cloudformation", "CloudFormation Stack Status Change", **details)


def database(identifier: str) -> dict[str, Any]:
    return event("aws.rds", "RDS DB Cluster Event", SourceIdentifier=identifier, EventID="RDS-EVENT-0181")


def alarm(name: str) -> dict[str, Any]:
    return event("aws.cloudwatch", "CloudWatch Alarm State Change", alarmName=name)


def call(service: str, parameters: Any, issuer: str = THEIRS, **more: Any) -> dict[str, Any]:
    identity = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": issuer}}}
    fields = {"eventSource": f"{service}.amazonaws.com", "userIdentity": identity, "requestParameters": parameters}
    return event(f"aws.{service}", "AWS API Call via CloudTrail", **fields, **more)


@pytest.mark.parametrize(
    ("happened", "names"),
    [
        (uploaded("revisions/orders.zip"), ("orders",)),
        (uploaded("revisions/orders-eu.zip"), ("orders-eu",)),
        (uploaded("heads/bills.json"), ("bills",)),
        (uploaded("revisions/stranger.zip"), ()),
        (uploaded("revisions/a/orders.zip"), ()),
        (uploaded("runs/orders/2030-01-01/12.json.gz"), ()),
        (uploaded("templates/abc.zip"), ()),
        (uploaded("reports/orders.html"), ()),
        (stack("meridian-orders-data"), ("orders",)),
        (stack("meridian-orders-eu-data"), ("orders-eu",)),
        (stack("meridian-api-api", "ROLLBACK_COMPLETE"), ("api",)),
        (stack("meridian-orders-data", "UPDATE_IN_PROGRESS"), ()),
        (stack("meridian-foundation"), ALL),
        (stack("meridian-stranger-data"), ()),
        (stack("somebody-elses"), ()),
        (stack("meridian-orders"), ()),
        (database("orders"), ("orders",)),
        (database("orders-eu-west-1"), ("orders",)),
        (database("orders-eu-eu-west-1"), ("orders-eu",)),
        (database("orders-eu-west-1-2"), ("orders",)),
        (database("orders-archive"), ()),
        (database("stranger-eu-west-1"), ()),
        (alarm("meridian-bills-api-errors"), ("bills",)),
        (alarm("meridian-orders-eu-west-1-probe"), ("orders", "orders-eu")),
        (alarm("meridian-control-errors"), ()),
        (call("rds", {"dBClusterIdentifier": "orders-us-east-1"}), ("orders",)),
        (call("rds", {"dBClusterIdentifier": "arn:aws:rds:us-east-1:1:cluster:bills-us-east-1"}), ("bills",)),
        (call("rds", {"globalClusterIdentifier": "orders-eu", "targetDbClusterIdentifier": "x"}), ("orders-eu",)),
        (call("rds", {"dBClusterIdentifier": "somebody-elses"}), ()),
        (call("cloudformation", {"stackName": "meridian-bills-edge"}), ("bills",)),
        (call("cloudformation", {"stackName": "somebody-elses"}), ()),
        (call("route53", {"hostedZoneId": "Z1", "changeBatch": {"changes": []}}), ALL),
        (call("cloudfront", {"id": "E1", "distributionConfig": {"enabled": False}}), ALL),
        (call("route53", {"hostedZoneId": "Z1"}, OURS), ()),
        (call("rds", {"dBClusterIdentifier": "orders-us-east-1"}, OURS), ()),
        (call("route53", {"hostedZoneId": "Z1"}, errorCode="AccessDenied"), ()),
        (call("route53", {"hostedZoneId": "Z1"}, readOnly=True), ()),
        (call("route53", None), ALL),
        (event("aws.events", "Scheduled Event"), ALL),
        (event("aws.acm", "ACM Certificate Approaching Expiration"), ALL),
        ({"topology": "bills"}, ("bills",)),
        ({"topology": "stranger"}, ()),
        ({}, ALL),
        (None, ALL),
        ([1, 2], ALL),
    ],
    ids=lambda value: None,
)
def test_concerned(happened: Any, names: tuple[str, ...]) -> None:
    assert concerned(happened, KNOWN, [OURS]) == names


def test_what_is_in_a_call_is_looked_through_only_so_far() -> None:
    deep: Any = "orders"
    for _ in range(100_000):
        deep = [deep]
    assert concerned(call("rds", {"x": deep}), KNOWN, ()) == ()
    assert concerned(call("rds", ["x"] * 5000), KNOWN, ()) == ALL


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from([*KNOWN, "revisions/x.zip", "aws.s3", OURS]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
EXAMPLES = [
    uploaded("revisions/orders.zip"),
    stack("meridian-orders-data"),
    database("orders"),
    alarm("meridian-x-y"),
    call("rds", {}),
]


@st.composite
def mangled(draw: st.DrawFn) -> Any:
    """A real event with something strange in one of its places."""
    found = copy.deepcopy(draw(st.sampled_from(EXAMPLES)))
    places = [(found, key) for key in found]
    for holder, key in places:
        inside = holder[key]
        if isinstance(inside, dict):
            places += [(inside, k) for k in inside]
    holder, key = draw(st.sampled_from(places))
    holder[key] = draw(JSON)
    return found


@given(JSON | mangled(), st.sets(st.sampled_from(KNOWN)))
def test_nothing_raises_and_no_strange_name_comes_out(happened: Any, known: set[str]) -> None:
    assert set(concerned(happened, known, [OURS])) <= known


# ---- the function's --------------------------------------------------------------------------------------------------------------


class World:
    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.listed, self.now, self.sent, self.over = 0, 0.0, [], []
        self.waker = Waker(names=self.listing, send=self.send, seconds=lambda: self.now, own=[OURS])

    def send(self, messages: Sequence[Message], over: timedelta) -> None:
        self.sent.append(messages)
        self.over.append(over)

    def listing(self) -> list[str]:
        self.listed += 1
        return self.names


def test_one_message_each_and_a_burst_lists_the_bucket_once() -> None:
    world = World("orders", "bills")
    for _ in range(3):
        assert world.waker.wake(stack("meridian-orders-data")) == ("orders",)
    assert world.waker.wake(event("aws.events", "Scheduled Event")) == ("bills", "orders")
    assert world.listed == 1
    assert [[m.topology for m in sent] for sent in world.sent] == [["orders"]] * 3 + [["bills", "orders"]]
    assert world.sent[0][0].reason == "CloudFormation Stack Status Change"


def test_people_are_told_which_call_it_was_and_nothing_that_breaks_their_log() -> None:
    assert reason(call("rds", {}, eventName="ModifyDBCluster")) == "AWS API Call via CloudTrail: ModifyDBCluster"
    assert reason(call("rds", {}, eventName="a\nb" * 99)).startswith("AWS API Call via CloudTrail: ababab")
    assert reason(call("rds", {}, eventName=["?"])) == "AWS API Call via CloudTrail"
    assert len(reason(event("x", "long" * 99))) == 80
    assert reason(event("aws.rds", "RDS DB Cluster Event", eventName="no call")) == "RDS DB Cluster Event"
    assert reason([]) == "woken"


def test_a_first_bundle_is_known_at_once() -> None:
    world = World("orders")
    world.waker.wake(stack("meridian-orders-data"))
    world.names.append("bills")
    assert world.waker.wake(uploaded("revisions/bills.zip")) == ("bills",)


def test_what_is_known_is_not_known_for_ever() -> None:
    world = World("orders")
    world.waker.wake({})
    world.names, world.now = ["bills"], 11.0
    assert world.waker.wake({}) == ("bills",)


def test_nobody_concerned_no_message_and_strange_keys_are_no_topologies() -> None:
    world = World("orders", "A Stranger", "x" * 60)
    assert world.waker.wake(stack("somebody-elses")) == ()
    assert world.sent == []
    assert world.waker.wake({}) == ("orders",)


def test_the_timer_takes_its_quarter_of_an_hour_for_all_and_an_event_as_long_as_route53_needs() -> None:
    world = World(*(f"t{i:02}" for i in range(100)))
    for happened in (event("aws.events", "Scheduled Event"), stack("meridian-foundation"), stack("meridian-t07-data")):
        world.waker.wake(happened)
    resync, everything, one = world.over
    assert [len(sent) for sent in world.sent] == [100, 100, 1]
    assert resync == timedelta(minutes=15)
    assert timedelta(minutes=2) < everything < resync
    assert one == timedelta(), "who changed something waits for nobody"


def test_a_few_are_looked_at_together() -> None:
    world = World(*KNOWN)
    world.waker.wake(stack("meridian-foundation"))
    assert world.over == [timedelta()]


def test_only_the_clocks_messages_are_routine_and_they_stay_so_on_the_way() -> None:
    sent: list[Message] = []
    waker = Waker(names=lambda: KNOWN, send=lambda messages, _: sent.extend(messages), seconds=lambda: 0.0, own=())
    waker.wake(event("aws.events", "Scheduled Event"))
    waker.wake(database("orders-eu-west-1"))
    assert [m.routine for m in sent] == [True] * len(KNOWN) + [False]
    assert [Message.read(m.body()) for m in sent] == sent
    assert not Message.read('{"topology": "orders", "routine": "yes"}').routine


def test_no_event_is_delivered_of_what_passes_write_into_the_bucket_themselves() -> None:
    template = json.loads((Path(__file__).parents[2] / "golden" / "templates" / "control.json").read_text())
    pattern = template["Resources"]["RevisionRule"]["Properties"]["EventPattern"]
    prefixes = [match["prefix"] for match in pattern["detail"]["object"]["key"]]
    assert sorted(prefixes) == ["heads/", "revisions/"]
    for key in ("reports/orders.html", "runs/orders/x.json.gz"):
        assert not key.startswith(tuple(prefixes))
