"""Chains of commits, by seed: each a desired topology that `load` would accept, some steps away from the one before."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from reconciler.model.topology import Migration, Region, Topology, Traffic
from tests.fakes.aws.regions import BROKEN
from tests.fakes.topologies import NAMES, orders

MOST, LEAST = 5, 2
MEMORY = (256, 512, 1024, 2048)
UPGRADES = 0.1
Change = Callable[[Topology, random.Random], Topology]


def first(chaos: random.Random) -> Topology:
    names = chaos.sample(NAMES[:MOST], chaos.randint(LEAST, 3))
    base = orders()
    writer = chaos.choice(names)
    return replace(base, regions=tuple(map(_region, names)), database=replace(base.database, writer=writer))


def chain(start: Topology, chaos: random.Random, length: int) -> Iterator[tuple[Topology, str]]:
    """Each commit with the names of what it changes. An engine upgrade comes alone, as the planner demands."""
    topology = start
    for _ in range(length):
        names = ["upgrade"] if chaos.random() < UPGRADES else chaos.sample(sorted(CHANGES), chaos.choice((1, 1, 2, 3)))
        before = topology
        for name in names:
            topology = (UPGRADE | CHANGES)[name](topology, chaos)
        if topology != before:
            yield topology, "+".join(names)
    if topology != working(topology):
        yield working(topology), "memory"


def working(topology: Topology) -> Topology:
    """The same with a release that works."""
    broken = topology.api.memory_mb == BROKEN
    return replace(topology, api=replace(topology.api, memory_mb=MEMORY[0])) if broken else topology


def acceptable(topology: Topology) -> bool:
    """As far as `load` looks at who writes and who serves."""
    return topology.database.writer in topology.region_names and bool(_serving(topology))


def _region(name: str) -> Region:
    return Region(name=name, cidr=f"10.{10 + NAMES.index(name)}.0.0/16")


def _serving(topology: Topology) -> list[str]:
    return [r.name for r in topology.regions if r.traffic is Traffic.SERVING]


def _join(topology: Topology, chaos: random.Random) -> Topology:
    free = [n for n in NAMES[:MOST] if n not in topology.region_names]
    if not free:
        return topology
    return replace(topology, regions=(*topology.regions, _region(chaos.choice(free))))


def _leave(topology: Topology, chaos: random.Random) -> Topology:
    """Any Region but the last that serve; if the writer goes, its successor is named."""
    serving = _serving(topology)
    leaving = [r for r in topology.region_names if r not in serving or len(serving) > 1]
    if len(topology.regions) <= LEAST or not leaving:
        return topology
    gone = chaos.choice(leaving)
    left = tuple(r for r in topology.regions if r.name != gone)
    writer = topology.database.writer
    if writer == gone:
        writer = chaos.choice([r.name for r in left])
    return replace(topology, regions=left, database=replace(topology.database, writer=writer))


def _drain(topology: Topology, chaos: random.Random) -> Topology:
    serving = _serving(topology)
    return _traffic(topology, chaos.choice(serving), Traffic.DRAINED) if len(serving) > 1 else topology


def _undrain(topology: Topology, chaos: random.Random) -> Topology:
    drained = [r.name for r in topology.regions if r.traffic is Traffic.DRAINED]
    return _traffic(topology, chaos.choice(drained), Traffic.SERVING) if drained else topology


def _traffic(topology: Topology, name: str, traffic: Traffic) -> Topology:
    return replace(
        topology, regions=tuple(replace(r, traffic=traffic) if r.name == name else r for r in topology.regions)
    )


def _writer(topology: Topology, chaos: random.Random) -> Topology:
    return replace(topology, database=replace(topology.database, writer=chaos.choice(topology.region_names)))


def _memory(topology: Topology, chaos: random.Random) -> Topology:
    return replace(topology, api=replace(topology.api, memory_mb=chaos.choice(MEMORY)))


def _broken(topology: Topology, chaos: random.Random) -> Topology:
    return replace(topology, api=replace(topology.api, memory_mb=BROKEN)) if chaos.random() < 0.3 else topology


def _capacity(topology: Topology, chaos: random.Random) -> Topology:
    return replace(topology, database=replace(topology.database, max_capacity=chaos.choice((64, 96, 128))))


def _ttl(topology: Topology, chaos: random.Random) -> Topology:
    return replace(topology, routing=replace(topology.routing, ttl_seconds=chaos.choice((5, 10, 20, 30))))


def _price(topology: Topology, chaos: random.Random) -> Topology:
    return replace(
        topology, edge=replace(topology.edge, price_class=chaos.choice(("PriceClass_100", "PriceClass_All")))
    )


def _migration(topology: Topology, _chaos: random.Random) -> Topology:
    number = len(topology.migrations) + 1
    added = Migration(name=f"{number:04d}_added.sql", sql=f"create table t{number} ()")
    return replace(topology, migrations=(*topology.migrations, added))


def _upgrade(topology: Topology, _chaos: random.Random) -> Topology:
    major, minor = topology.database.version.split(".")
    return replace(topology, database=replace(topology.database, version=f"{major}.{int(minor) + 1}"))


CHANGES: dict[str, Change] = {
    "join": _join,
    "memory": _memory,
    "broken release": _broken,
    "capacity": _capacity,
    "ttl": _ttl,
    "price": _price,
    "leave": _leave,
    "drain": _drain,
    "undrain": _undrain,
    "writer": _writer,
    "migration": _migration,
}
UPGRADE: dict[str, Change] = {"upgrade": _upgrade}
