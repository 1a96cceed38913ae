"""What a pass adds to the timeline of a rollout: what began, what ended, what is waited for since when.

A pass knows nothing of the one before but its document; `progress` does the like for a terminal, from outcome to outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.model.observed import Seen, StackState, Unknown
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Step, StepAction
from reconciler.model.stacks import StackKind
from reconciler.report.progress import current_of
from reconciler.report.timeline import LONGEST, MOST, TimedGate, TimedStep, Timeline, recorded
from reconciler.report.words import clipped


def timeline(outcome: Outcome, before: Mapping[str, Any]) -> dict[str, Any] | None:
    """For the document after this pass; None while there was no rollout yet."""
    found = after(recorded(before.get("timeline")), outcome)
    return found.document() if found else None


def after(known: Timeline | None, outcome: Outcome) -> Timeline | None:
    """A refusal leaves no plan, and says nothing of what was under way. What only waits is no rollout of its own: a Region that is
    unwell for a minute does not take the place of the last one."""
    if outcome.plan.refusals:
        return known
    if _begins(known, outcome):
        return _gone_on(_begun(known, outcome), outcome)
    if known is None or (known.ended and not outcome.plan.converged):
        return known
    return _gone_on(known, outcome)


def _begins(known: Timeline | None, outcome: Outcome) -> bool:
    if outcome.result is Result.SUSPENDED or not any(w.steps for w in outcome.plan.waves if not w.aside):
        return False
    revision = outcome.revision
    return known is None or known.ended is not None or _of(known) != (revision.commit, revision.generation)


def _of(known: Timeline) -> tuple[str, int]:
    return known.revision, known.generation


def _begun(known: Timeline | None, outcome: Outcome) -> Timeline:
    """What still runs of the rollout before belongs to the one that takes over."""
    return Timeline(
        began=outcome.observed.at,
        revision=outcome.revision.commit,
        generation=outcome.revision.generation,
        fingerprint=outcome.plan.fingerprint,
        steps=tuple(s for s in known.steps if s.runs) if known else (),
        gates=tuple(g for g in known.gates if g.met is None) if known else (),
    )


def _gone_on(known: Timeline, outcome: Outcome) -> Timeline:
    steps = tuple(_steps(known, outcome))
    ended = known.ended or (outcome.observed.at if outcome.plan.converged else None)
    return replace(known, ended=ended, steps=_bounded(steps), gates=tuple(_gates(known, outcome))[-MOST:])


def _bounded(steps: tuple[TimedStep, ...]) -> tuple[TimedStep, ...]:
    """What is over goes first, the oldest of it before the rest; of what is still to come, the plan has all."""
    over = max(len(steps) - MOST, 0)
    gone = [s for s in steps if s.ended][:over]
    return tuple(s for s in steps if s not in gone)[:MOST]


def _steps(known: Timeline, outcome: Outcome) -> Iterator[TimedStep]:
    """Those that were known, and those that the plan has anew: the same step may come twice, as after a failure."""
    wanted = {s.id: s for s in reversed(outcome.plan.steps)}
    open_still: set[str] = set()
    for entry in known.steps:
        found = _advanced(entry, wanted.get(entry.id), outcome)
        if found:
            yield found
            open_still |= {found.id} if found.ended is None else set()
    for step in outcome.plan.steps:
        if step.id not in open_still:
            open_still.add(step.id)
            fresh = TimedStep(id=step.id, action=str(step.action), region=step.region)
            yield _started(fresh, step, outcome)


def _advanced(entry: TimedStep, step: Step | None, outcome: Outcome) -> TimedStep | None:
    """A step that left the plan before it began is forgotten: it was not needed, or the plan is another one."""
    if entry.ended:
        return entry
    if entry.began is None:
        return _started(entry, step, outcome) if step else None
    state = _stack_of(entry, outcome)
    if _at_it(state) or (step and _going(step, outcome) and not _fell(entry, state)):
        return _running(entry, state, outcome.observed.at)
    return _over(entry, state, outcome.observed.at)


def _started(entry: TimedStep, step: Step, outcome: Outcome) -> TimedStep:
    current = step in outcome.plan.current
    begun = step.begun or any(sent.id == step.id for sent in outcome.requests)
    if not begun and not (current and step.stack in outcome.in_flight):
        return entry
    now = outcome.observed.at
    return _running(replace(entry, began=now), _stack_of(entry, outcome), now)


def _going(step: Step, outcome: Outcome) -> bool:
    return step.begun or any(s.id == step.id for s in (*outcome.plan.current, *outcome.requests))


def _at_it(state: Seen[StackState]) -> bool:
    """AWS works on its stack, whatever the plan says by now. What cannot be read is not known to be over."""
    return isinstance(state, Unknown) or (state is not None and state.in_progress)


def _fell(entry: TimedStep, state: Seen[StackState]) -> bool:
    """It failed since it began: the plan wants it once more."""
    if not isinstance(state, StackState) or not state.failed or entry.began is None:
        return False
    return entry.status.endswith("_IN_PROGRESS") or state.changed_at > entry.began


def _running(entry: TimedStep, state: Seen[StackState], now: datetime) -> TimedStep:
    """A stack's operation began when AWS says so, which may be before this pass; of a deletion it says nothing."""
    if not isinstance(state, StackState) or not state.in_progress:
        return replace(entry, status="")
    deletes = entry.action == StepAction.DELETE
    began = entry.began if deletes else min(state.changed_at, now)
    return replace(entry, began=began, status=clipped(state.status, LONGEST))


def _over(entry: TimedStep, state: Seen[StackState], now: datetime) -> TimedStep:
    """Well, unless its stack says otherwise. The end is when AWS did its last work, where that is known."""
    if not isinstance(state, StackState):
        return replace(entry, ended=now, status="")
    well = state.complete or (entry.action == StepAction.RECOVER and state.rolled_back)
    settled = state.settled_at
    known = settled is not None and entry.began is not None and entry.began <= settled <= now
    return replace(entry, ended=settled if known else now, status="" if well else clipped(state.status, LONGEST))


def _stack_of(entry: TimedStep, outcome: Outcome) -> Seen[StackState]:
    """By the step's name, for a step that left the plan is known by no more."""
    stacks = outcome.observed.stacks
    if entry.action == StepAction.UNROUTE:
        return next((state for at, state in stacks.items() if at.kind is StackKind.ROUTING), None)
    _, _, address = entry.id.partition("/")
    return next((state for at, state in stacks.items() if str(at) == address), None)


def _gates(known: Timeline, outcome: Outcome) -> Iterator[TimedGate]:
    """A gate is waited for once nothing is left to do before it."""
    now, wave = outcome.observed.at, current_of(outcome.plan)[0]
    waits = {} if wave.steps and not outcome.plan.converged else {g.id: g for g in wave.waiting_for}
    for entry in known.gates:
        gate = waits.pop(entry.id, None) if entry.met is None else None
        if gate:
            yield replace(entry, detail=clipped(gate.detail, LONGEST))
        else:
            yield replace(entry, met=entry.met or now)
    for gate in waits.values():
        detail = clipped(gate.detail, LONGEST)
        yield TimedGate(id=gate.id, name=gate.name, region=gate.region, detail=detail, since=now)
