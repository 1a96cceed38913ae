"""DB clusters: what a stack's template makes of them, what ModifyDBCluster changes, and what is seen meanwhile.

A stack's update really is one ModifyDBCluster, as in CloudFormation's handler (aws-facts §3.2; the public source of
aws-cloudformation-resource-providers-rds, Translator.modifyDbClusterRequest [S]): the call's refusals and its time are the stack's.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import rds
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws import durations, states
from local_aws.resources.rds import forwarding, parameters, upgrades
from local_aws.resources.rds.answers import as_text, described, for_stack, rolling_back, tag
from local_aws.resources.rds.events import tell
from local_aws.resources.rds.members import is_secondary, writer
from local_aws.resources.wrap import Properties, after, around, boolean

Record = dict[str, Any]
TYPE = "AWS::RDS::DBCluster"
# Sent on every update, whether the template changed them or not; what a template does not name is not sent.
_SENT_AGAIN = (
    "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot",
    "DBClusterParameterGroupName",
    "DeletionProtection",
    "EnableGlobalWriteForwarding",
    "EnableHttpEndpoint",
    "MonitoringInterval",
    "MonitoringRoleArn",
    "NetworkType",
    "StorageType",
)
_SENT_IF_CHANGED = (
    "EnableIAMDatabaseAuthentication",
    "MasterUserPassword",
    "Port",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
)
_PLAIN: dict[str, Callable[[Any], Any]] = {
    "AutoMinorVersionUpgrade": boolean,
    "MonitoringInterval": int,
    "MonitoringRoleArn": str,
    "NetworkType": str,
    "StorageType": str,
}


# ---- from a stack --------------------------------------------------------------------------------------------------------


def _created(name: str, now: Properties, before: Properties | None) -> None:
    if before is not None:
        return
    cluster = rds._clusters[name]
    cluster.setdefault("GlobalClusterIdentifier", now.get("GlobalClusterIdentifier"))
    cluster.update(
        DBClusterParameterGroup=now.get("DBClusterParameterGroupName") or _default_group(cluster),
        EnabledCloudwatchLogsExports=list(now.get("EnableCloudwatchLogsExports") or []),
        GlobalWriteForwardingRequested=boolean(now.get("EnableGlobalWriteForwarding")),
        KmsKeyId=now.get("KmsKeyId", ""),
        StorageEncrypted=boolean(now.get("StorageEncrypted")),
        **_plain(now.get),
    )
    tag(cluster, "DBClusterArn", {}, now)
    begin(cluster)


def _update(stock: Any, name: str, old: Properties, new: Properties, stack_name: str, *more: Any) -> Any:
    """Nothing but the call changes the record: what ministack's handler wrote is taken back."""
    live = dict(rds._clusters.get(name) or {})
    result = stock(name, old, new, stack_name, *more)
    cluster = rds._clusters[result[0]]
    if result[0] == name and cluster["DBClusterArn"] == live.get("DBClusterArn"):
        cluster.update(live)
        for_stack(rds._modify_db_cluster, modification(name, old, new, rolling_back=rolling_back(stack_name)))
        tag(cluster, "DBClusterArn", old, new)
    return result


def modification(name: str, old: Properties, new: Properties, *, rolling_back: bool) -> dict[str, str]:
    """The ModifyDBCluster that CloudFormation sends for a changed template.

    A roll-back leaves the engine version that the update brought. A cluster that has just left its global cluster is not
    asked to forward.
    """
    wanted = {key: new[key] for key in _SENT_AGAIN if new.get(key) is not None}
    wanted |= {
        key: new[key] for key in _SENT_IF_CHANGED if new.get(key) is not None and str(new[key]) != str(old.get(key))
    }
    if not rolling_back and new.get("EngineVersion") and new["EngineVersion"] != old.get("EngineVersion"):
        wanted |= {"EngineVersion": new["EngineVersion"], "AllowMajorVersionUpgrade": True}
    if boolean(new.get("ManageMasterUserPassword")):
        wanted["ManageMasterUserPassword"] = True  # §3.2#5: on every update
    if not new.get("GlobalClusterIdentifier"):
        wanted.pop("EnableGlobalWriteForwarding", None)
    asked = {key: as_text(value) for key, value in wanted.items()}
    asked |= {"DBClusterIdentifier": name, "ApplyImmediately": "true"}
    asked["BackupRetentionPeriod"] = str(new.get("BackupRetentionPeriod") or 1)
    return asked | _lists(old, new)


def _lists(old: Properties, new: Properties) -> dict[str, str]:
    asked: dict[str, str] = {}
    for bound, value in (new.get("ServerlessV2ScalingConfiguration") or {}).items():
        asked[f"ServerlessV2ScalingConfiguration.{bound}"] = str(value)
    groups = new.get("VpcSecurityGroupIds") or []
    if set(groups) != set(old.get("VpcSecurityGroupIds") or []):
        asked |= {f"VpcSecurityGroupIds.member.{i}": group for i, group in enumerate(groups, 1)}
    before, after_ = (set(each.get("EnableCloudwatchLogsExports") or []) for each in (old, new))
    for word, names in (("EnableLogTypes", after_ - before), ("DisableLogTypes", before - after_)):
        for i, kind in enumerate(sorted(names), 1):
            asked[f"CloudwatchLogsExportConfiguration.{word}.member.{i}"] = kind
    return asked


