"""One seeded run: a topology, a chain of commits, faults, clients; and passes of the real loop until nothing is left to do."""

from __future__ import annotations

import copy
import random
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache

from reconciler.loop import Run, look, run_pass
from reconciler.model.errors import ReconcilerError
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Goal
from reconciler.model.topology import Allow, Topology
from tests.fakes.aws.account import Account
from tests.fakes.aws.cloud import FakeCloud
from tests.fakes.aws.reading import read
from tests.fakes.aws.timeline import instant
from tests.fakes.topologies import NAMES
from tests.simulation import commits, goal
from tests.simulation.approvals import Approvals
from tests.simulation.clients import PLACES, Clients
from tests.simulation.faults import CrashError, Faults, FaultyCloud, Rates
from tests.simulation.hands import LIKELY, Hands
from tests.simulation.invariants import Invariants
from tests.simulation.ports import Journal, Revisions, ports

__all__ = ["CUT_BOUND", "PLACES", "Report", "Simulation", "SimulationError"]

STARTS = 8
"""Different worlds to start from; each is made once per process."""
DESTROYED = 0.15
"""So many runs end with the topology's destruction."""
PASSES = 400
"""More than a run may need once all faults are over."""
CUT_BOUND = 60 + 60 + 30 + 60
"""Seconds for which a place may go on asking a Region that is cut: detection, the gate's turn, TTL, the router's own memory."""
FRESH_EYES = 3
"""A refusal is believed when so many passes in a row saw it, with no fault left."""


class SimulationError(AssertionError):
    """A run that did not come right; the message has the trace."""


@dataclass
class Report:
    seed: int
    commits: list[str] = field(default_factory=list)
    passes: int = 0
    requests: int = 0
    reads: int = 0
    hours: float = 0.0
    injected: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    worst_cut: float = 0.0
    silence: float = 0.0
    silences: int = 0
    """Seconds, and times, in which nothing took writes: what bounds the writes that were lost."""
    checked: Counter[str] = field(default_factory=Counter)
    hands: Counter[str] = field(default_factory=Counter)


