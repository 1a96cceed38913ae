"""Global write forwarding: requested at a cluster, at work only in a secondary that has an instance.

ModifyDBCluster's documentation [V]: on the primary the value lies dormant and is used at once when it is demoted. CloudFormation's
handler [S]: forwarding does not start until an instance is there. That turning it on and off takes most of a minute is [K].
"""

from typing import Any

from local_aws import durations, states
from local_aws.resources.rds.members import has_instance_at_work, is_secondary

Record = dict[str, Any]
_MOVING = "_forwarding"  # enabling or disabling while it lasts, else empty


def forwarding_status(cluster: Record) -> str | None:
    """None on a primary or a cluster that is alone; DescribeGlobalClusters calls that `unknown`."""
    if not is_secondary(cluster):
        return None
    if moving := cluster.get(_MOVING):
        return str(moving)
    if not cluster.get("GlobalWriteForwardingRequested") or not cluster["DBClusterMembers"]:
        return "disabled"
    return "enabled" if has_instance_at_work(cluster) else "enabling"


def request(cluster: Record, *, wanted: bool) -> None:
    """Ask for it or not; a secondary with an instance shows that it takes time."""
    if wanted == bool(cluster.get("GlobalWriteForwardingRequested")):
        return
    cluster["GlobalWriteForwardingRequested"] = wanted
    if is_secondary(cluster) and has_instance_at_work(cluster):
        states.hold(cluster, _MOVING, "enabling" if wanted else "disabling", "", durations.FORWARDING)


def demoted(cluster: Record) -> None:
    """A primary that became a secondary begins to forward if that was requested."""
    if cluster.get("GlobalWriteForwardingRequested") and has_instance_at_work(cluster):
        states.hold(cluster, _MOVING, "enabling", "", durations.FORWARDING)


def ended(cluster: Record) -> None:
    """A cluster that left the global database has nobody to forward to."""
    states.release(cluster, _MOVING)
    cluster.update({_MOVING: "", "GlobalWriteForwardingRequested": False})


def under_way(cluster: Record) -> bool:
    return bool(cluster.get(_MOVING))
