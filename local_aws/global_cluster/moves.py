"""Who writes moves: switchover and failover, phase by phase.

Phases and words of FailoverState [V API reference]; a switchover waits until the target has caught up, so no data is lost, and
takes longer the more it lags [V user guide]; that it is cancelled when it cannot catch up in ten minutes, what clusters show
meanwhile, and every duration are [K]. Global clusters of ministack's MySQL are moved the same way. The
databases behind the records follow them: see `postgres`.
"""

from typing import Any

from ministack.services import rds

from local_aws import durations, states
from local_aws.arns import region_of
from local_aws.clock import CLOCK
from local_aws.gateway import faults
from local_aws.global_cluster import lag, rebuilding
from local_aws.global_cluster.shown import answer
from local_aws.resources.rds import forwarding
from local_aws.resources.rds.events import tell
from local_aws.resources.rds.members import clusters_of, members, writer_entry
from local_aws.resources.wrap import around

Record = dict[str, Any]
CAN_CATCH_UP_MS = 60_000.0


def _switchover(_stock: Any, request: Record) -> Any:
    group, target = _asked(request)
    return _begin(group, target, lossy=False, operation="SwitchoverGlobalCluster")


def _failover(_stock: Any, request: Record) -> Any:
    """Without AllowDataLoss it is a switchover [V]."""
    group, target = _asked(request)
    lossy = rds._p(request, "AllowDataLoss").lower() == "true"
    return _begin(group, target, lossy=lossy, operation="FailoverGlobalCluster")


def _asked(request: Record) -> tuple[Record, Record]:
    group = rds._resolve_global_cluster(rds._p(request, "GlobalClusterIdentifier"))
    return group, rds._resolve_cluster(rds._p(request, "TargetDbClusterIdentifier"))


def _begin(group: Record, target: Record, *, lossy: bool, operation: str) -> Any:
    source = writer_entry(group) or {}
    group["FailoverState"] = {
        "Status": "pending",
        "FromDbClusterArn": source["DBClusterArn"],
        "ToDbClusterArn": target["DBClusterArn"],
        "IsDataLossAllowed": lossy,
    }
    group["Status"] = "failing-over" if lossy else "switching-over"
    for cluster in _moving(group):
        states.release(cluster, "Status")
        cluster["Status"] = "failing-over"
    if lossy:
        CLOCK.later(durations.FAILOVER_VERIFY, lambda: _phase(group, "failing-over"))
        CLOCK.later(durations.FAILOVER_VERIFY + durations.FAILOVER_PROMOTE, lambda: _failed_over(group))
    else:
        _tell(group, "RDS-EVENT-0181", "Global switchover to DB cluster {to} in Region {region} started.")
        CLOCK.later(durations.SWITCHOVER_VERIFY, lambda: _catching_up(group, CLOCK.now()))
    return answer(operation, group)


def _moving(group: Record) -> list[Record]:
    """The two whose roles change, as far as their Regions are there."""
    state = group["FailoverState"]
    arns = {
        arn
        for arn in (state["FromDbClusterArn"], state["ToDbClusterArn"])
        if not faults.data_plane_is_out(region_of(arn))
    }
    return [cluster for cluster in clusters_of(group) if cluster["DBClusterArn"] in arns]


def _phase(group: Record, status: str) -> None:
    group["FailoverState"]["Status"] = status
    states.changed()


def _tell(group: Record, event_id: str, message: str) -> None:
    """To every member, about itself; what a Region that is out would tell, nobody hears."""
    to = group["FailoverState"]["ToDbClusterArn"]
    told = message.format(to=to.rsplit(":", 1)[1], region=region_of(to))
    for entry in members(group):
        if not faults.data_plane_is_out(region_of(entry["DBClusterArn"])):
            tell(entry["DBClusterArn"], event_id, "global-failover", told)


# ---- switchover ------------------------------------------------------------------------------------------------------------