class Simulation:
    """`chain`: how many commits follow the start; some, if it is not given. `approves`: plans with hazards wait for a person."""

    def __init__(
        self,
        seed: int,
        *,
        rates: Rates | None = None,
        chain: int | None = None,
        from_nothing: bool | None = None,
        destroys: bool | None = None,
        hands: bool | None = None,
        approves: bool = False,
    ) -> None:
        self.seed, self.chaos = seed, random.Random(seed)
        self.topology = commits.first(random.Random(seed % STARTS))
        if from_nothing is None:
            from_nothing = self.chaos.random() < 0.1
        self.account = Account(seed) if from_nothing else _converged(seed % STARTS)
        self.account.chaos.seed(seed)
        length = self.chaos.randint(1, 4) if chain is None else chain
        self.commits = list(commits.chain(self.topology, self.chaos, length))
        self.approvals = Approvals(self.account) if approves else None
        self.calm_at = self.account.timeline.now + self.chaos.uniform(0.5, 2.0) * 3600 * (len(self.commits) or 1)
        sampled = Rates.sample(self.chaos)
        self.faults = Faults(self.account, self.chaos, sampled if rates is None else rates, self.calm_at)
        self.faults.plan_outages(NAMES[: commits.MOST])
        self.cloud = FaultyCloud(self.account, self.faults)
        dice = random.Random(f"the operator of {seed}")  # of its own: other runs stay as they were
        there = dice.random() < LIKELY if hands is None else hands
        self.hands = Hands(self.account, self.topology, dice, there, self._note)
        self.clients = Clients(self.account, self.topology, self.chaos, NAMES[: commits.MOST], self.hands)
        self.invariants = Invariants(self.account, self.clients, self.hands, self.topology)
        self.cloud.judge = self.invariants.request
        self.account.timeline.watchers += [self.clients, self.invariants]
        self.revisions, self.journal = Revisions(), Journal(self.account)
        self.ports = ports(self.cloud, self.account, self.revisions, self.journal)
        self.report = Report(seed)
        self._run = Run(patience=30, threads=1)
        self.destroys = self.chaos.random() < DESTROYED if destroys is None else destroys
        self._goal = Goal.CONVERGE
        self._refused, self._taken_back, self._aside = 0, False, False
        self._start = self.topology
        self.invariants.changed()

    # ---- the whole ----

    def run(self) -> Report:
        try:
            self._settle(self.chaos.uniform(600, 9000))
            for topology, what in self.commits:
                self._commit(topology, what)
                # The next commit comes while this one is under way, or long after.
                self._settle(self.chaos.choice((self.chaos.uniform(60, 2400), 36000.0)))
                self._incident()
            self._come_right()
            if self.destroys:
                self._destroy()
        except AssertionError as error:
            raise SimulationError(self._story(error)) from error
        return self._reported()

    def _commit(self, topology: Topology, what: str) -> None:
        topology = self.approvals.committed(topology) if self.approvals else topology
        self.topology = self.clients.topology = self.invariants.topology = topology
        self.hands.committed(topology)
        self.revisions.generation += 1
        self.report.commits.append(what)
        where = ", ".join(f"{r.name}{'' if r.traffic == 'serving' else ' (drained)'}" for r in topology.regions)
        self._note(f"commit {self.revisions.generation}: {what}: {where}; writer {topology.database.writer}")

    def _settle(self, seconds: float) -> None:
        """Passes, until converged, or so much time is over, or it is of no use to wait."""
        end, self._refused = self.account.timeline.now + seconds, 0
        while self.account.timeline.now < end and self._refused < 2 * FRESH_EYES and not self._pass():
            self._wait()

    def _come_right(self) -> None:
        """Once the faults are over everything is as the last commit says; a refusal has a way out through the commit before."""
        if self.account.timeline.now < self.calm_at:
            self._settle(self.calm_at - self.account.timeline.now)
            self.account.timeline.pass_time(max(0.0, self.calm_at - self.account.timeline.now))
        self._run = Run(patience=30, threads=1)
        self._all_clear()
        if not self._converges():
            self._go_round()
            self._put_back()
            assert self._converges(), "refused once no hand is left"
        assert not self.hands.standing(), f"hands are left on {self.hands.standing()}"
        self._reached(self.topology)
        self._bounded()

    def _reached(self, topology: Topology) -> None:
        goal.reached(self.account, topology)
        asked = self.cloud.requests
        self._pass()
        assert self.cloud.requests == asked, "a pass with nothing to do asked for something"

    def _incident(self) -> None:
        """Hands on what has just come to rest, or is left as it is for now; some passes look at it."""
        if self.hands.act(0.5):
            for _ in range(3):
                self._pass()
                self._wait()

    def _all_clear(self) -> None:
        """Beside hands that stand everything else converges, unless they make it refused."""
        if self.hands.standing() and self._converges():
            self._reached(self.hands.adopted())
            if self.chaos.random() < 0.5:
                self._adopt()
        self._put_back()

    def _adopt(self) -> None:
        before, adopted = self.topology, self.hands.adopted()
        if adopted == before or not commits.acceptable(adopted):
            return
        self._commit(adopted, "adopt")
        if self._converges():
            self.commits.append((adopted, "adopt"))
        else:
            self._commit(before, "not adopted, since that is refused")

    def _put_back(self) -> None:
        """All that AWS lets anybody put back as things are; a refused upgrade that has begun keeps the writer where it is."""
        for _ in range(10):
            left = [s for s in self.hands.standing() if not self.hands.undo(s)]
            if not left and not self.account.aurora.group.moving:
                return
            self._pass()
            self._wait()

    def _go_round(self) -> None:
        """What is refused in one go has a way in steps: back to a commit that is not refused, and on from there."""
        history = [self._start, *(commits.working(topology) for topology, _ in self.commits)]
        for back in reversed(range(len(history) - 1)):
            self._commit(history[back], "back, since this is refused")
            if self._converges():
                break
        else:
            raise AssertionError("every way back is refused, too")
        for topology in history[back + 1 :]:
            self._commit(topology, "and on")
            if not self._converges():  # for a hand, or for a blast radius
                self._put_back()
                if not self._converges():
                    self._approve()
                    assert self._converges(), "refused from a converged topology"

    def _release(self) -> None:
        """A release that was taken back, for itself or for an outage that fell together with it: another one is committed."""
        good = next(m for m in commits.MEMORY if m != self.topology.api.memory_mb)
        self._commit(replace(self.topology, api=replace(self.topology.api, memory_mb=good)), "another release")
        self._taken_back = False

    def _approve(self) -> None:
        """Takes more Regions out than the document allows at once: allowed by name, for this very plan."""
        plan = look(self.ports, self.topology).plan
        assert {r.code for r in plan.refusals} <= {"BlastRadius"}, f"refused from a converged topology: {plan.refusals}"
        expires = instant(self.account.timeline.now + 7 * 86400)
        allow = Allow(hazard="blast-radius", region=None, fingerprint=plan.fingerprint, expires=expires)
        self._commit(replace(self.topology, safety=replace(self.topology.safety, allow=(allow,))), "approve")

    def _converges(self) -> bool:
        """Whether it came right; False: it is refused."""
        self._refused = 0
        for _ in range(PASSES):
            if self._pass():
                return True
            if self._taken_back:
                self._release()
            if self._refused >= FRESH_EYES:
                return False
            self._wait()
        raise AssertionError(f"not converged {PASSES} passes after the last fault")

    def _destroy(self) -> None:
        """Everything goes again, and faults are back for the first hours of it."""
        policy = self.chaos.choice(("retain", "snapshot"))
        self._commit(
            replace(self.topology, database=replace(self.topology.database, deletion_policy=policy)), "destroy"
        )
        self._goal, self._run = Goal.DESTROY, self._new_run()
        self.clients.gone_home = self.invariants.destroying = True
        self.faults.until = self.account.timeline.now + self.chaos.uniform(0.5, 2.0) * 3600
        self._settle(self.faults.until - self.account.timeline.now)
        self.account.timeline.pass_time(max(0.0, self.faults.until - self.account.timeline.now))
        self._run = self._new_run()
        assert self._converges(), "refused"
        goal.destroyed(self.account, self.topology)

    def _bounded(self) -> None:
        assert not self.clients.unexplained, "\n".join(self.clients.unexplained)
        assert self.clients.worst_cut <= CUT_BOUND, (
            f"a place asked a Region for {self.clients.worst_cut} s after it was cut"
        )

    # ---- passes ----

    def _pass(self) -> bool:
        """True once nothing is left to do, not even aside."""
        self.report.passes += 1
        self._aside = False
        self.journal.lost = self.faults.happens(self.faults.rates.lease_lost, "a lease taken over")
        if self.faults.happens(self.faults.rates.stale, "stale reads"):
            self.cloud.old = read(self.account, self.topology)
            self.account.timeline.pass_time(self.chaos.uniform(1, 20))
        try:
            outcome = run_pass(self.ports, self.topology, self._run, self._goal)
        except CrashError as error:
            self._note(f"died {error}")
            self._run = self._new_run()
            self.hands.looked(None)
            return False
        except ReconcilerError as error:
            self._note(f"pass failed: {type(error).__name__}: {error}")
            self.hands.looked(None)
            return False
        self._note(_told(outcome))
        self.hands.looked(outcome)
        if self.approvals:
            self.approvals.looked(outcome, self.topology)
        # Reads that contradict each other may make an unsafe plan, and then it is well that nothing is done.
        unsafe = [r.message for r in outcome.plan.refusals if r.code == "UnsafePlan" and not self.cloud.contradictory]
        assert not unsafe, f"the planner and its verification disagree: {'; '.join(unsafe)}"
        self._taken_back = any(p.code == "RolloutFailed" for p in outcome.problems)
        if outcome.result not in {Result.PROGRESSING, Result.WAITING, Result.CONVERGED}:
            self._run = self._new_run()  # somebody, or the schedule, starts it again
            self._refused += bool(outcome.plan.refusals)
            self.report.refused.update(r.code for r in outcome.plan.refusals)
        else:
            self._refused = 0
        self._aside = outcome.result is Result.CONVERGED
        return self._aside and not outcome.plan.waves

    def _new_run(self) -> Run:
        return Run(patience=self.chaos.choice((0, 30)), threads=1)

    def _wait(self) -> None:
        """Until something wakes the reconciler: an event soon after AWS did something, or the timer; some get lost. Who has only
        things aside to finish looks seldom."""
        timer = self.chaos.uniform(300, 1200) if self._aside else self.chaos.uniform(20, 180)
        event = self.account.timeline.next_event()
        if event is not None and self.chaos.random() < 0.5:
            timer = min(timer * 4, event + self.chaos.uniform(1, 10))
        if self.faults.happens(self.faults.rates.wake_up_lost, "a lost wake-up"):
            timer = self.chaos.uniform(300, 900)
        self.account.timeline.pass_time(timer)
        if self.account.timeline.now < self.calm_at:
            self.hands.act()

    # ---- telling ----

    def _note(self, text: str) -> None:
        self.cloud.note(text)

    def _story(self, error: AssertionError) -> str:
        lines = [line for n, line in enumerate(self.cloud.trace) if n == 0 or line[12:] != self.cloud.trace[n - 1][12:]]
        head = [line for line in lines[:-70] if " commit " in line]
        told = "\n".join([*head, "...", *lines[-70:]])
        what = str(error) or traceback.extract_tb(error.__traceback__)[-1].line
        return f"seed {self.seed}: {what}\n{told}\n\nagain: python -m tests.simulation --seed {self.seed}"

    def _reported(self) -> Report:
        report, clients = self.report, self.clients
        report.requests, report.reads = self.cloud.requests, self.cloud.calls().get("reads", 0)
        report.hours = self.account.timeline.now / 3600
        report.injected, report.checked = self.faults.injected, self.invariants.checked
        report.hands = self.hands.acts
        report.sent, report.lost, report.worst_cut = clients.sent, clients.lost, clients.worst_cut
        report.silence = sum(end - begin for begin, end in self.account.aurora.silences)
        report.silences = len(self.account.aurora.silences)
        return report


