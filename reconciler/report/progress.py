"""What happens between one pass and the next, told step by step: what started, what ended, what is waited for.

A pass knows nothing of the one before; a person watching wants exactly that. `advance` compares two outcomes and keeps
the times at which things began. Displays show `Progress` as it is, or print its events one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.outcome import Outcome
from reconciler.model.plan import Gate, Plan, Step, StepAction, Wave
from reconciler.report.words import count, human_duration, in_regions, one_line, together, verb_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A step that was begun. `status` is what AWS says of its stack; empty while the change set is being made."""

    step: Step
    since: datetime
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a log: started, done, waiting, met, ended or trouble, and with what. `style` is for the eye."""

    at: datetime
    style: str
    what: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a convergence stands after a pass."""

    topology: str
    began: datetime
    done: int = 0
    steps: int = 0
    """All that were seen so far, done or not: a plan may grow on the way."""
    running: Mapping[str, Running] = field(default_factory=dict)
    queued: tuple[Step, ...] = ()
    """Steps of the current wave that have not begun."""
    waiting: Mapping[str, tuple[Gate, datetime]] = field(default_factory=dict)
    """Gates that hold up the next wave, and since when."""
    later: tuple[Wave, ...] = ()
    told: frozenset[str] = frozenset()
    """Problems that were told already."""

    def eta(self, now: datetime) -> timedelta:
        """What is left of the longest running step, and the longest step of each later wave. Gates come on top."""
        left = [max(r.step.eta - (now - r.since), timedelta()) for r in self.running.values()]
        current = max((*left, *(s.eta for s in self.queued)), default=timedelta())
        return current + sum((max((s.eta for s in w.steps), default=timedelta()) for w in self.later), timedelta())


def advance(before: Progress | None, outcome: Outcome) -> tuple[Progress, tuple[Event, ...]]:
    """Where it stands after this pass, and what happened since the pass before."""
    now = outcome.observed.at
    old = before or Progress(topology=outcome.topology, began=now)
    wave, later = current_of(outcome.plan)
    running = {s.id: _run(old, outcome, s) for s in wave.steps if s.id in old.running or _active(outcome, s)}
    ended = _ended(old, running, outcome)
    new = Progress(
        topology=outcome.topology,
        began=old.began,
        done=old.done + len(ended),
        steps=old.done + len(ended) + len(outcome.plan.steps),
        running=running,
        queued=tuple(s for s in wave.steps if s.id not in running),
        waiting={}
        if wave.steps and not outcome.plan.converged
        else {g.id: (g, _waiting_since(old, g, now)) for g in wave.waiting_for},
        later=later,
        told=old.told | {_key(p.code, p.step) for p in outcome.problems},
    )
    events = (*_told_ended(ended, new, outcome), *_told_met(old, new, now), *_told_begun(old, new, now))
    return new, (*events, *_trouble(old, outcome))


def current_of(plan: Plan) -> tuple[Wave, tuple[Wave, ...]]:
    """What is under way, and what comes after it. What finishes aside does so side by side, chain by chain."""
    if not plan.converged:
        first, *later = plan.waves or (Wave(),)
        return first, tuple(later)
    firsts = list({w.chain: w for w in reversed(plan.waves)}.values())
    gates = tuple(g for w in reversed(firsts) if not w.steps for g in w.gates)
    return Wave(steps=plan.current, gates=gates), tuple(w for w in plan.waves if w not in firsts)


def _active(outcome: Outcome, step: Step) -> bool:
    return step.stack in outcome.in_flight or any(sent.id == step.id for sent in outcome.requests)


def _run(old: Progress, outcome: Outcome, step: Step) -> Running:
    """A stack's operation began when AWS says so, which may be before this process did; of a deletion it says nothing."""
    state = outcome.observed.stack(step.stack.kind, step.stack.region) if step.stack else None
    known = old.running.get(step.id) or Running(step=step, since=outcome.observed.at)
    if state and state.in_progress:
        since = known.since if step.action is StepAction.DELETE else state.changed_at
        return Running(step=step, since=since, status=state.status)
    return known


def _ended(old: Progress, running: Mapping[str, Running], outcome: Outcome) -> list[Running]:
    """Steps that left the plan. A refusal leaves no plan, and says nothing of what was under way."""
    failed = {p.step for p in outcome.problems}
    if outcome.plan.refusals:
        return []
    return [run for name, run in old.running.items() if name not in running and name not in failed]


def _waiting_since(old: Progress, gate: Gate, now: datetime) -> datetime:
    return old.waiting[gate.id][1] if gate.id in old.waiting else now


def _told_ended(ended: list[Running], new: Progress, outcome: Outcome) -> Iterator[Event]:
    """A step that left the plan is done, unless its stack says otherwise: one to be deleted is gone, any other complete."""
    now = outcome.observed.at
    well: list[Running] = []
    for run in ended:
        stack = run.step.stack
        state = outcome.observed.stack(stack.kind, stack.region) if stack else None
        gone = run.step.action is StepAction.DELETE and stack and outcome.observed.stacks.get(stack) is None
        if stack is None or gone or (state and state.complete):
            well.append(run)
            continue
        status = state.status if state else "gone or unreadable"
        text = f"{run.step.id} after {human_duration(now - run.since)}: the stack is {status}"
        yield Event(at=now, style="warn", what="ended", text=text)
    groups = _alike(well, lambda run: verb_of(run.step))
    for number, runs in enumerate(groups, 1):
        took = human_duration(now - min(run.since for run in runs))
        so_far = f"; {new.done} of {count(new.steps, 'step')}" if number == len(groups) else ""
        text = f"{together([run.step for run in runs])} after {took}{so_far}"
        yield Event(at=now, style="good", what="done", text=text)


def _told_met(old: Progress, new: Progress, now: datetime) -> Iterator[Event]:
    for name, (gate, since) in old.waiting.items():
        if name not in new.waiting:
            yield Event(
                at=now,
                style="good",
                what="met",
                text=f"{in_regions(gate.name, [gate.region])} after {human_duration(now - since)}",
            )


def _told_begun(old: Progress, new: Progress, now: datetime) -> Iterator[Event]:
    begun = [run for name, run in new.running.items() if name not in old.running]
    for runs in _alike(begun, lambda run: (verb_of(run.step), run.step.why)):
        step = runs[0].step
        why = f": {one_line(step.why)}" if step.why else ""
        text = f"{together([run.step for run in runs])}, usually {human_duration(step.eta)}{why}"
        yield Event(at=now, style="", what="started", text=text)
    for name, (gate, _) in new.waiting.items():
        if name not in old.waiting:
            detail = f": {one_line(gate.detail)}" if gate.detail else ""
            yield Event(at=now, style="dim", what="waiting", text=f"{in_regions(gate.name, [gate.region])}{detail}")


def _alike(runs: list[Running], key: Callable[[Running], object]) -> list[list[Running]]:
    """The same step in several Regions is told in one line."""
    groups: dict[object, list[Running]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return list(groups.values())


def _trouble(old: Progress, outcome: Outcome) -> Iterator[Event]:
    for problem in outcome.problems:
        if _key(problem.code, problem.step) not in old.told:
            again = "; will be tried again" if problem.retry else ""
            text = f"{problem.step}: {problem.code}: {one_line(problem.message)}{again}"
            yield Event(at=outcome.observed.at, style="bad", what="trouble", text=text)


def _key(code: str, step: str) -> str:
    return f"{step} {code}"
