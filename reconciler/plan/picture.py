"""The picture: as little of AWS as the invariants speak of, so that a plan can be replayed on it step by step.

What could not be read counts as whatever is worse: it does not serve, it is not drained, it is not at rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from reconciler.model.motion import Motion, unapplied
from reconciler.model.observed import Cluster, Observed, StackState, Unknown, known
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import EDGE_REGION, Topology
from reconciler.plan.schema import migrator_stands

QUIET = timedelta(minutes=4)
"""No requests in three whole minutes; the one that runs is not over."""
Gate: TypeAlias = Literal["absent", "closed", "open", "unknown"]
Records: TypeAlias = Literal["none", "some", "all"]
Api: TypeAlias = Literal["absent", "up", "stuck", "broken", "unknown"]
Schema: TypeAlias = Literal["applied", "behind", "out of reach"]
Data: TypeAlias = Literal["absent", "shell", "member", "parting", "apart", "broken", "unknown", "unread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One Region. The defaults are those of a Region where nothing is yet."""

    region: str
    wanted: bool = True
    """The document names it."""
    gate: Gate = "absent"
    drained: bool = True
    """The gate has been closed for as long as old answers of DNS and the edge live, or no answer ever led there."""
    quiet: bool = True
    """Nobody asks it anything."""
    records: Records = "none"
    echo: bool = False
    """Its records went, and answers made from them may still be held."""
    api: Api = "absent"
    """`up` is whatever stands, also while it is updated; `stuck` answers but cannot be updated; `broken` is half there."""
    healthy: bool = False
    """Its probe says so."""
    linked: bool = False
    """Functions may still reach the database: the API stands, or Lambda keeps its network interfaces."""
    fresh: bool = False
    """It serves, was changed, and has not proved itself since."""
    data: Data = "absent"
    """`shell`: a failed stack without a cluster. `parting`: asked to leave the global database. `apart`: it left, and stands
    alone. `broken`: a member whose stack is gone or failed. `unknown` may be a member; `unread` is none, and anything else."""
    available: bool = False
    """Cluster and instances are available, nothing about them is pending."""
    connected: bool = False
    near: bool = False
    """Its replication lag is small enough to take over."""
    version: str = ""
    master: bool = False
    """Its data stack holds the master credentials."""
    snapshot: bool = False
    """A final snapshot of its data was left."""
    unknown: bool = False
    """Something of it that a step would rest on could not be read."""

    def but(self, **changes: Any) -> Place:
        """With these changes; itself, if that is how it is."""
        same = all(getattr(self, name) == value for name, value in changes.items())
        return self if same else replace(self, **changes)

    @property
    def serves(self) -> bool:
        return self.gate == "open" and self.records == "all" and self.healthy and self.api in {"up", "stuck"}

    @property
    def in_global(self) -> bool:
        """Its cluster belongs to the global database, as far as one can tell."""
        return self.data in {"member", "parting", "broken", "unknown"}

    @property
    def at_rest(self) -> bool:
        return self.available and self.connected


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    places: Mapping[str, Place] = field(default_factory=dict)
    writer: str | None = None
    """The one Region that writes; None if there is none, or several, or nobody can tell."""
    moving: bool = False
    """The writer is on its way."""
    engine: str = ""
    """The engine's version that the document wants."""
    global_stack: bool = False
    global_cluster: bool = False
    wreck: bool = False
    """The routing stack never came to life: what is there of its records goes with it."""
    edge: bool = False
    """An enabled distribution is there and the domain leads to it."""
    served: bool = False
    """Clients were led here before: from now on they are never sent away, until the topology is destroyed."""
    schema: Schema = "applied"
    """Whether the database is known to hold every migration; `out of reach`: it is not, and nothing can apply them yet."""
    versions: frozenset[str] = frozenset()
    """Versions of the edge's function that the distribution may use."""
    blind: frozenset[str] = frozenset()
    """What exists once and could not be read: `database`, `dns`, `edge`."""

    def at(self, region: str) -> Place:
        return self.places.get(region) or Place(region=region, wanted=False)

    def put(self, *changed: Place) -> Picture:
        """With these places in it; itself, if they are as they were."""
        new = {p.region: p for p in changed if (was := self.places.get(p.region)) is not p and was != p}
        return replace(self, places={**self.places, **new}) if new else self

    @property
    def members(self) -> Iterable[Place]:
        return (p for p in self.places.values() if p.in_global)


