"""The observed topology: what is not there is None, what could not be read is Unknown, and spellings are one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.facts import RegionFacts, StackFacts
from reconciler.model.observed import Failure, StackState, Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.observe import observe
from tests.unit.observe.worlds import AT, TOPOLOGY, check, facts, region_with, stack

EU, US = "eu-west-1", "us-east-1"
DENIED = Unknown("AccessDenied", "no")
API, DATA = "meridian-orders-api", "meridian-orders-data"


def test_nothing_there_is_absent_everywhere() -> None:
    observed = observe(facts(), TOPOLOGY)
    assert set(observed.stacks.values()) == {None}
    assert {StackRef(StackKind.ROUTING, US), StackRef(StackKind.EDGE, US)} <= set(observed.stacks)
    assert set(observed.clusters.values()) == set(observed.gates.values()) == set(observed.probes.values()) == {None}
    assert (observed.zone, observed.global_cluster, observed.distribution, observed.records) == (None, None, None, ())


def test_a_region_that_cannot_be_read_is_unknown_and_blinds_no_other() -> None:
    observed = observe(facts({EU: RegionFacts(stacks=DENIED, cluster=DENIED)}), TOPOLOGY)
    assert observed.unknown_regions() == {EU: DENIED}
    assert observed.clusters == {US: None, EU: DENIED, "ap-northeast-1": None}
    assert observed.probes[EU] == DENIED


def test_a_stack_whose_template_cannot_be_read_is_unknown() -> None:
    """Without its template it would look as if nothing had been applied."""
    observed = observe(facts({EU: region_with(API, template=DENIED)}), TOPOLOGY)
    assert observed.stacks[StackRef(StackKind.API, EU)] == DENIED


def test_a_stack_under_review_has_no_template() -> None:
    observed = observe(facts({EU: region_with(API, "REVIEW_IN_PROGRESS", template={})}), TOPOLOGY)
    state = observed.stack(StackKind.API, EU)
    assert state is not None
    assert (state.template, state.in_progress) == (None, False)


def event(logical_id: str, status: str, reason: str = "") -> dict[str, Any]:
    own = {"PhysicalResourceId": "arn:" + API} if logical_id == API else {}
    what = {"LogicalResourceId": logical_id, "ResourceType": f"Type::{logical_id}"}
    return {**what, **own, "ResourceStatus": status, "ResourceStatusReason": reason}


@pytest.mark.parametrize(
    ("newest_first", "expected"),
    [
        ((), None),
        (
            (
                event(API, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Role]"),
                event("Function", "CREATE_FAILED", "Resource creation cancelled"),
                event("Api", "CREATE_FAILED", "a consequence"),
                event("Role", "CREATE_FAILED", "no such policy"),
                event(API, "CREATE_IN_PROGRESS", "User Initiated"),
            ),
            Failure(logical_id="Role", resource_type="Type::Role", reason="no such policy"),
        ),
        (
            (event("Role", "DELETE_FAILED", "in use"), event(API, "CREATE_FAILED", "timed out")),
            Failure(logical_id="Role", resource_type="Type::Role", reason="in use"),
        ),
        (
            (event(API, "UPDATE_FAILED", "the stack itself"),),
            Failure(logical_id=API, resource_type=f"Type::{API}", reason="the stack itself"),
        ),
    ],
)
def test_the_failure_is_the_first_resource_that_was_not_merely_cancelled(
    newest_first: tuple[dict[str, Any], ...], expected: Failure | None
) -> None:
    region = RegionFacts(
        stacks={API: StackFacts(stack=stack(API, "ROLLBACK_COMPLETE"), template={"Resources": {}}, events=newest_first)}
    )
    state = observe(facts({EU: region}), TOPOLOGY).stack(StackKind.API, EU)
    assert isinstance(state, StackState)
    assert state.failure == expected


def test_a_gate_is_found_by_its_reference_and_the_newest_counts() -> None:
    checks = [
        check("old", "meridian/orders/eu-west-1/gate/2"),
        check("new", "meridian/orders/eu-west-1/gate/10", HealthThreshold=1),
        check("other", "meridian/orders2/eu-west-1/gate/11"),
    ]
    series = {"new": [(AT - timedelta(minutes=1), 1.0), (AT, 0.0)]}
    gate = observe(facts(health_checks=checks, health=series), TOPOLOGY).gates[EU]
    assert gate is not None
    assert not isinstance(gate, Unknown)
    assert (gate.id, gate.is_open, gate.healthy) == ("new", True, False)
    assert len(gate.samples) == len(series["new"])


def test_gates_and_probes_are_unknown_when_health_checks_are() -> None:
    regions = {EU: region_with(API, outputs={"ProbeId": "probe"})}
    observed = observe(facts(regions, health_checks=DENIED), TOPOLOGY)
    assert observed.gates[EU] == observed.probes[EU] == DENIED


@pytest.mark.parametrize(
    ("series", "expected"),
    [([(AT, 1.0)], ((AT, True),)), ([(AT, 0.0)], ((AT, False),)), ([], ()), (DENIED, DENIED)],
)
def test_a_probe_without_data_is_neither_healthy_nor_sick(series: Any, expected: Any) -> None:
    regions = {EU: region_with(API, outputs={"ProbeId": "probe"})}
    probe = observe(facts(regions, health_checks=[check("probe", "x")], health={"probe": series}), TOPOLOGY).probes[EU]
    assert (probe if isinstance(probe, Unknown) else probe and probe.samples) == expected


def test_a_probe_deleted_by_hand_is_absent() -> None:
    regions = {EU: region_with(API, outputs={"ProbeId": "probe"})}
    assert observe(facts(regions), TOPOLOGY).probes[EU] is None


def test_names_of_records_are_brought_to_one_spelling() -> None:
    records = [
        {"Name": "\\052.API.example.com.", "Type": "CNAME", "TTL": 5, "ResourceRecords": [{"Value": "x.example.com"}]},
        {
            "Name": "api.example.com.",
            "Type": "A",
            "AliasTarget": {"DNSName": "D1.CloudFront.net.", "HostedZoneId": "Z"},
        },
    ]
    wild, alias = observe(facts(records=records), TOPOLOGY).records
    assert (wild.name, wild.values, wild.ttl) == ("*.api.example.com", ("x.example.com",), 5)
    assert (alias.name, alias.alias, alias.ttl) == ("api.example.com", "d1.cloudfront.net", None)


def member(region: str, *, writer: bool) -> dict[str, Any]:
    return {"DBClusterArn": f"arn:aws:rds:{region}:111111111111:cluster:orders-{region}", "IsWriter": writer}


def test_lag_is_told_of_readers_only() -> None:
    cluster = {"DBClusterIdentifier": "c", "Status": "available", "EngineVersion": "16.8"}
    region = RegionFacts(stacks={}, cluster=cluster, lag=[(AT, 7.0), (AT, 90.0)])
    group = {
        "GlobalClusterIdentifier": "orders",
        "Status": "available",
        "EngineVersion": "16.8",
        "GlobalClusterMembers": [member(US, writer=True), member(EU, writer=False)],
        "FailoverState": {"Status": "switching-over"},
    }
    observed = observe(facts({US: region, EU: region}, global_cluster=group), TOPOLOGY)
    assert {r: getattr(observed.clusters[r], "lag_ms", "?") for r in (US, EU)} == {US: None, EU: 90.0}
    assert getattr(observed.global_cluster, "writer", "?") == US
    assert getattr(observed.global_cluster, "failover", "?") == "switching-over"


def test_somebody_elses_member_is_no_region_of_ours_that_leaves() -> None:
    theirs = {"DBClusterArn": "arn:aws:rds:us-west-2:111111111111:cluster:reporting", "IsWriter": False}
    group = {
        "GlobalClusterIdentifier": "orders",
        "Status": "available",
        "EngineVersion": "16.8",
        "GlobalClusterMembers": [member(US, writer=True), member("sa-east-1", writer=False), theirs],
    }
    observed = observe(facts(global_cluster=group), TOPOLOGY)
    assert observed.leaving((US,)) == ("sa-east-1",)


def test_a_cluster_whose_instances_cannot_be_read_is_unknown() -> None:
    cluster = {"DBClusterIdentifier": "c", "Status": "available", "EngineVersion": "16.8"}
    region = RegionFacts(stacks={}, cluster=cluster, instances=DENIED)
    assert observe(facts({EU: region}), TOPOLOGY).clusters[EU] == DENIED


def test_only_usable_zones_count_and_in_order() -> None:
    listed = [
        {"ZoneName": "eu-west-1b", "State": "available"},
        {"ZoneName": "eu-west-1c", "State": "impaired"},
        {"ZoneName": "eu-west-1-lon-1a", "State": "available", "ZoneType": "local-zone"},
        {"ZoneName": "eu-west-1a", "State": "available", "ZoneType": "availability-zone"},
    ]
    observed = observe(facts({EU: RegionFacts(stacks={}, availability_zones=listed)}), TOPOLOGY)
    assert observed.zones == {EU: ("eu-west-1a", "eu-west-1b")}


def test_the_zone_and_the_distribution() -> None:
    zone = {"Id": "/hostedzone/Z1", "Name": "example.com.", "Config": {"PrivateZone": True}}
    config = {"Enabled": False, "Aliases": {"Quantity": 1, "Items": ["API.example.com"]}}
    distribution = {"Id": "E1", "DomainName": "d1.cloudfront.net", "Status": "InProgress", "DistributionConfig": config}
    observed = observe(facts(zone=zone, distribution=distribution), TOPOLOGY)
    assert observed.zone is not None
    assert not isinstance(observed.zone, Unknown)
    assert (observed.zone.id, observed.zone.name, observed.zone.private) == ("Z1", "example.com", True)
    assert getattr(observed.distribution, "aliases", "?") == ("api.example.com",)
    assert getattr(observed.distribution, "enabled", "?") is False


@pytest.mark.parametrize("template", [None, {}, Unknown("ValidationError", "no template")])
def test_a_stack_in_review_has_no_template_any_other_without_one_is_unknown(template: Any) -> None:
    seen = {
        status: observe(facts({EU: region_with(API, status, template=template)}), TOPOLOGY).stacks[
            StackRef(StackKind.API, EU)
        ]
        for status in ("REVIEW_IN_PROGRESS", "UPDATE_COMPLETE")
    }
    assert getattr(seen["REVIEW_IN_PROGRESS"], "template", "?") is None
    assert isinstance(seen["UPDATE_COMPLETE"], Unknown)


def test_when_a_stack_settled_and_which_one_it_is() -> None:
    region = region_with(API, settled_at=AT)
    state = observe(facts({EU: region}), TOPOLOGY).stack(StackKind.API, EU)
    assert state is not None
    assert (state.settled_at, state.id) == (AT, f"arn:{API}")


def test_a_status_that_cannot_be_read_is_not_taken_for_none() -> None:
    observed = observe(facts(recorded=DENIED), TOPOLOGY)
    assert (observed.recorded, observed.unrecorded) == (None, DENIED)
    assert observe(facts(recorded={"generation": 3}), TOPOLOGY).unrecorded is None
