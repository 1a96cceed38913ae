"""Aurora global databases: the CloudFormation type, membership that stacks and calls agree on, endpoint and switchover.

Who writes is live state: it lives in the global cluster's members and moves with a switchover, and no template knows it.
"""

import hashlib
from typing import Any

from ministack.services import rds
from ministack.services.cloudformation import provisioners

from local_aws import durations, states
from local_aws.clock import CLOCK
from local_aws.resources.rds import forwarding_status, is_secondary
from local_aws.resources.wrap import Properties, around, boolean, tags

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._attach_cluster_to_global",
    "ministack.services.rds._cluster_xml",
    "ministack.services.rds._clusters",
    "ministack.services.rds._create_db_cluster",
    "ministack.services.rds._create_global_cluster",
    "ministack.services.rds._delete_global_cluster",
    "ministack.services.rds._error",
    "ministack.services.rds._global_cluster_xml",
    "ministack.services.rds._global_clusters",
    "ministack.services.rds._p",
    "ministack.services.rds._refresh_global_cluster_readers",
    "ministack.services.rds._resolve_cluster",
    "ministack.services.rds._resolve_global_cluster",
    "ministack.services.rds._resolve_global_writer_switch",
    "ministack.services.rds._set_global_cluster_writer",
    "ministack.services.rds._switchover_global_cluster",
    "ministack.services.rds._xml",
    "ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS",
    "ministack.services.cloudformation.provisioners._physical_name",
    "ministack.services.cloudformation.provisioners._rds_call",
)

Record = dict[str, Any]
TYPE = "AWS::RDS::GlobalCluster"
# Virtual seconds. A switchover first brings the target up to date, then moves the writer; writes fail in between.
CREATE_SECONDS, CATCH_UP_SECONDS, SWITCH_SECONDS = 10.0, 30.0, 60.0


def endpoint(group: Record) -> str:
    """The writer endpoint: its name follows the global cluster's, and never changes otherwise."""
    unique = hashlib.sha256(group["GlobalClusterResourceId"].encode()).hexdigest()[:12]
    return f"{group['GlobalClusterIdentifier']}.global-{unique}.global.rds.amazonaws.com"


def members(group: Record) -> list[Record]:
    found: list[Record] = group.get("GlobalClusterMembers", [])
    return found


def member_of(cluster: Record) -> tuple[Record | None, Record | None]:
    """The global cluster that this cluster belongs to, and its entry there."""
    group = rds._resolve_global_cluster(cluster.get("GlobalClusterIdentifier") or "")
    entry = next((m for m in members(group or {}) if m["DBClusterArn"] == cluster["DBClusterArn"]), None)
    return (group, entry) if entry else (None, None)


# ---- the CloudFormation type ---------------------------------------------------------------------------------------------


def _attributes(group: Record) -> Record:
    return {"GlobalClusterArn": group["GlobalClusterArn"], "GlobalEndpoint.Address": endpoint(group)}


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Record]:
    name = properties.get("GlobalClusterIdentifier") or provisioners._physical_name(
        stack_name, logical_id, lowercase=True, max_len=63
    )
    asked = {"GlobalClusterIdentifier": name}
    asked |= {
        key: properties[key]
        for key in ("Engine", "EngineVersion", "DatabaseName", "SourceDBClusterIdentifier")
        if properties.get(key)
    }
    for key in ("StorageEncrypted", "DeletionProtection"):
        asked[key] = str(boolean(properties.get(key))).lower()
    provisioners._rds_call(rds._create_global_cluster, asked, TYPE, "create")
    group = rds._global_clusters[name]
    group["TagList"] = tags(properties)
    return name, _attributes(group)


def _update(name: str, _old: Properties, new: Properties, _stack_name: str) -> tuple[str, Record]:
    group = rds._global_clusters.get(name)
    if group is None:
        raise ValueError(f"Global cluster {name} not found. (Service: Rds, Status Code: 404)")
    group["EngineVersion"] = new.get("EngineVersion", group["EngineVersion"])
    group["DeletionProtection"] = boolean(new.get("DeletionProtection"))
    group["TagList"] = tags(new)
    return name, _attributes(group)


def _delete(name: str, _properties: Properties) -> None:
    if name in rds._global_clusters:
        provisioners._rds_call(rds._delete_global_cluster, {"GlobalClusterIdentifier": name}, TYPE, "delete")


# ---- membership ------------------------------------------------------------------------------------------------------------


