"""What a plan is going to make: the part of the topology that is not there yet, which alone is worth questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reconciler.model.observed import Observed, StackState, Unknown
from reconciler.model.plan import Plan
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.survey import Answers, Question
from reconciler.model.topology import EDGE_REGION, Topology

INSTANCE = "AWS::RDS::DBInstance"


@dataclass(frozen=True, kw_only=True)
class Scene:
    topology: Topology
    observed: Observed
    plan: Plan
    answers: Answers = field(default_factory=dict)

    def answer(self, question: Question) -> Any:
        return self.answers.get(question, Unknown("NotAsked", "it was not asked"))

    def makes(self, kind: StackKind, region: str) -> bool:
        """Whether the stack has yet to be made: it is not there, or never came to life."""
        state = self.observed.stacks.get(StackRef(kind, region))
        if isinstance(state, StackState):
            return state.beyond_update or state.status == "REVIEW_IN_PROGRESS"
        return state is None

    def lacks(self, kind: StackKind, region: str) -> bool:
        """Nothing of the stack is there, so that whatever goes by its names is somebody else's."""
        return self.observed.stacks.get(StackRef(kind, region)) is None

    @cached_property
    def foundations(self) -> tuple[str, ...]:
        return tuple(r for r in self.topology.deployment_regions if self.makes(StackKind.FOUNDATION, r))

    @cached_property
    def databases(self) -> tuple[str, ...]:
        return tuple(r for r in self.topology.region_names if self.makes(StackKind.DATA, r))

    @cached_property
    def apis(self) -> tuple[str, ...]:
        return tuple(r for r in self.topology.region_names if self.makes(StackKind.API, r))

    @cached_property
    def gates(self) -> tuple[str, ...]:
        return tuple(r for r in self.topology.region_names if self.observed.gates.get(r) is None)

    @cached_property
    def edge(self) -> bool:
        return self.makes(StackKind.EDGE, EDGE_REGION)

    @cached_property
    def unread(self) -> tuple[str, ...]:
        """Regions of which nothing can be read: it may be that the account has not enabled them."""
        return tuple(
            r
            for r in self.topology.deployment_regions
            if isinstance(self.observed.stacks.get(StackRef(StackKind.FOUNDATION, r)), Unknown)
        )

    def more_instances(self, region: str) -> int:
        """Database instances that this plan adds in a Region."""
        state = self.observed.stack(StackKind.DATA, region)
        there = 0 if state is None or region in self.databases else sum(1 for _ in of_type(state, INSTANCE))
        return max(0, self.topology.database.instances_per_region - there)

    def changes(self, path: str) -> bool:
        return any(change.path.endswith(path) for change in self.plan.changes)


def of_type(state: StackState, kind: str) -> Iterator[dict[str, Any]]:
    """Properties of each resource of a type in the applied template."""
    for body in ((state.template or {}).get("Resources") or {}).values():
        if body.get("Type") == kind:
            yield body.get("Properties") or {}
