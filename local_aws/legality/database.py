"""Aurora: who may join a global cluster and how, what a cluster needs, and when it may go (aws-facts §3.2, §3.3, §3.6)."""

from typing import Any

from ministack.services import ec2, rds

from local_aws.global_cluster import member_of, members
from local_aws.legality.guard import Refused, on_call, on_stack, region
from local_aws.resources.rds import has_instance_at_work
from local_aws.resources.wrap import Properties, boolean

PATCHED: tuple[str, ...] = tuple(
    f"ministack.services.rds.{name}"
    for name in (
        "_clusters",
        "_create_db_cluster",
        "_create_db_instance",
        "_db_cluster_param_groups",
        "_delete_db_cluster",
        "_delete_subnet_group",
        "_error",
        "_global_clusters",
        "_instances",
        "_modify_db_cluster",
        "_p",
        "_resolve_cluster",
        "_resolve_global_cluster",
        "_subnet_groups",
        "_unsupported_aurora_engine_version_error",
    )
)

Record = dict[str, Any]
_IMMUTABLE = "Resource is immutable: GlobalClusterIdentifier cannot be changed or added (NotUpdatable)"


def check_new_cluster(wanted: Properties) -> None:
    """CreateDBCluster, with CloudFormation's property names."""
    name = wanted.get("DBClusterIdentifier", "")
    if name and name in rds._clusters:
        raise Refused("DBClusterAlreadyExistsFault", f"DB Cluster already exists: {name}")
    _engine_version(wanted)
    _subnet_group(wanted)
    _parameter_group(wanted)
    joined = wanted.get("GlobalClusterIdentifier")
    if not joined:
        _founder(wanted)
        return
    group = rds._resolve_global_cluster(joined)
    if group is None:
        raise Refused("GlobalClusterNotFoundFault", f"Global cluster {joined} not found.", 404)
    _fits(wanted, group)
    _founder(wanted) if not members(group) else _secondary(wanted, group)


def _engine_version(wanted: Properties) -> None:
    """CreateDBCluster: the engine must have that version."""
    engine, version = wanted.get("Engine", ""), wanted.get("EngineVersion")
    if rds._unsupported_aurora_engine_version_error(engine, version):
        raise Refused("InvalidParameterCombination", f"Cannot find version {version} for {engine}")


def _subnet_group(wanted: Properties) -> None:
    """CreateDBCluster: DBSubnetGroupNotFoundFault, DBSubnetGroupDoesNotCoverEnoughAZs."""
    name = wanted.get("DBSubnetGroupName")
    if not name:
        return
    group = rds._subnet_groups.get(name)
    if group is None:
        raise Refused("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.", 404)
    _two_zones([item.get("SubnetIdentifier", "") for item in group.get("Subnets") or []])


def _two_zones(subnets: list[str]) -> None:
    zones = {(ec2._subnets.get(subnet) or {}).get("AvailabilityZone") for subnet in subnets} - {None}
    if len(zones) < 2:
        raise Refused(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            f"{', '.join(sorted(str(zone) for zone in zones))}. Add subnets to cover at least 2 AZs.",
        )


def _parameter_group(wanted: Properties) -> None:
    """CreateDBCluster: DBClusterParameterGroupNotFound; the family must be the engine's."""
    name = wanted.get("DBClusterParameterGroupName")
    if not name or name.startswith("default."):
        return
    group = rds._db_cluster_param_groups.get(name)
    if group is None:
        raise Refused("DBClusterParameterGroupNotFound", f"DBClusterParameterGroup not found: {name}", 404)
    family = f"{wanted.get('Engine')}{str(wanted.get('EngineVersion', '')).partition('.')[0]}"
    if wanted.get("EngineVersion") and group["DBParameterGroupFamily"] != family:
        raise Refused(
            "InvalidParameterCombination",
            f"The Parameter Group {name} with DBParameterGroupFamily {group['DBParameterGroupFamily']} cannot be used for "
            f"this instance. Please use a Parameter Group with DBParameterGroupFamily {family}",
        )


