"""What no template sets: shown with its reason, only while the stack is at rest, and never a reason to keep a deployment back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.diff import diff
from reconciler.diff.beside import RULES, beside_findings
from reconciler.model.change import Disposition, Finding
from reconciler.model.observed import Observed, Record, StackState, Zone
from reconciler.model.stacks import StackKind, StackRef
from reconciler.observe import observe
from tests.unit.observe.worlds import AT, TOPOLOGY, facts, region_with

API, EDGE = StackRef(StackKind.API, "eu-west-1"), StackRef(StackKind.EDGE, "us-east-1")
SOON, LATER = AT + timedelta(days=20), AT + timedelta(days=22)
FIREWALL = "DistributionConfig.WebACLId"


def state(ref: StackRef, status: str = "CREATE_COMPLETE", **properties: Any) -> StackState:
    body = {"Distribution": {"Type": "AWS::CloudFront::Distribution", "Properties": properties}}
    return StackState(
        ref=ref, status=status, changed_at=AT - timedelta(hours=1), template={"Resources": body if properties else {}}
    )


def seen(*states: StackState, **more: Any) -> Observed:
    bare = observe(facts(), TOPOLOGY)
    return replace(bare, stacks={s.ref: s for s in states}, **more)


def found(observed: Observed) -> list[Finding]:
    return list(beside_findings(TOPOLOGY, observed))


@pytest.mark.parametrize(
    ("ref", "name", "prop", "value", "disposition", "path"),
    [
        (API, "Function", "ReservedConcurrentExecutions", 0, "hold", "regions/eu-west-1/api/Function/ReservedConcurrentExecutions"),
        (API, "Function", "ReservedConcurrentExecutions", None, None, ""),
        (API, "Function", "Layers", ["arn"], "hold", "regions/eu-west-1/api/Function/Layers"),
        (API, "Function", "Policy", [{"Sid": "x"}], "page", "regions/eu-west-1/api/Function/Policy"),
        (API, "Stage", "CanarySetting", {"percentTraffic": 5}, "hold", "regions/eu-west-1/api/Stage/CanarySetting"),
        (API, "Stage", "CacheClusterEnabled", False, None, ""),
        (API, "SharedDomain", "Status", "PENDING_OWNERSHIP_VERIFICATION", "page", "regions/eu-west-1/api/SharedDomain/Status"),
        (API, "SharedDomain", "Status", "UPDATING", None, ""),
        (API, "RegionalMapping", "Others", ["v2"], "page", "regions/eu-west-1/api/RegionalMapping/Others"),
        (API, "Probe", "Disabled", True, "heal", "regions/eu-west-1/api/Probe/Disabled"),
        (API, "Certificate", "Status", "EXPIRED", "page", "regions/eu-west-1/api/Certificate/Status"),
        (EDGE, "Certificate", "RenewalStatus", "FAILED", "page", "edge/certificateArn"),
        (EDGE, "Certificate", "NotAfter", SOON, "page", "edge/certificateArn"),
        (EDGE, "Certificate", "NotAfter", LATER, None, ""),
        (EDGE, "Distribution", FIREWALL, "arn", "hold", "edge/webAclArn"),
        (EDGE, "Headers", "CustomHeadersConfig", ["x"], "hold", "edge/Headers/CustomHeadersConfig"),
    ],
)  # fmt: skip
def test_the_usual_is_no_finding(
    ref: StackRef, name: str, prop: str, value: Any, disposition: str | None, path: str
) -> None:
    findings = found(seen(state(ref), beside={(ref, name, prop): value}))
    stack = ref if disposition == "heal" else None
    assert [(f.path, str(f.disposition), f.stack) for f in findings] == (
        [(path, disposition, stack)] if disposition else []
    )


def test_what_the_template_sets_is_compared_there() -> None:
    values = {(EDGE, "Distribution", FIREWALL): "arn"}
    assert found(seen(state(EDGE, DistributionConfig={"WebACLId": "arn"}), beside=values)) == []


def test_a_stack_that_moves_is_not_judged() -> None:
    values = {(API, "Stage", "CanarySetting"): {"percentTraffic": 5}}
    for moving in (state(API, "UPDATE_IN_PROGRESS"), replace(state(API), changed_at=AT)):
        assert found(seen(moving, beside=values, strangers=(Record(name="origin.api.example.com", type="AAAA"),))) == []


def test_nobody_is_kept_from_deploying_for_it() -> None:
    observed = seen(state(API), beside={(API, "Stage", "CanarySetting"): {"percentTraffic": 5}})
    judged = diff(TOPOLOGY, {}, observed)
    assert [f.disposition for f in judged.findings if "Canary" in f.path] == [Disposition.HOLD]
    assert judged.by_hand(API) == ()


def test_a_strange_record_is_paged_with_where_it_leads() -> None:
    stranger = Record(name="origin.api.example.com", type="A", values=("192.0.2.1",), set_identifier="mine")
    (finding,) = found(seen(strangers=(stranger,)))
    assert (finding.path, finding.observed) == ("routing/records/origin.api.example.com/A/mine", ["192.0.2.1"])
    assert finding.disposition is Disposition.PAGE


ROUTE = {
    "Type": "AWS::Route53::RecordSet",
    "Properties": {"Name": "route.api.example.com.", "Type": "CNAME", "SetIdentifier": "eu-west-1"},
}


@pytest.mark.parametrize(
    ("record", "strange"),
    [
        ({"Name": "route.api.example.com.", "Type": "CNAME", "SetIdentifier": "eu-west-1"}, False),
        ({"Name": "ROUTE.api.example.com.", "Type": "CNAME", "SetIdentifier": "other"}, True),
        ({"Name": "api.example.com.", "Type": "HTTPS"}, True),
        ({"Name": "api.example.com.", "Type": "TXT"}, False),
        ({"Name": "_1.api.example.com.", "Type": "CNAME"}, False),
        ({"Name": "eu-west-1.origin.api.example.com.", "Type": "AAAA"}, True),
    ],
)
def test_records_that_no_stack_declares(record: dict[str, Any], strange: bool) -> None:
    routing = region_with("meridian-orders-routing", template={"Resources": {"RouteEuWest1": ROUTE}})
    assert bool(observe(facts({"us-east-1": routing}, records=[record]), TOPOLOGY).strangers) is strange


@pytest.mark.parametrize(
    ("zone", "paths"),
    [
        ({"name_servers": ("a", "b"), "answered": ("b", "a"), "signing": "SIGNING"}, []),
        ({"name_servers": ("a", "b"), "answered": ()}, []),
        ({"name_servers": ("a", "b"), "answered": ("a", "c")}, ["domain/hostedZoneId/nameServers"]),
        ({"signing": "ACTION_NEEDED"}, ["domain/hostedZoneId/signing"]),
    ],
)
def test_the_zones_own_words(zone: dict[str, Any], paths: list[str]) -> None:
    found_there = found(seen(zone=Zone(id="Z", name="example.com", private=False, **zone)))
    assert [f.path for f in found_there] == paths


def test_each_rule_says_what_a_person_can_do() -> None:
    left = [rule for rule in RULES if rule.disposition is not Disposition.HEAL]
    assert all("hand" in rule.reason or "person" in rule.reason for rule in left)
