"""`meridian converge`: passes, one after another, until there is nothing left to do or a person is needed.

Between passes it waits for what the pass asked for, but wakes when a stack that is being changed changes its status.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from reconciler.cli import approving, exits, inputs, output
from reconciler.cli.display import Display, display_for
from reconciler.cli.settings import Settings
from reconciler.loop import Looking, Ports, Run, look, run_pass
from reconciler.model.errors import LeaseHeld, ReconcilerError, Retry, Throttled, Unanswered
from reconciler.model.facts import Sweep
from reconciler.model.motion import Motion
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Goal
from reconciler.model.stacks import StackRef
from reconciler.model.suspension import Suspension
from reconciler.model.topology import Topology
from reconciler.ports import Records
from reconciler.report.contention import contention

ENDS = frozenset({Result.CONVERGED, Result.BLOCKED, Result.FAILED, Result.STALLED, Result.SUSPENDED})
TICK = 0.05  # seconds of wall time: how late we may be, and how often the clock is looked at
RETRIES = 6  # passes in a row that may fail on AWS's side before we give up
PATIENCE = 60.0  # seconds of AWS's clock that a pass may wait for a change set
SOME_TIME = timedelta(seconds=30)
LINGER = timedelta(hours=1)
"""So long a converged topology is stayed with while nothing moves of what it finishes aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How waiting is done, in wall seconds. `poll`: between looks at the stacks in flight. `least`: between passes that
    asked for nothing; where time runs fast, waiting would be a busy loop otherwise."""

    poll: float
    least: float = 0.2
    sleep: Callable[[float], None] = time.sleep


def converge(
    settings: Settings, path: Path, *, plan_file: Path | None, once: bool, timeout: timedelta, record: Path | None
) -> int:
    agreed = inputs.fingerprints(plan_file) if plan_file else None
    topologies = inputs.topologies(path)
    for topology in topologies:
        _warn_of_contention(topology)
    return exits.combined(run_passes(settings, topologies, timeout=timeout, once=once, agreed=agreed, record=record))


def _warn_of_contention(topology: Topology) -> None:
    """Before anything is done, so that whoever drains a Region knows that it will be opened again. No refusal: in an incident the
    command has to work."""
    from reconciler import wiring

    with suppress(ReconcilerError):  # the pass reads it again, and says why it cannot
        found = wiring.recorded(topology.name, topology.home_region)
        if found.status and found.status.get("bundle"):
            revision = wiring.revision_at_hand(topology, found.status)
            output.warn(contention(topology.name, revision, found.status, Suspension.recorded(found.suspension)))


def run_passes(
    settings: Settings,
    topologies: Sequence[Topology],
    *,
    timeout: timedelta,
    once: bool = False,
    agreed: Mapping[str, str] | None = None,
    quiet: bool = False,
    goal: Goal = Goal.CONVERGE,
    record: Path | None = None,
) -> list[int]:
    """Converge each in turn; one that fails does not keep the next from its turn."""
    from reconciler import wiring

    if not topologies:
        return []
    ports = wiring.ports()
    pace = Pace(poll=0.2 if wiring.on_loopback() else 5.0)
    exits.stop_after(timeout, "not converged")
    codes: list[int] = []
    for topology in topologies:
        display = display_for(settings, topology, ports.clock, quiet=quiet, agreed=agreed is not None)
        records = wiring.records(record, topology.home_region)
        run = Run(patience=PATIENCE)
        try:
            with display:
                ours = ports if agreed is None else _agreed(ports, topology, agreed)
                one_pass = Passes(partial(_logged_pass, settings, ours, topology, run, goal, records))
                outcome = one_pass() if once else drive(one_pass, ports, display, pace)
                if once:
                    display.pass_done(outcome)
            codes.append(exits.of_convergence(outcome, detailed=settings.detailed_exitcode))
        except ReconcilerError as error:
            if len(topologies) == 1:
                raise
            output.show_error(settings, error, line=True)
            codes.append(exits.of_error(error))
    return codes


def _agreed(ports: Ports, topology: Topology, agreed: Mapping[str, str]) -> Ports:
    """Ports on which the very plan that somebody read counts as approved; refused if it is another one by now."""
    from reconciler import wiring

    inputs.refuse_moved(look(ports, topology), agreed)
    return approving.agreed(ports, topology, agreed[topology.name], by=wiring.caller)


@dataclass(slots=True)
class Passes:
    """Passes of one run. The first looks at all that can drift, so does the one that says that nothing is left to do, and so do
    those that put drift right; the others look at what they plan from."""

    one: Callable[[Sweep], Outcome]
    sweep: Sweep = Sweep.FULL

    def __call__(self) -> Outcome:
        outcome = self.one(self.sweep)
        if outcome.result is Result.CONVERGED and self.sweep is Sweep.PLAN and not outcome.plan.waves:
            outcome = self.one(Sweep.FULL)
        self.sweep = Sweep.FULL if outcome.diff.findings else Sweep.PLAN
        return outcome


def _logged_pass(
    settings: Settings, ports: Ports, topology: Topology, run: Run, goal: Goal, records: Records | None, sweep: Sweep
) -> Outcome:
    def one_pass(theirs: Ports) -> Outcome:
        return run_pass(theirs, topology, run, goal, Looking(sweep=sweep))

    kept: list[str] = []
    if records:
        from reconciler.recording import recorded

        outcome = recorded(one_pass, ports, records, goal=goal, lost=_lost, kept=kept.append)
    else:
        outcome = one_pass(ports)
    if settings.verbose:
        from reconciler.cli import logs

        logs.passed(outcome, kept[-1] if kept else None)
    return outcome


def _lost(why: str) -> None:
    output.tell(f"warning: this pass leaves no record: {why}")


def drive(one_pass: Callable[[], Outcome], ports: Ports, display: Display, pace: Pace) -> Outcome:
    """Run passes until one ends it. The first error ends it, too, unless AWS can be reached: passes before it, AWS asking
    to slow down, or a call that it took, show that."""
    last: Outcome | None = None
    aside = Aside()
    failures = 0
    while True:
        try:
            last = one_pass()
        except ReconcilerError as error:
            failures += 1
            reached = last is not None or isinstance(error, Throttled | Unanswered)
            if not reached or not _passing(error) or failures > RETRIES:
                raise
            display.trouble(error)
            pace.sleep(0.0 if error.retry is Retry.NOW else min(2.0**failures, 30.0))
            continue
        failures = 0
        display.pass_done(last)
        if last.result in ENDS and not aside.worth_staying(last, ports.clock.now()):
            return last
        wait(ports, last, display, pace)


@dataclass(slots=True)
class Aside:
    """What finishes aside after a topology is Ready: a Region's network interfaces, its cluster, its gate."""

    seen: tuple[str, ...] = ()
    since: datetime | None = None

    def worth_staying(self, outcome: Outcome, now: datetime) -> bool:
        """Something of a Region is left, or a version may go now, and it moves. What takes longer, a later converge finishes."""
        later = {v for v, due in (outcome.motion or Motion()).versions.items() if datetime.fromisoformat(due) > now}
        waves = [w for w in outcome.plan.tombstones if w.chain not in later]
        if outcome.result is not Result.CONVERGED or not waves or any(not p.retry for p in outcome.problems):
            return False
        left = tuple(s.id for w in waves for s in w.steps) + tuple(g.id for w in waves for g in w.gates)
        if left != self.seen or self.since is None:
            self.seen, self.since = left, now
        return now - self.since < LINGER


