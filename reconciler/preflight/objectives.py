"""What a loss costs before the plan and after it: data (RPO) and time (RTO), in words, and only as much as is promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.model.observed import Observed, StackState, Unknown, known
from reconciler.model.preflight import Objective
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology, Traffic
from reconciler.preflight.scene import INSTANCE, of_type

NOTHING_THERE, NOT_KNOWN = "nothing is there", "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """As much of a topology as decides what a loss costs."""

    regions: int
    serving: tuple[str, ...]
    instances: int
    """The fewest of any Region."""
    detection: int
    """Seconds until DNS no longer answers with a Region that is sick."""


def objectives(topology: Topology, observed: Observed) -> tuple[Objective, ...]:
    now, then = _now(topology, observed), _desired(topology)
    return tuple(Objective(what=what, before=_said(say, now), after=say(then)) for what, say in LOSSES)


def _said(say: Callable[[Shape], str], shape: Shape | str) -> str:
    return shape if isinstance(shape, str) else say(shape)


def _desired(topology: Topology) -> Shape:
    return Shape(
        regions=len(topology.regions),
        serving=tuple(r.name for r in topology.regions if r.traffic is Traffic.SERVING),
        instances=topology.database.instances_per_region,
        detection=_detection(topology),
    )


def _detection(topology: Topology) -> int:
    health = topology.api.health
    return health.interval_seconds * health.failure_threshold + topology.routing.ttl_seconds


def _now(topology: Topology, observed: Observed) -> Shape | str:
    """Its seconds are the document's: what is waited for, not what a loss was ever measured to take."""
    group = observed.global_cluster
    if group is None:
        return NOTHING_THERE
    states = [observed.stacks.get(StackRef(StackKind.DATA, r)) for r in observed.live_regions()]
    if isinstance(group, Unknown) or any(isinstance(s, Unknown) for s in states):
        return NOT_KNOWN
    members = [m for m in group.members if not m.foreign]
    if not members:
        return NOTHING_THERE
    counts = [sum(1 for _ in of_type(s, INSTANCE)) for s in states if isinstance(s, StackState)]
    return Shape(
        regions=len(members),
        serving=tuple(m.region for m in members if (gate := known(observed.gates.get(m.region))) and gate.is_open),
        instances=min(counts, default=0),
        detection=_detection(topology),
    )


def _writer_lost(shape: Shape) -> str:
    if shape.regions < 2:
        return "all data and the API, until the Region is back: there is no copy elsewhere"
    reads = f"reads move within about {shape.detection} s" if len(shape.serving) > 1 else "nobody else serves"
    data = "data: what had not been replicated yet, usually less than a second of writes"
    return f"{data}; time: {reads}, writes wait for a person's `meridian failover`"


def _reader_lost(shape: Shape) -> str:
    if shape.regions < 2:
        return "there is none"
    return f"data: none; time: its clients move within about {shape.detection} s"


def _instance_lost(shape: Shape) -> str:
    if shape.instances < 2:
        return "data: none; time: minutes, until it is made again: its Region has no other"
    return "data: none; time: usually under a minute, another instance of the Region takes over"


def _serving(shape: Shape) -> str:
    return f"{len(shape.serving)} of {shape.regions}"


LOSSES: tuple[tuple[str, Callable[[Shape], str]], ...] = (
    ("Regions that serve", _serving),
    ("loss of the writer's Region", _writer_lost),
    ("loss of another Region", _reader_lost),
    ("loss of a database instance", _instance_lost),
)
