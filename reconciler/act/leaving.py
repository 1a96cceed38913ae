"""Moves of what cannot be undone: the writer, a cluster's membership, what is deleted.

Each looks once more at what the plan rests on. A step repeated after any crash finds what is there, and goes on or waits.
"""

from __future__ import annotations

import hashlib

from reconciler.act.moves import Move, Wait
from reconciler.model.observed import Cluster, GlobalCluster, Observed, StackState, Unknown, known
from reconciler.model.outcome import Problem
from reconciler.model.plan import Step
from reconciler.model.requests import (
    DeleteCluster,
    DeleteGlobal,
    DeleteInstance,
    DeleteStack,
    DeleteVersion,
    Detach,
    Switchover,
    Unprotect,
    UnprotectGlobal,
)
from reconciler.model.stacks import StackKind
from reconciler.model.topology import Topology


def switchover(step: Step, topology: Topology, observed: Observed) -> Move:
    """Never a second one while one runs; asked where the writer is now."""
    region, whole = step.region or "", known(observed.global_cluster)
    target = whole.member(region) if whole else None
    if whole is None or target is None or whole.writer is None:
        return Wait(f"no writer or no member in {region} can be seen")
    if whole.failover or target.is_writer:
        return Wait(f"the writer is {whole.failover}" if whole.failover else f"{region} is the writer")
    return Switchover(
        region=region,
        writer_region=whole.writer,
        global_cluster=topology.global_cluster,
        target_arn=target.cluster_arn,
    )


def detach(step: Step, topology: Topology, observed: Observed) -> Move:
    """A writer is detached only when it is the last member."""
    region, whole = step.region or "", known(observed.global_cluster)
    member = whole.member(region) if whole else None
    if whole is None or member is None:
        return Wait(f"no member in {region} can be seen")
    if member.is_writer and len(whole.members) > 1:
        return _never(step, f"{region} writes, and other members follow it")
    cluster = known(observed.clusters.get(region))
    if whole.failover or (cluster and cluster.status == "promoting"):
        return Wait(f"the writer is {whole.failover}" if whole.failover else f"the cluster of {region} is leaving")
    return Detach(
        region=region,
        writer_region=whole.writer or region,
        global_cluster=topology.global_cluster,
        cluster_arn=member.cluster_arn,
    )


def delete_stack(step: Step, topology: Topology, observed: Observed) -> Move:
    """A stack that failed to go is deleted again. The database goes before its stack, by calls of its own."""
    ref = step.stack
    state = known(observed.stacks.get(ref)) if ref else None
    if ref is None or state is None:
        return Wait(f"{ref} cannot be seen")
    if state.in_progress:
        return Wait(f"{ref} is {state.status}")
    if ref.kind is StackKind.DATA:
        move = _database(step, observed, state)
        if move is not None:
            return move
    name = ref.name(topology.name)
    return DeleteStack(stack=ref, stack_name=name, stack_id=state.id or name)


def _database(step: Step, observed: Observed, state: StackState) -> Move | None:
    """What comes before its stack's deletion; None when the cluster is gone.

    CloudFormation would take the cluster out of the global database first, and fail where that was done before: so
    instances and cluster are deleted here, with a final snapshot whose name is known beforehand.
    """
    region = state.ref.region
    cluster, whole = observed.clusters.get(region), observed.global_cluster
    if isinstance(cluster, Unknown) or isinstance(whole, Unknown):
        return Wait(f"whether {region} has a member of the global database cannot be told")
    if cluster is None:
        return None
    if whole and whole.member(region):
        return _never(step, f"the cluster of {region} is a member of the global database")
    if cluster.status != "available":
        return Wait(f"{cluster.identifier} is {cluster.status}")
    if cluster.protected:
        return Unprotect(region=region, cluster=cluster.identifier)
    return _instance(region, cluster) or DeleteCluster(
        region=region, cluster=cluster.identifier, snapshot=final_snapshot(cluster, state)
    )


def _instance(region: str, cluster: Cluster) -> Move | None:
    """The next instance to delete, or a wait for those that go."""
    there = sorted(name for name, status in cluster.instance_statuses.items() if status != "deleting")
    if there:
        return DeleteInstance(region=region, instance=there[0])
    return Wait(f"the instances of {cluster.identifier} are deleting") if cluster.instance_statuses else None


def final_snapshot(cluster: Cluster, state: StackState) -> str:
    """Another one for each life of the stack, since snapshots stay."""
    return f"{cluster.identifier}-final-{hashlib.sha256(state.id.encode()).hexdigest()[:8]}"


def delete_global(topology: Topology, observed: Observed) -> Move:
    whole: GlobalCluster | None = known(observed.global_cluster)
    if whole is None:
        return Wait("no global cluster can be seen")
    if whole.members:
        return Wait(f"the global cluster still has {len(whole.members)} members")
    request = UnprotectGlobal if whole.protected else DeleteGlobal
    return request(region=topology.home_region, global_cluster=whole.identifier)


def delete_version(step: Step) -> Move:
    """The step's subject is `<function>:<version>`. AWS refuses as long as the edge has a copy of it."""
    function, _, version = step.subject.rpartition(":")
    return DeleteVersion(function=function, version=version)


def _never(step: Step, why: str) -> Problem:
    return Problem(code="UnsafeStep", step=step.id, message=f"{step.id} was not begun: {why}")
