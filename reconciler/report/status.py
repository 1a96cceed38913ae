"""The status document: what table meridian-state keeps of a topology after each pass, and what `status` shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from reconciler.model import structure
from reconciler.model.bundle import Accepted, accepted
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Condition, Outcome, Problem, Result
from reconciler.model.sweeps import Looks
from reconciler.report.approval import awaited, given
from reconciler.report.coded import problems_json, refusals_json
from reconciler.report.findings import remembered
from reconciler.report.plan import gate_json, left_json
from reconciler.report.regions import RegionReport, other_stacks, region_reports
from reconciler.report.resources import types_of_resources
from reconciler.report.timing import timeline
from reconciler.report.tombstones import tombstones
from reconciler.report.words import iso_duration, iso_time

HISTORY = 20
UNDERWAY = frozenset({str(Result.PROGRESSING), str(Result.WAITING)})
_OF_HOSTED = ("notices", "report")
"""What only hosted passes keep: a command passes it on as it is."""


def status_document(outcome: Outcome, previous: Mapping[str, Any] | None) -> dict[str, Any]:
    """The document after this pass. What a pass cannot tell anew (revisions applied, times of transitions, history)
    goes on from the previous document."""
    before: Mapping[str, Any] = previous or {}
    now = iso_time(outcome.observed.at)
    waves = tuple(w for w in outcome.plan.waves if not w.aside)
    reports = region_reports(outcome)
    return {
        "schemaVersion": "1",
        "kind": "Status",
        "topology": outcome.topology,
        **_revisions(outcome, before),
        "desiredDigest": outcome.revision.digest,
        "bundle": _bundle(outcome, before),
        "motion": outcome.motion.document() if outcome.motion else None,
        "result": str(outcome.result),
        "updatedAt": now,
        "requeueAfter": None if outcome.requeue_after is None else iso_duration(outcome.requeue_after),
        "conditions": [_condition(c, before.get("conditions", ())) for c in outcome.conditions],
        "findings": remembered(outcome),
        "regions": [_region(r, outcome, before) for r in reports],
        "edge": _edge(outcome),
        "stacks": other_stacks(outcome, reports),
        "problems": problems_json(outcome.problems),
        "refusals": refusals_json(outcome.plan.refusals),
        "waitingFor": [gate_json(g) for g in waves[0].waiting_for] if waves else [],
        "stepsLeft": sum(len(w.steps) for w in waves),
        "tombstones": tombstones(outcome, before.get("tombstones", ())),
        "history": _history(outcome, before.get("history", ()), now),
        "suspension": outcome.observed.suspension and outcome.observed.suspension.document(),
        "plan": {
            "fingerprint": outcome.plan.fingerprint,
            "approval": awaited(outcome),
            "waves": left_json(outcome.plan),
        },
        "timeline": timeline(outcome, before),
        "approval": given(outcome),
        "looks": _looks(outcome, before).document(),
        "structure": structure.document(outcome.structure),
        "resources": types_of_resources(outcome, before),
        **{name: before[name] for name in _OF_HOSTED if name in before},
        **outcome.memory,
    }


def after_error(
    topology: str, previous: Mapping[str, Any] | None, problem: Problem, memory: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """The document after a pass that could not come to an end: as it was before, and what went wrong. The other conditions go on
    saying what was last seen; when that was is where it was, in `updatedAt`."""
    stalled = problem.code == "Stalled"
    before: Mapping[str, Any] = previous or {**_NOTHING, "topology": topology, "updatedAt": iso_time(at)}
    failing = Condition(
        type="Stalled" if stalled else "PassFailed",
        status="True",
        reason=problem.code,
        message=problem.message,
        observed_generation=before["observedGeneration"],
        last_transition=at,
    )
    kept = [c for c in before["conditions"] if c["type"] not in {"Stalled", "PassFailed"}]
    return {
        **before,
        **memory,
        "result": str(Result.STALLED if stalled else Result.FAILED),
        "requeueAfter": None,
        "conditions": [*kept, _condition(failing, before["conditions"])],
        "problems": problems_json([problem]),
    }


def _looks(outcome: Outcome, before: Mapping[str, Any]) -> Looks:
    coverage = {"fields": outcome.diff.coverage.fields, "checked": outcome.diff.coverage.checked}
    observed = outcome.observed
    return Looks.recorded(before).after(
        outcome.sweep, observed.at, observed.glance, coverage, detected=outcome.detected
    )


def glanced(status: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The document after a glance that saw all as the last pass left it: what that pass said holds still."""
    return {**status, "updatedAt": iso_time(at), "looks": Looks.recorded(status).glanced(at).document()}


