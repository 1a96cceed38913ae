"""Pending maintenance: what AWS would like to do to a cluster, set by `POST /_meridian/maintenance`, and applying it."""

from typing import Any

from ministack.services import rds

from local_aws import durations, states
from local_aws.resources.rds.events import tell
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._ACTION_MAP",
    "ministack.services.rds._describe_pending_maintenance_actions",
)

Record = dict[str, Any]
ACTIONS = ("system-update", "db-upgrade", "os-upgrade", "hardware-maintenance", "ca-certificate-rotation")  # [V]


def set_pending(request: Record) -> Record:
    """POST /_meridian/maintenance {"cluster": id, "action": "system-update"}: AWS announces it; null takes it back."""
    name, action = request.get("cluster"), request.get("action")
    if action is not None and action not in ACTIONS:
        raise ValueError(f"action {action!r} must be one of {', '.join(ACTIONS)}, or null")
    found = [c for c in rds._clusters.all_values() if c["DBClusterIdentifier"] == name]
    if not found:
        raise ValueError(f"no DB cluster {name!r} in any Region")
    for cluster in found:
        cluster["_maintenance"] = action
    return {"cluster": name, "action": action}


def _xml(cluster: Record) -> str:
    action, details = cluster["_maintenance"], "PendingMaintenanceActionDetails"
    chosen = f"<OptInStatus>{opted}</OptInStatus>" if (opted := cluster.get("_opted")) else ""
    return (
        f"<ResourceIdentifier>{cluster['DBClusterArn']}</ResourceIdentifier><{details}><PendingMaintenanceAction>"
        f"<Action>{action}</Action>{chosen}<Description>Automatic maintenance</Description>"
        f"</PendingMaintenanceAction></{details}>"
    )


def _describe(_stock: Any, request: Record) -> Any:
    only = rds._p(request, "ResourceIdentifier")
    found = [c for c in rds._clusters.values() if c.get("_maintenance") and only in ("", c["DBClusterArn"])]
    items = "".join(f"<ResourcePendingMaintenanceActions>{_xml(c)}</ResourcePendingMaintenanceActions>" for c in found)
    body = f"<PendingMaintenanceActions>{items}</PendingMaintenanceActions>"
    return rds._xml(
        200,
        "DescribePendingMaintenanceActionsResponse",
        f"<DescribePendingMaintenanceActionsResult>{body}</DescribePendingMaintenanceActionsResult>",
    )


def apply_action(request: Record) -> Any:
    """ApplyPendingMaintenanceAction, which ministack lacks. `next-maintenance` only notes it: no window opens here."""
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "ResourceIdentifier"))
    wanted = rds._p(request, "OptInType")
    cluster["_opted"] = "" if wanted == "undo-opt-in" else wanted
    answer = _xml(cluster)
    if wanted == "immediate":

        def done() -> None:
            cluster.update(_maintenance=None, _opted="")
            tell(cluster["DBClusterArn"], "RDS-EVENT-0289", "maintenance", "Cluster operating system upgrade completed")

        states.hold(cluster, "Status", "maintenance", "available", durations.CLUSTER_MAINTENANCE, done)
    body = f"<ResourcePendingMaintenanceActions>{answer}</ResourcePendingMaintenanceActions>"
    return rds._xml(
        200,
        "ApplyPendingMaintenanceActionResponse",
        f"<ApplyPendingMaintenanceActionResult>{body}</ApplyPendingMaintenanceActionResult>",
    )


def install() -> None:
    around(rds, "_describe_pending_maintenance_actions", _describe)
    rds.apply_pending_maintenance_action = apply_action
    rds._ACTION_MAP["ApplyPendingMaintenanceAction"] = apply_action
