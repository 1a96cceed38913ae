"""What the planner looks at: desired, observed and their difference, with the questions it asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.model.change import Diff
from reconciler.model.observed import Observed, StackState, TrafficGate, Unknown, known
from reconciler.model.stacks import DesiredStack, StackKind, StackRef
from reconciler.model.topology import Topology, Traffic

_OF_A_REGION = (StackKind.DATA, StackKind.API)


@dataclass(frozen=True, kw_only=True)
class Scene:
    topology: Topology
    observed: Observed
    diff: Diff
    stacks: Mapping[StackRef, DesiredStack]

    def state(self, ref: StackRef) -> StackState | None:
        return known(self.observed.stacks.get(ref))

    def gate(self, region: str) -> TrafficGate | None:
        return known(self.observed.gates.get(region))

    def readable(self, region: str) -> bool:
        """Nothing of this Region that a step would rest on is unknown."""
        return region not in self.unreadable

    @cached_property
    def unreadable(self) -> Mapping[str, Unknown]:
        return self.observed.unknown_regions()

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
        founder = next((r.region for r, s in self.stacks.items() if s.template.key == "data-founder"), None)
        return founder in self.joining or self.state(ref) is not None or bool(cluster and cluster.members)

    @cached_property
    def live_regions(self) -> tuple[str, ...]:
        """Regions where this topology has something, whether or not the document still names them."""
        members = known(self.observed.global_cluster)
        found = [m.region for m in members.members] if members else []
        found += [r for r in self.observed.gates if self.gate(r)]
        found += [ref.region for ref in self.observed.stacks if self.state(ref) and ref.kind in _OF_A_REGION]
        return tuple(dict.fromkeys(found))

    @cached_property
    def joining(self) -> tuple[str, ...]:
        """Desired Regions that never took traffic, in the file's order: no gate, or one never opened."""
        return tuple(r for r in self.topology.region_names if self.readable(r) and not self._established(r))

    @cached_property
    def established(self) -> tuple[str, ...]:
        """Desired Regions that take traffic or once did, in rollout order (the writer last)."""
        return tuple(r for r in self.topology.rollout_order if self.readable(r) and self._established(r))

    def _established(self, region: str) -> bool:
        gate = self.gate(region)
        return gate is not None and not gate.never_opened

    def opens(self, region: str) -> bool:
        """A joining Region that the document wants to serve."""
        return self.topology.region(region).traffic is Traffic.SERVING

    def serving_wanted(self, region: str) -> bool:
        """An established Region whose gate is open and shall be."""
        gate = self.gate(region)
        return self.opens(region) and gate is not None and gate.is_open

    def sick(self, ref: StackRef) -> bool:
        """The Region of this stack is known not to do its work: deploying it takes nothing away, and may be the cure."""
        gate, cluster = self.gate(ref.region), known(self.observed.clusters.get(ref.region))
        unserved = self.observed.stacks.get(StackRef(StackKind.API, ref.region)) is None
        down = gate is not None and gate.is_open and gate.healthy is False
        broken = ref.kind is StackKind.DATA and cluster is not None and not cluster.available
        return unserved or down or broken

    def pending(self, ref: StackRef) -> bool:
        """The stack is not yet what it should be: absent, changing, failed, different, or drifted."""
        state = self.state(ref)
        if state is None or not (state.complete or state.rolled_back):
            return not isinstance(self.observed.stacks.get(ref), Unknown)
        return bool(self.diff.changed(ref) or self.heals(ref))

    def heals(self, ref: StackRef) -> bool:
        """Drift is written back, but not while something in the same stack is held: a change set reverts all of it."""
        wanted = self.topology.drift.mode == "heal" and bool(self.diff.to_heal(ref))
        return wanted and not self.diff.held(ref)
