"""What holds a Region that is drained or leaves, and what a cluster says of itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.facts import RegionFacts, StackFacts
from reconciler.model.observed import Unknown
from reconciler.observe import observe
from tests.unit.observe.worlds import AT, TOPOLOGY, check, facts, stack

EU, US = "eu-west-1", "us-east-1"
API, DATA = "meridian-orders-api", "meridian-orders-data"
DENIED = Unknown("AccessDenied", "no")


def region(*names: str, **more: Any) -> RegionFacts:
    return RegionFacts(stacks={n: StackFacts(stack=stack(n), template={"Resources": {}}) for n in names}, **more)


def test_interfaces_are_counted_where_a_network_has_no_functions() -> None:
    left = [{"NetworkInterfaceId": "eni-1"}, {"NetworkInterfaceId": "eni-2"}]
    world = facts({EU: region(DATA, interfaces=left), US: region(DATA, API), "ap-northeast-1": region()})
    assert observe(world, TOPOLOGY).interfaces == {EU: 2}
    assert observe(facts({EU: region(DATA, interfaces=DENIED)}), TOPOLOGY).interfaces == {EU: DENIED}


def test_requests_are_told_of_closed_gates_without_the_quiet_minutes() -> None:
    series = [(AT - timedelta(minutes=2), 3.0), (AT - timedelta(minutes=1), 0.0)]
    checks = [
        check("closed", "meridian/orders/eu-west-1/gate/1"),
        check("open", "meridian/orders/us-east-1/gate/1", HealthThreshold=1),
    ]
    world = facts({EU: region(requests=series), US: region(requests=series)}, health_checks=checks)
    assert observe(world, TOPOLOGY).requests == {EU: ((AT - timedelta(minutes=2), 3.0),)}


CLUSTER = {"DBClusterIdentifier": "orders-eu-west-1", "Status": "available", "EngineVersion": "16.8"}
INSTANCE = {"DBInstanceIdentifier": "orders-eu-west-1-0", "DBInstanceStatus": "available"}


@pytest.mark.parametrize(
    ("cluster", "instance", "pending"),
    [
        ({}, {}, False),
        ({"PendingModifiedValues": {}}, {"PendingModifiedValues": {}}, False),
        ({"PendingModifiedValues": {"EngineVersion": "16.9"}}, {}, True),
        ({}, {"PendingModifiedValues": {"DBInstanceClass": "db.r6g.large"}}, True),
    ],
)
def test_what_waits_to_take_effect_is_pending(
    cluster: dict[str, Any], instance: dict[str, Any], *, pending: bool
) -> None:
    found = observe(facts({EU: region(cluster=CLUSTER | cluster, instances=[INSTANCE | instance])}), TOPOLOGY)
    assert found.clusters[EU].pending is pending  # type: ignore[union-attr]


def test_load_is_a_share_and_the_highest_of_the_last_minutes_counts() -> None:
    def load(series: Any) -> Any:
        found = observe(facts({EU: region(cluster=CLUSTER, load=series)}), TOPOLOGY).clusters[EU]
        return found.load  # type: ignore[union-attr]

    assert load([(AT, 60.0), (AT + timedelta(minutes=1), 45.0)]) == 0.6
    assert (load(()), load(DENIED)) == (None, None)


def test_protection_is_taken_for_granted_until_aws_says_otherwise() -> None:
    def protected(**more: Any) -> Any:
        return observe(facts({EU: region(cluster=CLUSTER | more)}), TOPOLOGY).clusters[EU].protected  # type: ignore[union-attr]

    assert [protected(), protected(DeletionProtection=False)] == [True, False]