def _plain(given: Callable[[str], Any]) -> Record:
    """Settings that are kept as they are given."""
    return {key: kind(given(key)) for key, kind in _PLAIN.items() if given(key) not in (None, "")}


# ---- by call ---------------------------------------------------------------------------------------------------------------


def begin(cluster: Record) -> None:
    """A cluster that is being created; a secondary has the users and the databases of its primary."""
    primary = writer(cluster)
    if primary is not None and primary is not cluster:
        cluster.update({key: primary.get(key, "") for key in ("MasterUsername", "DatabaseName", "_MasterUserPassword")})
    seconds = durations.CLUSTER_SECONDARY if is_secondary(cluster) else durations.CLUSTER_FOUNDER
    states.hold(cluster, "Status", "creating", "available", seconds)
    tell(cluster["DBClusterArn"], "RDS-EVENT-0170", "creation", "DB cluster created")


def _create(stock: Any, request: Record) -> Any:
    """A cluster made by call takes as long as one made by a stack."""
    answer = stock(request)
    cluster = rds._clusters.get(rds._p(request, "DBClusterIdentifier"))
    if answer[0] != 200 or cluster is None:
        return answer
    cluster["GlobalWriteForwardingRequested"] = rds._p(request, "EnableGlobalWriteForwarding") == "true"
    if not rds._p(request, "DBClusterParameterGroupName"):
        cluster["DBClusterParameterGroup"] = _default_group(cluster)
    cluster.update(_plain(lambda key: rds._p(request, key)))
    begin(cluster)
    return described("CreateDBCluster", cluster)


def _modify(stock: Any, request: Record) -> Any:
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    before = dict(cluster or {})
    answer = stock(request)
    if answer[0] >= 300 or cluster is None:
        return answer
    immediately = rds._p(request, "ApplyImmediately") == "true"
    version, cluster["EngineVersion"] = cluster["EngineVersion"], before["EngineVersion"]
    _settings(cluster, request, before)
    held = _held_back(cluster, before, version, immediately=immediately)
    changed = cluster != before
    cluster["PendingModifiedValues"] = {} if immediately else {**(before.get("PendingModifiedValues") or {}), **held}
    if immediately and (held or version != before["EngineVersion"]):
        _apply_held(cluster, held, version)
    elif changed:
        states.hold(cluster, "Status", "modifying", "available", durations.CLUSTER_MODIFY)
    return described("ModifyDBCluster", cluster)


def _settings(cluster: Record, request: Record, before: Record) -> None:
    """What ministack's call leaves out."""
    if wanted := rds._p(request, "EnableGlobalWriteForwarding"):
        forwarding.request(cluster, wanted=wanted == "true")
    exports = set(cluster.get("EnabledCloudwatchLogsExports") or [])
    exports |= set(rds._parse_member_list(request, "CloudwatchLogsExportConfiguration.EnableLogTypes"))
    exports -= set(rds._parse_member_list(request, "CloudwatchLogsExportConfiguration.DisableLogTypes"))
    cluster["EnabledCloudwatchLogsExports"] = sorted(exports)
    cluster.update(_plain(lambda key: rds._p(request, key)))
    if group := rds._p(request, "DBClusterParameterGroupName"):
        cluster["DBClusterParameterGroup"] = before.get("DBClusterParameterGroup")
        parameters.associate(cluster, group)


def _held_back(cluster: Record, before: Record, version: str, *, immediately: bool) -> Record:
    """What waits for the maintenance window unless ApplyImmediately is set [V ModifyDBCluster]; that also applies what waits."""
    held = dict(before.get("PendingModifiedValues") or {}) if immediately else {}
    if not immediately and version != before["EngineVersion"]:
        held["EngineVersion"] = version
    authentication = cluster.get("IAMDatabaseAuthenticationEnabled")
    if not immediately and authentication != before.get("IAMDatabaseAuthenticationEnabled"):
        cluster["IAMDatabaseAuthenticationEnabled"] = before.get("IAMDatabaseAuthenticationEnabled", False)
        held["IAMDatabaseAuthenticationEnabled"] = authentication
    return held


def _apply_held(cluster: Record, held: Record, version: str) -> None:
    if "IAMDatabaseAuthenticationEnabled" in held:
        cluster["IAMDatabaseAuthenticationEnabled"] = held["IAMDatabaseAuthenticationEnabled"]
    wanted = version if version != cluster["EngineVersion"] else held.get("EngineVersion", version)
    if wanted != cluster["EngineVersion"]:
        upgrades.minor(cluster, wanted)
    else:
        states.hold(cluster, "Status", "modifying", "available", durations.CLUSTER_MODIFY)


def _default_group(cluster: Record) -> str:
    return parameters.default_group(cluster["Engine"], cluster["EngineVersion"])


def _settled(cluster: Record) -> bool:
    """aws-facts §3.2#7: available, nothing pending, forwarding not on its way."""
    return (
        cluster["Status"] == "available"
        and not cluster.get("PendingModifiedValues")
        and not forwarding.under_way(cluster)
    )


def install() -> None:
    after(TYPE, _created)
    update = _RESOURCE_HANDLERS[TYPE]["update"]
    _RESOURCE_HANDLERS[TYPE]["update"] = lambda *args: _update(update, *args)
    around(rds, "_create_db_cluster", _create)
    around(rds, "_modify_db_cluster", _modify)
    states.settles(TYPE, rds._clusters.get, _settled)
