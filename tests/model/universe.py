"""All topologies over some Regions, and worlds that can be compared, copied and brought to rest: what the proof walks through."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product

from reconciler.model.plan import Hazard, Step
from reconciler.model.stacks import DesiredStack, StackKind, StackRef
from reconciler.model.topology import Migration, Topology
from reconciler.plan.permission import structure
from tests.fakes.topologies import with_regions
from tests.fakes.world import START, World, remembered

Stacks = Mapping[StackRef, DesiredStack]
REST = START + timedelta(days=1)
"""When every world is looked at: all that takes time is over then."""
LONG_AGO = START


def topologies(names: tuple[str, ...]) -> Iterator[Topology]:
    """Each Region absent, serving or drained, and every writer among those that are there."""
    for traffic in product(("absent", "serving", "drained"), repeat=len(names)):
        there = tuple(n for n, t in zip(names, traffic, strict=True) if t != "absent")
        drained = tuple(n for n, t in zip(names, traffic, strict=True) if t == "drained")
        for writer in there:
            yield with_regions(*there, writer=writer, drained=drained)


def with_migration(topology: Topology) -> Topology:
    """The same with one migration more than any world has: it comes somewhere on the way of every plan."""
    return replace(topology, migrations=(*topology.migrations, Migration(name="9999_added.sql", sql="create")))


def told(topology: Topology) -> str:
    """One topology in a few letters: `us-east-1* eu-west-1 (sa-east-1)`; the writer starred, drained ones in brackets."""
    names = (r.name + "*" * (r.name == topology.database.writer) for r in topology.regions)
    return " ".join(n if r.traffic == "serving" else f"({n})" for n, r in zip(names, topology.regions, strict=True))


class Still(World):
    """A world at rest: whatever takes time has had it."""

    wanted: Stacks | None = None

    def settle(self, *, arrives: bool = True) -> None:
        """Everything under way ends; a switchover arrives or comes back."""
        self.now = REST
        self.stacks = {
            ref: s if s.settled_at == LONG_AGO else replace(s, changed_at=LONG_AGO, settled_at=LONG_AGO)
            for ref, s in self.stacks.items()
        }
        self.closed_at, self.opened_at = dict.fromkeys(self.closed_at, LONG_AGO), {}
        self.gone_apis = {}
        if self.moving_to and arrives:
            self.writer = self.moving_to
        self.moving_to = None

    def approve(self) -> None:
        """A commit may take as many Regions out at once as it likes, so that its plan can be seen."""
        if self.recorded:
            motion = self.recorded["motion"]
            self.recorded = {"motion": {**motion, "approved": {Hazard.BLAST_RADIUS: structure(self.desired)}}}

    def copied(self) -> Still:
        other = copy.copy(self)
        for name, held in vars(self).items():
            if isinstance(held, dict | set | list):
                setattr(other, name, held.copy())
        return other

    def after(self, steps: tuple[Step, ...], outcome: str, wanted: Stacks | None = None) -> Still:
        """This world once the steps of a wave had this outcome. `wanted`: the desired stacks, if the caller knows them."""
        other = self.copied()
        act = {"done": other.apply, "failed": other.fail, "half": other.half}[outcome]
        for step in steps:
            other.wanted = wanted
            act(step)
            wanted = None  # they follow from what was observed
        other.wanted = None
        return other

    def _wanted(self) -> Stacks:
        return self.wanted or super()._wanted()

    def stands_as(self, other: Still) -> bool:
        """Nothing has happened in between, whatever was written down."""
        return all(vars(self)[name] == held for name, held in vars(other).items() if name != "recorded")

    def key(self) -> Hashable:
        """All that a plan can depend on, now that time does not count."""
        stacks = frozenset((ref, s.status, _variant(ref.kind, s.template)) for ref, s in self.stacks.items())
        gates = frozenset((r, g.threshold, g.version == 1) for r, g in self.gates.items())
        return stacks, gates, self.writer, frozenset(self.apart), self.global_cluster_left, _motion(self)


def _variant(kind: StackKind, template: dict | None) -> object:
    resources = (template or {}).get("Resources", {})
    if kind is StackKind.DATA:
        return "Master" in resources, "MasterUsername" in resources.get("Cluster", {}).get("Properties", {})
    return frozenset(resources) if kind is StackKind.ROUTING else bool(resources)


def _motion(world: World) -> object:
    found = (world.recorded or {}).get("motion", {})
    ours = frozenset(r for r, g in world.gates.items() if found.get("gates", {}).get(r) == g.version)
    declared = (frozenset(found.get(name, {}).items()) for name in ("traffic", "asked", "migrated"))
    return frozenset(found.get("writers", ())), *declared, ours


@cache
def converged(topology: Topology) -> Still:
    """The world in which this topology has come to rest, built from nothing."""
    world = Still(topology)
    world.run()
    world.settle()
    world.recorded = remembered(topology, world.gates)
    return world
