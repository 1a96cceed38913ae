"""A world that goes from commit to commit, planned every minute, and once more right after each step.

The walk of `explore` looks at worlds at rest; here time is what matters: waits that are over too soon, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.observed import Observed
from reconciler.model.plan import Goal, Plan, Step, StepAction
from reconciler.model.stacks import StackKind
from reconciler.model.topology import Topology
from reconciler.plan.effects import passed
from reconciler.plan.picture import picture
from reconciler.plan.scene import Scene
from reconciler.plan.waves import every_wave
from tests.fakes.world import World
from tests.model.explore import at_goal, refusals_named
from tests.model.legality import DEPLOYS, Watch, refused, version

PATIENCE = timedelta(minutes=45)
"""Longer than anything takes here: who still waits for the same waits for ever."""
SETTLED = timedelta(minutes=5)


@dataclass
class Minutes:
    """`events`: each happens once, in this order, when its time has come. `found`: each a sentence, its property first."""

    world: World
    events: list[tuple[Callable[[Minutes], bool], Callable[[Minutes], Any]]] = field(default_factory=list)
    refused_as: frozenset[str] = frozenset()
    hands: set[str] = field(default_factory=set)
    """What an operator moved: `writer`, or a Region's gate by its Region."""
    closed_until: datetime | None = None
    """The document's windows open then."""
    allowed: bool = False
    """A person allowed that more Regions leave service than may at once."""
    closed: set[str] = field(default_factory=set)
    failing: Mapping[str, str] | None = None
    """A rollout that made a Region sick just now."""
    found: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        watch, since, before = Watch(), self.world.now, None
        plan = Plan(topology="", revision="", fingerprint="")
        while self.world.now - since < PATIENCE and not self.found:
            for _ in ("a pass", "the next one, at once"):
                while self.events and self.events[0][0](self):
                    self.events.pop(0)[1](self)
                    since = self.world.now
                watch.led(self.world)
                plan = self._planned()
                self._carry_out(plan, watch)
                if not plan.current:
                    break
            now = [s.id for s in plan.steps], [r.code for r in plan.refusals]
            since, before = (self.world.now if now != before else since), now
            if not plan.waves and not self.events:
                break
            self.world.pass_time()
        if not self.found:
            self.found += self._end(plan, watch)
        return self.found

    def commit(self, desired: Topology) -> None:
        self.world.desired = desired

    def _planned(self) -> Plan:
        observed = self.world.observed()
        outcome, stacks = self.world.seen(observed)
        self.failing, plan = outcome.diff.failed_rollout, outcome.plan
        if plan.current and repr(plan) != repr(self.world.seen(turned_round(observed))[0].plan):
            self.found.append(f"deterministic: {self._when()} the plan depends on the order in which AWS lists things")
        self.found += refusals_named(plan)
        topology, goal = self.world.desired, self.world.goal
        scene = Scene(topology=topology, observed=observed, diff=outcome.diff, stacks=stacks, goal=goal)
        self.found += _learnt(scene)
        self.found += [
            f"refused as {r.code}: {self._when()} {r.message}" for r in plan.refusals if r.code not in self.refused_as
        ]
        self.found += self._unready(plan)
        return plan

    def _unready(self, plan: Plan) -> Iterator[str]:
        left_aside = all(_is_aside(s) for s in plan.steps) and plan.steps and not self.world.sick
        settled = all(self.world.now - s.changed_at > SETTLED for s in self.world.stacks.values())
        if left_aside and settled and not plan.converged and not plan.refusals and self.world.goal is Goal.CONVERGE:
            yield f"Ready: {self._when()} it waits for what only takes its time"

    def _carry_out(self, plan: Plan, watch: Watch) -> None:
        self.world.look()
        if not plan.refusals:
            self.world.remember(plan, self.failing)
        for step in plan.current:
            self.found += [f"AWS refuses: {self._when()} {step.id}: {why}" for why in refused(self.world, step)]
            self.found += [f"{why} ({step.id} {self._when()})" for why in watch.wrong(self.world, step)]
            self.found += [f"{why} ({step.id} {self._when()})" for why in self._against(step)]
            if self.found:
                return
            self.world.apply(step)
            self.done.append(step.id)

    def _against(self, step: Step) -> Iterator[str]:
        """What people decided, and this step does not mind."""
        moves_gate = step.action in {StepAction.OPEN_GATE, StepAction.CLOSE_GATE} and step.region in self.hands
        if moves_gate or (step.action is StepAction.SWITCHOVER and "writer" in self.hands):
            yield "hands: what an operator did is undone"
        if self.closed_until and self.world.now < self.closed_until and self._is_hazardous(step):
            yield "window: a hazard outside of the document's windows"
        self.closed |= {step.region} if step.action is StepAction.CLOSE_GATE else set()
        if len(self.closed) > self.world.desired.safety.max_concurrent_regions and not self.allowed:
            yield f"blast: {', '.join(sorted(self.closed))} leave service, and nobody allowed it"

    def _is_hazardous(self, step: Step) -> bool:
        if step.stack is None or step.stack.kind is not StackKind.DATA:
            return step.action in {StepAction.SWITCHOVER, StepAction.DETACH}
        restarts = version(self.world, step.region) not in {None, self.world.desired.database.version}
        return step.action is StepAction.DELETE or (step.action in DEPLOYS and restarts)

    def _end(self, plan: Plan, watch: Watch) -> Iterator[str]:
        if plan.refusals:
            return
        if plan.waves:
            waits = ", ".join(f"{g.id} ({g.detail})" for g in plan.waves[0].waiting_for)
            yield f"waits for ever for {waits or plan.waves[0].steps[0].id}"
            return
        yield from at_goal(self.world)
        yield from watch.ends(self.world)

    def _when(self) -> str:
        return f"at {self.world.now:%H:%M} after {', '.join(self.done[-2:]) or 'nothing'}"


def _learnt(scene: Scene) -> Iterator[str]:
    """A gate that is met says nothing that is not so: replays go on from what it says."""
    now = picture(scene.topology, scene.observed)
    for gate in (gate for wave in every_wave(scene) for gate in wave.gates if gate.met):
        told = passed(now, [gate])
        wrong = [r for r in told.places if told.at(r) != now.at(r)]
        if told != now:
            yield f"foreseen: {gate.id} is met, and says more than is so of {', '.join(wrong) or 'the database'}"


def _is_aside(step: Step) -> bool:
    deletes = step.action is StepAction.DELETE and step.stack.kind is StackKind.DATA
    return deletes or step.action in {StepAction.DETACH, StepAction.DELETE_GATE, StepAction.DELETE_VERSION}


def turned_round(observed: Observed) -> Observed:
    """The same facts, listed the other way round (members of the global cluster come sorted)."""
    mappings = ("stacks", "clusters", "zones", "gates", "probes", "interfaces", "requests", "alarms")
    turned = {name: dict(reversed(getattr(observed, name).items())) for name in mappings}
    records = observed.records
    return replace(observed, records=records[::-1] if isinstance(records, tuple) else records, **turned)
