"""Who belongs to which global cluster: look-ups across Regions, without any effect."""

from typing import Any

from ministack.services import rds

from local_aws.arns import account_of, region_of

Record = dict[str, Any]


def members(group: Record) -> list[Record]:
    found: list[Record] = group.get("GlobalClusterMembers", [])
    return found


def clusters_of(group: Record) -> list[Record]:
    """The members' own records, wherever they are."""
    found = [rds._resolve_cluster(entry["DBClusterArn"]) for entry in members(group)]
    return [cluster for cluster in found if cluster]


def writer_entry(group: Record) -> Record | None:
    return next((entry for entry in members(group) if entry["IsWriter"]), None)


def group_of(cluster: Record) -> Record | None:
    """The global cluster that this cluster names, also while it is about to join."""
    found: Record | None = rds._resolve_global_cluster(cluster.get("GlobalClusterIdentifier") or "")
    return found


def member_of(cluster: Record) -> tuple[Record | None, Record | None]:
    """The global cluster that this cluster belongs to, and its entry there."""
    group = group_of(cluster)
    entry = next((m for m in members(group or {}) if m["DBClusterArn"] == cluster["DBClusterArn"]), None)
    return (group, entry) if entry else (None, None)


def writer(cluster: Record) -> Record | None:
    """The primary of the global cluster that this one belongs to, or is about to join; None when it is alone."""
    entry = writer_entry(group_of(cluster) or {})
    found: Record | None = rds._resolve_cluster(entry["DBClusterArn"]) if entry else None
    return found


def is_secondary(cluster: Record) -> bool:
    primary = writer(cluster)
    return primary is not None and primary is not cluster


def instances_of(cluster: Record) -> list[Record]:
    """The records of a cluster's instances, wherever it is."""
    account, where = account_of(cluster["DBClusterArn"]), region_of(cluster["DBClusterArn"])
    names = [member["DBInstanceIdentifier"] for member in cluster.get("DBClusterMembers") or []]
    found = [rds._instances.get_scoped(account, where, name) for name in names]
    return [instance for instance in found if instance]


def has_instance_at_work(cluster: Record) -> bool:
    return any(instance["DBInstanceStatus"] in ("available", "modifying") for instance in instances_of(cluster))
