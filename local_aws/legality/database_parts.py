"""Aurora: snapshots, parameter groups, subnet groups and maintenance: what is refused."""

import re
from typing import Any

from ministack.services import ec2, rds

from local_aws.arns import account_of, region_of
from local_aws.legality.database import two_zones
from local_aws.legality.database_changes import at_rest, no_move
from local_aws.legality.database_deletion import can_be_copied
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.rds.maintenance import ACTIONS
from local_aws.resources.rds.parameters import STATIC, asked
from local_aws.resources.wrap import boolean

PATCHED: tuple[str, ...] = tuple(
    f"ministack.services.rds.{name}"
    for name in (
        "_add_tags",
        "_clusters",
        "_create_db_cluster_snapshot",
        "_create_subnet_group",
        "_db_cluster_snapshots",
        "_delete_db_cluster_param_group",
        "_delete_db_cluster_snapshot",
        "_delete_subnet_group",
        "_error",
        "_instances",
        "_list_tags",
        "_modify_db_cluster_param_group",
        "_p",
        "_parse_member_list",
        "_remove_tags",
        "_resolve_cluster_in_request_region",
        "_subnet_groups",
    )
)

Record = dict[str, Any]


# ---- snapshots -------------------------------------------------------------------------------------------------------------


def _create_snapshot(request: Record) -> None:
    """CreateDBClusterSnapshot: a valid, free name [V], and a cluster at rest [S]."""
    name = rds._p(request, "DBClusterSnapshotIdentifier").lower()
    if not re.fullmatch(r"[a-z](-?[a-z0-9])*", name) or len(name) > 63:
        raise Refused(
            "InvalidParameterValue", f"The parameter DBClusterSnapshotIdentifier is not a valid identifier: {name}"
        )
    if name in rds._db_cluster_snapshots:
        raise Refused("DBClusterSnapshotAlreadyExistsFault", f"DB cluster snapshot {name} already exists.")
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    if cluster:
        can_be_copied(cluster)


def _snapshot(request: Record) -> Record:
    """DBClusterSnapshotNotFoundFault [V botocore]."""
    name = rds._p(request, "DBClusterSnapshotIdentifier")
    snapshot: Record | None = rds._db_cluster_snapshots.get(name)
    if snapshot is None:
        raise Refused("DBClusterSnapshotNotFoundFault", f"DB cluster snapshot {name} not found.", 404)
    return snapshot


def _delete_snapshot(request: Record) -> None:
    """DeleteDBClusterSnapshot: available [V] and made by somebody [K: automated ones go with their retention]."""
    snapshot = _snapshot(request)
    if snapshot["Status"] != "available" or snapshot["SnapshotType"] != "manual":
        raise Refused(
            "InvalidDBClusterSnapshotStateFault",
            f"Cannot delete the {snapshot['SnapshotType']} snapshot in {snapshot['Status']} state.",
        )


def _share_snapshot(request: Record) -> None:
    """ModifyDBClusterSnapshotAttribute: `restore`, of a manual snapshot [V]; an encrypted one never public [V; code K]."""
    snapshot = _snapshot(request)
    if rds._p(request, "AttributeName") != "restore":
        raise Refused("InvalidParameterValue", f"Invalid attribute name: {rds._p(request, 'AttributeName')}")
    public = "all" in rds._parse_member_list(request, "ValuesToAdd")
    if snapshot["SnapshotType"] != "manual" or (public and boolean(snapshot["StorageEncrypted"])):
        raise Refused("InvalidDBClusterSnapshotStateFault", "This snapshot cannot be shared like that.")


# ---- parameter groups, subnet groups, maintenance --------------------------------------------------------------------------


def _modify_parameters(request: Record) -> None:
    """ModifyDBClusterParameterGroup: 20 at a time [V]; a static one cannot be immediate [S: words of the error]."""
    methods = asked(request)
    if len(methods) > 20:
        raise Refused("InvalidParameterValue", "A maximum of 20 parameters can be modified in a single request.")
    if any(name in STATIC and method == "immediate" for name, method in methods.items()):
        raise Refused("InvalidParameterCombination", "cannot use immediate apply method for static parameter")


