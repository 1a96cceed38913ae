"""What was declared and done of motion (who writes, which gates are open): the journal's part that AWS cannot tell.

A writer elsewhere or a closed gate is somebody's hand unless we did it, or a commit asks for it. Kept in the status document
under `motion`, and written *before* the request it speaks of: who dies in between finds an intention, never a riddle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.approval import carried, finishing
from reconciler.model.detection import Detection
from reconciler.model.observed import Observed, Seen, StackState, TrafficGate, known
from reconciler.model.plan import Plan, Step, StepAction
from reconciler.model.repairs import Repairs
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Migration, Topology

SHOWS = timedelta(minutes=3)
"""A Region that a change made sick is known to be so by then: three failures, a whole minute, and CloudWatch's delay."""
REPLICAS_LIVE, AGAIN = timedelta(hours=6), timedelta(hours=1)
_MOVES = (StepAction.OPEN_GATE, StepAction.CLOSE_GATE, StepAction.MEND_GATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    writers: frozenset[str] = frozenset()
    """Regions where the writer is by our doing or with our knowledge: those that were declared, and where it was at that time."""
    arrived: str = ""
    """Since when the writer is seen where a commit wants it; empty once that is settled, or while it is not there."""
    traffic: Mapping[str, str] = field(default_factory=dict)
    """Region to the traffic that was declared when this topology last converged."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """Region to the traffic that was declared when we last moved its gate, until this topology converges: who moves that gate
    afterwards does it against that."""
    gates: Mapping[str, int] = field(default_factory=dict)
    """Region to the version that the traffic gate has after our last move of it: a later one is somebody else's."""
    approved: Mapping[str, str] = field(default_factory=dict)
    """Hazard that a commit allowed by the fingerprint of a whole plan, to the structure of the topology it was allowed for; and
    `hazard@step` that was approved with a whole plan, to what was declared then and the fingerprint: the rest of a plan has
    another one."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """`digest` of an API template that made a Region sick, with `region`, `reason` and `since`: it is not rolled out further."""
    changing: frozenset[str] = frozenset()
    """Regions whose stacks we last began to change and did not yet see at rest for a while: should one of them fall silent,
    nobody knows what became of it, and no other Region that serves is changed."""
    edge_version: str = ""
    """`name:number` of the router's version that the distribution used when last seen."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Superseded versions of the router, each with the time when its deletion may be tried (again): CloudFront's replicas go
    hours after the last association, and AWS does not tell when."""
    migrated: Mapping[str, str] = field(default_factory=dict)
    """Migrations that the database is known to hold: name to SHA-256."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Stack that never came to life to the id that it had: its next creation is another attempt, with request tokens of its own."""
    destroying: bool = False
    repairs: Repairs = field(default_factory=Repairs)
    """What we wrote back, and what came back."""
    detections: Mapping[str, Detection] = field(default_factory=dict)
    """Stack to what CloudFormation last said of its drift."""

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None) -> Motion | None:
        """What the status document holds; None where it holds nothing, or nothing that makes sense: then nobody can tell a
        commit from a hand."""
        found = (document or {}).get("motion")
        try:
            return None if found is None else cls._read(found)
        except (
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ):  # whoever may write to the table wrote something else there
            return None

    @classmethod
    def _read(cls, found: Mapping[str, Any]) -> Motion:
        for due in found.get("versions", {}).values():
            _time(due)
        return cls(
            writers=frozenset(found.get("writers", ())),
            arrived=_time(arrived) if (arrived := found.get("arrived", "")) else "",
            traffic=dict(found.get("traffic", {})),
            asked=dict(found.get("asked", {})),
            gates={r: int(v) for r, v in found.get("gates", {}).items()},
            approved=dict(found.get("approved", {})),
            broken=dict(found.get("broken", {})),
            changing=frozenset(found.get("changing", ())),
            edge_version=found.get("edgeVersion", ""),
            versions=dict(found.get("versions", {})),
            migrated=dict(found.get("migrated", {})),
            failed=dict(found.get("failed", {})),
            destroying=bool(found.get("destroying", False)),
            repairs=Repairs.recorded(found.get("repairs", {})),
            detections={ref: Detection.recorded(one) for ref, one in found.get("detections", {}).items()},
        )

    def document(self) -> dict[str, Any]:
        return {
            "writers": sorted(self.writers),
            "arrived": self.arrived,
            "traffic": dict(sorted(self.traffic.items())),
            "asked": dict(sorted(self.asked.items())),
            "gates": dict(sorted(self.gates.items())),
            "approved": dict(sorted(self.approved.items())),
            "broken": dict(sorted(self.broken.items())),
            "changing": sorted(self.changing),
            "edgeVersion": self.edge_version,
            "versions": dict(sorted(self.versions.items())),
            "migrated": dict(sorted(self.migrated.items())),
            "failed": dict(sorted(self.failed.items())),
            "destroying": self.destroying,
            "repairs": self.repairs.document(),
            "detections": {ref: one.document() for ref, one in sorted(self.detections.items())},
        }

    def converged(self, topology: Topology, gates: Mapping[str, Seen[TrafficGate]], plan: Plan | None = None) -> Motion:
        """After everything is as declared: what was declared is what we know, and earlier intentions are history. So is the
        version of a move that was meant and never came: whoever gives a gate that version later is not us."""
        seen = {r: gate.version for r in self.gates if (gate := known(gates.get(r)))}
        return replace(
            self,
            gates={r: min(version, seen.get(r, version)) for r, version in self.gates.items()},
            writers=frozenset({topology.database.writer}),
            arrived="",
            traffic=_declared(topology),
            asked={},
            approved=finishing(plan.approved, {s.id for s in plan.steps}) if plan else {},
            broken={},
            failed={},
        )

    def spoken(self, region: str, wanted: str) -> bool:
        """Whether this traffic is what was declared already when the Region's gate was last ours: no commit spoke of it since."""
        return self.asked.get(region, self.traffic.get(region, wanted)) == wanted

    def intends(
        self,
        plan: Plan,
        topology: Topology,
        gates: Mapping[str, Seen[TrafficGate]],
        stacks: Mapping[StackRef, Seen[StackState]] | None = None,
    ) -> Motion:
        """Before the first wave of a plan: the version that each of its gates gets, and the approvals that it rests on."""
        moved = {}
        for step in plan.current:
            gate = known(gates.get(step.region or ""))
            if step.region and step.action is StepAction.CREATE_GATE:
                moved[step.region] = 1
            if step.region and gate and step.action in _MOVES and self._ours(step, gate):
                moved[step.region] = gate.version + 1
        return replace(
            self,
            asked={**self.asked, **{r: t for r, t in _declared(topology).items() if r in moved}},
            gates={**self.gates, **moved},
            approved=carried(self.approved, plan.approved),
            changing=self.changing | {s.region for s in plan.current if s.region and _changes(s)},
            failed={
                **self.failed,
                **{str(state.ref): state.id for s in plan.current if (state := _given_up(s, stacks or {}))},
            },
        )

    def sees_writer(self, observed: Observed, wanted: str) -> Motion:
        """Once our switchover has come to its end, and no read can be older than it, the Region that it left is history: a
        writer that goes back there is somebody's hand. So is one that leaves where the database was founded, before all is made.
        A commit that asks for another one speaks of wherever the writer is now, too, and is remembered before it is carried out:
        who helps it along by hand does what it asked for, and the next commit may ask for the way back."""
        cluster = known(observed.global_cluster)
        if cluster is not None and cluster.members and wanted not in self.writers:
            writers = self.writers | {r for r in (wanted, cluster.writer) if r}
            return replace(self, writers=writers, arrived="", migrated=self._kept(cluster.writer, wanted))
        there = cluster is not None and cluster.writer == wanted and not cluster.failover
        if not there or self.writers == {wanted}:
            return replace(self, arrived="") if self.arrived else self
        if not self.arrived:
            return replace(self, arrived=observed.at.isoformat())
        settled = observed.at - datetime.fromisoformat(self.arrived) >= SHOWS
        return replace(self, writers=frozenset({wanted}), arrived="") if settled else self

    def sees_rest(self, observed: Observed, soak: timedelta) -> Motion:
        """Regions whose stacks were read, and have been at rest for as long as a change of theirs takes to show."""
        resting = frozenset(r for r in self.changing if _at_rest(observed, r, soak + SHOWS))
        return replace(self, changing=self.changing - resting)

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

    def detected(self, found: Mapping[StackRef, Detection]) -> Motion:
        """After CloudFormation compared these stacks."""
        return replace(self, detections={**self.detections, **{str(ref): one for ref, one in found.items()}})

    def migrates(self, topology: Topology) -> Motion:
        """After the database was seen to hold every migration."""
        return replace(self, migrated={m.name: m.sha256 for m in topology.migrations})

    def unapplied(self, topology: Topology, writer: str | None) -> tuple[Migration, ...]:
        """Migrations that the database is not known to hold. Where somebody else moved the writer, as a failover does, what was
        applied before may be lost: a commit that adopts it asks for all of them again, which does no harm."""
        kept = self._kept(writer, topology.database.writer)
        return tuple(m for m in topology.migrations if kept.get(m.name) != m.sha256)

    def _kept(self, writer: str | None, wanted: str) -> Mapping[str, str]:
        """What is known to be applied, where the writer is there by our doing or with our knowledge."""
        adopted = writer == wanted and bool(self.writers) and wanted not in self.writers
        return {} if adopted else self.migrated

    def _ours(self, step: Step, gate: TrafficGate) -> bool:
        """Mending a gate that somebody closed leaves it closed, and theirs."""
        mends = step.action is StepAction.MEND_GATE
        return not mends or not gate.is_closed or gate.never_opened or self.gates.get(step.region or "") == gate.version


