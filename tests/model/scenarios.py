"""What planted bugs are let loose on: commits and incidents, each small, and sound under the code as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.model.observed import Unknown
from reconciler.model.plan import Goal
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Allow, Region, Topology, Window
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import MINUTE
from tests.model.explore import Walk
from tests.model.minutes import Minutes
from tests.model.universe import Still, converged

US, EU, AP, SA = NAMES[:4]
SILENT = Unknown("Unreachable", "no answer")
Events = list[tuple[Callable[[Minutes], bool], Callable[[Minutes], object]]]


@dataclass(frozen=True)
class Scenario:
    """From `start` (None: from nothing) to `desired`. `walk`: also through every fault, which only a world without incidents
    can be. `prepare` makes the incident; `events` come on the way."""

    start: Topology | None
    desired: Topology
    prepare: Callable[[Minutes], object] = lambda _: None
    events: Callable[[], Events] = list
    refused_as: frozenset[str] = frozenset()
    walk: bool = False

    def wrong(self) -> list[str]:
        """The first things that are not as they must be."""
        world = converged(self.start).copied() if self.start else Still(self.desired)
        world.desired = self.desired
        run = Minutes(world, self.events(), self.refused_as)
        self.prepare(run)
        try:
            found = run.run()
            if not found and self.walk:
                walk = Walk(self.desired)
                walk.start(converged(self.start) if self.start else Still(self.desired))
                found = walk.found.wrong
        except AssertionError as refusal:
            return [f"AWS refuses: {refusal}"]
        return found


def approved(run: Minutes) -> None:
    run.world.approve()
    run.allowed = True


def both(*first: Callable[[Minutes], object]) -> Callable[[Minutes], object]:
    return lambda run: [prepare(run) for prepare in first]


def after(*ids: str) -> Callable[[Minutes], bool]:
    return lambda run: set(ids) <= set(run.done)


def minute(number: int) -> Callable[[Minutes], bool]:
    """Counted from the event before."""
    first: list = []

    def come(run: Minutes) -> bool:
        first[:] = first or [run.world.now]
        return run.world.now - first[0] >= number * MINUTE

    return come


def sized(topology: Topology, memory: int = 2048) -> Topology:
    return replace(topology, api=replace(topology.api, memory_mb=memory))


def versioned(topology: Topology, version: str = "16.9") -> Topology:
    return replace(topology, database=replace(topology.database, version=version))


def destroying(topology: Topology, policy: str = "snapshot") -> Topology:
    return replace(topology, database=replace(topology.database, deletion_policy=policy))


def commits(desired: Topology) -> Callable[[Minutes], object]:
    return lambda run: run.commit(desired)


def troubled(region: str, **changes) -> Callable[[Minutes], object]:
    return lambda run: run.world.clusters.update({region: changes})


def well(run: Minutes) -> None:
    run.world.clusters.clear()
    run.world.sick.clear()
    run.world.unread.clear()
    run.world.unknown.clear()
    run.world.requests.clear()
    run.hands.clear()


def sick(region: str) -> Callable[[Minutes], object]:
    def falls(run: Minutes) -> None:
        run.world.sick.add(region)
        run.world.sick_since[region] = run.world.now

    return falls


def closed_by_hand(region: str) -> Callable[[Minutes], object]:
    def closes(run: Minutes) -> None:
        gate = run.world.gates[region]
        run.world.gates[region] = replace(gate, threshold=2, version=gate.version + 1)
        run.world.closed_at[region] = run.world.now
        run.hands.add(region)

    return closes


def opened_by_hand(region: str) -> Callable[[Minutes], object]:
    def opens(run: Minutes) -> None:
        gate = run.world.gates[region]
        run.world.gates[region] = replace(gate, threshold=1, version=gate.version + 1)
        run.hands.discard(region)

    return opens


def writer_by_hand(region: str, *, ends: bool = False) -> Callable[[Minutes], object]:
    def moves(run: Minutes) -> None:
        run.world.writer = region
        (run.hands.clear if ends else lambda: run.hands.add("writer"))()

    return moves


def asked(region: str, *, until: int) -> Callable[[Minutes], object]:
    """Somebody uses a Region past DNS, for so many minutes."""

    def asks(run: Minutes) -> None:
        now = run.world.now
        run.world.requests[region] = tuple((now + MINUTE * m, 50.0) for m in range(until))

    return asks


def unread(*names: str) -> Callable[[Minutes], object]:
    return lambda run: run.world.unread.update(dict.fromkeys(names, SILENT))


def windowed(topology: Topology, minutes: int = 10) -> Topology:
    """The document's only window opens so long after the moment when the worlds of the proof are looked at."""
    window = Window(cron=f"{minutes} 0 * * *", duration=timedelta(hours=4), time_zone="UTC")
    return safe(topology, windows=(window,))


