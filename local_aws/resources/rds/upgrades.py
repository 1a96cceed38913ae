"""New engine versions: one member for a minor one, the whole global cluster for a major one (aws-facts §8.12)."""

from typing import Any

from local_aws import durations, states
from local_aws.resources.rds import parameters
from local_aws.resources.rds.events import tell
from local_aws.resources.rds.members import clusters_of, instances_of, member_of

Record = dict[str, Any]


def minor(cluster: Record, version: str) -> None:
    """ModifyDBCluster: the version is there when the cluster is available again; the primary's is the global cluster's [K]."""

    def done() -> None:
        _has(cluster, version)
        group, entry = member_of(cluster)
        if group and entry and entry["IsWriter"]:
            group["EngineVersion"] = version

    _upgrading(cluster, durations.CLUSTER_UPGRADE, done)


def major(group: Record, version: str) -> None:
    """ModifyGlobalCluster: all members at once, and their parameter groups become the new version's default ones [V]."""
    for cluster in clusters_of(group):

        def done(cluster: Record = cluster) -> None:
            _has(cluster, version)
            parameters.associate(cluster, parameters.default_group(cluster["Engine"], version))

        _upgrading(cluster, durations.GLOBAL_MAJOR_UPGRADE, done)
    states.hold(
        group,
        "Status",
        "upgrading",
        "available",
        durations.GLOBAL_MAJOR_UPGRADE,
        lambda: group.update(EngineVersion=version),
    )


def _upgrading(cluster: Record, seconds: float, done: Any) -> None:
    states.hold(cluster, "Status", "upgrading", "available", seconds, done)
    for instance in instances_of(cluster):
        states.hold(instance, "DBInstanceStatus", "upgrading", "available", seconds)
    message = "Database cluster upgrade is in progress."
    tell(cluster["DBClusterArn"], "RDS-EVENT-0177", "maintenance", message)


def _has(cluster: Record, version: str) -> None:
    cluster["EngineVersion"] = version
    for instance in instances_of(cluster):
        instance["EngineVersion"] = version
    message = "Database cluster engine version has been upgraded."
    tell(cluster["DBClusterArn"], "RDS-EVENT-0173", "maintenance", message)
