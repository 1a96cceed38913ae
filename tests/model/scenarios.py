"""What planted bugs are let loose on: commits and incidents, each small, and sound under the code as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.model.topology import Topology
from tests.fakes.topologies import with_regions
from tests.model.explore import Walk
from tests.model.incidents import (
    AP,
    EU,
    US,
    Events,
    after,
    allowed,
    approved,
    asked,
    both,
    closed_by_hand,
    commits,
    cut_off,
    destroying,
    elsewhere,
    lingering,
    lingers_no_more,
    loaded,
    minute,
    opened_against,
    opened_by_hand,
    safe,
    sick,
    sized,
    to_destroy,
    troubled,
    unread,
    versioned,
    well,
    window_closed,
    windowed,
    writer_by_hand,
)
from tests.model.minutes import Minutes
from tests.model.universe import Still, converged


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


ONE, TWO, THREE = with_regions(US), with_regions(US, EU), with_regions(US, EU, AP)
SCENARIOS = {
    "made from nothing": Scenario(None, TWO, walk=True),
    "made from nothing, the second Region writing": Scenario(None, with_regions(US, EU, writer=EU), walk=True),
    "a Region joins": Scenario(ONE, TWO, walk=True),
    "a Region joins whose replica lags": Scenario(ONE, TWO, troubled(EU, lag_ms=60_000), lambda: [(minute(10), well)]),
    "two Regions join": Scenario(ONE, THREE),
    "a Region leaves": Scenario(TWO, ONE, walk=True),
    "a Region leaves whose cluster is being changed": Scenario(
        TWO,
        ONE,
        troubled(EU, status="modifying"),
        lambda: [(after(f"delete/api/{EU}"), lambda _: None), (minute(30), well)],
    ),
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
    "a writer is moved back by hand before all is done": Scenario(
        TWO,
        with_regions(US, EU, writer=EU, drained=(US,)),
        events=lambda: [
            (after(f"close-gate/{US}"), lambda _: None),
            (minute(4), writer_by_hand(US)),
            (minute(20), writer_by_hand(EU, ends=True)),
        ],
    ),
    "a Region that is drained is opened by hand on the way": Scenario(
        TWO,
        with_regions(US, EU, drained=(EU,)),
        events=lambda: [
            (after(f"close-gate/{EU}"), opened_against(EU)),
            (minute(20), both(commits(TWO), well)),
        ],
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
    "a Region that leaves is asked for ever, and a commit cuts that off": Scenario(
        TWO, ONE, events=lambda: [(after(f"close-gate/{EU}"), cut_off(EU))]
    ),
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
