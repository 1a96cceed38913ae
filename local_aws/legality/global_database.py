"""Aurora: the calls on a global cluster: create, modify, delete, remove a member (aws-facts §3.1, §3.6)."""

import re
from typing import Any

from ministack.services import rds

from local_aws.arns import account_of, region_of
from local_aws.global_cluster.shown import connected
from local_aws.legality.database_changes import allowed_major, forward_only, version
from local_aws.legality.guard import on_call
from local_aws.refused import Refused
from local_aws.resources.rds.members import clusters_of, member_of, members

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._create_global_cluster",
    "ministack.services.rds._db_cluster_param_groups",
    "ministack.services.rds._delete_global_cluster",
    "ministack.services.rds._error",
    "ministack.services.rds._modify_global_cluster",
    "ministack.services.rds._p",
    "ministack.services.rds._parse_rds_arn",
    "ministack.services.rds._remove_from_global_cluster",
    "ministack.services.rds._resolve_cluster",
    "ministack.services.rds._resolve_global_cluster",
)

Record = dict[str, Any]
STATE = "InvalidGlobalClusterStateFault"
ENGINES = ("aurora-mysql", "aurora-postgresql")


def existing(request: Record) -> Record:
    """GlobalClusterNotFoundFault [V botocore]."""
    name = rds._p(request, "GlobalClusterIdentifier")
    group: Record | None = rds._resolve_global_cluster(name)
    if group is None:
        raise Refused("GlobalClusterNotFoundFault", f"Global cluster {name} not found.", 404)
    return group


def _name(name: str) -> None:
    """1 to 63 letters, digits, hyphens; a letter first; no hyphen last, no two in a row [V]."""
    if not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", name) or len(name) > 63:
        raise Refused(
            "InvalidParameterValue",
            f"The parameter GlobalClusterIdentifier is not a valid identifier. Identifiers must begin with a letter; must "
            f"contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive "
            f"hyphens: {name}",
        )


def check_at_rest(group: Record) -> None:
    """Everything but failover: the global cluster must be available [V: the code; K: for which states]."""
    if group.get("FailoverState"):
        raise Refused(
            STATE, f"Global cluster {group['GlobalClusterIdentifier']} has a switchover or failover in progress."
        )
    if group["Status"] != "available":
        raise Refused(STATE, f"Global cluster {group['GlobalClusterIdentifier']} is in {group['Status']} state.")


def check_members_at_rest(group: Record) -> None:
    busy = [c["DBClusterIdentifier"] for c in clusters_of(group) if c["Status"] != "available"]
    if busy or len(clusters_of(group)) != len(members(group)):
        raise Refused(STATE, f"These clusters are not available: {', '.join(busy) or 'one is missing'}.")


# ---- create, modify, delete ------------------------------------------------------------------------------------------------


def check_create(request: Record) -> None:
    """CreateGlobalCluster: a name that is free, and an engine or a source, not both [V]."""
    name = rds._p(request, "GlobalClusterIdentifier")
    _name(name)
    if rds._resolve_global_cluster(name):
        raise Refused("GlobalClusterAlreadyExistsFault", f"Global cluster {name.lower()} already exists.")
    source = rds._p(request, "SourceDBClusterIdentifier")
    if source:
        _source(request, source)
    elif rds._p(request, "Engine") not in ENGINES:
        raise Refused("InvalidParameterValue", f"Engine must be one of {', '.join(ENGINES)}, or a source be given.")


def _source(request: Record, source: str) -> None:
    """CreateGlobalCluster: nothing beside the source that the source has; its ARN [V]. That it is alone and at rest: [K]."""
    own = [k for k in ("DatabaseName", "Engine", "EngineVersion", "StorageEncrypted") if rds._p(request, k)]
    if own:
        raise Refused("InvalidParameterCombination", f"{own[0]} can't be specified with SourceDBClusterIdentifier.")
    cluster = rds._resolve_cluster(source) if rds._parse_rds_arn(source) else None
    if cluster is None:
        raise Refused("DBClusterNotFoundFault", f"DBCluster {source} not found.", 404)
    if member_of(cluster)[0] or cluster["Status"] != "available":
        raise Refused("InvalidDBClusterStateFault", f"DBCluster {source} is a member already, or not available.")


