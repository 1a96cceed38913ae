"""Aurora: properties that ministack drops, inheritance inside a cluster and a global cluster, and creating, modifying, deleting."""

from typing import Any

from ministack.services import rds

from local_aws import durations, stacks, states
from local_aws.clock import CLOCK
from local_aws.resources.wrap import Properties, after, around, boolean, tags

Record = dict[str, Any]


def _global_writer(cluster: Record) -> Record | None:
    """The writer's record in the global cluster this one belongs to, or is about to join; None when it is alone."""
    group = rds._global_clusters.get(cluster.get("GlobalClusterIdentifier") or "") or {}
    arn = next((m["DBClusterArn"] for m in group.get("GlobalClusterMembers", []) if m["IsWriter"]), None)
    return next((c for c in rds._clusters.all_values() if c["DBClusterArn"] == arn), None)


def is_secondary(cluster: Record) -> bool:
    writer = _global_writer(cluster)
    return writer is not None and writer is not cluster


def forwarding_status(cluster: Record) -> str | None:
    """A primary has none; a secondary forwards as soon as it has an instance at work."""
    if not is_secondary(cluster):
        return None
    if not cluster.get("GlobalWriteForwardingRequested") or not cluster["DBClusterMembers"]:
        return "disabled"
    return "enabled" if has_instance_at_work(cluster) else "enabling"


def has_instance_at_work(cluster: Record) -> bool:
    where = cluster["DBClusterArn"].split(":")[3]
    return any(
        instance["DBInstanceStatus"] in ("available", "modifying")
        for instance in rds._instances.all_values()
        if instance.get("DBClusterIdentifier") == cluster["DBClusterIdentifier"]
        and instance["DBInstanceArn"].split(":")[3] == where
    )


# --- clusters -------------------------------------------------------------------------------------------------------------


def _cluster(name: str, now: Properties, before: Properties | None) -> None:
    cluster = rds._clusters[name]
    wanted = {
        "DBClusterParameterGroup": now.get("DBClusterParameterGroupName", "default.aurora-postgresql16"),
        "EnabledCloudwatchLogsExports": list(now.get("EnableCloudwatchLogsExports") or []),
        "GlobalWriteForwardingRequested": boolean(now.get("EnableGlobalWriteForwarding")),
        "TagList": tags(now),
    }
    if before is None:
        cluster.update(wanted, KmsKeyId=now.get("KmsKeyId", ""), StorageEncrypted=boolean(now.get("StorageEncrypted")))
        _join(cluster, now)
        busy = durations.CLUSTER_SECONDARY if is_secondary(cluster) else durations.CLUSTER_FOUNDER
        states.hold(cluster, "Status", "creating", "available", busy)
        return
    cluster.update(wanted, **_sent_again(now))
    upgraded = now.get("EngineVersion") != before.get("EngineVersion")
    _modifying(cluster, durations.CLUSTER_UPGRADE if upgraded else durations.CLUSTER_MODIFY)


def _sent_again(now: Properties) -> Record:
    """CloudFormation's ModifyDBCluster carries these whether they change or not (aws-facts §3.2#3), as it does `wanted`."""
    return {
        "BackupRetentionPeriod": int(now.get("BackupRetentionPeriod", 1)),
        "CopyTagsToSnapshot": boolean(now.get("CopyTagsToSnapshot")),
        "DeletionProtection": boolean(now.get("DeletionProtection")),
    }


def _join(cluster: Record, properties: Properties) -> None:
    """A secondary has the users and the databases of its writer."""
    cluster.setdefault("GlobalClusterIdentifier", properties.get("GlobalClusterIdentifier"))
    writer = _global_writer(cluster)
    if writer is not None and writer is not cluster:
        for inherited in ("MasterUsername", "DatabaseName", "_MasterUserPassword"):
            cluster[inherited] = writer.get(inherited, "")


def _modifying(cluster: Record, seconds: float) -> None:
    states.hold(cluster, "Status", "modifying", "available", seconds)


def _modify_cluster(stock, request: dict) -> tuple:
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    before = dict(cluster or {})
    status, headers, body = stock(request)
    if status >= 300 or cluster is None:
        return status, headers, body
    forwarding = rds._p(request, "EnableGlobalWriteForwarding")
    if forwarding:
        cluster["GlobalWriteForwardingRequested"] = forwarding == "true"
    exports = set(cluster.get("EnabledCloudwatchLogsExports") or [])
    exports |= set(rds._parse_member_list(request, "CloudwatchLogsExportConfiguration.EnableLogTypes"))
    exports -= set(rds._parse_member_list(request, "CloudwatchLogsExportConfiguration.DisableLogTypes"))
    cluster["EnabledCloudwatchLogsExports"] = sorted(exports)
    if cluster != before:
        upgraded = cluster["EngineVersion"] != before["EngineVersion"]
        _modifying(cluster, durations.CLUSTER_UPGRADE if upgraded else durations.CLUSTER_MODIFY)
    answer = f"<ModifyDBClusterResult><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></ModifyDBClusterResult>"
    return rds._xml(200, "ModifyDBClusterResponse", answer)


def _cluster_xml(stock, cluster: Record) -> str:
    requested = str(bool(cluster.get("GlobalWriteForwardingRequested"))).lower()
    exports = "".join(f"<member>{name}</member>" for name in cluster.get("EnabledCloudwatchLogsExports") or [])
    return (
        stock({**cluster, "GlobalWriteForwardingStatus": forwarding_status(cluster)})
        + f"<GlobalWriteForwardingRequested>{requested}</GlobalWriteForwardingRequested>"
        + (f"<EnabledCloudwatchLogsExports>{exports}</EnabledCloudwatchLogsExports>" if exports else "")
    )


