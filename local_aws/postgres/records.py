"""From ministack's records to an `Estate`, and the passage between the server's thread, which owns them, and the listener's."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

from ministack.core.responses import request_scope
from ministack.services import rds

from local_aws.arns import account_of, region_of
from local_aws.clock import CLOCK
from local_aws.gateway import faults
from local_aws.postgres.estate import MODES, Cluster, Estate, Mode, Role
from local_aws.resources.rds.forwarding import forwarding_status
from local_aws.resources.rds.members import group_of, has_instance_at_work, is_secondary, writer

PATCHED: tuple[str, ...] = ("ministack.services.rds._clusters", "ministack.services.rds._db_cluster_param_groups")

Record = dict[str, Any]
Result = TypeVar("Result")
ENGINE = "aurora-postgresql"
PARAMETER = "apg_write_forward.consistency_mode"
# While these last, nobody can connect: the cluster's instances start, restart or go [K].
_CLOSED = {"creating", "deleting", "upgrading", "stopped", "stopping", "starting"}


def read() -> Estate:
    found = [_cluster(record) for record in rds._clusters.all_values() if record.get("Engine") == ENGINE]
    regions = {cluster.region for cluster in found}
    out = frozenset(region for region in regions if faults.data_plane_is_out(region))
    return Estate(clusters={cluster.id: cluster for cluster in found}, out=out)


async def on_server(call: Callable[[], Result]) -> Result:
    """Run it where the records are changed, so that it sees none of them half-way."""
    answer: Future[Result] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    CLOCK.in_loop(run)
    return await asyncio.wrap_future(answer)


def _cluster(record: Record) -> Cluster:
    arn = record["DBClusterArn"]
    with request_scope(account_of(arn), region_of(arn)):
        secondary = is_secondary(record)
        return Cluster(
            id=record["DbClusterResourceId"],
            account=account_of(arn),
            region=region_of(arn),
            endpoint=record["Endpoint"],
            reader=record["ReaderEndpoint"],
            role=_role(record, secondary=secondary),
            follows=(writer(record) or {}).get("DbClusterResourceId") if secondary else None,
            volume=record.get("_volume", 0),
            open=_open(record, secondary=secondary),
            iam=bool(record.get("IAMDatabaseAuthenticationEnabled")),
            forwarding=forwarding_status(record) == "enabled",
            consistency=_consistency(record),
            master=record.get("MasterUsername") or "postgres",
            password=record.get("_MasterUserPassword") or "",
            database=record.get("DatabaseName") or "",
        )


def _role(record: Record, *, secondary: bool) -> Role:
    """A switchover shuts the old primary down when the target has caught up; a failover leaves it behind."""
    moving = (group_of(record) or {}).get("FailoverState") or {}
    if moving.get("FromDbClusterArn") == record["DBClusterArn"]:
        if moving["IsDataLossAllowed"] and moving["Status"] == "failing-over":
            return "lost"
        if moving.get("_shut_down"):
            return "stopped"
    if secondary and record.get("_rebuild"):
        return "lost"
    return "standby" if secondary else "primary"


def _open(record: Record, *, secondary: bool) -> bool:
    """A failover within the cluster restarts its instances; a move of the whole global database has roles of its own.

    A member is not readable while it is built anew after a failover [K].
    """
    within = record["Status"] == "failing-over" and not (group_of(record) or {}).get("FailoverState")
    anew = secondary and record.get("_resyncing")
    return has_instance_at_work(record) and record["Status"] not in _CLOSED and not within and not anew


def _consistency(record: Record) -> Mode:
    """SESSION unless the cluster's parameter group says otherwise [V: "Configuration parameters for write forwarding"]."""
    arn, name = record["DBClusterArn"], record.get("DBClusterParameterGroup") or ""
    group = rds._db_cluster_param_groups.get_scoped(account_of(arn), region_of(arn), name) or {}
    value = (group.get("Parameters") or {}).get(PARAMETER) or {}
    mode = str(value.get("ParameterValue") or "session").lower()
    return cast("Mode", mode) if mode in MODES else "session"
