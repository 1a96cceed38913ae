"""The database and its key in template shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.facts import Answer
from reconciler.model.observed import Unknown


def global_cluster(found: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("GlobalClusterIdentifier", "Engine", "EngineVersion", "StorageEncrypted", "DeletionProtection")
    return {name: found.get(name) for name in names}


def cluster(found: Mapping[str, Any], group: Answer) -> Mapping[str, Any]:
    """Membership is taken from the global cluster, which always tells; forwarding is meaningless while the member writes."""
    scaling = found.get("ServerlessV2ScalingConfiguration") or {}
    properties = {
        "DBClusterIdentifier": found["DBClusterIdentifier"],
        "Engine": found["Engine"],
        "EngineMode": found.get("EngineMode", "provisioned"),
        "EngineVersion": found["EngineVersion"],
        "EnableIAMDatabaseAuthentication": found.get("IAMDatabaseAuthenticationEnabled", False),
        "StorageEncrypted": found.get("StorageEncrypted", False),
        "KmsKeyId": found.get("KmsKeyId"),
        "DBSubnetGroupName": found.get("DBSubnetGroup"),
        "DBClusterParameterGroupName": found.get("DBClusterParameterGroup"),
        "VpcSecurityGroupIds": [g["VpcSecurityGroupId"] for g in found.get("VpcSecurityGroups", ())],
        "Port": found.get("Port"),
        "BackupRetentionPeriod": found.get("BackupRetentionPeriod"),
        "CopyTagsToSnapshot": found.get("CopyTagsToSnapshot", False),
        "DeletionProtection": found.get("DeletionProtection", False),
        "EnableCloudwatchLogsExports": list(found.get("EnabledCloudwatchLogsExports", ())),
        "ServerlessV2ScalingConfiguration": {key: scaling.get(key) for key in ("MinCapacity", "MaxCapacity")},
        "DatabaseName": found.get("DatabaseName"),
        "MasterUsername": found.get("MasterUsername"),
    }
    if isinstance(group, Unknown):
        return properties
    members = (group or {}).get("GlobalClusterMembers", ())
    membership = next((m for m in members if m["DBClusterArn"] == found["DBClusterArn"]), None)
    properties["GlobalClusterIdentifier"] = group["GlobalClusterIdentifier"] if group and membership else None
    if membership and not membership["IsWriter"]:
        properties["EnableGlobalWriteForwarding"] = found.get("GlobalWriteForwardingRequested", False)
    return properties


def instance(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "DBInstanceIdentifier": found["DBInstanceIdentifier"],
        "DBClusterIdentifier": found.get("DBClusterIdentifier"),
        "DBInstanceClass": found["DBInstanceClass"],
        "Engine": found["Engine"],
        "PromotionTier": found.get("PromotionTier"),
        "AutoMinorVersionUpgrade": found.get("AutoMinorVersionUpgrade", False),
        "PubliclyAccessible": found.get("PubliclyAccessible", False),
        "EnablePerformanceInsights": found.get("PerformanceInsightsEnabled", False),
        "PerformanceInsightsKMSKeyId": found.get("PerformanceInsightsKMSKeyId"),
        "PerformanceInsightsRetentionPeriod": found.get("PerformanceInsightsRetentionPeriod"),
    }


def key(found: Mapping[str, Any], rotation: Answer) -> Mapping[str, Any]:
    properties = {"Description": found.get("Description", ""), "Enabled": found.get("Enabled", False)}
    if rotation is None or isinstance(rotation, Unknown):
        return properties
    return {**properties, "EnableKeyRotation": rotation["KeyRotationEnabled"]}