def _fits(wanted: Properties, group: Record) -> None:
    """One cluster per Region; engine and version are the global cluster's; encryption is all or nothing."""
    name = group["GlobalClusterIdentifier"]
    if group.get("FailoverState"):
        raise Refused("InvalidGlobalClusterStateFault", f"Global cluster {name} has a switchover in progress.")
    if any(entry["DBClusterArn"].split(":")[3] == region() for entry in members(group)):
        raise Refused("InvalidParameterValue", f"Global cluster {name} already has a member in {region()}.")
    same_name = [e for e in members(group) if e["DBClusterArn"].rsplit(":", 1)[1] == wanted.get("DBClusterIdentifier")]
    if same_name:
        raise Refused(
            "InvalidParameterValue", "Cluster identifiers must be unique across the Regions of a global cluster."
        )
    for key, word in (("Engine", "engine"), ("EngineVersion", "engineVersion")):
        if wanted.get(key) and wanted[key] != group.get(key):
            raise Refused("InvalidParameterValue", f"Value for {word} should match setting for global cluster {name}")
    if boolean(wanted.get("StorageEncrypted")) != boolean(group.get("StorageEncrypted")):
        raise Refused(
            "InvalidParameterValue", f"Value for storageEncrypted should match setting for global cluster {name}"
        )
    if boolean(wanted.get("ManageMasterUserPassword")):
        raise Refused(
            "InvalidParameterCombination",
            "ManageMasterUserPassword is not supported for a cluster in an Aurora global database.",
        )


def _founder(wanted: Properties) -> None:
    """cdk#29880: a cluster without a primary to follow needs its master user."""
    managed = boolean(wanted.get("ManageMasterUserPassword"))
    restored = wanted.get("SnapshotIdentifier") or wanted.get("SourceDBClusterIdentifier")
    if restored or (wanted.get("MasterUsername") and (managed or wanted.get("MasterUserPassword"))):
        return
    if not wanted.get("MasterUsername"):
        raise Refused("InvalidParameterValue", "The parameter MasterUsername must be provided and must not be blank.")
    raise Refused("InvalidParameterValue", "Invalid master password")


def _primary_is_ready(group: Record) -> None:
    """tf#28546: a volume is replicated from a primary at rest that has an instance at work."""
    arn = next(entry["DBClusterArn"] for entry in members(group) if entry["IsWriter"])
    primary = rds._resolve_cluster(arn) or {}
    if primary.get("Status") != "available" or not has_instance_at_work(primary):
        message = f"Source cluster: {arn} is in a state which is not valid for physical replication"
        raise Refused("InvalidDBClusterStateFault", message)


def _secondary(wanted: Properties, group: Record) -> None:
    """crossplane#1668, tf#13715: credentials and database are the primary's, the key is its own Region's."""
    for key, word in (
        ("MasterUsername", "user name"),
        ("MasterUserPassword", "password"),
        ("DatabaseName", "database name"),
    ):
        if wanted.get(key):
            raise Refused("InvalidParameterCombination", f"Cannot specify {word} for cross region replication cluster")
    key = str(wanted.get("KmsKeyId") or "")
    if boolean(group.get("StorageEncrypted")) and not key:
        raise Refused(
            "InvalidParameterCombination", "For encrypted cross-region replica, kmsKeyId should be explicitly specified"
        )
    if key.startswith("arn:") and key.split(":")[3] != region():
        raise Refused("KMSKeyNotAccessibleFault", f"The specified KMS key [{key}] does not exist in {region()}.")
    _primary_is_ready(group)


def _check_stack_cluster(now: Properties, before: Properties | None) -> None:
    """§3.2#2: a template that adds or changes GlobalClusterIdentifier fails; one that drops it detaches."""
    if before is None:
        check_new_cluster(now)
        return
    wanted, had = now.get("GlobalClusterIdentifier"), before.get("GlobalClusterIdentifier")
    if wanted and wanted != had:
        raise Refused("NotUpdatable", _IMMUTABLE)
    _engine_version(now)
    _parameter_group(now)
    _no_switchover_under_way(rds._clusters.get(now.get("DBClusterIdentifier", "")) or {})