def unapplied(topology: Topology, observed: Observed) -> tuple[Migration, ...]:
    """Migrations that the database is not known to hold; to apply one again does no harm, the ledger there sees to that. A topology
    without a record is taken as it is at first: there is nowhere to write down what was applied."""
    cluster = known(observed.global_cluster)
    motion = Motion.recorded(observed.recorded) or (None if observed.live_regions() else Motion())
    return motion.unapplied(topology, cluster.writer if cluster else None) if motion else ()


def _declared(topology: Topology) -> dict[str, str]:
    return {r.name: str(r.traffic) for r in topology.regions}


def _time(text: str) -> str:
    """Itself; raises ValueError, or TypeError, where it is no time with its zone."""
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(text)
    return text


def _changes(step: Step) -> bool:
    deploys = step.action in (StepAction.DEPLOY, StepAction.REPAIR)
    return deploys and step.stack is not None and step.stack.kind in (StackKind.DATA, StackKind.API)


def _given_up(step: Step, stacks: Mapping[StackRef, Seen[StackState]]) -> StackState | None:
    """The stack that this step deletes because it never came to life."""
    state = known(stacks.get(step.stack)) if step.action is StepAction.RECOVER and step.stack else None
    return state if state and state.id and state.beyond_update else None


def _at_rest(observed: Observed, region: str, span: timedelta) -> bool:
    for kind in (StackKind.DATA, StackKind.API):
        state = observed.stacks.get(StackRef(kind, region))
        if state is None:
            continue
        if not isinstance(state, StackState) or state.in_progress:
            return False
        if (state.settled_at or state.changed_at) > observed.at - span:
            return False
    return True
