"""After a failover with data loss: every other member gets a new volume from the new primary, as soon as its Region is there.

The old primary stays a member, as `pending-resync`; before it is built anew, Aurora tries to keep its old volume in a system
snapshot [V user guide]. How long that takes is [K]: minutes to hours.
"""

import datetime as dt
from typing import Any

from ministack.services import rds

from local_aws import durations, states
from local_aws.arns import region_of
from local_aws.clock import CLOCK
from local_aws.gateway import faults
from local_aws.resources.rds import forwarding, snapshots
from local_aws.resources.rds.events import tell
from local_aws.resources.rds.members import member_of

Record = dict[str, Any]


def wanted(entry: Record, *, was_primary: bool) -> None:
    """Part of the world, not a timer: a Region may be out for longer than anybody waits."""
    states.release(entry, "SynchronizationStatus")
    entry["SynchronizationStatus"] = "pending-resync"
    cluster = rds._resolve_cluster(entry["DBClusterArn"])
    cluster["_rebuild"] = "old primary" if was_primary else "secondary"
    cluster["_volume"] = cluster.get("_volume", 0) + 1  # its database is copied anew: see `postgres`
    cluster["_resyncing"] = True
    _look()


def _look() -> None:
    for cluster in list(rds._clusters.all_values()):
        if cluster.get("_rebuild") and not faults.data_plane_is_out(region_of(cluster["DBClusterArn"])):
            _begin(cluster, was_primary=cluster.pop("_rebuild") == "old primary")


def _begin(cluster: Record, *, was_primary: bool) -> None:
    arn, (_, entry) = cluster["DBClusterArn"], member_of(cluster)
    if entry is None:
        return
    name, where = cluster["DBClusterIdentifier"], region_of(arn)
    if was_primary:
        moment = dt.datetime.fromtimestamp(CLOCK.now(), dt.UTC).strftime("%Y-%m-%d-%H-%M")
        snapshots.begin(f"rds:unplanned-global-failover-{name}-{moment}", cluster, kind="automated")
    _told(arn, "RDS-EVENT-0240", f"Started resynchronizing members of DB cluster {name} in Region {where}")

    def done() -> None:
        entry["SynchronizationStatus"] = "connected"
        cluster["_resyncing"] = False
        forwarding.demoted(cluster)
        _told(arn, "RDS-EVENT-0241", f"Finished resynchronizing members of DB cluster {name} in Region {where}")

    seconds = durations.FAILOVER_REBUILD_OLD if was_primary else durations.FAILOVER_REBUILD
    states.hold(cluster, "Status", "modifying", "available", seconds, done)


def _told(arn: str, event_id: str, message: str) -> None:
    tell(arn, event_id, "global-failover", f"{message} after global failover.")


def install() -> None:
    states.on_change(_look)
