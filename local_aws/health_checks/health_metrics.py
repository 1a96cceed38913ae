"""CloudWatch's metrics of health checks, replication and use, computed when somebody asks, on the virtual clock.

ministack answers the query; before it does, the series that AWS would have recorded are written into its store.
"""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_region
from ministack.services import cloudwatch, rds, route53

from local_aws import durations
from local_aws.arns import region_of
from local_aws.clock import CLOCK
from local_aws.gateway import faults
from local_aws.global_cluster import lag
from local_aws.global_cluster.shown import connected
from local_aws.health_checks import usage
from local_aws.resources.rds.members import member_of, writer_entry
from local_aws.resources.route53 import ENDPOINTS
from local_aws.resources.wrap import around

Record = dict[str, Any]
MINUTE = 60.0
COMPUTED = frozenset({"AWS/Route53", "AWS/RDS", "AWS/ApiGateway"})  # namespaces
HISTORY_SECONDS = 3 * 3600.0  # how far back they go here
_UNITS = {"ACUUtilization": "Percent", "Count": "Count"}
LAGS = ("AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag", "AuroraGlobalDBProgressLag")
MAX_DATAPOINTS = 100_800  # of one page of GetMetricData


def _with_metrics(stock: Any, *arguments: Any) -> Any:
    """Write the series that AWS would have recorded, then let ministack answer the query."""
    refresh(COMPUTED)
    return stock(*arguments)


def refresh(namespaces: frozenset[str]) -> None:
    """The series of this account and Region, as AWS would have recorded them by now."""
    if "AWS/Route53" in namespaces and get_region() == "us-east-1":
        for observe in _OBSERVERS:
            observe()
        for check in route53._health_checks.values():
            _health_series(check)
    if "AWS/RDS" in namespaces:
        for cluster in rds._clusters.values():
            _lag_series(cluster)
        for series in usage.load_series():
            _write(*series)
    if "AWS/ApiGateway" in namespaces:
        for series in usage.request_series():
            _write(*series)


def _health_series(check: Record) -> None:
    """HealthCheckStatus of every check; per kind also how many checkers, or children, see it healthy [V]."""
    kind, points = check["config"].get("Type"), _minutes(check.get("_history") or [])
    _write_check(check, "HealthCheckStatus", [(at, float(value)) for at, value in points])
    if kind in ENDPOINTS:
        _write_check(check, "HealthCheckPercentageHealthy", [(at, 100.0 * value) for at, value in points])
    if kind == "CALCULATED":
        _write_check(check, "ChildHealthCheckHealthyCount", _children(check, [at for at, _ in points]))


def _children(check: Record, moments: list[float]) -> list[tuple[float, float]]:
    found = [route53._health_checks.get(child) or {} for child in check["config"].get("ChildHealthChecks") or []]
    series = [dict(_minutes(child.get("_history") or [])) for child in found]
    return [(at, float(sum(one.get(at, False) for one in series))) for at in moments]


def _write_check(check: Record, name: str, points: list[tuple[float, float]]) -> None:
    _write("AWS/Route53", name, {"HealthCheckId": check["id"]}, points)


def _minutes(history: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    """One value per minute from the first change on: the lowest that held in it. It arrives when the minute is long over [K]."""
    if not history:
        return []
    now = CLOCK.now()
    minute = max(history[0][0] // MINUTE, (now - HISTORY_SECONDS) // MINUTE) * MINUTE
    found = []
    while minute + MINUTE + durations.METRIC_DELAY <= now:
        inside = [value for at, value in history if minute <= at < minute + MINUTE]
        before = [value for at, value in history if at < minute]
        found.append((minute, all([*before[-1:], *inside])))
        minute += MINUTE
    return found


def _lag_series(cluster: Record) -> None:
    """The metrics of global replication, in the Region of a secondary that follows; nothing new while its primary's is out.

    Dimension: DBClusterIdentifier alone [S: alarms in public templates]. End-to-end lag is ProgressLag and the replica's own [V].
    """
    group, entry = member_of(cluster)
    if group is None or entry is None or entry["IsWriter"] or not connected(entry):
        return
    if faults.data_plane_is_out(region_of((writer_entry(group) or entry)["DBClusterArn"])):
        return
    now = int(CLOCK.now() // MINUTE)
    points = [(minute * MINUTE, lag.at(cluster, minute * MINUTE + MINUTE - 1)) for minute in range(now - 30, now)]
    points.append((now * MINUTE, lag.now(cluster)))
    for name in LAGS:
        _write("AWS/RDS", name, {"DBClusterIdentifier": cluster["DBClusterIdentifier"]}, points)


def _write(namespace: str, name: str, dimensions: dict[str, str], points: list[tuple[float, float]]) -> None:
    unit = "Milliseconds" if name.endswith("Lag") else _UNITS.get(name, "None")
    cloudwatch._metrics[namespace, name, cloudwatch._dims_key(dimensions)] = [
        {"Timestamp": at, "Value": value, "Unit": unit, "Dimensions": dimensions} for at, value in points
    ]


def _ordered_page(stock: Any, answer: Record, *rest: Any) -> Any:
    """GetMetricData lists the newest value first unless ScanBy says otherwise, and pages by data points; ministack neither."""
    results = answer.get("MetricDataResults")
    if results:
        if _ASKED.get("ScanBy") != "TimestampAscending":
            results = [{**r, "Timestamps": r["Timestamps"][::-1], "Values": r["Values"][::-1]} for r in results]
        answer = _page(results, int(_ASKED.get("NextToken") or 0), int(_ASKED.get("MaxDatapoints") or MAX_DATAPOINTS))
    return stock(answer, *rest)


def _page(results: list[Record], start: int, size: int) -> Record:
    """The data points from `start` on, counted over all results; a result that goes on says PartialData."""
    found, end, at = [], start + size, 0
    for result in results:
        first, last, length = max(start - at, 0), max(end - at, 0), len(result["Values"])
        if first < length or first == length == 0:
            part = {name: result[name][first:last] for name in ("Timestamps", "Values")}
            found.append(result | part | ({"StatusCode": "PartialData"} if last < length else {}))
        at += length
    return {"MetricDataResults": found, **({"NextToken": str(end)} if end < at else {})}


_OBSERVERS: list[Callable[[], None]] = []  # who makes every check look at the world
_ASKED: Record = {}  # the request under way: a call takes effect without a pause


def install(observe: Callable[[], None]) -> None:
    """`observe` makes every check look at the world, so that its history is up to date."""

    _OBSERVERS.append(observe)

    def metric_data(stock: Any, params: Record, request: Record, *rest: Any) -> Any:
        _ASKED.clear()
        _ASKED.update(request)
        return _with_metrics(stock, params, request, *rest)

    around(cloudwatch, "_get_metric_statistics", _with_metrics)
    around(cloudwatch, "_list_metrics", _with_metrics)
    around(cloudwatch, "_get_metric_data", metric_data)
    around(cloudwatch, "_cbor_ok", _ordered_page)
    around(cloudwatch, "_json_ok", _ordered_page)
