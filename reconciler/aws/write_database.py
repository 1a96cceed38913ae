"""Requests about the global database: who writes, who belongs to it, what goes. Each gets one attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.sending import send
from reconciler.model.requests import (
    DeleteCluster,
    DeleteGlobal,
    DeleteInstance,
    Detach,
    ProtectGlobal,
    SetCluster,
    SetParameters,
    Switchover,
    Unprotect,
    UnprotectGlobal,
)

Request = (
    Switchover
    | Detach
    | Unprotect
    | SetCluster
    | SetParameters
    | DeleteInstance
    | DeleteCluster
    | UnprotectGlobal
    | ProtectGlobal
    | DeleteGlobal
)

NO_CLUSTER, NO_GLOBAL = "DBClusterNotFoundFault", "GlobalClusterNotFoundFault"


def perform(clients: Clients, request: Request) -> None:
    match request:
        case Switchover():
            _switchover(clients, request)
        case Detach():
            _detach(clients, request)
        case Unprotect():
            rds = clients.writer("rds", request.region)
            wanted = {"DBClusterIdentifier": request.cluster, "DeletionProtection": False, "ApplyImmediately": True}
            send(request.call, request.region, lambda: rds.modify_db_cluster(**wanted), NO_CLUSTER)
        case SetCluster():
            _set_cluster(clients, request)
        case SetParameters():
            _set_parameters(clients, request)
        case DeleteInstance():
            _delete_instance(clients, request)
        case DeleteCluster():
            _delete_cluster(clients, request)
        case UnprotectGlobal():
            _on_global(clients, request, "modify_global_cluster", DeletionProtection=False)
        case ProtectGlobal():
            _on_global(clients, request, "modify_global_cluster", DeletionProtection=True)
        case DeleteGlobal():
            _on_global(clients, request, "delete_global_cluster")


def _switchover(clients: Clients, request: Switchover) -> None:
    """Never a second one: while a switchover runs, and after it, AWS refuses in the words of any other wrong state, so the
    global cluster is asked whether that is why."""
    region = request.writer_region
    rds = clients.writer("rds", region)
    try:
        rds.switchover_global_cluster(
            GlobalClusterIdentifier=request.global_cluster, TargetDbClusterIdentifier=request.target_arn
        )
    except failures.AwsError as error:
        if failures.code(error) == "InvalidGlobalClusterStateFault" and _moved(clients, request):
            return
        raise failures.translated(error, request.call, region) from error


def _moved(clients: Clients, request: Switchover) -> bool:
    """Whether the target is the writer, or is becoming it. Not knowing is no."""
    rds = clients.reader("rds", request.writer_region)
    try:
        found = rds.describe_global_clusters(GlobalClusterIdentifier=request.global_cluster)["GlobalClusters"][0]
    except failures.AwsError:
        return False
    moving: Mapping[str, Any] = found.get("FailoverState") or {}
    writers = [m["DBClusterArn"] for m in found.get("GlobalClusterMembers", ()) if m["IsWriter"]]
    return request.target_arn in (moving.get("ToDbClusterArn"), *writers)


def _detach(clients: Clients, request: Detach) -> None:
    rds = clients.writer("rds", request.writer_region)
    try:
        rds.remove_from_global_cluster(
            GlobalClusterIdentifier=request.global_cluster, DbClusterIdentifier=request.cluster_arn
        )
    except failures.AwsError as error:
        gone = failures.code(error) in {NO_CLUSTER, NO_GLOBAL}
        # What RDS says of a cluster that is no member; the code alone may mean anything.
        if gone or "is not found in global cluster" in failures.message(error):
            return
        raise failures.translated(error, request.call, request.writer_region) from error


def _set_cluster(clients: Clients, request: SetCluster) -> None:
    """Only IAM authentication heeds ApplyImmediately; the other settings take effect at once in any case [V: API reference]."""
    rds = clients.writer("rds", request.region)
    wanted = {"DBClusterIdentifier": request.cluster, "ApplyImmediately": True, **request.settings}
    send(request.call, request.region, lambda: rds.modify_db_cluster(**wanted))


def _set_parameters(clients: Clients, request: SetParameters) -> None:
    rds = clients.writer("rds", request.region)
    parameters = [
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
        for name, value in sorted(request.values.items())
    ]
    send(
        request.call,
        request.region,
        lambda: rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=request.group, Parameters=parameters),
    )


def _delete_instance(clients: Clients, request: DeleteInstance) -> None:
    """Without a snapshot of its own: an Aurora instance holds no data."""
    rds = clients.writer("rds", request.region)
    name = request.instance
    send(
        request.call,
        request.region,
        lambda: rds.delete_db_instance(DBInstanceIdentifier=name),
        "DBInstanceNotFound",
        "DBInstanceNotFoundFault",
    )


def _delete_cluster(clients: Clients, request: DeleteCluster) -> None:
    rds = clients.writer("rds", request.region)
    wanted = {"DBClusterIdentifier": request.cluster, "FinalDBSnapshotIdentifier": request.snapshot}
    send(request.call, request.region, lambda: rds.delete_db_cluster(**wanted), NO_CLUSTER)


def _on_global(
    clients: Clients, request: UnprotectGlobal | ProtectGlobal | DeleteGlobal, operation: str, **more: bool
) -> None:
    call = getattr(clients.writer("rds", request.region), operation)
    wanted = {"GlobalClusterIdentifier": request.global_cluster, **more}
    send(request.call, request.region, lambda: call(**wanted), NO_GLOBAL)
