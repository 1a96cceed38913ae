"""Drift that comes back after each repair, and changes that show again after each deployment: named, and left alone.

Both fight somebody for ever otherwise, and each round takes a deployment's risk. They are taken up again when the file wants
another value there, when another value is found there, or when it has been in sync for an hour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from reconciler.diff.catalogue import region_of
from reconciler.model.change import CALLS, Change, Diff, Disposition, Finding, Tool
from reconciler.model.motion import SHOWS, Motion
from reconciler.model.observed import Observed, StackState, TrafficGate, known
from reconciler.model.plan import Plan, Step
from reconciler.model.redaction import digest
from reconciler.model.repairs import Repairs, Sight
from reconciler.model.stacks import StackRef


def settling(
    observed: Observed, changes: tuple[Change, ...], findings: tuple[Finding, ...]
) -> tuple[tuple[Change, ...], tuple[Finding, ...], Repairs]:
    """Changes and findings without what is in vain, which becomes findings that are held; and what is known of repairs now."""
    motion = Motion.recorded(observed.recorded)
    sights = (*_of_drift(observed, findings), *_of_changes(observed, changes))
    seen = (motion.repairs if motion else Repairs()).seen(sights, _judged(observed), observed.at)
    vain = {c.stack for c in changes} - {c.stack for c in changes if not seen.in_vain(_change_key(c))} - {None}
    left = tuple(c for c in changes if c.stack not in vain)
    given_up = tuple(_as_finding(c, seen) for c in changes if c.stack in vain)
    return left, (*(_held(f, seen) for f in findings), *given_up), seen


def carried_out(
    plan: Plan, found: Diff, observed: Observed, executed: Collection[str], nothing: Collection[str]
) -> Repairs:
    """What is known of repairs once these steps of the plan were carried out, or AWS saw nothing to do for them."""
    repairs = found.repairs
    for step in plan.current:
        if step.id in executed or step.id in nothing:
            sights = (*_of_drift(observed, _heals(step, found)), *_of_changes(observed, _changes(step, found)))
            repairs = repairs.sent(sights, nothing=step.id in nothing)
    return repairs


def _heals(step: Step, found: Diff) -> tuple[Finding, ...]:
    return tuple(filter(step.repairs, found.findings))


def _changes(step: Step, found: Diff) -> tuple[Change, ...]:
    return found.changed(step.stack) if step.stack else ()


def _of_drift(observed: Observed, findings: Iterable[Finding]) -> Iterator[Sight]:
    """What a repair would write back."""
    for finding in findings:
        place = _place_of_call(observed, finding) or _place(observed, finding.stack, finding.region)
        if (finding.called or finding.disposition is Disposition.HEAL) and place:
            name, mark, settled = place
            yield Sight(
                key=_drift_key(finding),
                place=name,
                mark=mark,
                settled=settled,
                lag=SHOWS if finding.called else timedelta(),
                desired=digest(finding.path, finding.desired),
                observed=digest(finding.path, finding.observed),
            )


def _of_changes(observed: Observed, changes: Iterable[Change]) -> Iterator[Sight]:
    """What a deployment would change on a stack that stands."""
    for change in changes:
        place = _place(observed, change.stack, None)
        if change.stack and place:
            name, mark, settled = place
            yield Sight(
                key=_change_key(change),
                place=name,
                mark=mark,
                settled=settled,
                desired=digest(change.path, change.desired),
                observed=digest(change.path, change.applied),
            )


def _place_of_call(observed: Observed, finding: Finding) -> tuple[str, str, bool] | None:
    """What a call puts back has no mark of its own: its repair is known by its time."""
    if not finding.called:
        return None
    cluster = known(observed.clusters.get(finding.region or "")) if finding.tool is Tool.CLUSTER else None
    return _called(finding.tool, finding.stack), observed.at.isoformat(), cluster is None or not cluster.pending


def _called(tool: Tool, ref: StackRef | None) -> str:
    return f"{tool} of {ref}" if ref else str(tool)


def _place(observed: Observed, ref: StackRef | None, region: str | None) -> tuple[str, str, bool] | None:
    """Name, mark, and whether its last operation succeeded."""
    if ref is None:
        gate = observed.gates.get(region or "")
        return (f"gate/{region}", str(gate.version), True) if isinstance(gate, TrafficGate) else None
    state = observed.stacks.get(ref)
    return (str(ref), state.changed_at.isoformat(), state.complete) if isinstance(state, StackState) else None


def _judged(observed: Observed) -> frozenset[str]:
    """Stacks at rest that were read after they came to it, and gates that were read."""
    rest = [
        ref
        for ref, state in observed.stacks.items()
        if isinstance(state, StackState) and state.complete and not state.moved_after(observed.at)
    ]
    called = (_called(tool, ref) for tool in CALLS for ref in (*rest, None))
    gates = (f"gate/{region}" for region, gate in observed.gates.items() if isinstance(gate, TrafficGate))
    return frozenset((*map(str, rest), *called, *gates))


def _drift_key(finding: Finding) -> str:
    return f"{finding.path}#{finding.logical_id or ''}"


def _change_key(change: Change) -> str:
    return f"{change.action} {change.path}#{change.logical_id or ''}"


def _held(finding: Finding, repairs: Repairs) -> Finding:
    key = _drift_key(finding)
    if not (finding.called or finding.disposition is Disposition.HEAL) or not repairs.in_vain(key):
        return finding
    returns = repairs.returns(key)
    reason = (
        f"comes back after each repair: {returns} times it was put right and was the same again; find out what sets it, or commit "
        "what it is set to"
    )
    left = Disposition.PAGE if finding.disposition is Disposition.PAGE else Disposition.HOLD
    return replace(finding, disposition=left, reason=reason, detected_by="repair", returns=returns)


def _as_finding(change: Change, repairs: Repairs) -> Finding:
    returns = repairs.returns(_change_key(change))
    assert change.stack is not None
    return Finding(
        path=change.path,
        region=region_of(change.stack, change.logical_id or ""),
        disposition=Disposition.HOLD,
        reason=f"never settles: {returns} times it was deployed, and is still to be changed; commit it in the form that AWS keeps",
        desired=change.desired,
        observed=change.applied,
        detected_by="deployment",
        stack=change.stack,
        logical_id=change.logical_id,
        returns=returns,
    )
