"""What the planner looks at: desired, observed and their difference, with the questions it asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.model.change import Diff
from reconciler.model.observed import Observed, StackState, TrafficGate, Unknown, known
from reconciler.model.stacks import DesiredStack, StackKind, StackRef
from reconciler.model.topology import Topology, Traffic


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
        """Nothing of this Region that a step would rely on is unknown."""
        seen = (
            *(s for ref, s in self.observed.stacks.items() if ref.region == region),
            self.observed.clusters.get(region),
            self.observed.gates.get(region),
        )
        return not any(isinstance(s, Unknown) for s in seen)

    @cached_property
    def live_regions(self) -> tuple[str, ...]:
        """Regions where this topology has something, whether or not the document still names them."""
        members = known(self.observed.global_cluster)
        found = [m.region for m in members.members] if members else []
        found += [r for r, g in self.observed.gates.items() if g is not None]
        found += [
            ref.region
            for ref, s in self.observed.stacks.items()
            if s is not None and ref.kind in {StackKind.DATA, StackKind.API}
        ]
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

    def pending(self, ref: StackRef) -> bool:
        """The stack is not yet what it should be: absent, changing, failed, different, or drifted."""
        state = self.state(ref)
        if state is None or not state.complete:
            return not isinstance(self.observed.stacks.get(ref), Unknown)
        return bool(self.diff.changed(ref) or self.heals(ref))

    def heals(self, ref: StackRef) -> bool:
        return self.topology.drift.mode == "heal" and bool(self.diff.to_heal(ref))
