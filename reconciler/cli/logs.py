"""Logs of passes: structured lines on stderr. Imported only with `-v`, for structlog takes a tenth of a second to load."""

from __future__ import annotations

import sys

import structlog

from reconciler.model.outcome import Outcome

_PROCESSORS = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0),
)


def passed(outcome: Outcome) -> None:
    log = structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=_PROCESSORS)
    log.info(
        "pass",
        topology=outcome.topology,
        result=str(outcome.result),
        generation=outcome.revision.generation,
        requests=[f"{r.id} {r.call}" for r in outcome.requests],
        in_flight=[str(ref) for ref in outcome.in_flight],
        api_calls=sum(outcome.api_calls.values()),
        seconds=outcome.duration.total_seconds(),
    )
