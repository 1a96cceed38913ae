"""The replication lag of a secondary, as a series that a person sets and CloudWatch's metrics tell.

It lives in the cluster's record as steps: from this moment on, so many milliseconds. Without any step it is the usual lag.
"""

from typing import Any

from ministack.services import rds

from local_aws.clock import CLOCK

Record = dict[str, Any]
USUAL_MS = 80.0
FOR_EVER = 0.0  # a constant holds for what has been, too


def at(cluster: Record, moment: float) -> float:
    """Milliseconds behind the primary at that virtual moment."""
    steps = [ms for since, ms in cluster.get("_lag") or [] if since <= moment]
    return float(steps[-1]) if steps else USUAL_MS


def now(cluster: Record) -> float:
    return at(cluster, CLOCK.now())


def set_lag(request: Record) -> Record:
    """POST /_meridian/lag, one of

    {"cluster": id, "ms": n}                               this lag, always; null: the usual one again
    {"cluster": id, "points": [[0, 200], [300, 9000]]}     from so many virtual seconds after now on, this lag
    """
    name = request.get("cluster")
    if ("points" in request) == ("ms" in request):
        raise ValueError("a lag is either ms or points")
    found = [c for c in rds._clusters.all_values() if c["DBClusterIdentifier"] == name]
    steps = _series(request["points"]) if "points" in request else _constant(request["ms"])
    if not found:
        raise ValueError(f"no DB cluster {name!r} in any Region")
    for cluster in found:
        before = [step for step in cluster.get("_lag") or [] if step[0] < CLOCK.now()] if "points" in request else []
        cluster["_lag"] = [*before, *steps]
    return {key: request[key] for key in ("cluster", "ms", "points") if key in request}


def _constant(ms: Any) -> list[list[float]]:
    return [] if ms is None else [[FOR_EVER, _milliseconds(ms)]]


def _series(points: Any) -> list[list[float]]:
    pairs = isinstance(points, list) and all(isinstance(p, list) and len(p) == 2 for p in points)
    if not pairs or not all(_number(p[0]) for p in points):
        raise ValueError(f"points {points!r} must be a list of [seconds from now, milliseconds]")
    return [[CLOCK.now() + seconds, _milliseconds(ms)] for seconds, ms in sorted(points)]


def _milliseconds(ms: Any) -> float:
    if not _number(ms):
        raise ValueError(f"ms {ms!r} must be a number of milliseconds, or null")
    return float(ms)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
