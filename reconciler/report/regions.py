"""What one Region is doing, told from observation and plan: its traffic, health, database role and stacks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.observed import StackState, TrafficGate, Unknown, known
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Step, StepAction
from reconciler.model.stacks import StackKind, StackRef

KINDS = (StackKind.DATA, StackKind.API)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionReport:
    name: str
    traffic: str
    health: str
    why: str
    """What makes it that healthy, in words."""
    database_role: str
    replica_lag_ms: float | None
    """How far its copy of the data is behind; None for the writer, without a copy, and where it is not known."""
    stacks: Mapping[str, str]


def region_reports(outcome: Outcome) -> tuple[RegionReport, ...]:
    """Every Region that holds a part of this topology, or is about to. What stands here is read the next time, whatever the
    document says by then: so a Region is here before anything of it is made, and until nothing of it is left."""
    return tuple(_report(outcome, r) for r in _asked(outcome) if _takes_part(outcome, r))


def other_stacks(outcome: Outcome, reports: Iterable[RegionReport]) -> dict[str, str]:
    """The status of each stack that none of these tells of, by its address."""
    told = {f"{kind}/{region.name}" for region in reports for kind in region.stacks}
    there = {str(ref): _status(state) for ref, state in sorted(outcome.observed.stacks.items()) if state is not None}
    return {address: status for address, status in there.items() if address not in told}


def steps_of(outcome: Outcome, region: str) -> tuple[Step, ...]:
    """Steps of the plan on this Region's own stacks and gate."""
    return tuple(s for s in outcome.plan.steps if s.region == region and (s.stack is None or s.stack.kind in KINDS))


def _asked(outcome: Outcome) -> tuple[str, ...]:
    seen = outcome.observed
    planned = (s.region for s in outcome.plan.steps if s.region and (s.stack is None or s.stack.kind in KINDS))
    return tuple(dict.fromkeys((*seen.gates, *seen.clusters, *planned)))


def _takes_part(outcome: Outcome, region: str) -> bool:
    seen = outcome.observed
    parts = (seen.gates.get(region), *(seen.stacks.get(StackRef(kind, region)) for kind in KINDS))
    return any(p is not None for p in parts) or bool(steps_of(outcome, region))


def _report(outcome: Outcome, region: str) -> RegionReport:
    health, why = _health(outcome, region)
    return RegionReport(
        name=region,
        traffic=_traffic(outcome, region),
        health=health,
        why=why,
        database_role=_role(outcome, region),
        replica_lag_ms=_lag(outcome, region),
        stacks={
            str(kind): _status(outcome.observed.stacks.get(StackRef(kind, region)))
            for kind in _present(outcome, region)
        },
    )


def _present(outcome: Outcome, region: str) -> Iterator[StackKind]:
    return (kind for kind in KINDS if outcome.observed.stacks.get(StackRef(kind, region)) is not None)


def _status(state: StackState | Unknown | None) -> str:
    return state.status if isinstance(state, StackState) else "UNKNOWN"


def _traffic(outcome: Outcome, region: str) -> str:
    """A Region that nobody can look into is left alone: quarantined. Behind a closed gate it is still draining, on its way out
    or in, or drained."""
    gate = outcome.observed.gates.get(region)
    if any(isinstance(outcome.observed.stacks.get(StackRef(kind, region)), Unknown) for kind in KINDS):
        return "quarantined"
    if isinstance(gate, Unknown):
        return "unknown"
    if gate is None:
        return "leaving" if region not in outcome.regions else "joining" if steps_of(outcome, region) else "unknown"
    if gate.is_closed:
        return _out_of_traffic(outcome, region, gate)
    probe = known(outcome.observed.probes.get(region))
    serves = not gate.ignores_its_probe and probe and probe.healthy and gate.healthy is not False
    return "serving" if serves else "unknown"


