"""What a pass came to, and when to look again: pure functions of its outcome."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.observed import Observed, StackState
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import SUSPENDED
from reconciler.model.run import Run
from reconciler.model.stacks import StackRef

SOON, LATER, ASIDE = timedelta(seconds=5), timedelta(seconds=30), timedelta(seconds=60)


def result_of(outcome: Outcome) -> Result:
    """What a pass came to. A refusal leaves everything alone; a problem that trying again cannot cure is a failure, but what
    fails aside takes nothing from a topology that is as declared."""
    if outcome.plan.converged:
        return Result.STALLED if any(p.code == "RolloutFailed" for p in outcome.problems) else Result.CONVERGED
    if outcome.plan.refusals or any(p.code == "UnplannedChange" for p in outcome.problems):
        return Result.BLOCKED
    if any(p.code == "Stalled" for p in outcome.problems):
        return Result.STALLED
    if any(not p.retry for p in outcome.problems):
        return Result.FAILED
    if outcome.plan.waves[0].steps:
        return Result.PROGRESSING
    if {g.name for g in outcome.plan.waves[0].waiting_for} == {SUSPENDED}:
        return Result.SUSPENDED
    return Result.STALLED if _denied(outcome) else Result.WAITING


def _denied(outcome: Outcome) -> bool:
    """All that is left to wait for includes something that we may not read: no time will change that."""
    waiting = {g.region for g in outcome.plan.waves[0].waiting_for if g.name == "readable"}
    unread = outcome.observed.unknown_regions()
    facts = outcome.observed.unknown_facts().values() if None in waiting else ()
    return any(reason.denied for reason in (*facts, *(unread[r] for r in waiting if r)))


def requeue(outcome: Outcome) -> timedelta | None:
    if outcome.result in {Result.CONVERGED, Result.STALLED} and outcome.plan.converged and outcome.plan.waves:
        return ASIDE  # something out of service finishes by itself
    if outcome.result not in {Result.PROGRESSING, Result.WAITING}:
        return None
    # AWS is at it, or a Region does not answer, and is not asked all the time.
    idle = outcome.in_flight or outcome.observed.unknown_regions()
    return LATER if idle and not outcome.requests else SOON


def in_flight(observed: Observed, run: Run) -> tuple[StackRef, ...]:
    """Stacks with an operation running: as observed, or begun in this pass."""
    running = (r for r, s in observed.stacks.items() if isinstance(s, StackState) and s.in_progress)
    return tuple(dict.fromkeys((*running, *run.begun)))