def check_modify(request: Record) -> None:
    """ModifyGlobalCluster: everybody at rest, a free name, and a major version alone."""
    group = existing(request)
    check_at_rest(group)
    check_members_at_rest(group)
    if name := rds._p(request, "NewGlobalClusterIdentifier"):
        _name(name)
        if rds._resolve_global_cluster(name) not in (None, group):
            raise Refused("GlobalClusterAlreadyExistsFault", f"Global cluster {name.lower()} already exists.")
    if wanted := rds._p(request, "EngineVersion"):
        _major_only(group, wanted, allowed=rds._p(request, "AllowMajorVersionUpgrade") == "true")


def _major_only(group: Record, wanted: str, *, allowed: bool) -> None:
    """ModifyGlobalCluster: minor versions go member by member [S terraform-provider-aws: code and words]; a recovery point
    objective must be off [V: that; K: the code]. The version that it has already is accepted, without effect [K]."""
    has = group["EngineVersion"]
    if wanted == has:
        return
    forward_only(group["Engine"], has, wanted)
    if version(wanted)[:1] == version(has)[:1]:
        raise Refused(
            "InvalidParameterValue",
            "ModifyGlobalCluster only supports Major Version Upgrades. To patch the members of your global cluster to a "
            "newer minor version you need to call ModifyDbCluster in each one of them.",
        )
    allowed_major(has, wanted, allowed=allowed)
    for cluster in clusters_of(group):
        where = account_of(cluster["DBClusterArn"]), region_of(cluster["DBClusterArn"])
        parameters = rds._db_cluster_param_groups.get_scoped(*where, cluster["DBClusterParameterGroup"]) or {}
        if "rds.global_db_rpo" in (parameters.get("Parameters") or {}):
            raise Refused("InvalidParameterCombination", "A major version upgrade needs rds.global_db_rpo to be off.")


def check_delete(request: Record) -> None:
    """DeleteGlobalCluster: unprotected and empty [V]; the protection's code is DeleteDBCluster's [K]."""
    group = existing(request)
    if group["DeletionProtection"]:
        raise Refused(
            "InvalidParameterCombination", "Cannot delete a global cluster when DeletionProtection is enabled."
        )
    if members(group):
        raise Refused(STATE, "Global Cluster still has member clusters: they must be detached or deleted first.")
    check_at_rest(group)


def check_remove(request: Record) -> None:
    """RemoveFromGlobalCluster: a member by its ARN [V], the primary last (§3.6), and each at rest [K]."""
    group, name = existing(request), rds._p(request, "DbClusterIdentifier")
    cluster = rds._resolve_cluster(name) if rds._parse_rds_arn(name) else None
    found, entry = member_of(cluster) if cluster else (None, None)
    if found is not group or entry is None or cluster is None:
        raise Refused("DBClusterNotFoundFault", f"DBCluster {name} is not a member of the global cluster.", 404)
    check_at_rest(group)
    if entry["IsWriter"] and len(members(group)) > 1:
        raise Refused(
            STATE,
            f"This cluster {cluster['DBClusterIdentifier']} is the primary of global cluster "
            f"{group['GlobalClusterIdentifier']}; remove the secondary clusters first.",
        )
    if cluster["Status"] != "available" and connected(entry):
        raise Refused("InvalidDBClusterStateFault", f"DBCluster {name} is in {cluster['Status']} state.")


def install() -> None:
    for name, rule in (
        ("_create_global_cluster", check_create),
        ("_modify_global_cluster", check_modify),
        ("_delete_global_cluster", check_delete),
        ("_remove_from_global_cluster", check_remove),
    ):
        on_call(rds, name, rule, rds._error)