def ordinal(version: str) -> tuple[int, ...]:
    """`16.10` comes after `16.9`."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def picture(topology: Topology, observed: Observed) -> Picture:
    cluster = known(observed.global_cluster)
    writers = [m.region for m in cluster.members if m.is_writer] if cluster else []
    motion = Motion.recorded(observed.recorded)
    home = observed.stacks.get(StackRef(StackKind.GLOBAL, topology.home_region))
    routing = observed.stacks.get(StackRef(StackKind.ROUTING, topology.home_region))
    edge = known(observed.stacks.get(StackRef(StackKind.EDGE, EDGE_REGION)))
    singles = {
        "dns": (observed.zone, observed.records),
        "edge": (observed.distribution,),
        "database": (observed.global_cluster,),
    }
    unread = observed.unknown_regions()
    regions = dict.fromkeys((*topology.region_names, *observed.live_regions(), *unread))
    led = edge is None or not edge.beyond_update  # a creation that broke off promised nobody anything
    leads = led and _leads_to_the_distribution(topology, observed)
    return Picture(
        places={r: _place(topology, observed, r, unknown=r in unread) for r in regions},
        writer=writers[0] if len(writers) == 1 else None,
        moving=cluster is not None and cluster.failover is not None,
        engine=topology.database.version,
        global_stack=isinstance(home, Unknown) or (home is not None and home.stands),
        global_cluster=observed.global_cluster is not None,
        wreck=isinstance(routing, StackState) and routing.beyond_update,
        edge=leads,
        served=leads or (edge is not None and edge.stands) or (motion is not None and bool(motion.traffic)),
        schema=_schema(topology, observed),
        versions=_versions(edge),
        blind=frozenset(n for n, seen in singles.items() if any(isinstance(s, Unknown) for s in seen)),
    )


def _schema(topology: Topology, observed: Observed) -> Schema:
    if not unapplied(topology, observed):
        return "applied"
    return "behind" if migrator_stands(topology, observed) else "out of reach"


def requests_stopped(observed: Observed, region: str) -> bool:
    """Nobody asked this Region anything lately; not to be told of one whose requests cannot be read."""
    series = observed.requests.get(region, ())
    return not isinstance(series, Unknown) and not any(n > 0 for at, n in series if at > observed.at - QUIET)


def _place(topology: Topology, observed: Observed, region: str, *, unknown: bool) -> Place:
    gate = observed.gates.get(region)
    shut = gate is None or (not isinstance(gate, Unknown) and gate.is_closed)
    records = _records(topology, observed, region)
    unled = shut and records == "none" and not isinstance(observed.records, Unknown)
    since = observed.drained_since(region)
    waited = since is not None and observed.at - since >= timedelta(seconds=topology.routing.drain_seconds)
    probe = known(observed.probes.get(region))
    api = _api(observed.stacks.get(StackRef(StackKind.API, region)))
    interfaces = observed.interfaces.get(region, 0)
    data_stack = observed.stacks.get(StackRef(StackKind.DATA, region))
    cluster = known(observed.clusters.get(region))
    return Place(
        region=region,
        wanted=region in topology.region_names,
        gate=_gate(observed, region),
        drained=unled or waited,
        quiet=unled or (shut and requests_stopped(observed, region)),
        records=records,
        api=api,
        healthy=probe is not None and probe.healthy is True,
        linked=api != "absent" or interfaces != 0,
        data=_data(observed, region),
        available=cluster is not None and cluster.available and not cluster.pending,
        connected=_connected(observed, region),
        near=_near(topology, observed, region, cluster),
        version=cluster.engine_version if cluster else "",
        master="Master" in _resources(known(data_stack)),
        unknown=unknown,
    )


def _gate(observed: Observed, region: str) -> Gate:
    gate = observed.gates.get(region)
    if isinstance(gate, Unknown):
        return "unknown"
    if gate is None:
        return "absent"
    return "closed" if gate.is_closed else "open"


def _records(topology: Topology, observed: Observed, region: str) -> Records:
    """How many of its two latency names lead there."""
    if isinstance(observed.records, Unknown):
        return "none"
    names = {topology.route_name, topology.origin_name}
    found = {r.name for r in observed.records if r.region == region and r.name in names}
    return "all" if found == names else "some" if found else "none"


def _api(seen: StackState | Unknown | None) -> Api:
    if isinstance(seen, Unknown):
        return "unknown"
    if seen is None or seen.status in {"REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS"}:
        return "absent"
    if seen.status == "UPDATE_ROLLBACK_FAILED":
        return "stuck"
    return "up" if seen.stands else "broken"


def _data(observed: Observed, region: str) -> Data:
    whole, cluster = observed.global_cluster, observed.clusters.get(region)
    seen = observed.stacks.get(StackRef(StackKind.DATA, region))
    unread = isinstance(cluster, Unknown) or isinstance(seen, Unknown)
    new = isinstance(seen, StackState) and seen.status in {"REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS"}
    if isinstance(whole, Unknown):
        return "unknown"
    if whole is not None and whole.member(region):
        stands = isinstance(seen, StackState) and (new or seen.stands)
        return "unknown" if unread else "member" if stands else "broken"
    if unread:
        return "unread"
    if cluster is None:
        return "absent" if seen is None or new else "shell"
    return "absent" if new else "apart"


def _connected(observed: Observed, region: str) -> bool:
    whole = known(observed.global_cluster)
    member = whole.member(region) if whole else None
    return member is not None and (member.is_writer or member.synchronization in {None, "connected"})


def _near(topology: Topology, observed: Observed, region: str, cluster: Cluster | None) -> bool:
    whole, lag = known(observed.global_cluster), cluster.lag_ms if cluster else None
    writes = whole is not None and whole.writer == region
    return writes or (lag is not None and lag <= topology.database.max_replica_lag_ms)


def _leads_to_the_distribution(topology: Topology, observed: Observed) -> bool:
    found, name = known(observed.distribution), topology.domain.name
    if found is None or not found.enabled or name not in found.aliases or isinstance(observed.records, Unknown):
        return False
    return any(r.name == name and r.alias == found.domain_name.lower() for r in observed.records)


def _versions(edge: StackState | None) -> frozenset[str]:
    """Numbers of the function versions that the edge stack holds."""
    held = edge.resources if edge else {}
    kinds = _resources(edge)
    return frozenset(
        physical.rsplit(":", 1)[-1]
        for logical, physical in held.items()
        if kinds.get(logical, {}).get("Type") == "AWS::Lambda::Version"
    )


def _resources(state: StackState | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (state.template or {}).get("Resources", {}) if state else {}
    return found