def _told(outcome: Outcome) -> str:
    plan = outcome.plan
    waits = [f"{g.id} ({g.detail})" for g in plan.waves[0].waiting_for] if plan.waves else []
    steps = [s.id for s in plan.waves[0].steps] if plan.waves else []
    parts = [
        f"pass: {outcome.result}",
        f"steps {', '.join(steps)}" if steps else "",
        f"waits for {'; '.join(waits)}" if waits and not steps else "",
        "; ".join(f"{p.step}: {p.code} {p.message}" for p in outcome.problems),
        "; ".join(f"refused {r.code}: {r.message}" for r in plan.refusals),
    ]
    return " | ".join(p for p in parts if p)


@cache
def _made(start: int) -> Account:
    """A world that the loop itself converged, without faults."""
    account, topology = Account(start), commits.first(random.Random(start))
    account.timeline.watchers = []
    world = ports(FakeCloud(account), account, Revisions())
    run = Run(patience=30, threads=1)
    for _ in range(PASSES):
        if run_pass(world, topology, run).result is Result.CONVERGED:
            account.timeline.pass_time(600)
            return account
        account.timeline.pass_time(60)
    raise AssertionError("a quiet world does not converge")


def _converged(start: int) -> Account:
    return copy.deepcopy(_made(start))
