"""What no template says of the database: told by facts, and not while something of ours is under way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.diff.database_findings import database_findings, database_unread
from reconciler.model.change import Disposition, Finding
from reconciler.model.facts import LATER
from reconciler.model.observed import Cluster, GlobalCluster, GlobalMember, Observed, StackState, Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.observe.nothing import nothing_there
from tests.fakes.topologies import orders

TOPOLOGY = orders()
WRITER = TOPOLOGY.database.writer
REGION = next(r for r in TOPOLOGY.region_names if r != WRITER)
REF = StackRef(StackKind.DATA, REGION)
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLUSTER = Cluster(
    identifier=TOPOLOGY.cluster(REGION),
    status="available",
    engine_version="16.8",
    instance_statuses={f"{TOPOLOGY.cluster(REGION)}-0": "available"},
)


def member(region: str, synchronization: str = "connected", **more: Any) -> GlobalMember:
    return GlobalMember(
        region=region, cluster_arn=f"arn:{region}", is_writer=region == WRITER, synchronization=synchronization, **more
    )


def seen(
    *,
    synchronization: str = "connected",
    age: timedelta = timedelta(days=1),
    status: str = "UPDATE_COMPLETE",
    **more: Any,
) -> Observed:
    stack = StackState(ref=REF, status=status, changed_at=AT - age, template={"Resources": {"Instance0": {}}})
    group = GlobalCluster(
        identifier="orders",
        status="available",
        engine_version="16.8",
        members=(member(WRITER), member(REGION, synchronization)),
    )
    nothing = nothing_there(TOPOLOGY, AT)
    found = replace(nothing, stacks={**nothing.stacks, REF: stack}, global_cluster=group, clusters={REGION: CLUSTER})
    return replace(found, **more)


def judged(observed: Observed, found: tuple[Finding, ...] = ()) -> dict[str, tuple[str, Any]]:
    return {f.path: (str(f.disposition), f.observed) for f in database_findings(TOPOLOGY, observed, found)}


def test_a_database_as_it_should_be_has_none() -> None:
    assert judged(seen()) == {}


def test_a_member_that_does_not_catch_up_is_a_matter_for_a_person() -> None:
    path = f"regions/{REGION}/data/Cluster/SynchronizationStatus"
    assert judged(seen(synchronization="pending-resync")) == {path: ("page", "pending-resync")}


@pytest.mark.parametrize(
    "more",
    [
        {"age": timedelta(minutes=30)},
        {"status": "UPDATE_IN_PROGRESS"},
        {"clusters": {REGION: replace(CLUSTER, status="modifying")}},
        {"clusters": {REGION: Unknown("Throttling", "")}},
    ],
    ids=["new", "in motion", "being rebuilt", "unread"],
)
def test_a_member_gets_its_time(more: dict[str, Any]) -> None:
    assert judged(seen(synchronization="pending-resync", **more)) == {}


def test_instances_that_wait_for_a_restart_are_told_once() -> None:
    waiting = seen(clusters={REGION: replace(CLUSTER, restart=("orders-0",))})
    path = f"regions/{REGION}/data/Cluster/DBClusterParameterGroupStatus"
    assert judged(waiting) == {path: ("hold", ["orders-0"])}
    cause = Finding(
        path="p", region=REGION, disposition=Disposition.HOLD, reason="r", stack=REF, logical_id="Parameters"
    )
    assert judged(waiting, (cause,)) == {}


def test_an_instance_more_is_counted_against_the_applied_template() -> None:
    statuses = {**CLUSTER.instance_statuses, "theirs": "creating"}
    added = {"clusters": {REGION: replace(CLUSTER, instance_statuses=statuses)}}
    assert judged(seen(**added)) == {f"regions/{REGION}/database/instancesPerRegion": ("hold", 2)}
    assert judged(seen(status="UPDATE_IN_PROGRESS", **added)) == {}


def test_what_is_not_ours_is_named() -> None:
    group = seen().global_cluster
    assert isinstance(group, GlobalCluster)
    theirs = replace(group, members=(*group.members, member("us-west-2", foreign=True)))
    strange = seen(global_cluster=theirs, strays={REGION: ("copy",)}, shared={REGION: {"s": ("all",)}})
    assert judged(strange) == {
        "database/members": ("hold", "arn:us-west-2"),
        f"regions/{REGION}/data/copy": ("page", "copy"),
        f"regions/{REGION}/data/snapshots": ("page", {"s": ["all"]}),
    }


def test_what_could_not_be_read_is_unchecked_and_what_comes_later_is_not_spoken_of() -> None:
    observed = seen(strays={REGION: Unknown("AccessDenied", "no")}, shared={REGION: LATER})
    assert judged(observed) == {}
    assert [u.path for u in database_unread(observed)] == [f"regions/{REGION}/data/clusters"]
