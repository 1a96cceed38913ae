"""A moment on a plan's way: the world before and after one step, or one wave's gates; and what an invariant is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.model.plan import Goal, Step, StepAction
from reconciler.model.stacks import StackKind
from reconciler.model.topology import Topology
from reconciler.plan.picture import Picture, Place

NOWHERE = Place(region="", wanted=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Made by `moment`, which works out what the invariants ask for again and again."""

    topology: Topology
    goal: Goal
    before: Picture
    step: Step | None
    """None where only gates were met."""
    after: Picture
    out: frozenset[str]
    """Regions that this wave took out of service before this step."""
    outcome: str
    """What became of the step where it was not simply done: `failed`, `half of`, `repeated`."""
    action: StepAction | None
    """What the step asks for, a repair being a deployment. One that has begun asks nothing any more: it is judged by what it
    leaves."""
    kind: StackKind | None
    """The kind of stack that it asks it of."""
    place: Place
    """The step's Region, before it."""
    changed: tuple[tuple[Place, Place], ...]
    """Regions that are not as they were: before and after."""
    stopped: tuple[str, ...]
    """Regions that served before and do not any more."""

    def deploys(self, kind: StackKind) -> bool:
        return self.kind is kind and self.action is StepAction.DEPLOY

    def deletes(self, kind: StackKind) -> bool:
        return self.kind is kind and self.action is StepAction.DELETE

    @property
    def destroys(self) -> bool:
        return self.goal is Goal.DESTROY

    @property
    def leads(self) -> bool:
        """Clients are promised an answer: from the first serving on; when all is destroyed, as long as the domain leads here."""
        return self.before.edge if self.destroys else self.before.served or self.after.served

    @property
    def cut(self) -> bool:
        """A destroy has taken the domain off the edge: nobody is led anywhere any more."""
        return self.destroys and not self.before.edge


def moment(
    topology: Topology,
    before: Picture,
    step: Step | None,
    after: Picture,
    *,
    goal: Goal = Goal.CONVERGE,
    out: frozenset[str] = frozenset(),
    outcome: str = "",
) -> Moment:
    asks = step if step and not step.begun else None
    action = StepAction.DEPLOY if asks and asks.action is StepAction.REPAIR else asks.action if asks else None
    then, now = before.places, after.places
    changed = () if then is now else tuple((before.at(r), p) for r, p in now.items() if then.get(r) is not p)
    return Moment(
        topology=topology,
        goal=goal,
        before=before,
        step=step,
        after=after,
        out=out,
        outcome=outcome,
        action=action,
        kind=asks.stack.kind if asks and asks.stack else None,
        place=before.at(step.region) if step and step.region else NOWHERE,
        changed=changed,
        stopped=tuple(p.region for was, p in changed if was.serves and not p.serves),
    )


Predicate = Callable[[Moment], Iterator[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """`broken` yields what is wrong, as the rest of a sentence that begins with the step. `of_step`: it only asks whether the
    step may be taken. The others ask what it leaves, for which its outcome matters; what was wrong before is not its doing."""

    name: str
    broken: Predicate
    of_step: bool
