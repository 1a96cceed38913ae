"""Walks from a world to a desired topology through every state that a step can leave behind, done, failed or half done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from reconciler.model.motion import unapplied
from reconciler.model.plan import Goal, Plan, Step
from reconciler.model.stacks import StackKind
from reconciler.model.topology import Topology
from reconciler.plan.effects import done, failed
from reconciler.plan.picture import Picture, picture
from reconciler.plan.rules import INVARIANTS, moment, violations
from tests.fakes.world import World
from tests.model.legality import refused
from tests.model.universe import Stacks, Still, told


@dataclass
class Findings:
    """What a walk came to. `wrong`: each a sentence that says from where, what was done, and what is not as it must be."""

    states: int = 0
    plans: int = 0
    steps: int = 0
    faulted: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        for name in ("states", "plans", "steps", "faulted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refusals += other.refusals
        self.wrong += other.wrong


ANY = 1_000_000
GOOD = {"drained": True, "quiet": True, "healthy": True, "available": True, "connected": True, "near": True} | {
    "linked": False,
    "echo": False,
}
OF_WORLDS = tuple(i for i in INVARIANTS if i.name.split()[0] in {"I1", "I2", "I3", "I9", "I10"})
"""Those that can be told of a world by itself; the others need the step, and the replay of each plan asks them."""


@dataclass
class Place:
    """A state to look at, and how it came about; its plan has to be shorter than `fewer_than` steps."""

    world: Still
    path: str
    fewer_than: int = ANY


class Walk:
    """To one desired topology, from any number of worlds: states that two of them share are looked at once."""

    def __init__(self, desired: Topology) -> None:
        self.desired = desired
        self.found = Findings()
        self._steps_left: dict[Hashable, int] = {}

    def start(self, world: Still) -> None:
        first = world.copied()
        first.desired = self.desired
        first.approve()
        pending: list[Place] = [Place(first, told(world.desired))]
        while pending:
            place = pending.pop()
            key = place.world.key()
            if key not in self._steps_left:
                pending += self._look(place.world, key, place.path)
            if self._steps_left[key] >= place.fewer_than:
                self.found.wrong.append(
                    f"{place.path}: {place.fewer_than} steps were left before the wave, {self._steps_left[key]} after it"
                )

    def _look(self, here: Still, key: Hashable, path: str) -> Iterator[Place]:
        self.found.states += 1
        outcome, wanted = here.seen()
        plan = outcome.plan
        self._steps_left[key] = len(plan.steps)
        self.found.plans += 1
        if plan.refusals:
            self.found.refusals.update(r.code for r in plan.refusals)
            self._refused(plan, path)
            return []
        self._verified(plan, path)
        if not plan.waves:
            self._goal(here, path)
            here.remember(plan)
            return []
        noted = here.copied()
        noted.remember(plan)
        if not plan.waves[0].steps:
            return self._waited(noted, plan, key, path)
        return self._onward(noted, plan, picture(self.desired, outcome.observed), wanted, path)

    def _onward(self, here: Still, plan: Plan, seen: Picture, wanted: Stacks, path: str) -> Iterator[Place]:
        """From a world where what the plan intends was written down."""
        wave = plan.waves[0]
        for outcome, steps in (
            ("done", wave.steps),
            *(("failed", (s,)) for s in wave.steps),
            *(("half", (s,)) for s in wave.steps),
            *((("done", (s,)) for s in wave.steps) if len(wave.steps) > 1 else ()),
        ):
            self.found.steps += outcome == "done"
            self.found.faulted += outcome != "done"
            what = f"{path} > {', '.join(s.id for s in steps)} {outcome}"
            self.found.wrong += [f"{what}: AWS refuses: {why}" for step in steps for why in refused(here, step)]
            then = here.after(steps, outcome, wanted)
            if not then.stands_as(here):
                self._held(seen, then, steps, outcome, what)
            if then.moving_to:
                back = then.copied()
                back.settle(arrives=False)
                yield Place(back, what)
            then.settle()
            whole = outcome == "done" and len(steps) == len(wave.steps)
            yield Place(then, what, len(plan.steps) if whole else ANY)

    def _waited(self, then: Still, plan: Plan, key: Hashable, path: str) -> Iterator[Place]:
        """Only gates are left in the first wave, and time has passed: something that the loop writes down must help on."""
        then.settle()
        if then.key() == key:
            gates = ", ".join(f"{g.id} ({g.detail})" for g in plan.waves[0].waiting_for)
            self.found.wrong.append(f"{path}: waits for ever for {gates}")
            return
        yield Place(then, path)

    def _refused(self, plan: Plan, path: str) -> None:
        self.found.wrong += [f"{path}: {wrong}" for wrong in refusals_named(plan)]

    def _verified(self, plan: Plan, path: str) -> None:
        for violation in plan.verification.violations:
            self.found.wrong.append(f"{path}: {violation}")

    def _held(self, seen: Picture, after: Still, steps: tuple[Step, ...], outcome: str, what: str) -> None:
        """Invariants in the state just reached, and that the planner's own model of the steps leads to this state."""
        then = picture(self.desired, after.observed())
        now = moment(self.desired, seen, None, then)
        self.found.wrong += [f"{what}: {wrong}" for wrong in violations(now, OF_WORLDS)]
        if outcome == "half":
            return  # where it stops, nobody can foresee
        foreseen = seen
        for step in steps:
            foreseen = (done if outcome == "done" else failed)(foreseen, step)
        told, came = _outline(foreseen), _outline(then)
        if told != came:
            self.found.wrong.append(f"{what}: foreseen {sorted(told - came)}, came {sorted(came - told)}")
        self.found.wrong += [
            f"{what}: foreseen {hope}, too early" for hope in _hopes(seen, foreseen) - _hopes(seen, then)
        ]

    def _goal(self, here: Still, path: str) -> None:
        self.found.wrong += [f"{path}: {wrong}" for wrong in at_goal(here)]


