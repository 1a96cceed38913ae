"""What the data tier really is: global cluster, clusters, instances, their groups, keys and tables."""

from typing import Any

from ministack.services import kms, rds

Properties = dict[str, Any]


def _named(record: Properties, names: str) -> Properties:
    """Every name is there: None says that we looked and found nothing."""
    return {name: record.get(name) for name in names.split()}


def global_cluster(physical_id: str, _props: Properties) -> Properties | None:
    found = rds._global_clusters.get(physical_id)
    if found is None:
        return None
    names = "GlobalClusterIdentifier Engine EngineVersion DeletionProtection StorageEncrypted DatabaseName"
    return _named(found, names) | {"Tags": found.get("TagList", [])}


def cluster(physical_id: str, _props: Properties) -> Properties | None:
    found = rds._clusters.get(physical_id)
    if found is None:
        return None
    names = (
        "DBClusterIdentifier Engine EngineVersion EngineMode Port BackupRetentionPeriod PreferredBackupWindow "
        "PreferredMaintenanceWindow DeletionProtection CopyTagsToSnapshot ServerlessV2ScalingConfiguration "
        "StorageEncrypted KmsKeyId GlobalClusterIdentifier MasterUsername DatabaseName NetworkType StorageType "
        "AutoMinorVersionUpgrade MonitoringInterval MonitoringRoleArn"
    )
    return _named(found, names) | {
        "DBClusterParameterGroupName": found.get("DBClusterParameterGroup"),
        "DBSubnetGroupName": _name_of(found.get("DBSubnetGroup"), "DBSubnetGroupName"),
        "VpcSecurityGroupIds": [group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups") or []],
        "EnableIAMDatabaseAuthentication": found.get("IAMDatabaseAuthenticationEnabled", False),
        "EnableHttpEndpoint": found.get("HttpEndpointEnabled", False),
        "EnableCloudwatchLogsExports": found.get("EnabledCloudwatchLogsExports") or [],
        "EnableGlobalWriteForwarding": found.get("GlobalWriteForwardingRequested", False),
        "Tags": found.get("TagList") or [],
    }


def _name_of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else value


def instance(physical_id: str, _props: Properties) -> Properties | None:
    found = rds._instances.get(physical_id)
    if found is None:
        return None
    names = (
        "DBInstanceIdentifier DBClusterIdentifier DBInstanceClass Engine EngineVersion PromotionTier PubliclyAccessible "
        "AvailabilityZone AutoMinorVersionUpgrade MonitoringInterval PreferredMaintenanceWindow CopyTagsToSnapshot"
    )
    return _named(found, names) | {
        "EnablePerformanceInsights": found.get("PerformanceInsightsEnabled", False),
        "DBSubnetGroupName": _name_of(found.get("DBSubnetGroup"), "DBSubnetGroupName"),
        "Tags": found.get("TagList") or [],
    }


def subnet_group(physical_id: str, _props: Properties) -> Properties | None:
    found = rds._subnet_groups.get(physical_id)
    if found is None:
        return None
    subnets = [item.get("SubnetIdentifier", item) for item in found.get("Subnets") or []]
    names = _named(found, "DBSubnetGroupName DBSubnetGroupDescription")
    return names | {"SubnetIds": subnets, "Tags": rds._tags.get(found["DBSubnetGroupArn"]) or []}


def parameter_group(physical_id: str, _props: Properties) -> Properties | None:
    found = rds._db_cluster_param_groups.get(physical_id)
    if found is None:
        return None
    values = found.get("Parameters") or {}
    if isinstance(values, list):
        values = {item["ParameterName"]: item["ParameterValue"] for item in values}
    flat = {name: item.get("ParameterValue") if isinstance(item, dict) else item for name, item in values.items()}
    names = _named(found, "DBClusterParameterGroupName Description")
    tags = rds._tags.get(found["DBClusterParameterGroupArn"]) or []
    return names | {"Family": found.get("DBParameterGroupFamily"), "Parameters": flat, "Tags": tags}


def key(physical_id: str, _props: Properties) -> Properties | None:
    """For CloudFormation a key that is pending deletion is gone: its handler answers NotFound
    [S, aws-cloudformation-resource-providers-kms, KeyHandlerHelper.describeKey]."""
    found = kms._keys.get(physical_id)
    if found is None or found.get("KeyState") == "PendingDeletion":
        return None
    tags = [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in found.get("Tags") or [] if "TagKey" in tag]
    return _named(found, "Description Enabled MultiRegion KeyUsage KeySpec") | {
        "EnableKeyRotation": found.get("KeyRotationEnabled", False),
        "KeyPolicy": found.get("Policy"),
        "Tags": tags,
    }