def _catching_up(group: Record, since: float) -> None:
    """Nothing moves before the target has everything that the primary has."""
    _phase(group, "switching-over")
    state = group["FailoverState"]
    behind = lag.now(rds._resolve_cluster(state["ToDbClusterArn"]))
    unreachable = any(faults.data_plane_is_out(region_of(state[end])) for end in ("FromDbClusterArn", "ToDbClusterArn"))
    if unreachable or CLOCK.now() - since >= durations.SWITCHOVER_PATIENCE:
        _cancel(group)
    elif behind > CAN_CATCH_UP_MS:
        waiting = (
            "Waiting for data synchronization with the target DB cluster. Current target DB cluster lag behind the"
        )
        _tell(group, "RDS-EVENT-0423", f"{waiting} primary DB cluster: {behind / 1000:.0f} seconds.")
        CLOCK.later(durations.SWITCHOVER_LOOK, lambda: _catching_up(group, since))
    else:
        CLOCK.later(durations.SWITCHOVER_CATCH_UP + behind / 1000, lambda: _moving_over(group))


def _cancel(group: Record) -> None:
    _phase(group, "cancelling")

    def back() -> None:
        _tell(group, "RDS-EVENT-0186", "Global switchover to DB cluster {to} in Region {region} is cancelled.")
        _at_rest(group)

    CLOCK.later(durations.SWITCHOVER_CANCEL, back)


def _moving_over(group: Record) -> None:
    old = group["FailoverState"]["FromDbClusterArn"]
    name = old.rsplit(":", 1)[1]
    message = f"Old primary DB cluster {name} in Region {region_of(old)} successfully shut down."
    _tell(group, "RDS-EVENT-0182", message)
    group["FailoverState"]["_shut_down"] = True  # its database is stopped: see `postgres`
    states.changed()
    CLOCK.later(durations.SWITCHOVER_MOVE, lambda: _switched_over(group))


def _switched_over(group: Record) -> None:
    """Volumes and instances stay; the members follow the new primary, which takes the replicas a while [V RDS-EVENT-0185]."""
    old, new = _exchange(group)
    for entry in members(group):
        if entry is not new:
            states.hold(entry, "SynchronizationStatus", "pending-resync", "connected", durations.SWITCHOVER_RESYNC)
    demoted = rds._resolve_cluster(old["DBClusterArn"])
    forwarding.demoted(demoted)
    _tell(group, "RDS-EVENT-0184", "New primary DB cluster {to} in Region {region} was successfully promoted.")
    _tell(group, "RDS-EVENT-0185", "Global switchover to DB cluster {to} in Region {region} finished.")
    _at_rest(group)


def _exchange(group: Record) -> tuple[Record, Record]:
    old = writer_entry(group) or {}
    new = next(e for e in members(group) if e["DBClusterArn"] == group["FailoverState"]["ToDbClusterArn"])
    states.release(new, "SynchronizationStatus")
    new["SynchronizationStatus"] = "connected"
    rds._set_global_cluster_writer(group, new)
    return old, new


def _at_rest(group: Record) -> None:
    for cluster in clusters_of(group):
        if cluster["Status"] == "failing-over":
            cluster["Status"] = "available"
    group.pop("FailoverState", None)
    group["Status"] = "available"
    states.changed()


# ---- failover --------------------------------------------------------------------------------------------------------------


def _failed_over(group: Record) -> None:
    """The target writes from what it had; the old primary and the other members are built anew from it [V user guide].

    Nobody sees the new roles before that is known: to a database they would look like a switchover's.
    """
    old, new = _exchange(group)
    _tell(group, "RDS-EVENT-0238", "Global failover to DB cluster {to} in Region {region} completed.")
    for entry in members(group):
        if entry is not new:
            rebuilding.wanted(entry, was_primary=entry is old)
    _at_rest(group)


def install() -> None:
    around(rds, "_switchover_global_cluster", _switchover)
    around(rds, "_failover_global_cluster", _failover)
