"""Whether a Region is there at all: one place that asks, so that replication, failover and metrics agree."""

from local_aws import faults


def is_out(region: str) -> bool:
    """The data plane of this Region does not work; nothing is out unless somebody said so."""
    judge = getattr(faults, "data_plane_is_out", None)
    return bool(judge and judge(region))