def _passing(error: ReconcilerError) -> bool:
    return error.retry is not Retry.NEVER and not isinstance(error, LeaseHeld)


def wait(ports: Ports, outcome: Outcome, display: Display, pace: Pace) -> None:
    """Until the pass's time is up by the clock of AWS, or a stack in flight has moved on."""
    until = ports.clock.now() + (outcome.requeue_after or SOME_TIME)
    names = {ref: ref.name(outcome.topology) for ref in outcome.in_flight}
    seen: Mapping[StackRef, str | None] | None = None
    waited, asked = 0.0, 0.0
    while ports.clock.now() < until or not (names or outcome.requests or waited >= pace.least):
        if names and (seen is None or waited - asked >= pace.poll):
            now, asked = ports.cloud.statuses(names), waited
            display.statuses(now)
            if _moved_on(seen, now):
                return
            seen = now
        pace.sleep(TICK)
        waited += TICK


def _moved_on(before: Mapping[StackRef, str | None] | None, now: Mapping[StackRef, str | None]) -> bool:
    """Some status differs from the one before; seen for the first time, some stack is no longer in progress."""
    if before is None:
        return any(status is not None and not status.endswith("_IN_PROGRESS") for status in now.values())
    return any(status is not None and status != before[ref] for ref, status in now.items())
