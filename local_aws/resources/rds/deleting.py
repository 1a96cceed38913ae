"""Deleting clusters and instances: the record stays, as `deleting`, for as long as AWS takes."""

from collections.abc import Callable
from typing import Any

from ministack.services import rds
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws import durations, stacks, states
from local_aws.clock import CLOCK
from local_aws.resources.rds import instances, snapshots
from local_aws.resources.rds.answers import described
from local_aws.resources.rds.events import tell
from local_aws.resources.wrap import around

Record = dict[str, Any]


def _delete_cluster(stock: Any, request: Record) -> Any:
    """DeleteDBCluster. The final snapshot, if one is asked for, is made while the cluster is being deleted."""
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    answer = stock(request)
    if answer[0] >= 300 or not cluster:
        return answer
    if name := rds._p(request, "FinalDBSnapshotIdentifier"):
        snapshots.begin(name, cluster)
    _going(rds._clusters, cluster, "DBClusterIdentifier", "Status", "AWS::RDS::DBCluster")
    return described("DeleteDBCluster", cluster)


def _delete_instance(stock: Any, request: Record) -> Any:
    instance = rds._resolve_instance(rds._p(request, "DBInstanceIdentifier"))
    answer = stock(request)
    if answer[0] < 300 and instance:
        cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
        if cluster and cluster["DBClusterMembers"]:
            instances.one_writer(cluster)
        _going(rds._instances, instance, "DBInstanceIdentifier", "DBInstanceStatus", "AWS::RDS::DBInstance")
    return answer


def _deletes_in_stack(stock: Callable[..., Any]) -> Callable[..., Any]:
    """A stack's handler deletes past the call: another instance writes then, as after DeleteDBInstance."""

    def delete(name: str, *args: Any) -> Any:
        cluster = rds._clusters.get((rds._instances.get(name) or {}).get("DBClusterIdentifier") or "")
        answer = stock(name, *args)
        if cluster and cluster["DBClusterMembers"]:
            instances.one_writer(cluster)
        return answer

    return delete


def _going(store: Any, record: Record, identifier: str, status: str, kind: str) -> None:
    name = record[identifier]
    store[name] = record
    states.release(record, status)
    record[status] = "deleting"
    CLOCK.later(durations.in_stack(kind, "DELETE"), lambda: _gone(store, name, record))


def _gone(store: Any, name: str, record: Record) -> None:
    if store.get(name) is record:
        store.pop(name)
    cluster = "DBInstanceArn" not in record
    arn, event = (record["DBClusterArn"], "RDS-EVENT-0171") if cluster else (record["DBInstanceArn"], "RDS-EVENT-0003")
    tell(arn, event, "deletion", "DB cluster deleted" if cluster else "DB instance deleted")
    states.changed()


def _instance_in_stack(name: str) -> Callable[[], None] | None:
    """While a stack deletes it."""
    instance = rds._instances.get(name)
    if instance is None:
        return None
    shown = instance["DBInstanceStatus"]
    states.release(instance, "DBInstanceStatus")
    instance["DBInstanceStatus"] = "deleting"
    return lambda: instance.update(DBInstanceStatus=shown)


def install() -> None:
    around(rds, "_delete_db_cluster", _delete_cluster)
    around(rds, "_delete_db_instance", _delete_instance)
    handlers = _RESOURCE_HANDLERS["AWS::RDS::DBInstance"]
    handlers["delete"] = _deletes_in_stack(handlers["delete"])
    stacks.shows_deleting("AWS::RDS::DBInstance", _instance_in_stack)
