"""Aurora global databases: the CloudFormation type, membership that stacks and calls agree on, endpoint, lag and who writes.

Who writes is live state: it lives in the global cluster's members and moves with a switchover, and no template knows it.
"""

from local_aws.gateway.control import POSTED
from local_aws.global_cluster import calls, lag, membership, moves, rebuilding, shown, stack
from local_aws.resources.rds import maintenance

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS",
    "ministack.services.cloudformation.provisioners._physical_name",
    "ministack.services.rds._attach_cluster_to_global",
    "ministack.services.rds._clusters",
    "ministack.services.rds._create_db_cluster",
    "ministack.services.rds._create_global_cluster",
    "ministack.services.rds._delete_global_cluster",
    "ministack.services.rds._failover_global_cluster",
    "ministack.services.rds._global_cluster_xml",
    "ministack.services.rds._global_clusters",
    "ministack.services.rds._modify_global_cluster",
    "ministack.services.rds._p",
    "ministack.services.rds._refresh_cluster_status",
    "ministack.services.rds._refresh_global_cluster_readers",
    "ministack.services.rds._remove_from_global_cluster",
    "ministack.services.rds._resolve_cluster",
    "ministack.services.rds._resolve_global_cluster",
    "ministack.services.rds._set_global_cluster_writer",
    "ministack.services.rds._switchover_global_cluster",
    "ministack.services.rds._xml",
)


def install() -> None:
    for module in (shown, calls, membership, moves, rebuilding, stack):
        module.install()
    POSTED.update(lag=lag.set_lag, maintenance=maintenance.set_pending)
