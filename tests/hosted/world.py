"""Some topologies, each in an account of its own, and the processes that look after them: reconcilers, a command, AWS itself."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from reconciler.hosted import Again, PassCrashed, reconcile
from reconciler.loop import Ports, Run, run_pass
from reconciler.model.errors import ReconcilerError
from reconciler.model.facts import Sweep
from reconciler.model.message import Message
from reconciler.model.outcome import Result
from reconciler.model.requests import Request
from reconciler.model.topology import Topology
from tests.fakes.aws.account import Account
from tests.fakes.aws.cloud import FakeCloud
from tests.fakes.aws.timeline import instant
from tests.fakes.topologies import NAMES, with_regions
from tests.hosted.journal import Journal, Lease, Table
from tests.hosted.queue import Queue
from tests.hosted.stage import KilledError, Stage
from tests.simulation.ports import Issuers, Revisions, Synthesizer
from tests.simulation.ports import ports as simulated

RESYNC = 1800.0
CALL, PASS_READS = 0.3, 2.0
FROZEN = 200.0


@cache
def _converged() -> Account:
    account, topology = Account(7), with_regions(*NAMES[:2])
    world, run = simulated(FakeCloud(account), account, Revisions()), Run(patience=30, threads=1)
    while run_pass(world, topology, run).result is not Result.CONVERGED:
        account.timeline.pass_time(60)
    account.timeline.pass_time(600)
    return account


@dataclass
class Stamp:
    """A mutating request: whose, and whose turn it was."""

    at: float
    call: str
    token: int
    in_force: int


class Place:
    """One topology: its account, its table, and a commit that is to be rolled out."""

    def __init__(self, stage: Stage, name: str, *, from_nothing: bool) -> None:
        self.stage, self.name = stage, name
        self.account = Account(7) if from_nothing else copy.deepcopy(_converged())
        self.began = self.account.timeline.now
        base = with_regions(*NAMES[:2])
        self.topology: Topology = replace(base, api=replace(base.api, memory_mb=base.api.memory_mb * 2))
        self.table = Table(status=self.account.documents.get(base.name))
        self.revisions = Revisions()
        self.revisions.generation = 1
        self.stamps: list[Stamp] = []
        self.outcomes: Counter[str] = Counter()
        self.sweeps: Counter[Sweep] = Counter()
        self.poisoned = False
        self.done: float | None = None
        self.busy = 0

    def catch_up(self) -> None:
        """AWS is where the clock is."""
        timeline = self.account.timeline
        timeline.pass_time(max(0.0, self.began + self.stage.now - timeline.now))

    @property
    def calls(self) -> Counter[str]:
        return Counter(stamp.call for stamp in self.stamps)


class Process(FakeCloud):
    """One process's ports to a place: each call takes its time; now and then the process freezes, or is killed."""

    def __init__(self, place: Place, chance: random.Random, *, freezes: float = 0.0, dies: float = 0.0) -> None:
        super().__init__(place.account)
        self.place, self.chance, self.freezes, self.dies = place, chance, freezes, dies
        self.informed = False
        self.journal = Journal(place.stage, place.table, lambda: self._takes(CALL / 10))
        self.templates = Templates(place)

    @property
    def ports(self) -> Ports:
        return Ports(
            cloud=self,
            synthesizer=self.templates,
            revisions=self.place.revisions,
            journal=self.journal,
            clock=self,
            issuers=Issuers(),
        )

    def now(self) -> Any:
        return instant(self.place.began + self.place.stage.now)

    def sleep(self, seconds: float) -> None:
        self.place.stage.takes(seconds)

    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN, asked: Callable[[], bool] | None = None) -> Any:
        self._takes(PASS_READS, halts=True)
        self.place.catch_up()
        self.aws.documents = {topology.name: self.place.table.status} if self.place.table.status else {}
        return super().facts(topology, sweep, asked)

    def change_set(self, *arguments: Any) -> Any:
        self._takes(CALL, halts=True)
        self.place.catch_up()
        return super().change_set(*arguments)

    def perform(self, request: Request) -> None:
        """The request leaves at once; its answer takes a moment, and may find nobody any more."""
        lease = self._lease()
        stamp = Stamp(self.place.stage.now, request.call, lease.token, self.place.table.token)
        self.place.catch_up()
        self.place.stamps.append(stamp)
        super().perform(request)
        self._takes(CALL)
        if self.chance.random() < self.dies:
            raise KilledError

    def _lease(self) -> Lease:
        assert self.journal.held is not None
        return self.journal.held

    def _takes(self, seconds: float, *, halts: bool = False) -> None:
        lease = self.journal.held
        if halts and lease and self.chance.random() < self.freezes:
            lease.silent_since = self.place.stage.now
            self.place.stage.takes(FROZEN)
            lease.thaw()
        self.place.stage.takes(seconds * self.chance.uniform(0.5, 1.5))