def refusals_named(plan: Plan) -> Iterator[str]:
    """A refusal leaves no plan, names its rule and its field, and is never our own verifier's."""
    for refusal in plan.refusals:
        if plan.waves or not (refusal.code and refusal.path and refusal.message) or refusal.code == "UnsafePlan":
            yield f"{refusal.code} {refusal.message}"


def at_goal(here: World) -> Iterator[str]:
    """Where an empty plan must have led."""
    destroyed = here.goal is Goal.DESTROY
    wanted = {r.name for r in here.desired.regions if r.traffic == "serving" and not destroyed}
    there = set() if destroyed else set(here.desired.region_names)
    data = set(here.desired.region_names) if here.desired.database.deletion_policy == "retain" else there
    open_gates = {r for r, g in here.gates.items() if g.is_open}
    for what, is_so in (
        (f"open gates {open_gates}, wanted {wanted}", open_gates == wanted),
        (f"gates {set(here.gates)}", set(here.gates) == there),
        (f"data in {stacks(here, StackKind.DATA)}", stacks(here, StackKind.DATA) == data),
        (f"APIs in {stacks(here, StackKind.API)}", stacks(here, StackKind.API) == there),
        (f"writer {here.writer}", here.writer == here.desired.database.writer or not data),
        (f"detached {here.apart}", not here.apart),
        ("a migration that is not applied", destroyed or not unapplied(here.desired, here.observed())),
    ):
        if not is_so:
            yield f"ends with {what}"


def stacks(here: World, kind: StackKind) -> set[str]:
    return {ref.region for ref in here.stacks if ref.kind is kind}


def _hopes(before: Picture, after: Picture) -> set[str]:
    """What got better about a Region, of what only time or AWS can tell."""
    return {
        f"{name} of {region}"
        for region, now in after.places.items()
        for name, good in GOOD.items()
        if getattr(now, name) is good and getattr(before.at(region), name) is not good
    }


def _outline(seen: Picture) -> set[tuple[object, ...]]:
    """What a picture says of where things are, without what only time tells."""
    data = {"parting": "apart", "shell": "absent"}
    places = {
        (p.region, p.gate, p.records, p.api, data.get(p.data, p.data), p.master)
        for p in seen.places.values()
        if (p.gate, p.records, p.api, p.data) != ("absent", "none", "absent", "absent")
    }
    return places | {("writer", seen.writer), ("edge", seen.edge), ("global", seen.global_cluster)}
