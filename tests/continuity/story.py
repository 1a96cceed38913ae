"""The reconciler at work behind clients: one commit after another, at a speed at which traffic can be watched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.drive import Run
from reconciler.loop import run_pass
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import StepAction
from reconciler.model.topology import Topology
from tests.continuity.clients import Clients
from tests.continuity.judge import CUT_SEEN, ROLES_SEEN, Window
from tests.embedded.converged import Converged

WATCHED, UNWATCHED = 30, 1500
"""Times as fast as AWS: while anything that clients may notice is under way, and while nothing is."""
PASSES = 400
_UNNOTICED = {StepAction.DETACH, StepAction.DELETE_GATE, StepAction.DELETE_VERSION}
_SLOW_GATES = {"database-available", "replica-connected", "replica-lag", "interfaces", "member-gone", "replicas"}


@dataclass
class Story:
    world: Converged
    clients: Clients
    topology: Topology
    windows: list[Window] = field(default_factory=list)
    chapters: list[tuple[str, datetime]] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        self.chapters.append((title, self.world.aws.now()))

    def commit(self, title: str, topology: Topology) -> Outcome:
        """Converge on it, with the clients at work."""
        self.chapter(title)
        self.topology = topology
        run = Run(patience=30)
        for _ in range(PASSES):
            outcome = run_pass(self.world.ports, topology, run)
            assert not [p for p in outcome.problems if not p.retry], outcome.problems
            if outcome.result is Result.CONVERGED:
                break
            self._switchover(outcome)
            self._speed(outcome)
            self.world.ports.clock.sleep(5)
        else:
            raise AssertionError(f"not converged: {outcome.plan.waves[0]}")
        self._at(WATCHED)
        return outcome

    def watch(self, seconds: float) -> None:
        """Clients go on for so many of AWS's seconds."""
        self._at(WATCHED)
        self.world.ports.clock.sleep(seconds)

    def cut(self, region: str, seconds: float) -> None:
        """The Region's data plane is gone for so long."""
        self.chapter(f"{region} is cut off")
        begins = self.world.aws.now()
        self.world.aws.control("faults", {"faults": [{"outage": region, "plane": "data"}]})
        self.windows.append(Window(what="cut", region=region, begins=begins, ends=begins + CUT_SEEN))
        self.watch(seconds)
        self.chapter(f"{region} is back")
        self.world.aws.control("faults", {"faults": []})

    def _switchover(self, outcome: Outcome) -> None:
        """From the request until nothing moves any more."""
        moving = any(s.action is StepAction.SWITCHOVER for s in outcome.plan.current)
        now = self.world.aws.now()
        last = self.windows[-1] if self.windows and self.windows[-1].what == "switchover" else None
        if moving and (last is None or last.ends < outcome.observed.at - timedelta(minutes=5)):
            self.windows.append(Window(what="switchover", begins=outcome.observed.at, ends=now + ROLES_SEEN))
        elif moving and last:
            self.windows[-1] = replace(last, ends=now + ROLES_SEEN)

    def _speed(self, outcome: Outcome) -> None:
        """Fast only where the first wave builds or clears away what nobody is led to."""
        if outcome.plan.converged or not outcome.plan.waves:
            return
        wave = outcome.plan.waves[0]
        open_ = {r for r, g in outcome.observed.gates.items() if getattr(g, "is_open", True)}
        aside = all(s.action in _UNNOTICED or (s.stack and s.region not in open_) for s in wave.steps)
        waits = all(g.name in _SLOW_GATES and g.region not in open_ for g in wave.waiting_for)
        routes = any(s.target in {"routing", "edge"} for s in wave.steps)
        self._at(UNWATCHED if aside and waits and not routes else WATCHED)

    def _at(self, speed: float) -> None:
        if speed > WATCHED:
            self.clients.pause()
        self.world.aws.go(speed)
        if speed <= WATCHED:
            self.clients.resume()
