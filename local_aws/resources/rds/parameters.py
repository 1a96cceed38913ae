"""Cluster parameter groups: which instances still run with the old values, and who asked for them.

A static value, and another group, take effect when an instance reboots: until then it shows `pending-reboot` [V "Working with
parameter groups"; coverage-roadmap#2206 for the group that a stack associates again].
"""

import re
from typing import Any

from ministack.services import rds

from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._clusters",
    "ministack.services.rds._modify_db_cluster_param_group",
    "ministack.services.rds._p",
    "ministack.services.rds._parameter_member_prefix",
    "ministack.services.rds._reset_db_cluster_param_group",
)

Record = dict[str, Any]
# Static parameters of Aurora PostgreSQL that people set; every other one counts as dynamic here [K].
STATIC = {
    "autovacuum_max_workers",
    "huge_pages",
    "max_connections",
    "max_worker_processes",
    "rds.logical_replication",
    "shared_buffers",
    "shared_preload_libraries",
    "track_activity_query_size",
    "wal_buffers",
}
_STATUS = re.compile(r"<DBClusterParameterGroupStatus>in-sync</DBClusterParameterGroupStatus>")


def default_group(engine: str, version: str) -> str:
    return f"default.{engine}{version.partition('.')[0]}"


def associate(cluster: Record, name: str) -> None:
    """The cluster gets another group; its instances take it up when they reboot."""
    if name == cluster.get("DBClusterParameterGroup"):
        return
    cluster["DBClusterParameterGroup"] = name
    _wait_for_reboot(cluster)


def taken_up(cluster: Record, instance: str) -> None:
    for member in cluster.get("DBClusterMembers") or []:
        if member["DBInstanceIdentifier"] == instance:
            member["DBClusterParameterGroupStatus"] = "in-sync"


def asked(request: Record) -> dict[str, str]:
    """Parameter to apply method, as a request names them."""
    prefix, found = rds._parameter_member_prefix(request), {}
    while name := rds._p(request, f"{prefix}.{len(found) + 1}.ParameterName"):
        found[name] = rds._p(request, f"{prefix}.{len(found) + 1}.ApplyMethod") or "immediate"
    return found


def _wait_for_reboot(cluster: Record) -> None:
    for member in cluster.get("DBClusterMembers") or []:
        member["DBClusterParameterGroupStatus"] = "pending-reboot"


def _changed(stock: Any, request: Record) -> Any:
    """ModifyDBClusterParameterGroup, ResetDBClusterParameterGroup."""
    answer = stock(request)
    later = [name for name, method in asked(request).items() if method == "pending-reboot" or name in STATIC]
    if answer[0] < 300 and later:
        for cluster in rds._clusters.values():
            if cluster.get("DBClusterParameterGroup") == rds._p(request, "DBClusterParameterGroupName"):
                _wait_for_reboot(cluster)
    return answer


def with_statuses(xml: str, cluster: Record) -> str:
    """ministack writes `in-sync` for every member."""
    states = iter(m.get("DBClusterParameterGroupStatus") or "in-sync" for m in cluster.get("DBClusterMembers") or [])
    return _STATUS.sub(lambda found: found[0].replace("in-sync", next(states)), xml)


def install() -> None:
    around(rds, "_modify_db_cluster_param_group", _changed)
    around(rds, "_reset_db_cluster_param_group", _changed)