def _delete_parameter_group(request: Record) -> None:
    """DeleteDBClusterParameterGroup: not while a cluster uses it [V]."""
    name = rds._p(request, "DBClusterParameterGroupName")
    users = [c["DBClusterIdentifier"] for c in rds._clusters.values() if c.get("DBClusterParameterGroup") == name]
    if users:
        raise Refused(
            "InvalidDBParameterGroupState", f"One or more database instances are still members of this group {name}"
        )


def _create_subnet_group(request: Record) -> None:
    """CreateDBSubnetGroup: a free name; its subnets exist, in two zones at least [V]."""
    name = rds._p(request, "DBSubnetGroupName")
    if name in rds._subnet_groups:
        raise Refused("DBSubnetGroupAlreadyExists", f"DB subnet group '{name}' already exists")
    subnets = rds._parse_member_list(request, "SubnetIds")
    unknown = [subnet for subnet in subnets if subnet not in ec2._subnets]
    if unknown:
        raise Refused("InvalidSubnet", f"Some input subnets in :[{', '.join(unknown)}] are invalid.")
    two_zones(subnets)


_TAGGED = {
    "cluster": (rds._clusters, "DBClusterNotFoundFault"),
    "db": (rds._instances, "DBInstanceNotFound"),
}


def _tagged(request: Record) -> None:
    """AddTagsToResource and its like: the resource must be there [V]."""
    arn = rds._p(request, "ResourceName")
    kind, _, name = arn.split(":", 5)[-1].partition(":")
    store, code = _TAGGED.get(kind, (None, ""))
    if store is not None and store.get_scoped(account_of(arn), region_of(arn), name) is None:
        raise Refused(code, f"{arn} not found.", 404)


def check_delete_subnet_group(name: str) -> None:
    """DeleteDBSubnetGroup: InvalidDBSubnetGroupStateFault while a cluster uses it [V botocore]."""
    users = [c["DBClusterIdentifier"] for c in rds._clusters.values() if c.get("DBSubnetGroup") == name]
    if users:
        raise Refused(
            "InvalidDBSubnetGroupStateFault",
            f"Cannot delete the subnet group '{name}' because at least one database instance: {users[0]} is still using it.",
        )


def _apply_maintenance(request: Record) -> None:
    """ApplyPendingMaintenanceAction: something must be pending [V: the fault], and the cluster at rest [V]."""
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "ResourceIdentifier"))
    action = rds._p(request, "ApplyAction")
    if cluster is None or action not in ACTIONS or cluster.get("_maintenance") != action:
        raise Refused("ResourceNotFoundFault", f"No pending {action} for {rds._p(request, 'ResourceIdentifier')}.", 404)
    no_move(cluster)
    at_rest(cluster)


def install() -> None:
    for name, rule in (
        ("_create_db_cluster_snapshot", _create_snapshot),
        ("_delete_db_cluster_snapshot", _delete_snapshot),
        ("modify_db_cluster_snapshot_attribute", _share_snapshot),
        ("_modify_db_cluster_param_group", _modify_parameters),
        ("_delete_db_cluster_param_group", _delete_parameter_group),
        ("_create_subnet_group", _create_subnet_group),
        ("_add_tags", _tagged),
        ("_list_tags", _tagged),
        ("_remove_tags", _tagged),
        ("_delete_subnet_group", lambda request: check_delete_subnet_group(rds._p(request, "DBSubnetGroupName"))),
        ("apply_pending_maintenance_action", _apply_maintenance),
    ):
        on_call(rds, name, rule, rds._error)
    on_stack("AWS::RDS::DBSubnetGroup", delete=lambda name, _: check_delete_subnet_group(name))
