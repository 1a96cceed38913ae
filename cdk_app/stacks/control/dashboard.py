"""The dashboard of the control plane: the queue above, then what passes come to, find and call, functions below."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_app.stacks.base import MeridianStack
from reconciler.model.control import COUNTED, DEAD_LETTERS, METRICS, QUEUE, RECONCILE, SYNTH, WAKE

_FUNCTIONS = (WAKE, RECONCILE, SYNTH)
Metric = list[Any]


def add_dashboard(stack: MeridianStack) -> None:
    body = cdk.Fn.sub(json.dumps({"widgets": _widgets()}))
    cloudwatch.CfnDashboard(stack, "Dashboard", dashboard_name="meridian-control", dashboard_body=body)


def _widgets() -> list[dict[str, Any]]:
    """Two in a row."""
    waiting = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", q] for q in (QUEUE, DEAD_LETTERS)]
    found = [[METRICS, "DriftFindings", "Disposition", d] for d in ("heal", "hold", "page")]
    calls = [[METRICS, "AwsCalls", "Service", service] for service in (*COUNTED, "other")]
    widgets: dict[str, tuple[list[Metric], str]] = {
        "messages": (waiting, "Maximum"),
        "age of the oldest message": ([["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", QUEUE]], "Maximum"),
        "passes": (_ours("Passes", "PassErrors", "StalledTopologies", "Refusals"), "Sum"),
        "seconds to converge": (_ours("TimeToConverge", "TimeUnderWay"), "Maximum"),
        "drift that passes saw": (found, "Maximum"),
        "leases, topologies woken": (_ours("LeaseSteals", "LeaseWaits", "TopologiesWoken"), "Sum"),
        "calls to AWS": (calls, "Sum"),
        "duration of passes": (_ours("PassDuration"), "p95"),
        "invocations of functions": ([["AWS/Lambda", "Invocations", "FunctionName", f] for f in _FUNCTIONS], "Sum"),
        "errors of functions": ([["AWS/Lambda", "Errors", "FunctionName", f] for f in _FUNCTIONS], "Sum"),
        "duration of functions": ([["AWS/Lambda", "Duration", "FunctionName", f] for f in _FUNCTIONS], "Maximum"),
    }
    return [_widget(place, title, *shown) for place, (title, shown) in enumerate(widgets.items())]


def _ours(*names: str) -> list[Metric]:
    return [[METRICS, name] for name in names]


def _widget(place: int, title: str, metrics: list[Metric], statistic: str) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": 12 * (place % 2),
        "y": 6 * (place // 2),
        "width": 12,
        "height": 6,
        "properties": {
            "title": title,
            "metrics": metrics,
            "stat": statistic,
            "period": 300,
            "region": "${AWS::Region}",
        },
    }
