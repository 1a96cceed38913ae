"""The one issue that a topology has while something of it drifts: what, since when, by whom, and the ways out."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.outcome import Outcome
from reconciler.report.github.links import Links


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """`marker` begins the body, and is how the issue is found again. `open`: whether there is anything to say; where there is not,
    the body says so, for the issue that is closed with it."""

    title: str
    body: str
    marker: str
    open: bool


def drift_issue(outcome: Outcome, links: Links) -> Issue:
    marker = f"<!-- meridian:drift:{outcome.topology} -->"
    return Issue(title=f"Drift in {outcome.topology}", body=marker, marker=marker, open=bool(outcome.diff.findings))