# --- instances ------------------------------------------------------------------------------------------------------------


def _instance(name: str, now: Properties, before: Properties | None) -> None:
    instance = rds._instances[name]
    instance["PerformanceInsightsKMSKeyId"] = now.get("PerformanceInsightsKMSKeyId", "")
    instance["PerformanceInsightsRetentionPeriod"] = int(now.get("PerformanceInsightsRetentionPeriod") or 7)
    _inherit(instance)
    if before is None:
        states.hold(instance, "DBInstanceStatus", "creating", "available", _creation(instance))
    else:
        states.hold(instance, "DBInstanceStatus", "modifying", "available", durations.INSTANCE_MODIFY)


def _inherit(instance: Record) -> None:
    """A member has its cluster's version, encryption and network."""
    cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
    if cluster:
        instance.update(
            EngineVersion=cluster["EngineVersion"],
            StorageEncrypted=boolean(cluster["StorageEncrypted"]),
            KmsKeyId=cluster.get("KmsKeyId", ""),
            DBSubnetGroup=rds._subnet_groups.get(cluster["DBSubnetGroup"], instance["DBSubnetGroup"]),
            VpcSecurityGroups=list(cluster.get("VpcSecurityGroups", [])),
        )
        _one_writer(cluster)


def _creation(instance: Record) -> float:
    cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
    return durations.INSTANCE_SECONDARY if cluster and is_secondary(cluster) else durations.INSTANCE_FOUNDER


def _instance_xml(stock, instance: Record) -> str:
    key = instance.get("PerformanceInsightsKMSKeyId")
    return stock(instance) + (f"<PerformanceInsightsKMSKeyId>{key}</PerformanceInsightsKMSKeyId>" if key else "")


def _one_writer(cluster: Record) -> None:
    """The first member is the writer until another one is promoted; a new member never is."""
    members = cluster["DBClusterMembers"]
    writer = next((m["DBInstanceIdentifier"] for m in members if m["IsClusterWriter"]), None)
    for member in members:
        member["IsClusterWriter"] = member["DBInstanceIdentifier"] == (writer or members[0]["DBInstanceIdentifier"])


def _create_instance(stock, request: dict) -> tuple:
    answer = stock(request)
    instance = rds._resolve_instance(rds._p(request, "DBInstanceIdentifier"))
    if answer[0] < 300 and instance:
        _inherit(instance)
        states.hold(instance, "DBInstanceStatus", "creating", "available", _creation(instance))
    return answer


def _modify_instance(stock, request: dict) -> tuple:
    instance = rds._resolve_instance(rds._p(request, "DBInstanceIdentifier"))
    before = dict(instance or {})
    answer = stock(request)
    if answer[0] < 300 and instance != before:
        states.hold(instance, "DBInstanceStatus", "modifying", "available", durations.INSTANCE_MODIFY)
    return answer


# --- deleting ---------------------------------------------------------------------------------------------------------------


def _delete_by_call(store, find, field: str, kind: str):
    """DeleteDBCluster and DeleteDBInstance: the record stays, as `deleting`, for as long as AWS takes."""

    def replacement(stock, request: dict) -> tuple:
        record = find(rds._p(request, field))
        status_field = "Status" if kind == "AWS::RDS::DBCluster" else "DBInstanceStatus"
        if record and record[status_field] == "deleting":
            return rds._error("InvalidDBClusterStateFault", f"{record[field]} is already being deleted.", 400)
        answer = stock(request)
        if answer[0] < 300 and record:
            name = record[field]
            store[name] = record
            states.release(record, status_field)
            record[status_field] = "deleting"
            CLOCK.later(durations.in_stack(kind, "DELETE"), lambda: (store.pop(name, None), states.changed()))
        return answer

    return replacement


def _deleting(store, field: str):
    """While a stack deletes it."""

    def show(physical_id: str):
        record = store.get(physical_id)
        if record is None:
            return None
        shown = record[field]
        states.release(record, field)
        record[field] = "deleting"
        return lambda: record.update({field: shown})

    return show


def _settled(store, field: str):
    def check(physical_id: str, _: Record) -> bool:
        record = store.get(physical_id)
        if record is None:
            raise ValueError(f"{physical_id} was deleted while the stack waited for it")
        return record[field] == "available"

    return check


def install() -> None:
    after("AWS::RDS::DBCluster", _cluster)
    after("AWS::RDS::DBInstance", _instance)
    around(rds, "_cluster_xml", _cluster_xml)
    around(rds, "_instance_xml", _instance_xml)
    around(rds, "_modify_db_cluster", _modify_cluster)
    around(rds, "_create_db_instance", _create_instance)
    around(rds, "_modify_db_instance", _modify_instance)
    stores = (
        ("AWS::RDS::DBCluster", rds._clusters, "Status", "_delete_db_cluster", rds._resolve_cluster_in_request_region),
        ("AWS::RDS::DBInstance", rds._instances, "DBInstanceStatus", "_delete_db_instance", rds._resolve_instance),
    )
    for kind, store, field, action, find in stores:
        identifier = "DBClusterIdentifier" if kind == "AWS::RDS::DBCluster" else "DBInstanceIdentifier"
        around(rds, action, _delete_by_call(store, find, identifier, kind))
        states.settles(kind, _settled(store, field))
        stacks.shows_deleting(kind, _deleting(store, field))
