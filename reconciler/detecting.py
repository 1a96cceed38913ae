"""The second detector: CloudFormation compares what it deployed with what is there, by a drift-aware change set, never executed.

It writes, so only those who hold the lease ask it. One change set per stack, under one name: whoever finds one there has found what
somebody left who died, and puts it away first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import Any

from reconciler.act.inspecting_drift import detection
from reconciler.diff.detected import disputes, still_holds
from reconciler.loop import Ports, look
from reconciler.model.detection import Detection
from reconciler.model.errors import LeaseLost, ReconcilerError
from reconciler.model.facts import Sweep
from reconciler.model.motion import Motion
from reconciler.model.observed import StackState
from reconciler.model.outcome import Outcome
from reconciler.model.requests import ChangeSet, DeleteChangeSet, DetectDrift
from reconciler.model.stacks import StackRef
from reconciler.model.topology import Topology
from reconciler.ports import Lease

AT_ONCE = 6
PATIENCE = 60
"""Seconds of AWS's clock that a change set may take."""
UNATTENDED = 45.0
"""Seconds of this machine's in which an unattended pass begins with stacks: Lambda ends it by them. Those that it does not come to,
it comes to next time, for what was compared longest ago comes first."""
_LATER = "left for the next time"
_NEVER = datetime.min.replace(tzinfo=UTC)


def change_set_name(topology: Topology) -> str:
    """Stacks that several topologies share are compared by each under its own name."""
    return f"meridian-drift-{topology.name}"


def detect(ports: Ports, topology: Topology, *, again: bool = False) -> Mapping[StackRef, str]:
    """Under the topology's lease; gives the stacks that could not be compared, and why. Raises `ReconcilerError`."""
    with ports.journal.lease(topology) as lease:
        return detect_under(lease, ports, topology, look(ports, topology, sweep=Sweep.FULL), again=again)


def detect_under(
    lease: Lease,
    ports: Ports,
    topology: Topology,
    seen: Outcome,
    *,
    again: bool = False,
    seconds: float = inf,
) -> Mapping[StackRef, str]:
    """The same under a lease that is held. `seen`: a full look from just before, with which CloudFormation is compared; `again`:
    only stacks of which nothing is known since they were deployed; no stack is begun with after so many `seconds`. What it says
    goes into the status document; without one nothing is kept, nor asked."""
    if seen.observed.recorded is None:
        return {}
    detector = Detector(ports, lease, topology, seen, time.monotonic() + seconds)
    stacks = [s for s in seen.observed.stacks.values() if isinstance(s, StackState) and _at_rest(s, seen)]
    if again:
        stacks = [s for s in stacks if not still_holds(s, _known(seen, s))]
    stacks.sort(key=lambda s: found.at if (found := _known(seen, s)) else _NEVER)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = dict(zip([s.ref for s in stacks], pool.map(detector.compared, stacks), strict=True))
    found = {ref: result for ref, result in results.items() if isinstance(result, Detection)}
    lease.check()
    recorded = ports.journal.recorded(topology)
    motion = Motion.recorded(recorded)
    if found and recorded is not None and motion is not None:
        ports.journal.record(topology, {**recorded, "motion": motion.detected(found).document()})
    return {ref: result for ref, result in results.items() if isinstance(result, str)}


@dataclass(frozen=True, slots=True)
class ChangeSets:
    """The `Detector` port, for passes that run unattended."""

    ports: Ports

    def detect(self, lease: Lease, topology: Topology, seen: Outcome) -> Mapping[str, Any] | None:
        detect_under(lease, self.ports, topology, seen, seconds=UNATTENDED)
        return self.ports.journal.recorded(topology)


def _known(seen: Outcome, state: StackState) -> Detection | None:
    return seen.motion.detections.get(str(state.ref)) if seen.motion else None


def _at_rest(state: StackState, seen: Outcome) -> bool:
    settled = state.complete or state.rolled_back
    return settled and state.template is not None and not state.moved_after(seen.observed.at)


@dataclass(frozen=True, slots=True)
class Detector:
    ports: Ports
    lease: Lease
    topology: Topology
    seen: Outcome
    until: float

    def compared(self, state: StackState) -> Detection | str:
        """What CloudFormation says of a stack, or why it says nothing."""
        if time.monotonic() > self.until:
            return _LATER
        stack, name = state.ref.name(self.topology.name), change_set_name(self.topology)
        away = DeleteChangeSet(stack=state.ref, stack_name=stack, name=name)
        request = DetectDrift(stack=state.ref, stack_name=stack, name=name, parameters=tuple(state.parameters))
        try:
            if self._ready(state.ref, stack, name):
                self._perform(away)
            self._perform(request)
            try:
                made = self._ready(state.ref, stack, name)
                found = detection(made, self.ports.clock.now(), state.changed_at) if made else None
            finally:
                self._perform(away)
        except LeaseLost:
            raise
        except ReconcilerError as error:
            return f"{error.code}: {error.message}"
        if found is None:
            return (
                f"CloudFormation did not compare it: {made.reason or made.status if made else 'the change set is gone'}"
            )
        live = {n: one for (ref, n), one in self.seen.observed.live.items() if ref == state.ref}
        direct = [f for f in self.seen.diff.findings if f.detected_by in {"read", "both"}]
        return replace(found, disputed=disputes(state, live, direct, found))

    def _perform(self, request: DetectDrift | DeleteChangeSet) -> None:
        self.lease.check()
        self.lease.working_on(f"drift of {request.stack}")
        self.ports.cloud.perform(request)

    def _ready(self, ref: StackRef, stack: str, name: str) -> ChangeSet | None:
        made = self.ports.cloud.change_set(ref, stack, name)
        waited = 0
        while made and made.pending and waited < PATIENCE:
            self.ports.clock.sleep(1)
            waited += 1
            made = self.ports.cloud.change_set(ref, stack, name)
        return made