class Templates(Synthesizer):
    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def templates(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Any]:
        if self.place.poisoned:
            raise ZeroDivisionError("a bug of ours")
        return super().templates(topology, keys)


class Hosting:
    def __init__(
        self,
        count: int,
        *,
        seed: int = 1,
        workers: int = 4,
        copies: int = 1,
        events: bool = True,
        freezes: float = 0.0,
        dies: float = 0.0,
        from_nothing: bool = False,
    ) -> None:
        self.chance, self.stage = random.Random(seed), Stage()
        self.queue = Queue(self.chance, copies=copies)
        self.places = {f"t{n:02}": Place(self.stage, f"t{n:02}", from_nothing=from_nothing) for n in range(count)}
        self.events, self.freezes, self.dies = events, freezes, dies
        self.most_at_once = 0
        for _ in range(workers):
            self.stage.start(self._work)
        self.stage.start(self._resync)
        if events:
            self.stage.start(self._aws)

    def event(self, name: str, reason: str = "event", *, routine: bool = False) -> None:
        self.queue.send(self.stage.now, Message(topology=name, reason=reason, routine=routine))

    def run(self, limit: float = 20_000.0, *names: str, until: Any = None) -> None:
        wanted = [p for p in self.places.values() if not names or p.name in names]
        try:
            self.stage.run(until or (lambda: all(p.done for p in wanted)), limit)
        finally:
            self.stage.end()

    def command(self, place: Place) -> None:
        """What `meridian converge` does: its own run, in memory, pass after pass; it waits for a lease that is held."""
        process, run = Process(place, self.chance), Run(patience=30, threads=1)
        for _ in range(200):
            try:
                if run_pass(process.ports, place.topology, run).result is Result.CONVERGED:
                    return
            except ReconcilerError:
                pass
            self.stage.takes(10)

    def _work(self) -> None:
        while True:
            waiting = self.queue.receive(self.stage.now)
            if waiting is None:
                self.stage.takes(self.chance.uniform(2, 6))
                continue
            place = self.places[waiting.message.topology]
            try:
                again = self._one(place, waiting.message)
            except KilledError:
                if self.stage._over:
                    raise
                continue  # another process takes its place
            except PassCrashed:
                place.outcomes["crashed"] += 1
                continue
            if again.redeliver:
                continue
            if again.now or again.after:
                delay = 0.0 if again.now else again.after.total_seconds()
                self.queue.send(self.stage.now, Message(topology=place.name, reason="timer", due=again.due), delay)
            self.queue.delete(waiting)

    def _one(self, place: Place, message: Message) -> Again:
        process = Process(place, self.chance, freezes=self.freezes, dies=self.dies)
        place.busy += 1
        self.most_at_once = max(self.most_at_once, sum(p.table.holder is not None for p in self.places.values()))
        try:
            again = reconcile(process.ports, place.topology, message=message, chance=self.chance.random)
        finally:
            place.busy -= 1
        result = (
            str(again.outcome.result) if again.outcome else "redeliver" if again.redeliver else again.result or "none"
        )
        place.sweeps += process.sweeps
        place.outcomes[result] += 1
        if again.outcome and again.outcome.result is Result.CONVERGED and not again.outcome.plan.waves:
            place.done = place.done or self.stage.now
        return again

    def _resync(self) -> None:
        while True:
            self.stage.takes(RESYNC)
            for name in self.places:
                self.event(name, "resync", routine=True)

    def _aws(self) -> None:
        """What happens by itself in an account is told, some seconds later; several things within a few seconds once."""
        while True:
            self.stage.takes(15)
            for place in self.places.values():
                due = place.account.timeline.next_event()
                if due is not None and place.began + self.stage.now >= place.account.timeline.now + due:
                    place.catch_up()
                    self.event(place.name)
