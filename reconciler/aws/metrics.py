"""CloudWatch series, one GetMetricData call for all that a Region is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

Point = tuple[datetime, float]
WINDOW = timedelta(minutes=15)
_AHEAD = timedelta(minutes=5)
"""The newest point may be stamped after `at`: clocks differ, and the embedded AWS's runs fast."""
_PERIOD = 60


def query(name: str, namespace: str, metric: str, statistic: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            },
            "Period": _PERIOD,
            "Stat": statistic,
        },
    }


def series(
    cloudwatch: Any, queries: Sequence[Mapping[str, Any]], at: datetime, window: timedelta = WINDOW
) -> dict[str, list[Point]]:
    """Points of the last quarter of an hour, or of `window`, by query name, oldest first."""
    found: dict[str, list[Point]] = {q["Id"]: [] for q in queries}
    start = (at - window).replace(second=0, microsecond=0)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=at + _AHEAD, ScanBy="TimestampAscending"
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            found[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
    return {name: sorted(points) for name, points in found.items()}
