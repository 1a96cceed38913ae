"""Aurora: CreateDBCluster: what a cluster needs, who may join a global cluster and how (aws-facts §3.1, §3.3)."""

from typing import Any

from ministack.core.responses import get_region
from ministack.services import ec2, rds

from local_aws.arns import region_of
from local_aws.legality.guard import on_call
from local_aws.refused import Refused
from local_aws.resources.rds.members import has_instance_at_work, members
from local_aws.resources.wrap import Properties, boolean

PATCHED: tuple[str, ...] = tuple(
    f"ministack.services.rds.{name}"
    for name in (
        "_clusters",
        "_create_db_cluster",
        "_db_cluster_param_groups",
        "_error",
        "_p",
        "_resolve_cluster",
        "_resolve_global_cluster",
        "_subnet_groups",
        "_unsupported_aurora_engine_version_error",
    )
)

Record = dict[str, Any]
MOST_SECONDARIES = 10


def check_new_cluster(wanted: Properties) -> None:
    """CreateDBCluster, with CloudFormation's property names: a free name, a global cluster that is there [V botocore], and what
    the rules below ask."""
    name = wanted.get("DBClusterIdentifier", "")
    if name and name in rds._clusters:
        raise Refused("DBClusterAlreadyExistsFault", f"DB Cluster already exists: {name}")
    engine_version(wanted)
    _subnet_group(wanted)
    parameter_group(wanted)
    retention(wanted)
    joined = wanted.get("GlobalClusterIdentifier")
    if not joined:
        _founder(wanted)
        forwards_to_somebody(wanted)
        return
    group = rds._resolve_global_cluster(joined)
    if group is None:
        raise Refused("GlobalClusterNotFoundFault", f"Global cluster {joined} not found.", 404)
    _fits(wanted, group)
    _founder(wanted) if not members(group) else _secondary(wanted, group)


def engine_version(wanted: Properties) -> None:
    """CreateDBCluster: the engine must have that version [K: code and words]."""
    engine, version = wanted.get("Engine", ""), wanted.get("EngineVersion")
    if rds._unsupported_aurora_engine_version_error(engine, version):
        raise Refused("InvalidParameterCombination", f"Cannot find version {version} for {engine}")


def _subnet_group(wanted: Properties) -> None:
    """CreateDBCluster: DBSubnetGroupNotFoundFault, DBSubnetGroupDoesNotCoverEnoughAZs [V botocore]."""
    name = wanted.get("DBSubnetGroupName")
    if not name:
        return
    group = rds._subnet_groups.get(name)
    if group is None:
        raise Refused("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.", 404)
    two_zones([item.get("SubnetIdentifier", "") for item in group.get("Subnets") or []])


def two_zones(subnets: list[str]) -> None:
    """CreateDBCluster, CreateDBSubnetGroup: DBSubnetGroupDoesNotCoverEnoughAZs [V botocore; words K]."""
    zones = {(ec2._subnets.get(subnet) or {}).get("AvailabilityZone") for subnet in subnets} - {None}
    if len(zones) < 2:
        raise Refused(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            f"{', '.join(sorted(str(zone) for zone in zones))}. Add subnets to cover at least 2 AZs.",
        )


def parameter_group(wanted: Properties) -> None:
    """CreateDBCluster: DBClusterParameterGroupNotFound [V botocore]; the family must be the engine's [K: code and words]."""
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


def retention(wanted: Properties) -> None:
    """CreateDBCluster, ModifyDBCluster: BackupRetentionPeriod is from 1 to 35 days [V]."""
    days = wanted.get("BackupRetentionPeriod")
    if days is not None and not 1 <= int(days) <= 35:
        raise Refused("InvalidParameterValue", f"Invalid backup retention period: {days}. Must be between 1 and 35.")


def forwards_to_somebody(wanted: Properties) -> None:
    """EnableGlobalWriteForwarding is only for members of a global database [V]; the error's code is [K]."""
    if boolean(wanted.get("EnableGlobalWriteForwarding")):
        raise Refused(
            "InvalidParameterCombination",
            "Global write forwarding can be enabled only for a DB cluster that is a member of a global cluster.",
        )


def _fits(wanted: Properties, group: Record) -> None:
    """One cluster per Region; engine and version are the global cluster's; encryption is all or nothing."""
    name = group["GlobalClusterIdentifier"]
    if group["Status"] != "available":
        raise Refused("InvalidGlobalClusterStateFault", f"Global cluster {name} is in {group['Status']} state.")
    if len(members(group)) > MOST_SECONDARIES:
        raise Refused(
            "InvalidGlobalClusterStateFault",
            f"Global cluster {name} has {MOST_SECONDARIES} secondary clusters already.",
        )
    if any(region_of(entry["DBClusterArn"]) == get_region() for entry in members(group)):
        raise Refused("InvalidParameterValue", f"Global cluster {name} already has a member in {get_region()}.")
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
    if key.startswith("arn:") and region_of(key) != get_region():
        raise Refused("KMSKeyNotAccessibleFault", f"The specified KMS key [{key}] does not exist in {get_region()}.")
    _primary_is_ready(group)


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
    "BackupRetentionPeriod",
    "EnableGlobalWriteForwarding",
)


def _check_create_call(request: Record) -> None:
    check_new_cluster({name: rds._p(request, name) for name in _CALL_NAMES if rds._p(request, name)})


def install() -> None:
    on_call(rds, "_create_db_cluster", _check_create_call, rds._error)
