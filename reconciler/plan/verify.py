"""The replay of a plan: every state that it passes through, and every state in which a step leaves the world if it fails, stays
half done or is repeated, is held against every invariant. Steps that may run together are also taken in other orders.

Where a plan waits for something to become readable, or for one Region to be the writer, the replay ends: nobody knows what
will be read, and that is planned anew. What finishes aside waits for itself only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from reconciler.model.plan import Gate, Goal, Verification, Wave
from reconciler.model.topology import Topology
from reconciler.plan.effects import done, failed, half, passed
from reconciler.plan.picture import Picture
from reconciler.plan.rules import INVARIANTS, OF_STATES, Moment, moment, violations

UNREAD, UNDECIDED = "readable", "one-writer"


def verify(start: Picture, waves: Iterable[Wave], topology: Topology, goal: Goal = Goal.CONVERGE) -> Verification:
    """What was wrong at the start is an incident, not the plan's doing: only what a step makes worse is a violation."""
    prefixes = faulted = 0
    found: dict[str, None] = {}
    for seen, in_order in replay(start, waves, topology, goal):
        prefixes += in_order
        faulted += not in_order
        found.update(dict.fromkeys(_wrong(seen)))
    return Verification(prefixes=prefixes, faulted=faulted, violations=tuple(found))


def _wrong(seen: Moment) -> Iterable[str]:
    if not seen.outcome and seen.step:
        return violations(seen, INVARIANTS)
    if seen.after is seen.before:
        return ()  # as before, and that was judged
    return violations(seen, OF_STATES)  # whether the step may be taken was asked when it was done


def replay(
    start: Picture, waves: Iterable[Wave], topology: Topology, goal: Goal = Goal.CONVERGE
) -> Iterator[tuple[Moment, bool]]:
    """Every moment, and whether it lies on the plan's way (else it is one of fault, or of steps that overlap)."""
    seen = partial(moment, topology, goal=goal)
    waiting: set[str] = set()
    for wave in waves:
        if wave.aside and wave.chain in waiting:
            continue
        now, out = start, frozenset[str]()
        for step in wave.steps:
            after = done(now, step)
            whole = seen(now, step, after, out=out)
            yield whole, True
            yield seen(now, step, failed(now, step), out=out, outcome="failed"), False
            yield seen(now, step, half(now, step), out=out, outcome="half of"), False
            yield seen(after, step, done(after, step), out=out, outcome="repeated"), False
            if now is not start:  # it may also be the first one
                yield seen(start, step, done(start, step)), True
            if not step.abortable:  # still under way when the others of its wave begin
                underway = half(now, step)
                for other in wave.steps:
                    if other is not step:
                        yield seen(underway, other, done(underway, other)), False
            now, out = after, out.union(whole.stopped)
        if wave.gates:
            met = passed(now, wave.gates)
            yield seen(now, None, met, out=out), True
            now = met
        if any(_unforeseen(gate, now) for gate in wave.gates):
            if not wave.aside:
                return
            waiting.add(wave.chain)
        start = now


def _unforeseen(gate: Gate, now: Picture) -> bool:
    """Until it is met, nobody can tell what comes after."""
    writes = gate.name == UNDECIDED and now.writer is None and any(now.members)
    return not gate.met and (gate.name == UNREAD or writes)
