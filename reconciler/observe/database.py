"""The Aurora Global Database: the global cluster with its members, and each Region's cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.facts import Facts, RegionFacts, Series
from reconciler.model.observed import Cluster, GlobalCluster, GlobalMember, Seen, Unknown


def global_cluster(facts: Facts) -> Seen[GlobalCluster]:
    found = facts.global_cluster
    return found if found is None or isinstance(found, Unknown) else read_global(found)


def read_global(found: Mapping[str, Any]) -> GlobalCluster:
    moving, name = found.get("FailoverState") or {}, found["GlobalClusterIdentifier"]
    members = (_member(m, name) for m in found.get("GlobalClusterMembers", ()))
    return GlobalCluster(
        identifier=name,
        status=found["Status"],
        engine_version=found["EngineVersion"],
        members=tuple(sorted(members, key=lambda m: m.region)),
        failover=moving.get("Status"),
        moving_to=_region(moving["ToDbClusterArn"]) if moving.get("ToDbClusterArn") else None,
        protected=found.get("DeletionProtection", True),
    )


def _region(arn: str) -> str:
    return arn.split(":")[3]


def _member(member: Mapping[str, Any], name: str) -> GlobalMember:
    """Our clusters are called by the global cluster's name and their Region."""
    arn = member["DBClusterArn"]
    return GlobalMember(
        region=_region(arn),
        cluster_arn=arn,
        is_writer=member["IsWriter"],
        synchronization=member.get("SynchronizationStatus"),
        foreign=arn.rpartition(":")[2] != f"{name}-{_region(arn)}",
    )


def cluster(region: RegionFacts, *, is_writer: bool) -> Seen[Cluster]:
    found = region.cluster
    if found is None or isinstance(found, Unknown):
        return found
    if isinstance(region.instances, Unknown):
        return region.instances
    return Cluster(
        identifier=found["DBClusterIdentifier"],
        status=found["Status"],
        engine_version=found["EngineVersion"],
        instance_statuses={i["DBInstanceIdentifier"]: i["DBInstanceStatus"] for i in region.instances},
        forwarding=found.get("GlobalWriteForwardingStatus"),
        lag_ms=None if is_writer else _latest(region.lag),
        protected=found.get("DeletionProtection", True),
        pending=any(part.get("PendingModifiedValues") for part in (found, *region.instances)),
        load=_highest(region.load),
    )


def _latest(series: Series) -> float | None:
    return None if isinstance(series, Unknown) or not series else series[-1][1]


def _highest(series: Series) -> float | None:
    """The share that the metric gives in percent."""
    return None if isinstance(series, Unknown) or not series else max(value for _, value in series) / 100