def _no_switchover_under_way(cluster: Record) -> None:
    """§3.2#7: a stack update during a switchover fails."""
    group = rds._resolve_global_cluster(cluster.get("GlobalClusterIdentifier") or "")
    if group and group.get("FailoverState"):
        raise Refused(
            "InvalidDBClusterStateFault",
            f"DB cluster {cluster['DBClusterIdentifier']} is not in available state: its global cluster is switching over.",
        )


def check_delete_cluster(name: str) -> None:
    """DeleteDBCluster: deletion protection, remaining instances, being the writer while secondaries exist (§3.6)."""
    cluster = rds._clusters.get(name)
    if cluster is None:
        return
    if boolean(cluster.get("DeletionProtection")):
        raise Refused(
            "InvalidParameterCombination",
            "Cannot delete protected Cluster, please disable deletion protection and try again.",
        )
    group, entry = member_of(cluster)
    if group and entry and entry["IsWriter"] and len(members(group)) > 1:
        raise Refused(
            "InvalidGlobalClusterStateFault",
            f"This cluster is the primary of global cluster {group['GlobalClusterIdentifier']}: remove the secondary "
            "clusters first.",
        )
    if cluster.get("DBClusterMembers"):
        raise Refused(
            "InvalidDBClusterStateFault",
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
        )


_CALL_NAMES = (
    "DBClusterIdentifier",
    "Engine",
    "EngineVersion",
    "DBSubnetGroupName",
    "DBClusterParameterGroupName",
    "GlobalClusterIdentifier",
    "MasterUsername",
    "MasterUserPassword",
    "ManageMasterUserPassword",
    "DatabaseName",
    "KmsKeyId",
    "StorageEncrypted",
    "SnapshotIdentifier",
)


def _check_create_call(request: Record) -> None:
    check_new_cluster({name: rds._p(request, name) for name in _CALL_NAMES if rds._p(request, name)})


def _check_modify_call(request: Record) -> None:
    """ModifyDBCluster: a cluster that is not at rest takes no change."""
    cluster = rds._clusters.get(rds._p(request, "DBClusterIdentifier"))
    if cluster is None:
        return
    if cluster["Status"] != "available":
        raise Refused(
            "InvalidDBClusterStateFault", f"DB cluster {cluster['DBClusterIdentifier']} is not in available state."
        )
    _no_switchover_under_way(cluster)


def _check_instance(now: Properties, before: Properties | None) -> None:
    """CreateDBInstance: its cluster must exist."""
    cluster = now.get("DBClusterIdentifier")
    if before is None and cluster and cluster not in rds._clusters:
        raise Refused("DBClusterNotFoundFault", f"DBCluster {cluster} not found.", 404)


def check_delete_subnet_group(name: str) -> None:
    """DeleteDBSubnetGroup: InvalidDBSubnetGroupStateFault while a cluster uses it."""
    users = [c["DBClusterIdentifier"] for c in rds._clusters.values() if c.get("DBSubnetGroup") == name]
    if users:
        raise Refused(
            "InvalidDBSubnetGroupStateFault",
            f"Cannot delete the subnet group '{name}' because at least one database instance: {users[0]} is still using it.",
        )


def install() -> None:
    on_call(rds, "_create_db_cluster", _check_create_call, rds._error)
    on_call(rds, "_modify_db_cluster", _check_modify_call, rds._error)
    on_call(
        rds, "_delete_subnet_group", lambda r: check_delete_subnet_group(rds._p(r, "DBSubnetGroupName")), rds._error
    )
    on_stack("AWS::RDS::DBCluster", put=_check_stack_cluster, delete=lambda name, _: check_delete_cluster(name))
    on_stack("AWS::RDS::DBInstance", put=_check_instance)
    on_stack("AWS::RDS::DBSubnetGroup", delete=lambda name, _: check_delete_subnet_group(name))
