"""What no template says of the database: foreign members and clusters, instances added, snapshots shared, a member left behind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from typing import Any

from reconciler.diff.disposition import (
    ADDED_INSTANCE,
    FOREIGN_MEMBER,
    RESTART,
    RESYNC,
    SHARED_SNAPSHOT,
    STRAY_CLUSTER,
    Row,
)
from reconciler.model.change import Finding
from reconciler.model.coverage import Entry, Way
from reconciler.model.facts import LATER
from reconciler.model.motion import Motion
from reconciler.model.observed import Cluster, GlobalCluster, Observed, StackState, Unknown, known
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology

CATCHES_UP = timedelta(hours=1)
"""How long a new member may take to be in sync after its stack came to rest [K: minutes, hours with much data]."""


def database_findings(topology: Topology, observed: Observed, found: Collection[Finding]) -> Iterator[Finding]:
    """`found`: what deviates from the templates; a parameter that was changed says why its instances wait for a restart."""
    group = known(observed.global_cluster)
    for member in group.members if group else ():
        if member.foreign:
            yield _finding(FOREIGN_MEMBER, "database/members", None, observed=member.cluster_arn)
    for region in observed.clusters:
        cluster, state = known(observed.clusters[region]), observed.stack(StackKind.DATA, region)
        if cluster and state and state.complete and not state.moved_after(observed.at):
            yield from _members(topology, observed, group, region, state)
            yield from _instances(topology, region, cluster, state)
            yield from _restart(region, cluster, found)
        strays = observed.strays.get(region, ())
        for name in () if isinstance(strays, Unknown) else strays:
            yield _finding(STRAY_CLUSTER, f"regions/{region}/data/{name}", region, observed=name)
        shared = observed.shared.get(region, {})
        if shared and not isinstance(shared, Unknown):
            said = {name: list(accounts) for name, accounts in sorted(shared.items())}
            yield _finding(SHARED_SNAPSHOT, f"regions/{region}/data/snapshots", region, observed=said)


def database_unread(observed: Observed) -> Iterator[Entry]:
    """What could not be looked at, in Regions that have a database."""
    for region, cluster in observed.clusters.items():
        for name, seen in (("clusters", observed.strays), ("snapshots", observed.shared)):
            why = seen.get(region)
            if cluster is not None and isinstance(why, Unknown) and why != LATER:
                yield Entry(path=f"regions/{region}/data/{name}", way=Way.UNCHECKED, why=str(why))


def _members(
    topology: Topology, observed: Observed, group: GlobalCluster | None, region: str, state: StackState
) -> Iterator[Finding]:
    """Not after a move of the writer, which every member has to follow first."""
    member, cluster = group.member(region) if group else None, known(observed.clusters[region])
    motion = Motion.recorded(observed.recorded)
    if group is None or group.failover or group.writer != topology.database.writer or (motion and motion.arrived):
        return
    rests = cluster is not None and cluster.status == "available" and state.changed_at + CATCHES_UP < observed.at
    if member and member.synchronization == "pending-resync" and rests:
        path = f"regions/{region}/data/Cluster/SynchronizationStatus"
        yield _finding(RESYNC, path, region, desired="connected", observed=member.synchronization)


def _instances(topology: Topology, region: str, cluster: Cluster, state: StackState) -> Iterator[Finding]:
    """More than the applied template makes. One that it makes and that is gone is a missing resource."""
    declared = {
        f"{topology.cluster(region)}-{logical_id.removeprefix('Instance')}"
        for logical_id in (state.template or {}).get("Resources", {})
        if logical_id.startswith("Instance")
    }
    added = set(cluster.instance_statuses) - declared
    if added and declared:
        path, count = f"regions/{region}/database/instancesPerRegion", len(declared)
        yield _finding(ADDED_INSTANCE, path, region, desired=count, observed=count + len(added))


def _restart(region: str, cluster: Cluster, found: Iterable[Finding]) -> Iterator[Finding]:
    ref = StackRef(StackKind.DATA, region)
    if cluster.restart and not any(f.stack == ref and f.logical_id == "Parameters" for f in found):
        path = f"regions/{region}/data/Cluster/DBClusterParameterGroupStatus"
        yield _finding(RESTART, path, region, desired="in-sync", observed=list(cluster.restart))


def _finding(row: Row, path: str, region: str | None, *, observed: Any, desired: Any = None) -> Finding:
    return Finding(
        path=path,
        region=region,
        disposition=row.disposition,
        reason=row.why,
        tool=row.tool,
        desired=desired,
        observed=observed,
    )
