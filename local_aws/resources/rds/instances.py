"""DB instances of a cluster: what they have from it, who of them writes, and create, modify, reboot, failover with their time."""

from typing import Any

from ministack.services import rds

from local_aws import durations, states
from local_aws.resources.rds import parameters
from local_aws.resources.rds.answers import described
from local_aws.resources.rds.events import tell
from local_aws.resources.rds.members import is_secondary
from local_aws.resources.wrap import Properties, after, around, boolean

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._failover_db_cluster",
    "ministack.services.rds._reboot_db_instance",
    "ministack.services.rds._single_instance_response",
    "ministack.services.rds._sync_cluster_endpoints",
)

Record = dict[str, Any]
TYPE = "AWS::RDS::DBInstance"


def _instance(name: str, now: Properties, before: Properties | None) -> Record:
    instance = rds._instances[name]
    instance["PerformanceInsightsKMSKeyId"] = now.get("PerformanceInsightsKMSKeyId", "")
    instance["PerformanceInsightsRetentionPeriod"] = int(now.get("PerformanceInsightsRetentionPeriod") or 7)
    inherit(instance)
    if before is None:
        _begin(instance)
    else:
        states.hold(instance, "DBInstanceStatus", "modifying", "available", durations.INSTANCE_MODIFY)
    return {"Endpoint.Address": instance["Endpoint"]["Address"]}


def inherit(instance: Record) -> None:
    """A member has its cluster's version, encryption and network, and an address beside the cluster's."""
    cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
    if cluster:
        instance.update(
            EngineVersion=cluster["EngineVersion"],
            StorageEncrypted=boolean(cluster["StorageEncrypted"]),
            KmsKeyId=cluster.get("KmsKeyId", ""),
            DBSubnetGroup=rds._subnet_groups.get(cluster["DBSubnetGroup"], instance["DBSubnetGroup"]),
            VpcSecurityGroups=list(cluster.get("VpcSecurityGroups", [])),
        )
        if ".cluster-" in cluster["Endpoint"]:
            domain = cluster["Endpoint"].partition(".cluster-")[2]
            instance["Endpoint"]["Address"] = f"{instance['DBInstanceIdentifier']}.{domain}"
        one_writer(cluster)


def one_writer(cluster: Record) -> None:
    """The first member is the writer until another one is promoted; a new member never is."""
    members = cluster["DBClusterMembers"]
    writer = next((m["DBInstanceIdentifier"] for m in members if m["IsClusterWriter"]), None)
    for member in members:
        member["IsClusterWriter"] = member["DBInstanceIdentifier"] == (writer or members[0]["DBInstanceIdentifier"])


def _begin(instance: Record) -> None:
    cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
    seconds = durations.INSTANCE_SECONDARY if cluster and is_secondary(cluster) else durations.INSTANCE_FOUNDER
    states.hold(instance, "DBInstanceStatus", "creating", "available", seconds)
    tell(instance["DBInstanceArn"], "RDS-EVENT-0005", "creation", "DB instance created")


def _instance_xml(stock: Any, instance: Record) -> str:
    key = instance.get("PerformanceInsightsKMSKeyId")
    return str(stock(instance)) + (f"<PerformanceInsightsKMSKeyId>{key}</PerformanceInsightsKMSKeyId>" if key else "")


def _create(stock: Any, request: Record) -> Any:
    answer = stock(request)
    instance = rds._resolve_instance(rds._p(request, "DBInstanceIdentifier"))
    if answer[0] >= 300 or not instance:
        return answer
    inherit(instance)
    _begin(instance)
    return rds._single_instance_response("CreateDBInstanceResponse", "CreateDBInstanceResult", instance)


def _modify(stock: Any, request: Record) -> Any:
    instance = rds._resolve_instance(rds._p(request, "DBInstanceIdentifier"))
    before = dict(instance or {})
    answer = stock(request)
    if answer[0] >= 300 or instance is None:
        return answer
    if tier := rds._p(request, "PromotionTier"):
        _promotion_tier(instance, int(tier))
    unseen = {"PendingModifiedValues"}  # what waits for the maintenance window changes nothing now
    if {k: v for k, v in instance.items() if k not in unseen} != {k: v for k, v in before.items() if k not in unseen}:
        states.hold(instance, "DBInstanceStatus", "modifying", "available", durations.INSTANCE_MODIFY)
    return rds._single_instance_response("ModifyDBInstanceResponse", "ModifyDBInstanceResult", instance)


def _promotion_tier(instance: Record, tier: int) -> None:
    instance["PromotionTier"] = tier
    cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "") or {}
    for member in cluster.get("DBClusterMembers") or []:
        if member["DBInstanceIdentifier"] == instance["DBInstanceIdentifier"]:
            member["PromotionTier"] = tier


def _reboot(_stock: Any, request: Record) -> Any:
    """RebootDBInstance, with virtual time in place of ministack's thread; afterwards every parameter is in sync."""
    instance = rds._resolve_instance(rds._p(request, "DBInstanceIdentifier"))

    def done() -> None:
        cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
        if cluster:
            parameters.taken_up(cluster, instance["DBInstanceIdentifier"])
        tell(instance["DBInstanceArn"], "RDS-EVENT-0006", "availability", "DB instance restarted")

    states.hold(instance, "DBInstanceStatus", "rebooting", "available", durations.INSTANCE_REBOOT, done)
    return rds._single_instance_response("RebootDBInstanceResponse", "RebootDBInstanceResult", instance)


def _failover(stock: Any, request: Record) -> Any:
    """FailoverDBCluster: ministack chooses, by tier, and refuses; the new writer writes half a minute later."""
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    before = [dict(member) for member in (cluster or {}).get("DBClusterMembers") or []]
    answer = stock(request)
    if answer[0] >= 300 or cluster is None:
        return answer
    target = next(m["DBInstanceIdentifier"] for m in cluster["DBClusterMembers"] if m["IsClusterWriter"])
    cluster["DBClusterMembers"] = before

    def done() -> None:
        for member in cluster["DBClusterMembers"]:
            member["IsClusterWriter"] = member["DBInstanceIdentifier"] == target
        message = f"Completed failover to DB instance: {target}"
        tell(cluster["DBClusterArn"], "RDS-EVENT-0071", "failover", message)

    states.hold(cluster, "Status", "failing-over", "available", durations.CLUSTER_FAILOVER, done)
    message = f"Started cross AZ failover to DB instance: {target}"
    tell(cluster["DBClusterArn"], "RDS-EVENT-0073", "failover", message)
    return described("FailoverDBCluster", cluster)


def install() -> None:
    after(TYPE, _instance)
    states.settles(TYPE, rds._instances.get, lambda instance: bool(instance["DBInstanceStatus"] == "available"))
    around(rds, "_instance_xml", _instance_xml)
    around(rds, "_create_db_instance", _create)
    around(rds, "_modify_db_instance", _modify)
    around(rds, "_reboot_db_instance", _reboot)
    around(rds, "_failover_db_cluster", _failover)
    around(
        rds, "_sync_cluster_endpoints", lambda _stock, _cluster: None
    )  # its names stay; ministack puts localhost there
    around(rds, "_refresh_cluster_status", lambda _stock, _cluster: None)  # a cluster's status is its own here
