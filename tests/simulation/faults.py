"""What goes wrong, by seed: throttles, lost answers, crashes, stale and missing reads, outages, operations that fail.

All of it stops at `until`; then everything must come right.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.model.errors import CloudUnavailable, Throttled, Unanswered
from reconciler.model.facts import Facts, RegionFacts, Sweep
from reconciler.model.observed import Unknown
from reconciler.model.requests import ChangeSet, Request, Switchover
from reconciler.model.schema import Schema
from reconciler.model.stacks import StackRef
from reconciler.model.topology import Topology
from tests.fakes.aws.account import Account
from tests.fakes.aws.cloud import FakeCloud

HOME = "us-east-1"
"""Route 53, CloudFront, the journal and the global cluster answer here."""
_THROTTLED = Unknown("Throttling", "Rate exceeded")
_DOWN = Unknown("Unreachable", "the Region does not answer")
_EVERYTHING = ("zone", "records", "health_checks", "global_cluster", "distribution")
_OF_A_REGION = ("stacks", "cluster", "instances", "function", "lag", "requests", "interfaces")


class CrashError(BaseException):
    """The reconciler died here. Not an Exception: nothing may catch it."""


@dataclass
class Rates:
    """How often, per call or per pass."""

    throttle: float = 0.0
    lost_answer: float = 0.0
    crash: float = 0.0
    stale: float = 0.0
    unread: float = 0.0
    failing: float = 0.0
    lease_lost: float = 0.0
    wake_up_lost: float = 0.0
    outages: float = 0.0
    """Per hour, of a Region's control plane or data plane."""

    @classmethod
    def sample(cls, chaos: random.Random) -> Rates:
        """Each kind of fault is there in about half of all runs, so that some runs are harsh in one way only."""

        def some(most: float) -> float:
            return chaos.uniform(0, most) if chaos.random() < 0.5 else 0.0

        return cls(
            throttle=some(0.15),
            lost_answer=some(0.1),
            crash=some(0.1),
            stale=some(0.3),
            unread=some(0.2),
            failing=some(0.15),
            lease_lost=some(0.03),
            wake_up_lost=some(0.3),
            outages=some(1.0),
        )


@dataclass
class Faults:
    account: Account
    chaos: random.Random
    rates: Rates
    until: float
    injected: Counter[str] = field(default_factory=Counter)
    told: Callable[[str], None] = lambda _text: None
    dark: set[str] = field(default_factory=set)
    """Regions whose control plane is down."""

    def __post_init__(self) -> None:
        self.account.stacks.fails = self._operation_fails

    def happens(self, rate: float, what: str) -> bool:
        if rate and self.account.timeline.now < self.until and self.chaos.random() < rate:
            self.injected[what] += 1
            return True
        return False

    def _operation_fails(self, _ref: StackRef, verb: str) -> bool:
        rate = self.rates.failing * (0.3 if verb == "ROLLBACK" else 1.0)
        return self.happens(rate, "a stack operation that fails")

    def plan_outages(self, regions: tuple[str, ...]) -> None:
        """One at a time, so that clients always have somewhere to go."""
        span = self.until - self.account.timeline.now
        number = int(span / 3600 * self.rates.outages + self.chaos.random()) if self.rates.outages else 0
        for n in range(number):
            at = span * (n + self.chaos.random() * 0.4) / number
            lasts = self.chaos.uniform(60, 0.5 * span / number)
            region, data_plane = self.chaos.choice(regions), self.chaos.random() < 0.5
            self.account.timeline.after(at, partial(self._outage, region, data_plane, True))
            self.account.timeline.after(at + lasts, partial(self._outage, region, data_plane, False))

    def _outage(self, region: str, data_plane: bool, begins: bool) -> None:
        if begins:
            self.injected[f"an outage of a Region's {'data' if data_plane else 'control'} plane"] += 1
        self.told(f"{region}: {'data' if data_plane else 'control'} plane {'fails' if begins else 'is back'}")
        if data_plane:
            self.account.cut(region, cut=begins)
        elif begins:
            self.dark.add(region)
        else:
            self.dark.discard(region)


