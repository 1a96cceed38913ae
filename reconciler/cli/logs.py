"""Logs: structured lines on stderr, with `-v`; without it structlog is not even imported."""

from __future__ import annotations

import sys
from typing import Any

from reconciler.model.outcome import Outcome

_logger: Any = None


def switch_on() -> None:
    global _logger  # noqa: PLW0603  # one process, one log
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    _logger = structlog.get_logger()


def log(event: str, **values: Any) -> None:
    if _logger:
        _logger.info(event, **values)


def passed(outcome: Outcome) -> None:
    log(
        "pass",
        topology=outcome.topology,
        result=str(outcome.result),
        generation=outcome.revision.generation,
        requests=[f"{r.id} {r.call}" for r in outcome.requests],
        in_flight=[str(ref) for ref in outcome.in_flight],
        api_calls=sum(outcome.api_calls.values()),
        seconds=outcome.duration.total_seconds(),
    )