def safe(topology: Topology, **changes) -> Topology:
    return replace(topology, safety=replace(topology.safety, **changes))


def window_closed(run: Minutes) -> None:
    (window,) = run.world.desired.safety.windows
    run.closed_until = run.world.now + int(window.cron.split()[0]) * MINUTE


def allowed(run: Minutes) -> None:
    """The commit allows what it does by the fingerprint of its plan."""
    world = run.world
    allow = Allow(
        hazard="blast-radius", region=None, fingerprint=world.plan().fingerprint, expires=world.now + timedelta(days=1)
    )
    world.desired = safe(world.desired, allow=(allow,))
    run.allowed = True


def loaded(run: Minutes) -> None:
    run.world.loads.update({US: 0.6, EU: 0.6})


def to_destroy(run: Minutes) -> None:
    run.world.goal = Goal.DESTROY


def elsewhere(topology: Topology) -> Topology:
    """With another network in the second Region."""
    first, second, *others = topology.regions
    return replace(topology, regions=(first, Region(name=second.name, cidr="10.99.0.0/16"), *others))


def lingering(run: Minutes) -> None:
    run.world.gone_apis[EU] = run.world.now + timedelta(days=1)


def lingers_no_more(run: Minutes) -> None:
    run.world.gone_apis[EU] -= timedelta(days=2)


def stuck(kind: StackKind, region: str, status: str) -> Callable[[Minutes], object]:
    return lambda run: run.world._set(StackRef(kind, region), status)


