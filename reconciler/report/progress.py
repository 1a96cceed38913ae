"""What happens between one pass and the next, told step by step: what started, what ended, what is waited for.

A pass knows nothing of the one before; a person watching wants exactly that. `advance` compares two outcomes and keeps
the times at which things began. Displays show `Progress` as it is, or print its events one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.outcome import Outcome
from reconciler.model.plan import Gate, Step, Wave
from reconciler.report.words import human_duration, one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A step that was begun. `status` is what AWS says of its stack; empty while the change set is being made."""

    step: Step
    since: datetime
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a log. `style` is for the eye: good, bad, warn or dim."""

    at: datetime
    style: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a convergence stands after a pass."""

    topology: str
    began: datetime
    wave: int = 0
    waves: int = 0
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
    wave, *later = outcome.plan.waves or (Wave(),)
    running = {s.id: _run(old, outcome, s) for s in wave.steps if s.id in old.running or _active(outcome, s)}
    waves = max(old.waves, old.wave - 1 + len(outcome.plan.waves)) if old.wave else len(outcome.plan.waves)
    new = Progress(
        topology=outcome.topology,
        began=old.began,
        wave=waves - len(outcome.plan.waves) + 1 if outcome.plan.waves else waves,
        waves=waves,
        running=running,
        queued=tuple(s for s in wave.steps if s.id not in running),
        waiting={} if wave.steps else {g.id: (g, _waiting_since(old, g, now)) for g in wave.waiting_for},
        later=tuple(later),
        told=old.told | {_key(p.code, p.step) for p in outcome.problems},
    )
    return new, tuple(_events(old, new, outcome))


def _active(outcome: Outcome, step: Step) -> bool:
    return step.stack in outcome.in_flight or any(sent.id == step.id for sent in outcome.requests)


def _run(old: Progress, outcome: Outcome, step: Step) -> Running:
    """A stack's operation began when AWS says so, which may be before this process did."""
    state = outcome.observed.stack(step.stack.kind, step.stack.region) if step.stack else None
    if state and state.in_progress:
        return Running(step=step, since=state.changed_at, status=state.status)
    known = old.running.get(step.id)
    return known or Running(step=step, since=outcome.observed.at)


def _waiting_since(old: Progress, gate: Gate, now: datetime) -> datetime:
    return old.waiting[gate.id][1] if gate.id in old.waiting else now


def _events(old: Progress, new: Progress, outcome: Outcome) -> Iterator[Event]:
    now = outcome.observed.at
    failed = {p.step for p in outcome.problems}
    if not outcome.plan.refusals:
        for name, run in old.running.items():
            if name not in new.running and name not in failed:
                yield _ended(run, outcome)
        for name, (_, since) in old.waiting.items():
            if name not in new.waiting:
                yield Event(at=now, style="good", text=f"{name} met after {human_duration(now - since)}")
    if new.wave != old.wave and (new.running or new.queued):
        yield Event(at=now, style="bold", text=f"wave {new.wave} of {new.waves}")
    for name, run in new.running.items():
        if name not in old.running:
            yield Event(at=now, style="", text=_started(name, run))
    for name, (gate, _) in new.waiting.items():
        if name not in old.waiting:
            yield Event(
                at=now, style="dim", text=f"waiting for {name}" + (f": {one_line(gate.detail)}" if gate.detail else "")
            )
    yield from _trouble(old, outcome)


def _started(name: str, run: Running) -> str:
    why = f": {run.step.why}" if run.step.why else ""
    return f"{name} started, usually takes {human_duration(run.step.eta)}{why}"


def _ended(run: Running, outcome: Outcome) -> Event:
    """A step that left the plan is done, unless its stack says otherwise."""
    now = outcome.observed.at
    stack = run.step.stack
    state = outcome.observed.stack(stack.kind, stack.region) if stack else None
    took = human_duration(now - run.since)
    if stack is None or (state and state.complete):
        return Event(at=now, style="good", text=f"{run.step.id} done in {took}")
    status = state.status if state else "gone or unreadable"
    return Event(at=now, style="warn", text=f"{run.step.id} ended after {took}: the stack is {status}")


def _trouble(old: Progress, outcome: Outcome) -> Iterator[Event]:
    for problem in outcome.problems:
        if _key(problem.code, problem.step) not in old.told:
            again = "; will be tried again" if problem.retry else ""
            text = f"{problem.step}: {problem.code}: {one_line(problem.message)}{again}"
            yield Event(at=outcome.observed.at, style="bad", text=text)


def _key(code: str, step: str) -> str:
    return f"{step} {code}"
