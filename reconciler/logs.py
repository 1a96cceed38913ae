"""Writes the log: lines of JSON for the functions, with CloudWatch's metrics in them (embedded metric format), so that no call is
made for those; the same lines in words for people who run the command with `-v`.

Both libraries are imported when the first line is written: a function that starts must not wait for them, nor a plain command.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TextIO

from reconciler.model.control import METRICS
from reconciler.model.logged import Line


def say(line: Line) -> None:
    """To stdout, which Lambda keeps. What only CloudWatch reads comes last, for whoever reads it in a terminal at night."""
    from structlog.processors import JSONRenderer

    _write(line, sys.stdout, JSONRenderer(separators=(",", ":")), measured(line))


def tell(line: Line) -> None:
    """To stderr, in words."""
    from structlog.dev import ConsoleRenderer
    from structlog.processors import TimeStamper

    stamped = TimeStamper(fmt="iso", utc=True)
    _write(line, sys.stderr, stamped, {}, ConsoleRenderer(colors=False, pad_event_to=0, sort_keys=False))


def measured(line: Line) -> Mapping[str, Any]:
    """What CloudWatch reads of a line: its metrics, their one dimension, and what says so. Nothing, if it measures nothing."""
    if not line.metrics or line.at is None:
        return {}
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

    library = AmazonCloudWatchEMFProvider(namespace=METRICS)
    library.service = ""  # else a variable of the environment could add a dimension, and so a series
    library.timestamp = int(line.at.timestamp() * 1000)
    for name, (value, unit) in line.metrics.items():
        library.add_metric(name=name, unit=str(unit), value=value)
    if line.dimension:
        library.add_dimension(*line.dimension)
    told: dict[str, Any] = dict(library.serialize_metric_set())
    told["_aws"] = told.pop("_aws")
    return told


def _write(line: Line, to: TextIO, first: Any, more: Mapping[str, Any], *then: Any) -> None:
    import structlog

    logger = structlog.wrap_logger(
        structlog.PrintLogger(to),
        processors=[_in_order, first, *then],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    fields = line.fields()
    log = getattr(logger, fields.pop("level"))
    log(fields.pop("event"), **fields, **more)


def _in_order(_logger: object, level: str, event: Any) -> Any:
    """The library puts level and event at the end."""
    return {"level": level, "event": event.pop("event"), **event}
