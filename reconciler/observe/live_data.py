"""The database, its parameters, secret and key in template shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.facts import Answer
from reconciler.model.observed import Unknown
from reconciler.model.shapes import Undeclared, Whole
from reconciler.observe.names import tags


def global_cluster(found: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("GlobalClusterIdentifier", "Engine", "EngineVersion", "StorageEncrypted", "DeletionProtection")
    return {**{name: found.get(name) for name in names}, "Tags": tags(found.get("TagList"))}


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
        "PendingModifiedValues": _pending(found),
        "Tags": tags(found.get("TagList")),
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
        "PendingModifiedValues": _pending(found),
        "Tags": tags(found.get("TagList")),
    }


def _pending(found: Mapping[str, Any]) -> Undeclared:
    """What was changed and waits for the maintenance window. A password's new value is none of anybody's business."""
    values = found.get("PendingModifiedValues") or {}
    shown = {name: value for name, value in values.items() if value and name != "MasterUserPassword"}
    return Undeclared(desired=None, observed=shown or None)


def parameters(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """DescribeDBClusterParameters with `Source=user`: those that a template or a hand has set [V]."""
    given = {p["ParameterName"]: p["ParameterValue"] for p in found["Parameters"] if "ParameterValue" in p}
    return {"Parameters": Whole(given)}


def secret(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """DescribeSecret. The key may come as an ARN or an id [V: "key ID or alias ARN"]; the value is never read."""
    key = found.get("KmsKeyId") or ""
    place = found["ARN"].split(":")
    bare = key and not key.startswith(("arn:", "alias/"))
    return {
        "Description": found.get("Description", ""),
        "KmsKeyId": f"arn:{place[1]}:kms:{place[3]}:{place[4]}:key/{key}" if bare else key or None,
        "DeletedDate": Undeclared(desired=None, observed=_day(found.get("DeletedDate"))),
        "RotationEnabled": Undeclared(desired=False, observed=bool(found.get("RotationEnabled", False))),
        "Tags": tags(found.get("Tags")),
    }


def _day(moment: Any) -> str | None:
    return moment and f"{moment:%Y-%m-%d}"


def key(found: Mapping[str, Any], rotation: Answer) -> Mapping[str, Any]:
    properties = {
        "Description": found.get("Description", ""),
        "Enabled": Undeclared(desired=True, observed=found.get("Enabled", False)),
    }
    if rotation is None or isinstance(rotation, Unknown):
        return properties
    return {**properties, "EnableKeyRotation": rotation["KeyRotationEnabled"]}
