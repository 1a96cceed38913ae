"""What finishes aside, after everything else is as declared: one entry for each Region, or version, that is on its way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan, Step
from reconciler.report.words import iso_time, verb_of

Key = tuple[str, str | None, str]


def tombstones(outcome: Outcome, before: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As the status document keeps them; `since` goes on from the document before."""
    since = {(t["kind"], t["region"], t.get("subject", "")): t["since"] for t in before}
    now = iso_time(outcome.observed.at)
    return [
        {
            "kind": kind,
            "region": region,
            "subject": subject,
            "what": _verbs(steps),
            "since": since.get((kind, region, subject), now),
            "waitingFor": waiting_for(outcome.plan, steps[0]),
        }
        for (kind, region, subject), steps in _left(outcome.plan).items()
    ]


def finishing(plan: Plan) -> str:
    """Regions of which something is left, in half a line: `us-east-1 (detach, delete/data, delete-gate)`. Versions, of which
    CloudFront keeps copies for hours, are not worth one."""
    regions = {region: steps for (kind, region, _), steps in _left(plan).items() if kind == "region"}
    return ", ".join(f"{region} ({_verbs(steps)})" for region, steps in regions.items())


def _verbs(steps: Iterable[Step]) -> str:
    return ", ".join(str(s.action) if s.subject else verb_of(s) for s in steps)


def _left(plan: Plan) -> dict[Key, list[Step]]:
    """Not of a Region that is still to be taken out of service: that is no tombstone yet."""
    busy = {s.region for w in plan.waves if not w.aside for s in w.steps}
    found: dict[Key, list[Step]] = {}
    for step in (s for w in plan.tombstones for s in w.steps):
        if step.subject or step.region not in busy:
            kind = "version" if step.subject else "region"
            found.setdefault((kind, step.region, step.subject), []).append(step)
    return found


def waiting_for(plan: Plan, step: Step) -> str:
    """The first thing that has to be over before this step begins: a gate, or a step; the step itself once it is its turn."""
    chain = next(w.chain for w in plan.waves if step in w.steps)
    for wave in (w for w in plan.waves if w.chain in {"", chain}):
        if step in wave.steps:
            break
        if wave.steps:
            return wave.steps[0].id
        if wave.waiting_for:
            return f"{wave.waiting_for[0].id}: {wave.waiting_for[0].detail}"
    return step.id
