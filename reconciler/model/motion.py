"""What was declared and done of motion (who writes, which gates are open): the journal's part that AWS cannot tell.

A writer elsewhere or a closed gate is somebody's hand unless we did it, or a commit asks for it. Kept in the status document
under `motion`, and written *before* the request it speaks of: who dies in between finds an intention, never a riddle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.observed import Seen, TrafficGate, known
from reconciler.model.plan import Plan, Step, StepAction
from reconciler.model.topology import Topology

REPLICAS_LIVE, AGAIN = timedelta(hours=6), timedelta(hours=1)
_MOVES = (StepAction.OPEN_GATE, StepAction.CLOSE_GATE, StepAction.MEND_GATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    writers: frozenset[str] = frozenset()
    """Regions where the writer is by our doing or with our knowledge: the declared one, and one that a switchover was asked for."""
    traffic: Mapping[str, str] = field(default_factory=dict)
    """Region to the traffic that was declared when this topology last converged."""
    gates: Mapping[str, int] = field(default_factory=dict)
    """Region to the version that the traffic gate has after our last move of it: a later one is somebody else's."""
    approved: Mapping[str, str] = field(default_factory=dict)
    """Hazard that a commit allowed by the fingerprint of a whole plan, to the structure of the topology it was allowed for."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """`digest` of an API template that made a Region sick, with `region`, `reason` and `since`: it is not rolled out further."""
    edge_version: str = ""
    """`name:number` of the router's version that the distribution used when last seen."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Superseded versions of the router, each with the time when its deletion may be tried (again): CloudFront's replicas go
    hours after the last association, and AWS does not tell when."""
    destroying: bool = False

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None) -> Motion | None:
        """What the status document holds; None where there is no document, so that nobody can tell a commit from a hand."""
        found = (document or {}).get("motion")
        if found is None:
            return None
        return cls(
            writers=frozenset(found.get("writers", ())),
            traffic=dict(found.get("traffic", {})),
            gates={r: int(v) for r, v in found.get("gates", {}).items()},
            approved=dict(found.get("approved", {})),
            broken=dict(found.get("broken", {})),
            edge_version=found.get("edgeVersion", ""),
            versions=dict(found.get("versions", {})),
            destroying=bool(found.get("destroying", False)),
        )

    def document(self) -> dict[str, Any]:
        return {
            "writers": sorted(self.writers),
            "traffic": dict(sorted(self.traffic.items())),
            "gates": dict(sorted(self.gates.items())),
            "approved": dict(sorted(self.approved.items())),
            "broken": dict(sorted(self.broken.items())),
            "edgeVersion": self.edge_version,
            "versions": dict(sorted(self.versions.items())),
            "destroying": self.destroying,
        }

    def converged(self, topology: Topology) -> Motion:
        """After everything is as declared: what was declared is what we know, and earlier intentions are history."""
        return replace(
            self,
            writers=frozenset({topology.database.writer}),
            traffic={r.name: str(r.traffic) for r in topology.regions},
            approved={},
            broken={},
        )

    def intends(self, plan: Plan, gates: Mapping[str, Seen[TrafficGate]], writer: str | None = None) -> Motion:
        """Before the first wave of a plan: where its switchover takes the writer (and where it leaves it, should it come
        back), the version that each of its gates gets, and the approvals that it rests on."""
        moved, moves = {}, [s.region for s in plan.current if s.action is StepAction.SWITCHOVER]
        for step in plan.current:
            gate = known(gates.get(step.region or ""))
            if step.region and step.action is StepAction.CREATE_GATE:
                moved[step.region] = 1
            if step.region and gate and step.action in _MOVES and self._ours(step, gate):
                moved[step.region] = gate.version + 1
        return replace(
            self,
            writers=self.writers | {r for r in (*moves, writer if moves else None) if r},
            gates={**self.gates, **moved},
            approved={**self.approved, **plan.approved},
        )

    def sees_version(self, version: str | None, at: datetime) -> Motion:
        """The router's version that is in use now: the one before it is superseded, and may go in some hours."""
        if not version or version == self.edge_version:
            return self
        old = {self.edge_version: (at + REPLICAS_LIVE).isoformat()} if self.edge_version else {}
        kept = {v: due for v, due in {**self.versions, **old}.items() if v != version}
        return replace(self, edge_version=version, versions=kept)

    def tried(self, gone: Iterable[str], refused: Iterable[str], at: datetime) -> Motion:
        """After deletions of superseded versions: those that are gone are forgotten, the others are tried again in an hour."""
        left = {v: due for v, due in self.versions.items() if v not in set(gone)}
        return replace(self, versions={**left, **{v: (at + AGAIN).isoformat() for v in refused if v in left}})

    def _ours(self, step: Step, gate: TrafficGate) -> bool:
        """Mending a gate that somebody closed leaves it closed, and theirs."""
        mends = step.action is StepAction.MEND_GATE
        return not mends or not gate.is_closed or gate.never_opened or self.gates.get(step.region or "") == gate.version
