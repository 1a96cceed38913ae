"""CloudFormation's handlers: the type AWS::RDS::GlobalCluster, and how a stack's DBCluster joins and leaves (aws-facts §3.2).

After the public source of aws-cloudformation-resource-providers-rds [S]: the calls are the service's own, refusals included.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import rds
from ministack.services.cloudformation import provisioners

from local_aws import durations, stacks, states
from local_aws.global_cluster import membership
from local_aws.global_cluster.shown import endpoint
from local_aws.resources.rds.answers import as_text, for_stack, rolling_back, tag
from local_aws.resources.rds.members import member_of
from local_aws.resources.wrap import Properties, boolean

Record = dict[str, Any]
TYPE, CLUSTER = "AWS::RDS::GlobalCluster", "AWS::RDS::DBCluster"


def _attributes(group: Record) -> Record:
    return {"GlobalClusterArn": group["GlobalClusterArn"], "GlobalEndpoint.Address": endpoint(group)}


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Record]:
    name = properties.get("GlobalClusterIdentifier") or provisioners._physical_name(
        stack_name, logical_id, lowercase=True, max_len=63
    )
    asked = {"GlobalClusterIdentifier": name}
    asked |= {
        key: properties[key] for key in ("Engine", "EngineVersion", "SourceDBClusterIdentifier") if properties.get(key)
    }
    asked |= {
        key: as_text(boolean(properties[key]))
        for key in ("StorageEncrypted", "DeletionProtection")
        if properties.get(key) is not None
    }
    for_stack(rds._create_global_cluster, asked)
    group = rds._resolve_global_cluster(name)
    tag(group, "GlobalClusterArn", {}, properties)
    return group["GlobalClusterIdentifier"], _attributes(group)


def _update(name: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Record]:
    """ModifyGlobalCluster with the protection, and the version if the template changed it and this is no roll-back [S].

    So a template with another minor version fails: that call upgrades major versions only.
    """
    asked = {"GlobalClusterIdentifier": name}
    if new.get("DeletionProtection") is not None:
        asked["DeletionProtection"] = as_text(boolean(new["DeletionProtection"]))
    if (
        new.get("EngineVersion") != old.get("EngineVersion")
        and new.get("EngineVersion")
        and not rolling_back(stack_name)
    ):
        asked |= {"EngineVersion": new["EngineVersion"], "AllowMajorVersionUpgrade": "true"}
    for_stack(rds._modify_global_cluster, asked)
    group = rds._global_clusters[name]
    tag(group, "GlobalClusterArn", old, new)
    return name, _attributes(group)


def _delete(name: str, _properties: Properties) -> None:
    if name in rds._global_clusters:
        for_stack(rds._delete_global_cluster, {"GlobalClusterIdentifier": name})
        rds._global_clusters.pop(name, None)  # the stack has waited its time already


def _cluster_handlers() -> None:
    """A stack's DBCluster becomes a member when it is created; a template that drops the identifier detaches it."""
    handlers = provisioners._RESOURCE_HANDLERS[CLUSTER]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def created(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Record]:
        joined = properties.get("GlobalClusterIdentifier")
        name, attributes = create(logical_id, properties, stack_name)
        group = rds._resolve_global_cluster(joined) if joined else None
        if group:
            membership.join(group, rds._clusters[name])
        return name, attributes

    def updated(name: str, old: Properties, new: Properties, *more: Any) -> Any:
        if new.get("GlobalClusterIdentifier") or not old.get("GlobalClusterIdentifier"):
            return update(name, old, new, *more)
        return _dropped(name, old["GlobalClusterIdentifier"], lambda: update(name, old, new, *more))

    def deleted(name: str, properties: Properties) -> None:
        if name in rds._clusters:
            membership.out(rds._clusters[name])
        delete(name, properties)

    handlers |= {"create": created, "update": updated, "delete": deleted}


def _dropped(name: str, group: str, update: Callable[[], Any]) -> Any:
    """§3.2#1: the member leaves, which the handler waits for before it goes on; here that time passes at the end."""
    cluster = rds._clusters[name]
    for_stack(
        rds._remove_from_global_cluster,
        {"GlobalClusterIdentifier": group, "DbClusterIdentifier": cluster["DBClusterArn"]},
    )
    states.release(cluster, "Status")
    membership.out(cluster)
    cluster["Status"] = "available"
    result = update()
    states.hold(cluster, "Status", "promoting", "available", durations.LEAVE_SECONDARY)
    return result


def _leaving(name: str) -> Callable[[], None] | None:
    """While a stack deletes a cluster: first out of the global cluster, then `deleting`."""
    cluster = rds._clusters.get(name)
    if cluster is None:
        return None
    states.release(cluster, "Status")
    cluster["_left"] = member_of(cluster)[0] is not None
    if cluster["_left"]:
        membership.leave(cluster, final="deleting")
    else:
        cluster["Status"] = "deleting"

    def undo() -> None:
        states.release(cluster, "Status")
        cluster["Status"] = "available"

    return undo


def install() -> None:
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": _create, "update": _update, "delete": _delete}
    states.settles(TYPE, rds._global_clusters.get, lambda group: group["Status"] == "available")
    stacks.shows_deleting(CLUSTER, _leaving)
    _cluster_handlers()
