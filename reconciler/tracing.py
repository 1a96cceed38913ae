"""Asks who made the findings of a look: one to a few questions, and only of what nobody is known to have made yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from reconciler.diff import provenance
from reconciler.model.change import Finding
from reconciler.model.observed import Observed, Unknown
from reconciler.model.outcome import Outcome
from reconciler.model.provenance import Act, Lookup
from reconciler.ports import Cloud

MOST = 8
"""Questions of one kind in one look: CloudTrail answers two a second."""

Answers = dict[Lookup, tuple[Act, ...] | Unknown]
Asking = Callable[[Finding, Observed], tuple[Lookup, ...]]


def traced(cloud: Cloud, outcome: Outcome) -> Outcome:
    """The outcome with the authors of its findings, as far as CloudTrail tells. It never fails: who it was is not worth a look."""
    found, observed = outcome.diff, outcome.observed
    every = (*found.findings, *(w.finding for w in found.waived))
    nobody = [f for f in every if not f.by and _by_hand(f)]
    answers: Answers = {}
    _ask(cloud, answers, provenance.by_resource, nobody, observed)
    still = [f for f in nobody if _author(f, observed, answers) is None]
    _ask(cloud, answers, provenance.by_event, still, observed)

    def told(finding: Finding) -> Finding:
        if finding.by or not _by_hand(finding):
            return finding
        return replace(finding, by=_author(finding, observed, answers) or _unknown(finding, observed, answers))

    findings = tuple(map(told, found.findings))
    waived = tuple(replace(w, finding=told(w.finding)) for w in found.waived)
    return replace(outcome, diff=replace(found, findings=findings, waived=waived))


def _by_hand(finding: Finding) -> bool:
    """Not what never settles: that we deployed ourselves, and nobody has changed it since."""
    return finding.detected_by != "deployment"


def _ask(cloud: Cloud, answers: Answers, asking: Asking, findings: Sequence[Finding], observed: Observed) -> None:
    lookups = [lookup for finding in findings for lookup in asking(finding, observed)]
    wanted = [lookup for lookup in dict.fromkeys(lookups) if lookup not in answers][:MOST]
    if wanted:
        answers |= cloud.looked_up(wanted)


def _mine(finding: Finding, observed: Observed, answers: Answers) -> list[tuple[Act, ...] | Unknown]:
    lookups = (*provenance.by_resource(finding, observed), *provenance.by_event(finding, observed))
    return [answers[lookup] for lookup in lookups if lookup in answers]


def _author(finding: Finding, observed: Observed, answers: Answers) -> str | None:
    acts = [a for answer in _mine(finding, observed, answers) if not isinstance(answer, Unknown) for a in answer]
    return provenance.author(finding, observed, acts)


def _unknown(finding: Finding, observed: Observed, answers: Answers) -> str | None:
    """Why nobody can be named; None where CloudTrail was asked and has nothing (yet)."""
    failed = next((a for a in _mine(finding, observed, answers) if isinstance(a, Unknown)), None)
    return provenance.unknown(failed) if failed else None
