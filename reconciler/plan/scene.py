"""What the planner looks at: desired, observed and their difference, with the questions it asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from reconciler.model.change import Action, Diff, Finding, Tool
from reconciler.model.motion import Motion, unapplied
from reconciler.model.observed import Cluster, GlobalCluster, Observed, StackState, TrafficGate, Unknown, known
from reconciler.model.plan import Goal, place_of
from reconciler.model.stacks import REGIONAL, DesiredStack, StackKind, StackRef, routed_regions
from reconciler.model.topology import Migration, Topology, Traffic
from reconciler.plan.schema import migrator_stands

FULL = 0.8
"""Share of their maximum capacity that databases may come to when others' traffic is added."""
_DELETING = ("DELETE_IN_PROGRESS", "DELETE_FAILED")


@dataclass(frozen=True, kw_only=True)
class Scene:
    topology: Topology
    observed: Observed
    diff: Diff
    stacks: Mapping[StackRef, DesiredStack]
    goal: Goal = Goal.CONVERGE
    disregarded: frozenset[str] = frozenset()
    """Regions whose callers past DNS do not count, as the document allows by name."""

    # ---- what was read ----

    def state(self, ref: StackRef) -> StackState | None:
        return known(self.observed.stacks.get(ref))

    def gate(self, region: str) -> TrafficGate | None:
        return known(self.observed.gates.get(region))

    def cluster(self, region: str) -> Cluster | None:
        return known(self.observed.clusters.get(region))

    @property
    def database(self) -> GlobalCluster | None:
        return known(self.observed.global_cluster)

    @cached_property
    def writer(self) -> str | None:
        """Where the writer is now."""
        return self.database.writer if self.database else None

    @cached_property
    def motion(self) -> Motion | None:
        """What is recorded, and which version of the router this look supersedes: its deletion is still to come."""
        found = Motion.recorded(self.observed.recorded)
        return found and found.sees_version(self.observed.edge_version(), self.observed.at)

    @cached_property
    def unapplied(self) -> tuple[Migration, ...]:
        """Migrations that the database is not known to hold."""
        return unapplied(self.topology, self.observed)

    @cached_property
    def can_migrate(self) -> bool:
        """The function that does it stands where the writer is."""
        return migrator_stands(self.topology, self.observed)

    def readable(self, region: str) -> bool:
        """Nothing of this Region that a step would rest on is unknown."""
        return region not in self.unreadable

    @cached_property
    def unreadable(self) -> Mapping[str, Unknown]:
        return self.observed.unknown_regions()

    @cached_property
    def routing(self) -> StackRef:
        return StackRef(StackKind.ROUTING, self.topology.home_region)

    @cached_property
    def routed(self) -> frozenset[str]:
        """Regions whose records the routing stack holds, told from its applied template."""
        state = self.state(self.routing)
        return routed_regions(state.template if state else None)

    def deployable(self, ref: StackRef) -> bool:
        """All that a deployment of this stack rests on was read: what is there already, whose it is, what would be undone."""
        seen = self.observed
        match ref.kind:
            case StackKind.GLOBAL:
                return not isinstance(seen.global_cluster, Unknown)
            case StackKind.DATA:
                return self.readable(ref.region) and self._membership_is_clear(ref)
            case StackKind.API:
                return self.readable(ref.region) and not isinstance(seen.zone, Unknown)
            case StackKind.ROUTING:
                return not any(isinstance(fact, Unknown) for fact in (seen.zone, seen.records))
            case StackKind.EDGE:
                return not any(isinstance(fact, Unknown) for fact in (seen.zone, seen.records, seen.distribution))
            case _:
                return True

    def _membership_is_clear(self, ref: StackRef) -> bool:
        """Whether a new cluster founds the global database or joins it: two founders, or none, would be wrong."""
        cluster = self.observed.global_cluster
        if isinstance(cluster, Unknown):
            return False
        return self.founder in self.joining or self.state(ref) is not None or bool(cluster and cluster.members)

    @cached_property
    def founder(self) -> str | None:
        """The Region whose cluster makes the database, or made it."""
        return next((r.region for r, s in self.stacks.items() if s.template.key == "data-founder"), None)

    # ---- which Regions are what ----

    @cached_property
    def live_regions(self) -> tuple[str, ...]:
        """Regions where this topology has something, whether or not the document still names them."""
        return self.observed.live_regions()

    @cached_property
    def rollout_order(self) -> tuple[str, ...]:
        """Desired Regions in the file's order, the one that writes now last."""
        names = self.topology.region_names
        last = self.writer if self.writer in names else self.topology.database.writer
        return (*(r for r in names if r != last), *([last] if last in names else []))

    @cached_property
    def joining(self) -> tuple[str, ...]:
        """Desired Regions that are not whole yet and take no traffic, in the file's order."""
        return tuple(r for r in self.topology.region_names if self.readable(r) and not self._established(r))

    @cached_property
    def established(self) -> tuple[str, ...]:
        """Desired Regions that take traffic or did, and are whole, in rollout order (the writer last)."""
        return tuple(r for r in self.rollout_order if self.readable(r) and self._established(r))

    def _established(self, region: str) -> bool:
        """A Region behind a closed gate that was taken apart joins anew, whoever closed it. One that joined as drained, and
        shall stay so, has joined once its records are there."""
        gate = self.gate(region)
        if gate is None:
            return False
        whole = self._stands(StackKind.DATA, region) and self._stands(StackKind.API, region)
        if gate.never_opened:
            return whole and region in self.routed and not self.opens(region)
        return not gate.is_closed or whole

    def _stands(self, kind: StackKind, region: str) -> bool:
        state = self.observed.stack(kind, region)
        return state is not None and state.template is not None and state.status not in _DELETING

    @cached_property
    def leaving(self) -> tuple[str, ...]:
        """Regions on AWS that the document does not name, sorted; with `destroy`, all of them, the writer last."""
        named = () if self.goal is Goal.DESTROY else self.topology.region_names
        return tuple(sorted(self.observed.leaving(named), key=lambda r: r == self.writer))

    @cached_property
    def half_removed(self) -> tuple[str, ...]:
        """Desired Regions whose data stack cannot be brought back: what is left of it goes first, then they join anew. They
        were on their way out too far to turn round, or joining broke off with the cluster there; none takes traffic."""
        return tuple(r for r in self.topology.region_names if self.readable(r) and self._half_removed(r))

    def _half_removed(self, region: str) -> bool:
        gate, data, cluster = self.gate(region), self.observed.stack(StackKind.DATA, region), self.cluster(region)
        if data is None or self.observed.stacks.get(StackRef(StackKind.API, region)) or region in self.routed:
            return False
        if region == self.writer or (gate is not None and not gate.is_closed):
            return False
        apart = self.database is not None and self.database.member(region) is None  # the cluster goes before its stack
        if cluster is None:  # a stack on its way out is waited for, or recovered
            return data.stands
        return data.status in _DELETING or data.beyond_update or (apart and data.stands)

    # ---- traffic ----

    @cached_property
    def held(self) -> frozenset[str]:
        """Paths of findings that are left to a person, or that the document waives."""
        return self.diff.left_alone

    def opens(self, region: str) -> bool:
        """The document wants this Region to serve, and nobody's hand is on its gate."""
        return self.topology.region(region).traffic is Traffic.SERVING and not self.gate_held(region)

    def gate_held(self, region: str) -> bool:
        """Somebody put its gate where the document does not want it."""
        return f"regions/{region}/traffic" in self.held

    def serving_wanted(self, region: str) -> bool:
        """A Region whose gate is open and shall be."""
        gate = self.gate(region)
        return region in self.topology.region_names and self.opens(region) and gate is not None and gate.is_open

    @cached_property
    def open_regions(self) -> tuple[str, ...]:
        """Where traffic goes now, of all live Regions."""
        return tuple(r for r in self.live_regions if (gate := self.gate(r)) and gate.is_open)

    @cached_property
    def closing(self) -> tuple[str, ...]:
        """Regions whose gate is open and shall be closed: those declared drained in the file's order, then those that leave.
        It takes no more than the gate: a Region that does not answer can be drained, too."""
        drained = [r.name for r in self.topology.regions if r.traffic is Traffic.DRAINED and not self.gate_held(r.name)]
        return tuple(r for r in (*drained, *self.leaving) if r in self.open_regions)

    @cached_property
    def ailing(self) -> tuple[str, ...]:
        """Regions declared drained that are sick, while all that go on serving do well: others would wait for their health."""
        serving = [r for r in self.topology.region_names if self.serving_wanted(r)]
        probes = {r: known(self.observed.probes.get(r)) for r in serving}
        well = all((g := self.gate(r)) and g.healthy and (p := probes[r]) and p.healthy for r in serving)
        enough = len(serving) >= max(1, self.topology.safety.min_serving)
        sick = (r for r in self.closing if r not in self.leaving and (g := self.gate(r)) and g.healthy is False)
        return tuple(sick) if well and enough and all(map(self.readable, serving)) else ()

    @cached_property
    def failed_rollout(self) -> str | None:
        """The Region that a rollout made sick, as long as what was rolled out is still desired."""
        held = any(s.held for s in self.stacks.values())
        return self.motion.broken.get("region") if held and self.motion else None

    @cached_property
    def fallen(self) -> str | None:
        """That Region, while it takes traffic, is unhealthy, and the others can carry its load: it is taken out at once. A gate
        that was opened again counts its old minutes for a while, so its probe has to say the same. One that somebody opened
        against the document stays open."""
        region = self.failed_rollout
        if region is None or region not in self.open_regions or region in self.closing or self.gate_held(region):
            return None
        gate, probe = self.gate(region), known(self.observed.probes.get(region))
        others = [r for r in self.open_regions if r != region]
        healthy = [r for r in others if (g := self.gate(r)) and g.healthy and self.serving_wanted(r)]
        enough = len(healthy) >= max(1, self.topology.safety.min_serving)
        sick = gate is not None and gate.healthy is False and probe is not None and probe.healthy is False
        return region if sick and enough and self.load_without([region]) <= FULL else None

    def load_without(self, closing: Sequence[str]) -> float:
        """Share of their maximum capacity that the other Regions' databases would run at; 0 where nothing was measured. One that
        was not measured is taken to be as busy as the busiest."""
        measured = {r: c.load for r in self.open_regions if (c := self.cluster(r)) and c.load is not None}
        loads = {r: measured.get(r, max(measured.values())) for r in self.open_regions} if measured else {}
        staying = [r for r in self.open_regions if r not in closing]
        joining = [r for r in self.topology.region_names if self.opens(r) and r not in self.open_regions]
        places = len(staying) + len(joining)
        moved = sum(loads[r] for r in closing if r in loads)
        return (moved + sum(loads.get(r, 0.0) for r in staying)) / places if moved and places else 0.0

    @property
    def open_edge(self) -> bool:
        """Clients may be led to the Regions: the edge stack, or its distribution, is there."""
        edge = any(ref.kind is StackKind.EDGE and state is not None for ref, state in self.observed.stacks.items())
        return edge or self.observed.distribution is not None

    @cached_property
    def drain_span(self) -> timedelta:
        return timedelta(seconds=self.topology.routing.drain_seconds)

    def drained_for(self, region: str) -> timedelta:
        """How long DNS has not answered with this Region."""
        since: datetime | None = self.observed.drained_since(region)
        return max(self.observed.at - since, timedelta()) if since else timedelta()

    # ---- what is to be done ----

    @property
    def writer_moves(self) -> bool:
        """A commit wants another writer; one moved by hand stays where it is."""
        wanted = self.topology.database.writer
        return bool(self.writer) and self.writer != wanted and "database/writer" not in self.held

    @property
    def unrouting(self) -> bool:
        """What the routing stack has to change now is the removal of a drained Region's records."""
        return any(c.action is Action.DELETE for c in self.diff.changed(self.routing))

    @cached_property
    def blast(self) -> int:
        """How many Regions that serve, or did when this topology last converged, shall not serve any more."""
        serving = {r.name for r in self.topology.regions if r.traffic is Traffic.SERVING}
        declared = {r for r, t in self.motion.traffic.items() if t == Traffic.SERVING} if self.motion else set()
        return len(declared.union(self.closing) - serving) if self.closing else 0

    @cached_property
    def master_stays(self) -> bool:
        """Some Region that stays holds the master credentials."""
        return any("Master" in _resources(self.state(StackRef(StackKind.DATA, r))) for r in self.topology.region_names)

    def holds_master(self, region: str) -> bool:
        return "Master" in _resources(self.state(StackRef(StackKind.DATA, region)))

    def sick(self, ref: StackRef) -> bool:
        """The Region of this stack is known not to do its work: deploying it takes nothing away, and may be the cure."""
        gate, cluster = self.gate(ref.region), known(self.observed.clusters.get(ref.region))
        unserved = self.observed.stacks.get(StackRef(StackKind.API, ref.region)) is None
        down = gate is not None and gate.is_open and gate.healthy is False
        broken = ref.kind is StackKind.DATA and cluster is not None and not cluster.available
        return unserved or down or broken

    def answers(self, region: str) -> bool:
        """Its probe says so; its gate may not know it yet."""
        probe = known(self.observed.probes.get(region))
        return probe is not None and probe.healthy is True

    def out(self, region: str) -> bool:
        """Nobody is sent there, and it would not answer: it is neither in need of anything at once, nor proof of anything."""
        gate, probe = self.gate(region), known(self.observed.probes.get(region))
        return gate is not None and gate.is_closed and probe is not None and probe.healthy is False

    def pending(self, ref: StackRef) -> bool:
        """The stack is not yet what it should be: absent, changing, failed, different, or drifted."""
        state = self.state(ref)
        if ref.region in self.half_removed and ref.kind in (StackKind.DATA, StackKind.API):
            return True
        if state is None or not (state.complete or state.rolled_back):
            return not isinstance(self.observed.stacks.get(ref), Unknown)
        return bool(self.diff.changed(ref) or self.heals(ref))

    @property
    def unread_members(self) -> tuple[str, ...]:
        """Members of the global database, and Regions that shall be, that could not be read now: nobody can tell their engine's
        version, nor whether they are at rest, join or leave."""
        members = (m.region for m in (self.database.members if self.database else ()))
        return tuple(r for r in dict.fromkeys((*members, *self.topology.region_names)) if not self.readable(r))

    def unsure(self, ref: StackRef) -> bool:
        """A stack that all Regions rest on could not be read."""
        return ref.kind not in REGIONAL and isinstance(self.observed.stacks.get(ref), Unknown)

    def heals(self, ref: StackRef) -> bool:
        """Drift is written back, but not while something in the same stack is held: a change set reverts all of it."""
        wanted = self.topology.drift.mode == "heal" and bool(self.diff.to_heal(ref))
        return wanted and not self.diff.held(ref)

    def called(self, tool: Tool) -> Mapping[str | None, tuple[Finding, ...]]:
        """What this tool puts back, by the Region it is asked in. A cluster with something pending is not touched: the call would
        bring that into effect, too."""
        found: dict[str | None, tuple[Finding, ...]] = {}
        for finding in self.diff.findings if self.topology.drift.mode == "heal" else ():
            region = place_of(finding)
            pending = tool is Tool.CLUSTER and (c := self.cluster(region or "")) is not None and c.pending
            if finding.tool is tool and finding.called and not pending:
                found[region] = (*found.get(region, ()), finding)
        return found

    def mends(self, region: str) -> bool:
        """Its gate is put back, where it ignores its probe: not once that has been in vain, nor while the document waives it."""
        return self.topology.drift.mode == "heal" and f"regions/{region}/traffic" not in self.held

    def upgrades(self, ref: StackRef) -> bool:
        """The engine's version changes with this stack."""
        return any(c.path.endswith("database/version") for c in self.diff.changed(ref)) and self.state(ref) is not None


def _resources(state: StackState | None) -> Mapping[str, object]:
    found: Mapping[str, object] = (state.template or {}).get("Resources", {}) if state else {}
    return found