_NOTHING: Mapping[str, Any] = {
    "schemaVersion": "1",
    "kind": "Status",
    "generation": 0,
    "observedGeneration": 0,
    "desiredRevision": "unknown",
    "lastAttemptedRevision": None,
    "lastAppliedRevision": None,
    "lastServingRevision": None,
    "conditions": [],
    "regions": [],
    "edge": None,
    "refusals": [],
    "waitingFor": [],
    "stepsLeft": 0,
    "tombstones": [],
    "history": [],
}


def _revisions(outcome: Outcome, before: Mapping[str, Any]) -> dict[str, Any]:
    """Attempted: a pass tried to get there. Applied: no step is left. Serving: converged on it."""
    commit, generation = outcome.revision.commit, outcome.revision.generation
    tried = outcome.result is not Result.SUSPENDED
    left = any(w.steps for w in outcome.plan.waves if not w.aside)
    applied = tried and not (left or outcome.plan.refusals or outcome.problems)
    served = outcome.result is Result.CONVERGED

    def reached(condition: bool, field: str) -> str | None:
        return commit if condition else before.get(field)

    return {
        "generation": generation,
        "observedGeneration": generation if tried else before.get("observedGeneration", 0),
        "desiredRevision": commit,
        "lastAttemptedRevision": reached(tried, "lastAttemptedRevision"),
        "lastAppliedRevision": reached(applied, "lastAppliedRevision"),
        "lastServingRevision": reached(served, "lastServingRevision"),
    }


def _bundle(outcome: Outcome, before: Mapping[str, Any]) -> dict[str, Any] | None:
    """The bundle in force and the newest generation that ever was. A pass without one, such as the command's, forgets neither."""
    remembered, source = Accepted.recorded(before), outcome.revision.source
    if source is not None:
        bundle = source.bundle
        remembered = remembered.followed(bundle) if remembered else accepted(bundle, bundle.generation)
    return remembered.document() if remembered else None


def _condition(condition: Condition, before: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    since = iso_time(condition.last_transition)
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": condition.observed_generation,
        "lastTransitionTime": _since(condition.type, condition.status, before) or since,
    }


def _since(kind: str, status: str, before: Iterable[Mapping[str, Any]]) -> str | None:
    """When the condition took this status, if it had it already."""
    old = next((c for c in before if c["type"] == kind), None)
    return old["lastTransitionTime"] if old and old["status"] == status else None


def _region(region: RegionReport, outcome: Outcome, before: Mapping[str, Any]) -> dict[str, Any]:
    old: Mapping[str, Any] = next((r for r in before.get("regions", ()) if r["name"] == region.name), {})
    status = {"Healthy": "True", "Unknown": "Unknown"}.get(region.health, "False")
    ready = Condition(
        type="Ready",
        status=status,
        reason=region.health,
        message=region.why,
        observed_generation=outcome.revision.generation,
        last_transition=outcome.observed.at,
    )
    return {
        "name": region.name,
        "traffic": region.traffic,
        "health": region.health,
        "databaseRole": region.database_role,
        "replicaLagMs": region.replica_lag_ms,
        "stacks": dict(region.stacks),
        "conditions": [_condition(ready, old.get("conditions", ()))],
    }


def _edge(outcome: Outcome) -> dict[str, Any] | None:
    seen = outcome.observed.distribution
    if seen is None:
        return None
    if isinstance(seen, Unknown):
        return {"distributionId": None, "domainName": None, "status": "Unknown"}
    return {
        "distributionId": seen.id,
        "domainName": seen.domain_name,
        "aliases": sorted(seen.aliases),
        "status": seen.status,
        "enabled": seen.enabled,
    }


def _history(outcome: Outcome, before: Iterable[Mapping[str, Any]], now: str) -> list[dict[str, Any]]:
    """Newest first. Passes of one run share an entry, and so do runs that came to the same again."""
    entry: dict[str, Any] = {
        "revision": outcome.revision.commit,
        "generation": outcome.revision.generation,
        "digest": outcome.revision.digest,
        "result": str(outcome.result),
        "passes": 1,
        "requests": len(outcome.requests),
        "first": now,
        "last": now,
    }
    old = [dict(e) for e in before]
    if old and _continues(old[0], entry):
        newest = old.pop(0)
        entry["first"] = newest["first"]
        for total in ("passes", "requests"):
            entry[total] += newest[total]
    return [entry, *old][:HISTORY]


def _continues(newest: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    same = all(newest[k] == entry[k] for k in ("revision", "generation", "digest"))
    return same and (newest["result"] == entry["result"] or newest["result"] in UNDERWAY)
