"""Aurora: who may write next: SwitchoverGlobalCluster and FailoverGlobalCluster (aws-facts §3.5, invariant I6)."""

from typing import Any

from ministack.core.responses import get_region
from ministack.services import rds

from local_aws.arns import region_of
from local_aws.gateway import faults
from local_aws.global_cluster.shown import connected
from local_aws.legality.global_database import STATE, check_at_rest, check_members_at_rest, existing
from local_aws.legality.guard import on_call
from local_aws.refused import Refused
from local_aws.resources.rds.members import clusters_of, instances_of, member_of, members, writer_entry

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._error",
    "ministack.services.rds._failover_global_cluster",
    "ministack.services.rds._p",
    "ministack.services.rds._parse_rds_arn",
    "ministack.services.rds._resolve_cluster",
    "ministack.services.rds._switchover_global_cluster",
)

Record = dict[str, Any]


def check_switchover(request: Record) -> None:
    """SwitchoverGlobalCluster: everybody at rest, alike and following, asked in the primary's Region (aws-facts §3.5, I6)."""
    group = existing(request)
    target, _ = _target(request, group)
    check_at_rest(group)
    _asked_in(region_of((writer_entry(group) or {})["DBClusterArn"]), "the primary DB cluster")
    _regions_are_there(group)
    check_members_at_rest(group)
    _at_least_one_instance(target)
    _instances_at_rest(group)
    _same_version(group, clusters_of(group))
    _nothing_pending(group)
    for each in members(group):
        _follows(each)


def check_failover(request: Record) -> None:
    """FailoverGlobalCluster: AllowDataLoss or Switchover, not both; neither means switchover [V]."""
    if rds._p(request, "AllowDataLoss") and rds._p(request, "Switchover"):
        raise Refused("InvalidParameterCombination", "AllowDataLoss and Switchover cannot both be specified.")
    if rds._p(request, "AllowDataLoss").lower() != "true":
        check_switchover(request)
        return
    group = existing(request)
    target, entry = _target(request, group)
    check_at_rest(group)
    _asked_in(region_of(target["DBClusterArn"]), "the target DB cluster")
    if target["Status"] != "available":
        raise Refused("InvalidDBClusterStateFault", f"{target['DBClusterIdentifier']} is in {target['Status']} state.")
    _at_least_one_instance(target)
    _same_version(group, [target])
    _follows(entry)


def _target(request: Record, group: Record) -> tuple[Record, Record]:
    """By ARN, "so that Aurora can locate the cluster in its Region" [V]; that a bare name is not found is [K]."""
    name = rds._p(request, "TargetDbClusterIdentifier")
    target = rds._resolve_cluster(name) if rds._parse_rds_arn(name) else None
    if target is None:
        raise Refused("DBClusterNotFoundFault", f"DBCluster {name} not found.", 404)
    found, entry = member_of(target)
    if found is not group or entry is None:
        raise Refused(STATE, f"DBCluster {name} is not a member of global cluster {group['GlobalClusterIdentifier']}.")
    if entry["IsWriter"]:
        raise Refused(STATE, f"DBCluster {name} is the primary of the global cluster already.")
    return target, entry


def _asked_in(where: str, whose: str) -> None:
    """The user guide calls switchover in the primary's Region, failover in the target's [V]; the refusal elsewhere is [K]."""
    if get_region() != where:
        raise Refused(STATE, f"This operation must be called in {where}, the Region of {whose}.")


def _regions_are_there(group: Record) -> None:
    """A switchover is for a healthy global database [V]."""
    out = sorted(where for e in members(group) if faults.data_plane_is_out(where := region_of(e["DBClusterArn"])))
    if out:
        raise Refused(STATE, f"The DB cluster in {', '.join(out)} cannot be reached.")


def _at_least_one_instance(target: Record) -> None:
    """§3.3: a headless secondary is no target [V]; a failover might accept one (RDS-EVENT-0519): the stricter stands here [K]."""
    if not target.get("DBClusterMembers"):
        raise Refused(STATE, f"DB cluster {target['DBClusterIdentifier']} must have at least one DB instance.")


def _instances_at_rest(group: Record) -> None:
    """I6 [K: that every instance counts]."""
    for instance in (i for cluster in clusters_of(group) for i in instances_of(cluster)):
        if instance["DBInstanceStatus"] != "available":
            raise Refused(STATE, f"DB instance {instance['DBInstanceIdentifier']} is {instance['DBInstanceStatus']}.")


def _same_version(group: Record, clusters: list[Record]) -> None:
    """Same major and minor version [V]; the words [S re:Post, aurora-postgresql-global-mismatch]."""
    primary = rds._resolve_cluster((writer_entry(group) or {})["DBClusterArn"]) or {}
    for cluster in clusters:
        if cluster["EngineVersion"] != primary.get("EngineVersion"):
            name = cluster["DBClusterIdentifier"]
            raise Refused(
                STATE, f"Target cluster {name} must have the same engine version as the current primary cluster"
            )


def _nothing_pending(group: Record) -> None:
    """I6: no modified values and no maintenance on their way [K]."""
    records = [*clusters_of(group), *(i for cluster in clusters_of(group) for i in instances_of(cluster))]
    waiting = [
        r.get("DBInstanceIdentifier") or r["DBClusterIdentifier"] for r in records if r.get("PendingModifiedValues")
    ]
    if waiting:
        raise Refused(STATE, f"{', '.join(waiting)} has pending modified values.")


def _follows(entry: Record) -> None:
    """I6: what is being built anew can neither be promoted nor follow [K]."""
    if not connected(entry):
        raise Refused(STATE, f"DBCluster {entry['DBClusterArn']} is pending-resync.")


def install() -> None:
    on_call(rds, "_switchover_global_cluster", check_switchover, rds._error)
    on_call(rds, "_failover_global_cluster", check_failover, rds._error)