class FaultyCloud(FakeCloud):
    """The fake cloud in bad weather. `old`: facts from a while ago, of which a pass may be shown parts."""

    def __init__(self, account: Account, faults: Faults) -> None:
        super().__init__(account)
        self.faults, self.chaos = faults, faults.chaos
        self.old: Facts | None = None
        faults.told = self.note
        self.trace: list[str] = []
        self.requests = 0
        self.contradictory = False
        """Parts of what was read last are of another moment."""
        self.judge: Callable[..., None] = lambda _request, informed: None
        self.crash_before = self.crash_after = 0
        """Die at the n-th request, for tests that go through all of them."""

    def account(self, topology: Topology) -> str:
        if HOME in self.faults.dark and len(self.faults.dark) > 1:
            raise CloudUnavailable("no Region answers")
        return super().account(topology)

    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN, asked: Callable[[], bool] | None = None) -> Facts:
        self._maybe_crash("reading")
        fresh = super().facts(topology, sweep, asked)
        self.informed, self.contradictory = True, False
        self.aws.timeline.pass_time(self.chaos.uniform(0.5, 3))
        if self.old is not None:
            fresh = self._mixed(fresh, self.old)
            self.old = None
        if self.faults.happens(self.faults.rates.unread, "reads that fail"):
            fresh = self._unread(fresh)
        return self._darkened(fresh)

    def _mixed(self, fresh: Facts, old: Facts) -> Facts:
        """Some parts as they were; never the journal, which is read consistently."""
        self.informed, self.contradictory = False, True
        parts = [name for name in _EVERYTHING if self.chaos.random() < 0.3]
        regions = {r: old.regions[r] for r in fresh.regions if r in old.regions and self.chaos.random() < 0.4}
        self.note(f"reads as {(fresh.at - old.at).total_seconds():.0f} s ago: {', '.join([*parts, *regions])}")
        health = {k: old.health.get(k, ()) if "health_checks" in parts else v for k, v in fresh.health.items()}
        return replace(
            fresh, regions={**fresh.regions, **regions}, health=health, **{name: getattr(old, name) for name in parts}
        )

    def _unread(self, facts: Facts) -> Facts:
        self.informed = False
        parts = {name: _THROTTLED for name in _EVERYTHING if self.chaos.random() < 0.2}
        regions, told = {}, list(parts)
        for region, found in facts.regions.items():
            broken = {name: _THROTTLED for name in _OF_A_REGION if self.chaos.random() < 0.1}
            regions[region] = replace(found, **broken)
            told += [f"{region} {name}" for name in broken]
        self.note(f"cannot read {', '.join(told)}")
        return replace(facts, regions=regions, **parts)

    def _darkened(self, facts: Facts) -> Facts:
        for region in self.faults.dark & set(facts.regions):
            self.informed = False
            nothing = RegionFacts(stacks=_DOWN, cluster=_DOWN, instances=_DOWN, function=_DOWN, interfaces=_DOWN)
            facts = replace(facts, regions={**facts.regions, region: nothing})
            if region == HOME:
                facts = replace(facts, recorded=_DOWN, health={}, **dict.fromkeys(_EVERYTHING, _DOWN))
        return facts

    def note(self, text: str) -> None:
        self.trace.append(f"{self.aws.timeline.now:8.0f} s  {text}")

    def change_set(self, stack: StackRef, stack_name: str, name: str) -> ChangeSet | None:
        if stack.region in self.faults.dark:
            raise CloudUnavailable(f"{stack.region} does not answer")
        return super().change_set(stack, stack_name, name)

    def schema(self, region: str, function: str) -> Schema:
        if region in self.faults.dark:
            raise CloudUnavailable(f"{region} does not answer")
        if self.faults.happens(self.faults.rates.throttle, "a throttled request"):
            raise Throttled("Rate exceeded")
        return super().schema(region, function)

    def perform(self, request: Request) -> None:
        self.requests += 1
        told = _told(request)
        rates, happens = self.faults.rates, self.faults.happens
        try:
            self._maybe_crash("before a request", at=self.crash_before)
            if where(request) in self.faults.dark:
                raise CloudUnavailable(f"{where(request)} does not answer")
            if happens(rates.throttle, "a throttled request"):
                raise Throttled("Rate exceeded")
            self.judge(request, informed=self.informed)
            lost = happens(rates.lost_answer, "a lost answer")
            if lost and self.chaos.random() < 0.5:
                raise Unanswered("sent, and lost on its way")
            if isinstance(request, Switchover):
                self.aws.aurora.switchovers_fail = happens(rates.failing, "a switchover that comes back")
            super().perform(request)
            self.aws.timeline.pass_time(self.chaos.uniform(0.1, 1))
            if lost:
                raise Unanswered("done, and the answer lost")
            self._maybe_crash("after a request", at=self.crash_after)
        except BaseException as error:
            self.note(f"{told}: {type(error).__name__} {str(error)[:160]}")
            raise
        self.note(told)

    def _maybe_crash(self, when: str, at: int = 0) -> None:
        if (at and self.requests == at) or self.faults.happens(self.faults.rates.crash, f"a crash {when}"):
            raise CrashError(when)


def where(request: Request) -> str:
    """The Region that the request is made in."""
    stack = getattr(request, "stack", None)
    if stack is not None:
        return str(stack.region)
    if request.call.startswith("route53:"):
        return HOME
    return str(getattr(request, "writer_region", None) or getattr(request, "region", HOME))


def _told(request: Request) -> str:
    names: Mapping[str, object] = {
        name: getattr(request, name)
        for name in ("stack", "name", "region", "version", "threshold", "reference")
        if hasattr(request, name)
    }
    return f"{request.call.split(':')[1]} " + " ".join(f"{v}" for v in names.values())
