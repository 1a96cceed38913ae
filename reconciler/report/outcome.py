"""The result of one pass, a list of documents, and errors, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from reconciler.model.errors import InvalidDesiredState, ReconcilerError, Refused
from reconciler.model.messages import number
from reconciler.model.outcome import Outcome
from reconciler.report.coded import problems_json, refusals_json
from reconciler.report.words import iso_duration


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    wait = outcome.requeue_after
    return {
        "schemaVersion": "1",
        "kind": "Outcome",
        "topology": outcome.topology,
        "revision": outcome.revision.commit,
        "generation": outcome.revision.generation,
        "result": str(outcome.result),
        "requeueAfter": None if wait is None else iso_duration(wait),
        "requests": [{"id": r.id, "call": r.call, "region": r.region} for r in outcome.requests],
        "inFlight": [str(ref) for ref in outcome.in_flight],
        "problems": problems_json(outcome.problems),
        "refusals": refusals_json(outcome.plan.refusals),
        "apiCalls": dict(outcome.api_calls),
        "durationMs": outcome.duration // timedelta(milliseconds=1),
    }


def list_json(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"schemaVersion": "1", "kind": "List", "items": [dict(item) for item in items]}


def error_json(error: ReconcilerError) -> dict[str, Any]:
    """One entry per problem of an invalid desired state; one entry for anything else."""
    if isinstance(error, InvalidDesiredState):
        errors: list[dict[str, Any]] = [
            {
                "file": p.file,
                "line": p.line,
                "column": p.column,
                "path": p.path,
                "code": p.code,
                "number": number(p.code),
                "message": p.message,
            }
            for p in error.problems
        ]
    else:
        errors = [
            {
                "code": error.code,
                "number": number(error.code),
                "message": error.message,
                "source": str(error.source),
                "retry": str(error.retry),
            }
        ]
        if isinstance(error, Refused):
            errors[0]["path"] = error.path
    return {"schemaVersion": "1", "kind": "Error", "errors": errors}
