"""Joining and leaving a global cluster.

A secondary that leaves is promoted: it is `promoting` for a while, still listed as a member, and then a cluster of its own that
takes writes [S terraform-provider-aws#40333, keycloak-benchmark#564].
"""

from typing import Any

from ministack.services import rds

from local_aws import durations, states
from local_aws.global_cluster.shown import answer
from local_aws.resources.rds import forwarding
from local_aws.resources.rds.members import member_of, members
from local_aws.resources.wrap import around

Record = dict[str, Any]


def join(group: Record, cluster: Record) -> None:
    """The first member writes."""
    rds._attach_cluster_to_global(group, cluster, is_writer=not members(group))


def leave(cluster: Record, final: str = "available") -> None:
    """RemoveFromGlobalCluster; `final` is what the cluster shows when it is out."""
    _, entry = member_of(cluster)
    seconds = durations.LEAVE_PRIMARY if entry and entry["IsWriter"] else durations.LEAVE_SECONDARY
    states.hold(cluster, "Status", "promoting", final, seconds, lambda: out(cluster))


def out(cluster: Record) -> None:
    """Not a member any more."""
    group, entry = member_of(cluster)
    cluster.pop("GlobalClusterIdentifier", None)
    forwarding.ended(cluster)
    if group is not None:
        group["GlobalClusterMembers"] = [m for m in members(group) if m is not entry]
        rds._refresh_global_cluster_readers(group)


def _remove(_stock: Any, request: Record) -> Any:
    cluster = rds._resolve_cluster(rds._p(request, "DbClusterIdentifier"))
    group, _ = member_of(cluster)
    leave(cluster)
    return answer("RemoveFromGlobalCluster", group or {})


def install() -> None:
    around(rds, "_remove_from_global_cluster", _remove)
