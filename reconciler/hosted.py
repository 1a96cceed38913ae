"""A pass that a message asks for, as Lambda runs it: never waits, and says which message is to be sent next, if any.

    stale timer? → lease, or leave word → pass → what comes next → release

Messages carry a key, never facts, and come twice, late or not at all. Of the timers of a topology one counts, `due`, kept with
the lease (see `Turn`): written as the lease is released, before the message is sent. Who dies in between leaves the topology to
the slow resync, which asks for every topology in any case. An event always counts; what it finds under way it leaves word to
(`dirty`), and the pass that is at it says `now`.

What cannot be written down (no lease, no table, no answer) must not be answered with another message, or every copy would make
one: the message itself has to come again (`redeliver`), which the queue counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from reconciler.announcing import Announcing, Outlets, told
from reconciler.glancing import unchanged
from reconciler.loop import Looking, Ports, look, pass_under
from reconciler.model.again import Again
from reconciler.model.errors import GaveWay, LeaseHeld, LeaseLost, ReconcilerError, StaleTimer
from reconciler.model.facts import Sweep
from reconciler.model.memory import Memory
from reconciler.model.message import Message
from reconciler.model.outcome import Outcome, Result, Revision
from reconciler.model.plan import SUSPENDED
from reconciler.model.sweeps import may_give_way, sweep_for
from reconciler.model.topology import Topology
from reconciler.model.turn import Turn
from reconciler.ports import Lease, Records
from reconciler.recording import recorded
from reconciler.report.metrics import beside, code_of, left_alone, pass_line, time_under_way
from reconciler.report.notices import expiring
from reconciler.report.status import after_error, glanced

RETRY = timedelta(seconds=60)
"""As long as a lease: by then its holder has renewed it, released it, or lost it."""
WAITS, LOOK_AGAIN = timedelta(seconds=30), timedelta(minutes=15)
"""Between looks at what gets ready by itself; and at what only the clock or a person ends. SQS delays by 15 minutes at most."""
GLANCED, GAVE_WAY, OVERTAKEN = "Unchanged", "GaveWay", "BundleOvertaken"
"""What a pass came to that read little, as all was at rest; a sweep that stopped, as somebody asked for a pass; and a pass that was
not begun, as another one has accepted another bundle since this one was chosen."""
_LONG = frozenset({"window", SUSPENDED})


class PassCrashed(Exception):
    """A bug of ours met in a pass; `line` is for the log."""

    def __init__(self, topology: Topology, at: datetime, error: Exception, why: str) -> None:
        super().__init__(f"{topology.name}: {type(error).__name__}: {error}")
        self.line = pass_line(topology.name, at, result="Crashed", code="UnexpectedError", error=str(self), why=why)


def reconcile(
    ports: Ports,
    topology: Topology,
    *,
    message: Message,
    chance: Callable[[], float],
    records: Records | None = None,
    lost: Callable[[str], None] = lambda _: None,
    outlets: Outlets | None = None,
) -> Again:
    """One pass, and its record, if there is where to keep it; `lost` is told why one is missing. With `outlets` it tells of itself.
    Never waits, never raises a `ReconcilerError`. Any other exception is a bug: written down as an attempt and raised as
    `PassCrashed`, until it was met so often that the topology is Stalled."""
    at = ports.clock.now()
    telling = Announcing(ports.journal, outlets, ports.clock, expiring(topology)) if outlets else None
    ports = replace(ports, journal=telling) if telling else ports
    turn = Turn(due=message.due or None, retry=_name(at + RETRY, int(chance() * 1_000_000)))
    kept: list[str] = []
    said = partial(_said, topology, at, message.reason, kept)
    passed = partial(_passed, records=records, lost=lost, kept=kept.append)
    try:
        if ports.cloud.account(topology) != topology.account:
            return said(None, _elsewhere(ports, topology))
        with ports.journal.lease(topology, turn) as lease:
            with told(telling, topology, lease):
                again = _turn(ports, topology, lease, message, chance, passed)
            lease.due = again.due if not again.redeliver else None
    except StaleTimer as stale:
        line = left_alone("timer", stale, topology.name, at, message.reason)
        return Again(outcome=None, after=None, due="", reason=stale.message, lines=(line,))
    except LeaseHeld as held:
        after, due = (RETRY, turn.retry) if held.marked else (None, "")
        line = left_alone("lease", held, topology.name, at, message.reason)
        return Again(outcome=None, after=after, due=due, reason=held.message, lines=(line,))
    except ReconcilerError as error:
        return said(None, _comes_again(error))
    except Exception as error:
        raise PassCrashed(topology, at, error, message.reason) from error
    if lease.token and not lease.released and not again.redeliver:
        again = replace(
            again, after=None, redeliver=True, reason="the lease could not be released; it runs out by itself"
        )
    if lease.dirty and not again.redeliver:
        again = replace(again, now=True, after=None, reason="asked meanwhile")
    return said(lease, again)


def _passed(
    ports: Ports,
    one_pass: Callable[[Ports], Outcome],
    *,
    records: Records | None,
    lost: Callable[[str], None],
    kept: Callable[[str], None],
) -> Outcome:
    return recorded(one_pass, ports, records, lost=lost, kept=kept) if records else one_pass(ports)


def _turn(
    ports: Ports,
    topology: Topology,
    lease: Lease,
    message: Message,
    chance: Callable[[], float],
    passed: Callable[[Ports, Callable[[Ports], Outcome]], Outcome],
) -> Again:
    """The pass itself, under the lease. `due` is of use even if nothing is to be sent: it makes earlier timers idle."""
    status = ports.journal.recorded(topology)
    revision = ports.revisions.revision(topology, status)
    if revision.source and revision.source.overtaken(status):
        return _without_pass(ports, lease, OVERTAKEN, after=timedelta())
    memory = Memory.recorded(status, revision.digest)
    given_up = memory.attempts.stalled
    sweep = _sweep(ports, topology, message, status, revision)
    if sweep is Sweep.FAST and status is not None:
        if _glanced(ports, topology, lease, status):
            return _without_pass(ports, lease, GLANCED, after=None)
        sweep = Sweep.PLAN
    gives_way = message.routine and may_give_way(status, topology.drift.schedule, ports.clock.now())
    looking = Looking(sweep=sweep, yields=sweep is Sweep.FULL and gives_way)

    def one_pass(heard: Ports) -> Outcome:
        heard.cloud.account(topology)  # for the record: it was asked before the lease
        return pass_under(lease, heard, topology, memory.run, memory=memory, looking=looking)

    try:
        outcome = passed(ports, one_pass)
    except GaveWay:
        return _without_pass(ports, lease, GAVE_WAY, after=timedelta())
    except LeaseLost:
        raise
    except Exception as error:
        at = ports.clock.now()
        problem = memory.after_error(error, at)
        with suppress(ReconcilerError):  # of two errors the first is told
            ports.journal.record(topology, after_error(topology.name, status, problem, memory.document(), at))
        if not isinstance(error, ReconcilerError) and not given_up:
            raise
        after = None if memory.attempts.stalled else memory.attempts.delay(chance())
        due = _name(at + (after or timedelta()), lease.token)
        reason = f"{problem.code}: {problem.message}"
        return Again(outcome=None, after=after, due=due, reason=reason, code=problem.code)
    after = _after(outcome, memory, chance)
    due = _name(ports.clock.now() + (after or timedelta()), lease.token)
    took = time_under_way(outcome, status)
    return Again(outcome=outcome, after=after, due=due, reason=str(outcome.result), took=took)


def _without_pass(ports: Ports, lease: Lease, why: str, *, after: timedelta | None) -> Again:
    """Nothing was planned; whoever comes next begins from the queue, and so with the newest bundle."""
    due = _name(ports.clock.now(), lease.token)
    return Again(outcome=None, after=after, due=due, reason=why, result=why, code=why)


def _sweep(
    ports: Ports, topology: Topology, message: Message, status: Mapping[str, Any] | None, revision: Revision
) -> Sweep:
    return sweep_for(
        status,
        revision,
        name=topology.name,
        schedule=topology.drift.schedule,
        at=ports.clock.now(),
        routine=message.routine,
    )


def _glanced(ports: Ports, topology: Topology, lease: Lease, status: Mapping[str, Any]) -> bool:
    """Whether a glance was enough; then the status says so. One that fails calls for a whole pass, which says why."""
    try:
        same = unchanged(ports, topology, status)
    except ReconcilerError:
        return False
    if same:
        lease.check()
        ports.journal.record(topology, glanced(status, ports.clock.now()))
    return same


def _after(outcome: Outcome, memory: Memory, chance: Callable[[], float]) -> timedelta | None:
    """When to look again without being asked to. A failure waits longer each time, an absence at its own pace."""
    if memory.attempts.cause and not memory.attempts.stalled and not outcome.plan.refusals:
        return max(memory.attempts.delay(chance()), outcome.requeue_after or timedelta())
    match outcome.result:
        case Result.BLOCKED:
            return LOOK_AGAIN
        case Result.STALLED if not outcome.problems:
            return LOOK_AGAIN  # something may not be read
        case Result.WAITING if {g.name for g in outcome.plan.waves[0].waiting_for} <= _LONG:
            return LOOK_AGAIN
        case Result.WAITING if not outcome.requests:
            return max(WAITS, outcome.requeue_after or WAITS)
        case _:
            return outcome.requeue_after and min(outcome.requeue_after, LOOK_AGAIN)


def _elsewhere(ports: Ports, topology: Topology) -> Again:
    """The document is for another account: nothing is ours to write, and no time will change that."""
    return Again(outcome=look(ports, topology), after=None, due="", reason="another account")


def _comes_again(error: ReconcilerError) -> Again:
    reason = f"{error.code}: {error.message}"
    return Again(outcome=None, after=None, due="", reason=reason, code=error.code, redeliver=True)


def _said(topology: Topology, at: datetime, why: str, kept: Sequence[str], lease: Lease | None, again: Again) -> Again:
    outcome = again.outcome
    failed = "" if outcome or again.result else again.reason
    more: dict[str, Any] = {"stolen": lease.stolen, "token": lease.token} if lease else {}
    line = pass_line(
        topology.name,
        at,
        result=str(outcome.result) if outcome else again.result or "Error",
        code=code_of(outcome) if outcome else again.code,
        outcome=outcome,
        error=failed,
        stalled=outcome.result is Result.STALLED if outcome else failed.startswith("Stalled:"),
        after=timedelta() if again.now else again.after,
        why=why,
        run=kept[-1] if kept else None,
        took=again.took,
        **more,
    )
    return replace(again, lines=(line, *beside(line, outcome)))


def _name(due: datetime, number: int) -> str:
    """A time with its zone; the microseconds tell it from another timer of that second."""
    return due.replace(microsecond=number % 1_000_000).isoformat(timespec="microseconds")