def _join_from_stack() -> None:
    """A stack's DBCluster becomes a member when it is created and leaves before it is deleted.

    A template that drops GlobalClusterIdentifier detaches the cluster, as AWS's handler does (aws-facts §3.2): it is then
    a standalone writable cluster.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::RDS::DBCluster"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def created(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Record]:
        joined = properties.get("GlobalClusterIdentifier")
        name, attributes = create(logical_id, properties, stack_name)
        group = rds._resolve_global_cluster(joined) if joined else None
        if group:
            rds._attach_cluster_to_global(group, rds._clusters[name], is_writer=not members(group))
        return name, attributes

    def updated(name: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Any:
        if old.get("GlobalClusterIdentifier") and not new.get("GlobalClusterIdentifier"):
            detach(rds._clusters[name])
        return update(name, old, new, stack, logical_id)

    def deleted(name: str, properties: Properties) -> None:
        if name in rds._clusters:
            detach(rds._clusters[name])
        delete(name, properties)

    handlers |= {"create": created, "update": updated, "delete": deleted}


def detach(cluster: Record) -> None:
    group, entry = member_of(cluster)
    if group is None or entry is None:
        return
    if entry["IsWriter"] and len(members(group)) > 1:
        raise ValueError(
            f"This cluster {cluster['DBClusterIdentifier']} is the primary of global cluster "
            f"{group['GlobalClusterIdentifier']}; remove the secondary clusters first. (Service: Rds, Status Code: 400)"
        )
    group["GlobalClusterMembers"] = [m for m in members(group) if m is not entry]
    rds._refresh_global_cluster_readers(group)
    cluster.pop("GlobalClusterIdentifier", None)


def _shown(group: Record) -> Record:
    """What the members say about themselves now: forwarding, and whether they have caught up."""
    return {**group, "GlobalClusterMembers": [{**entry, **_member_state(entry)} for entry in members(group)]}


def _member_state(entry: Record) -> Record:
    cluster = rds._resolve_cluster(entry["DBClusterArn"])
    if cluster is None:
        return {}
    connected = entry["IsWriter"] or cluster["Status"] != "creating"
    return {
        "SynchronizationStatus": "connected" if connected else "pending-resync",
        "GlobalWriteForwardingStatus": forwarding_status(cluster) or "unknown",
    }


def _global_cluster_xml(stock: Any, group: Record) -> str:
    return stock(_shown(group)) + f"<Endpoint>{endpoint(group)}</Endpoint>"


# ---- creating and switching over -------------------------------------------------------------------------------------------


def _create_global_cluster(stock: Any, request: Record) -> Any:
    answer = stock(request)
    group = rds._global_clusters.get(rds._p(request, "GlobalClusterIdentifier"))
    if answer[0] == 200 and group:
        states.hold(group, "Status", "creating", "available", CREATE_SECONDS)
    return answer


def _create_db_cluster(stock: Any, request: Record) -> Any:
    """A cluster made by call takes as long as one made by a stack."""
    answer = stock(request)
    cluster = rds._clusters.get(rds._p(request, "DBClusterIdentifier"))
    if answer[0] != 200 or cluster is None:
        return answer
    seconds = durations.CLUSTER_SECONDARY if is_secondary(cluster) else durations.CLUSTER_FOUNDER
    states.hold(cluster, "Status", "creating", "available", seconds)
    body = f"<CreateDBClusterResult><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></CreateDBClusterResult>"
    return rds._xml(200, "CreateDBClusterResponse", body)


def _switchover(stock: Any, request: Record) -> Any:
    """SwitchoverGlobalCluster: refused unless every member is at rest and alike; then a minute in two phases."""
    group = rds._resolve_global_cluster(rds._p(request, "GlobalClusterIdentifier") or "")
    if group is None or not str(group.get("Engine")).startswith("aurora-postgresql"):
        return stock(request)
    found, error = rds._resolve_global_writer_switch(request)
    if error:
        return error
    _, target, entry, writer = found
    reason = _not_ready(group, target)
    if reason:
        return rds._error("InvalidGlobalClusterStateFault", reason, 400)
    group["FailoverState"] = {
        "Status": "pending",
        "FromDbClusterArn": writer["DBClusterArn"],
        "ToDbClusterArn": entry["DBClusterArn"],
        "IsDataLossAllowed": False,
    }
    group["Status"] = "switching-over"
    CLOCK.later(CATCH_UP_SECONDS, lambda: group["FailoverState"].update(Status="switching-over"))
    CLOCK.later(CATCH_UP_SECONDS + SWITCH_SECONDS, lambda: _finish_switchover(group, entry["DBClusterArn"]))
    body = f"<SwitchoverGlobalClusterResult><GlobalCluster>{rds._global_cluster_xml(group)}</GlobalCluster>"
    return rds._xml(200, "SwitchoverGlobalClusterResponse", body + "</SwitchoverGlobalClusterResult>")


def _not_ready(group: Record, target: Record) -> str | None:
    """Preconditions of a managed switchover (aws-facts §3.5)."""
    clusters = [rds._resolve_cluster(entry["DBClusterArn"]) for entry in members(group)]
    if group.get("FailoverState"):
        return f"Global cluster {group['GlobalClusterIdentifier']} has a switchover or failover in progress."
    busy = [c["DBClusterIdentifier"] for c in clusters if c and c["Status"] != "available"]
    if busy or None in clusters:
        return f"These clusters are not available: {', '.join(busy) or 'one is missing'}."
    if len({c["EngineVersion"] for c in clusters if c}) > 1:
        return "All clusters of the global cluster must run the same engine version."
    if not target.get("DBClusterMembers"):
        return f"DB cluster {target['DBClusterIdentifier']} must have at least one DB instance."
    return None


def _finish_switchover(group: Record, target_arn: str) -> None:
    entry = next((m for m in members(group) if m["DBClusterArn"] == target_arn), None)
    if entry:
        rds._set_global_cluster_writer(group, entry)
    group.pop("FailoverState", None)
    group["Status"] = "available"
    states.changed()


def install() -> None:
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": _create, "update": _update, "delete": _delete}
    around(rds, "_create_global_cluster", _create_global_cluster)
    around(rds, "_create_db_cluster", _create_db_cluster)
    around(rds, "_global_cluster_xml", _global_cluster_xml)
    around(rds, "_switchover_global_cluster", _switchover)
    states.settles(TYPE, lambda name, _: rds._global_clusters[name]["Status"] == "available")
    _join_from_stack()
