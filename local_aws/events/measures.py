"""The metrics that alarms need: those of queues and functions, what logs embed, and the points of one period.

Queues: a value each minute, as it is now [V: SQS Developer Guide, CloudWatch metrics; a queue that is not used tells nothing on
AWS after six hours, here it goes on]. Health checks, lag and load: see `health_checks.health_metrics`. Embedded Metric Format: a
line of a log that has `_aws`, see `embedded_metrics`. Its time is a function's wall time, which means nothing on the virtual clock:
it counts as of now.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs, sqs

from local_aws import durations
from local_aws.clock import CLOCK
from local_aws.events import embedded_metrics
from local_aws.health_checks import health_metrics
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudwatch._dims_key",
    "ministack.services.cloudwatch._metric_bucket",
    "ministack.services.cloudwatch._metrics",
    "ministack.services.cloudwatch_logs._fanout_to_subscription_filters",
    "ministack.services.sqs._queues",
    "ministack.services.sqs._refresh_counts",
)

Record = dict[str, Any]
MINUTE = 60.0
CAUGHT_UP = 60  # minutes at most that a value is told for at once
KEPT = int(health_metrics.HISTORY_SECONDS // MINUTE)  # points of one gauge: days of them cost every alarm's look
_QUEUES = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}


def points(namespace: str, name: str, dimensions: dict[str, str], begin: float, end: float) -> list[Record]:
    found = cloudwatch._metrics.get((namespace, name, cloudwatch._dims_key(dimensions))) or []
    return [point for point in found if begin <= point["Timestamp"] < end]


def delay(namespace: str) -> float:
    """Seconds from the end of a minute until its value is there."""
    return durations.METRIC_DELAY if namespace in health_metrics.COMPUTED else 0.0


def write(namespaces: set[str]) -> None:
    """Bring up to date what these namespaces of this account and Region would show by now."""
    if computed := health_metrics.COMPUTED & namespaces:
        health_metrics.refresh(computed)
    if "AWS/SQS" in namespaces:
        for queue in sqs._queues.values():
            _queue(queue)


def _queue(queue: Record) -> None:
    sqs._refresh_counts(queue)
    now, attributes = CLOCK.now(), queue["attributes"]
    waiting = [m.get("sent_at", now) for m in queue["messages"] if m.get("visible_at", now) <= now]
    values = {name: float(attributes[attribute]) for name, attribute in _QUEUES.items()}
    values["ApproximateAgeOfOldestMessage"] = now - min(waiting, default=now)
    dimensions = {"QueueName": attributes["QueueArn"].rpartition(":")[2]}
    for name, value in values.items():
        _gauge("AWS/SQS", name, dimensions, value)


def _gauge(namespace: str, name: str, dimensions: dict[str, str], value: float) -> None:
    """One point per minute that has gone by since the last one, each with what is there now."""
    bucket = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dimensions)))
    now = int(CLOCK.now() // MINUTE)
    last = int(bucket[-1]["Timestamp"] // MINUTE) if bucket else now - 1
    for minute in range(max(last, now - CAUGHT_UP) + 1, now + 1):
        point = {"Timestamp": minute * MINUTE, "Value": value, "Unit": "Count", "Dimensions": dimensions}
        bucket.append(point)
    del bucket[:-KEPT]


# ---- what logs embed ----------------------------------------------------------------------------------------------------


def _logged(stock: Callable[..., Any], group: str, stream: str, events: list[Record]) -> Any:
    for event in events:
        if '"_aws"' in event["message"]:
            _embedded(event["message"])
    return stock(group, stream, events)


def _embedded(line: str) -> None:
    """What is not of the format is a line like any other."""
    try:
        for point in embedded_metrics.points(line):
            cloudwatch.record_metric(point.namespace, point.name, point.value, point.unit, point.dimensions)
    except embedded_metrics.Invalid:
        return


def install() -> None:
    around(cloudwatch_logs, "_fanout_to_subscription_filters", _logged)
