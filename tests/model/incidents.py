"""What happens to a world on its way: commits, hands, sickness, silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from reconciler.model.observed import Unknown
from reconciler.model.plan import Goal, Hazard
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Allow, Region, Topology, Window
from tests.fakes.topologies import NAMES
from tests.fakes.world import MINUTE, World
from tests.model.minutes import Minutes

US, EU, AP, SA = NAMES[:4]
SILENT = Unknown("Unreachable", "no answer")
Events = list[tuple[Callable[[Minutes], bool], Callable[[Minutes], object]]]


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


def opened_against(region: str) -> Callable[[Minutes], object]:
    """While a commit wants it closed."""
    return lambda run: (opened_by_hand(region)(run), run.hands.add(region))


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


def cut_off(region: str) -> Callable[[Minutes], object]:
    """Somebody uses a Region past DNS for ever, and a commit says that this does not count."""

    def cuts(run: Minutes) -> None:
        asked(region, until=600)(run)
        run.commit(_allowing(run.world, Hazard.REQUESTS_PAST_DNS, region))

    return cuts


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
    run.world.desired = _allowing(run.world, Hazard.BLAST_RADIUS, None)
    run.allowed = True


def _allowing(world: World, hazard: str, region: str | None) -> Topology:
    expires = world.now + timedelta(days=1)
    allow = Allow(hazard=hazard, region=region, fingerprint=world.plan().fingerprint, expires=expires)
    return safe(world.desired, allow=(allow,))


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