def _out_of_traffic(outcome: Outcome, region: str, gate: TrafficGate) -> str:
    """A gate that was never opened belongs to a Region that joins, unless nothing is planned to open it: then it is drained."""
    waits = {g.name for w in outcome.plan.waves for g in w.waiting_for if g.region == region}
    if waits & {"drained", "quiet"}:
        return "draining"
    if region not in outcome.regions:
        return "leaving"
    opens = any(s.action is StepAction.OPEN_GATE for s in steps_of(outcome, region))
    return "joining" if opens or (gate.never_opened and steps_of(outcome, region)) else "drained"


def _health(outcome: Outcome, region: str) -> tuple[str, str]:
    seen = outcome.observed
    states = [(kind, seen.stacks.get(StackRef(kind, region))) for kind in KINDS]
    for kind, state in states:
        if isinstance(state, Unknown):
            return "Unknown", f"stack {kind} could not be read: {state}"
    for what, part in (("database cluster", seen.clusters.get(region)), ("traffic gate", seen.gates.get(region))):
        if isinstance(part, Unknown):
            return "Unknown", f"its {what} could not be read: {part}"
    stacks = [(kind, state) for kind, state in states if isinstance(state, StackState)]
    if not stacks and (region in outcome.regions or not steps_of(outcome, region)):
        return "Missing", "it has no stacks"
    if outcome.result is Result.SUSPENDED:
        return "Suspended", "reconciliation is suspended"
    if bad := _degraded(outcome, region, stacks):
        return "Degraded", bad
    return _progress(outcome, region, stacks)


def _degraded(outcome: Outcome, region: str, stacks: list[tuple[StackKind, StackState]]) -> str | None:
    for kind, state in stacks:
        if state.failed and not _undone(outcome, state):
            failure = state.failure
            told = f": {failure.logical_id}: {failure.reason}" if failure else ""
            return f"stack {kind} is {state.status}{told}"
    probe = known(outcome.observed.probes.get(region))
    gate = known(outcome.observed.gates.get(region))
    if gate and gate.is_open and probe and probe.healthy is False:
        return f"its probe {probe.id} is unhealthy while its traffic gate is open"
    return None


def _undone(outcome: Outcome, state: StackState) -> bool:
    """An update that failed was rolled back, and by now nobody wants it any more: the stack is as it should be."""
    return state.rolled_back and all(step.stack != state.ref for step in outcome.plan.steps)


def _progress(outcome: Outcome, region: str, stacks: list[tuple[StackKind, StackState]]) -> tuple[str, str]:
    busy = [
        f"stack {kind} is {state.status}"
        for kind, state in stacks
        if not state.complete and not _undone(outcome, state)
    ]
    left = steps_of(outcome, region)
    waits = [g for w in outcome.plan.waves for g in w.waiting_for if g.region == region]
    probe = outcome.observed.probes.get(region)
    if busy:
        return "Progressing", "; ".join(busy)
    if left:
        return "Progressing", f"next: {left[0].id}"
    if waits:
        return "Progressing", f"waiting for {waits[0].id}: {waits[0].detail}"
    if isinstance(probe, Unknown):
        return "Unknown", f"its probe could not be read: {probe}"
    match probe.healthy if probe else None:
        case True:
            return "Healthy", "its stacks are complete and its probe is healthy"
        case False:
            return "Degraded", "its probe is unhealthy"
        case _:
            return "Unknown", "its probe has not reported yet"


def _role(outcome: Outcome, region: str) -> str:
    cluster = outcome.observed.global_cluster
    if isinstance(cluster, Unknown):
        return "unknown"
    member = cluster.member(region) if cluster else None
    if member is None:
        return "none"
    return "writer" if member.is_writer else "reader"


def _lag(outcome: Outcome, region: str) -> float | None:
    cluster = known(outcome.observed.clusters.get(region))
    lag = cluster.lag_ms if cluster and _role(outcome, region) == "reader" else None
    return round(lag, 1) if lag is not None and math.isfinite(lag) else None
