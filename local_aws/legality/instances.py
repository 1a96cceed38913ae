"""Aurora: instances of a cluster: create, modify, reboot, delete, fail over (aws-facts §3.3, §3.6)."""

from typing import Any

from ministack.services import rds

from local_aws.legality.database_changes import at_rest, no_move
from local_aws.legality.database_deletion import refuse_at_once
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.rds.members import instances_of, member_of, members
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = tuple(
    f"ministack.services.rds.{name}"
    for name in (
        "_clusters",
        "_create_db_instance",
        "_delete_db_instance",
        "_error",
        "_failover_db_cluster",
        "_instances",
        "_modify_db_instance",
        "_p",
        "_reboot_db_instance",
        "_resolve_cluster_in_request_region",
        "_resolve_instance",
    )
)

Record = dict[str, Any]


def check_new_instance(now: Properties) -> None:
    """CreateDBInstance in a cluster."""
    name = now.get("DBClusterIdentifier")
    if not name:
        return
    cluster = rds._clusters.get(name)
    if cluster is None:
        raise Refused("DBClusterNotFoundFault", f"DBCluster {name} not found.", 404)
    no_move(cluster)
    at_rest(cluster)  # [K]
    if now.get("Engine") != cluster["Engine"]:
        raise Refused("InvalidParameterCombination", f"The engine of DB cluster {name} is {cluster['Engine']}.")
    _class(cluster, str(now.get("DBInstanceClass", "")))
    _promotion_tier(now.get("PromotionTier"))


def _class(cluster: Record, wanted: str) -> None:
    """§3.3: no burstable classes in a global database [V]; the code is [K]."""
    if member_of(cluster)[0] and wanted.startswith("db.t"):
        raise Refused("InvalidParameterCombination", f"{wanted} isn't supported for an Aurora global database.")


def _promotion_tier(tier: Any) -> None:
    """CreateDBInstance, ModifyDBInstance: PromotionTier is 0 to 15 [V]."""
    if tier not in (None, "") and not 0 <= int(tier) <= 15:
        raise Refused("InvalidParameterValue", f"Invalid promotion tier: {tier}. Must be between 0 and 15.")


def _create_instance(request: Record) -> None:
    names = ("DBClusterIdentifier", "DBInstanceClass", "Engine", "PromotionTier")
    check_new_instance({name: rds._p(request, name) for name in names})


def _stack_instance(now: Properties, before: Properties | None) -> None:
    if before is None:
        check_new_instance(now)
        return
    _promotion_tier(now.get("PromotionTier"))
    _unmoved(rds._instances.get(now.get("DBInstanceIdentifier", "")))


def _unmoved(instance: Record | None) -> None:
    cluster = rds._clusters.get((instance or {}).get("DBClusterIdentifier") or "")
    if cluster:
        no_move(cluster)


def instance_at_rest(request: Record) -> Record | None:
    """ModifyDBInstance, RebootDBInstance: InvalidDBInstanceState unless it is available [V]."""
    name = rds._p(request, "DBInstanceIdentifier")
    instance: Record | None = rds._resolve_instance(name)
    if instance is None:
        raise Refused("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    _unmoved(instance)
    if instance["DBInstanceStatus"] != "available":
        raise Refused(
            "InvalidDBInstanceState",
            f"DBInstance {name} is in {instance['DBInstanceStatus']} state but expected it to be one of available.",
        )
    return instance


def _modify_instance(request: Record) -> None:
    instance_at_rest(request)
    _promotion_tier(rds._p(request, "PromotionTier"))


def _delete_instance(request: Record) -> None:
    """DeleteDBInstance: InvalidDBInstanceState [V botocore]; a member has no final snapshot of its own [K: code and words]."""
    instance = rds._resolve_instance(rds._p(request, "DBInstanceIdentifier"))
    if instance is None:
        return
    _unmoved(instance)
    if instance["DBInstanceStatus"] == "deleting":
        name = instance["DBInstanceIdentifier"]
        raise Refused("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
    if instance.get("DBClusterIdentifier") and rds._p(request, "FinalDBSnapshotIdentifier"):
        raise Refused(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier can not be specified for a member of a DB cluster.",
        )
    check_last_of_a_primary(instance["DBInstanceIdentifier"])


def check_last_of_a_primary(name: str) -> None:
    """DeleteDBInstance: the primary keeps one while others follow it [S aws-nuke#570]; one that is going does not count [K]."""
    instance = rds._instances.get(name) or {}
    cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
    group, entry = member_of(cluster) if cluster else (None, None)
    if not (cluster and group and entry and entry["IsWriter"] and len(members(group)) > 1):
        return
    if all(other is instance or other["DBInstanceStatus"] == "deleting" for other in instances_of(cluster)):
        raise Refused(
            "InvalidDBClusterStateFault",
            "Cannot delete the last instance of the master cluster. Delete the replica cluster before deleting the last "
            "master cluster instance.",
        )


def _failover(request: Record) -> None:
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    if cluster:
        no_move(cluster)


def install() -> None:
    for name, rule in (
        ("_create_db_instance", _create_instance),
        ("_modify_db_instance", _modify_instance),
        ("_reboot_db_instance", instance_at_rest),
        ("_delete_db_instance", _delete_instance),
        ("_failover_db_cluster", _failover),
    ):
        on_call(rds, name, rule, rds._error)
    on_stack("AWS::RDS::DBInstance", put=_stack_instance)
    refuse_at_once("AWS::RDS::DBInstance", check_last_of_a_primary)
