"""Whether the data plane of a Region is out: a fault that a test or a person sets."""

from local_aws import faults


def data_plane_is_out(region: str) -> bool:
    asked = getattr(faults, "data_plane_is_out", None)
    return bool(asked and asked(region))