ONE, TWO, THREE = with_regions(US), with_regions(US, EU), with_regions(US, EU, AP)
SCENARIOS = {
    "made from nothing": Scenario(None, TWO, walk=True),
    "made from nothing, the second Region writing": Scenario(None, with_regions(US, EU, writer=EU), walk=True),
    "a Region joins": Scenario(ONE, TWO, walk=True),
    "two Regions join": Scenario(ONE, THREE),
    "a Region leaves": Scenario(TWO, ONE, walk=True),
    "two Regions leave": Scenario(THREE, ONE, approved, walk=True),
    "the founder leaves": Scenario(TWO, with_regions(EU), walk=True),
    "the only Region is replaced": Scenario(ONE, with_regions(EU), walk=True),
    "a Region is replaced": Scenario(TWO, with_regions(US, AP)),
    "the writer moves": Scenario(TWO, with_regions(US, EU, writer=EU), walk=True),
    "a Region is drained": Scenario(TWO, with_regions(US, EU, drained=(EU,)), walk=True),
    "a Region serves again that is not well": Scenario(
        with_regions(US, EU, drained=(EU,)), TWO, sick(EU), lambda: [(minute(10), well)]
    ),
    "a setting changes": Scenario(THREE, sized(THREE), walk=True),
    "a setting makes a Region sick": Scenario(
        THREE,
        sized(THREE),
        events=lambda: [
            (after(f"deploy/api/{EU}"), sick(EU)),
            (lambda run: run.done.count(f"deploy/api/{EU}") == 2, well),
        ],
    ),
    "the engine is upgraded": Scenario(THREE, versioned(THREE), walk=True),
    "the engine is upgraded while a Region is half joined": Scenario(
        TWO,
        THREE,
        events=lambda: [(after(f"deploy/data/{AP}"), commits(versioned(THREE)))],
        refused_as=frozenset({"EngineUpgradeAlone"}),
    ),
    "the engine is to go back": Scenario(TWO, versioned(TWO, "16.6"), refused_as=frozenset({"EngineDowngradeRefused"})),
    "nobody is to serve": Scenario(
        TWO, with_regions(US, EU, drained=(US, EU)), approved, refused_as=frozenset({"LastServingRegion"})
    ),
    "a Region is drained while another is sick": Scenario(
        THREE,
        safe(with_regions(US, EU, AP, drained=(AP,)), min_serving=2),
        sick(EU),
        lambda: [(minute(10), well)],
    ),
    "a Region is drained while another is closed by hand": Scenario(
        TWO,
        with_regions(US, EU, drained=(US,)),
        closed_by_hand(EU),
        lambda: [(minute(10), opened_by_hand(EU))],
        refused_as=frozenset({"LastServingRegion"}),
    ),
    "a gate is closed by hand": Scenario(
        TWO, TWO, events=lambda: [(minute(1), closed_by_hand(EU)), (minute(20), opened_by_hand(EU))]
    ),
    "a writer that moved is moved back by hand": Scenario(
        TWO,
        with_regions(US, EU, writer=EU),
        events=lambda: [(minute(2), writer_by_hand(US)), (minute(20), writer_by_hand(EU, ends=True))],
    ),
    "a gate is deleted by hand": Scenario(
        TWO,
        TWO,
        events=lambda: [(minute(1), lambda run: run.world.gates.pop(EU))],
        refused_as=frozenset({"GateDeleted"}),
    ),
    "the writer is moved by hand": Scenario(
        TWO, TWO, events=lambda: [(minute(1), writer_by_hand(EU)), (minute(20), writer_by_hand(US, ends=True))]
    ),
    "the Region leaves to which the writer was moved by hand": Scenario(
        TWO,
        ONE,
        writer_by_hand(EU),
        lambda: [(minute(20), writer_by_hand(US, ends=True))],
        refused_as=frozenset({"WriterWithoutSuccessor"}),
    ),
    "the writer moves and is called back": Scenario(
        TWO,
        with_regions(US, EU, writer=EU, drained=(US,)),
        events=lambda: [(after(f"switchover/{EU}"), commits(TWO))],
    ),
    "a drain is called back": Scenario(
        TWO, with_regions(US, EU, drained=(EU,)), events=lambda: [(after(f"close-gate/{EU}"), commits(TWO))]
    ),
    "a Region that leaves is called back": Scenario(TWO, ONE, events=lambda: [(after(f"detach/{EU}"), commits(TWO))]),
    "a Region that leaves is still asked": Scenario(TWO, ONE, asked(EU, until=20)),
    "DNS falls back on a Region that leaves": Scenario(
        TWO,
        ONE,
        events=lambda: [
            (after(f"unroute/{EU}"), sick(US)),
            (minute(8), well),
        ],
    ),
    "the writer moves while a member is modified": Scenario(
        THREE, with_regions(US, EU, AP, writer=EU), troubled(AP, status="modifying"), lambda: [(minute(10), well)]
    ),
    "the writer moves while a modification is pending": Scenario(
        TWO, with_regions(US, EU, writer=EU), troubled(US, pending=True), lambda: [(minute(10), well)]
    ),
    "the writer moves to a Region that lags": Scenario(
        TWO, with_regions(US, EU, writer=EU), troubled(EU, lag_ms=60_000), lambda: [(minute(10), well)]
    ),
    "the writer moves while versions differ": Scenario(
        TWO, with_regions(US, EU, writer=EU), troubled(EU, engine_version="16.9"), lambda: [(minute(10), well)]
    ),
    "the writer does not answer": Scenario(
        TWO,
        with_regions(US, EU, writer=EU),
        unread(f"clusters/{US}"),
        lambda: [(minute(10), well)],
        refused_as=frozenset({"DataLossNotAcknowledged"}),
    ),
    "a Region that leaves does not answer": Scenario(
        THREE, with_regions(US, AP), unread(f"clusters/{EU}"), lambda: [(minute(10), well)]
    ),
    "a Region leaves while the zone does not answer": Scenario(
        TWO, ONE, unread("records"), lambda: [(minute(10), well)]
    ),
    "nobody tells who writes while a Region joins": Scenario(
        TWO, THREE, unread("global_cluster"), lambda: [(minute(10), well)]
    ),
    "a loaded Region is drained": Scenario(
        TWO, with_regions(US, EU, drained=(EU,)), loaded, refused_as=frozenset({"CapacityTooSmall"})
    ),
    "the writer moves only in a window": Scenario(
        TWO,
        windowed(with_regions(US, EU, writer=EU)),
        window_closed,
        lambda: [(minute(15), lambda _: None)],
        refused_as=frozenset({"WindowClosed"}),
    ),
    "Regions leave, their data only in a window": Scenario(
        THREE,
        windowed(ONE, 55),
        both(window_closed, approved),
        lambda: [(minute(20), lambda _: None), (minute(35), lambda _: None)],
    ),
    "two Regions leave, allowed by name": Scenario(THREE, ONE, allowed),
    "two Regions leave, and nobody allows it": Scenario(THREE, ONE, refused_as=frozenset({"BlastRadius"})),
    "network interfaces linger": Scenario(
        TWO, ONE, events=lambda: [(after(f"delete/api/{EU}"), lingering), (minute(40), lingers_no_more)]
    ),
    "the network is to change": Scenario(TWO, elsewhere(TWO), refused_as=frozenset({"ReplacementRefused"})),
    "all is destroyed": Scenario(destroying(TWO), destroying(TWO), to_destroy),
    "all but the data is destroyed": Scenario(TWO, TWO, to_destroy),
}
