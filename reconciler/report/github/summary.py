"""The summary of a workflow's run: the plan of each topology, or what is wrong with the desired state."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.errors import InvalidDesiredState
from reconciler.model.outcome import Outcome
from reconciler.model.preflight import Preflight
from reconciler.report.github.comment import whole
from reconciler.report.github.links import Links


def plan_summary(items: Sequence[tuple[Outcome, Preflight | None]], links: Links) -> str:
    return "\n\n".join(whole(outcome, preflight) for outcome, preflight in items)


def invalid_summary(error: InvalidDesiredState, links: Links) -> str:
    return error.message
