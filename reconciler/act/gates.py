"""Traffic gates: made closed, opened, closed, mended, deleted; always against the version that was observed."""

from __future__ import annotations

import hashlib

from reconciler.act.moves import Move, Wait
from reconciler.model.observed import Probe, TrafficGate
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import CreateGate, DeleteGate, UpdateGate
from reconciler.model.topology import Topology


def move_gate(step: Step, topology: Topology, gate: TrafficGate | None, probe: Probe | None) -> Move:
    region = step.region or ""
    if step.action is StepAction.CREATE_GATE:
        return _create(region, topology, probe)
    if gate is None:
        deletes = step.action is StepAction.DELETE_GATE
        return Wait(f"the traffic gate of {region} {'is gone' if deletes else 'does not exist yet'}")
    if step.action is StepAction.DELETE_GATE:
        return DeleteGate(region=region, id=gate.id)
    children = gate.children if probe is None or gate.watches(probe) else (probe.id,)
    threshold = len(children) + (1 if _closed_after(step, gate) else 0)
    return UpdateGate(region=region, id=gate.id, version=gate.version, children=children, threshold=threshold)


def _closed_after(step: Step, gate: TrafficGate) -> bool:
    """What somebody closed stays closed when it is mended."""
    if step.action is StepAction.MEND_GATE:
        return gate.is_closed
    return step.action is StepAction.CLOSE_GATE


def _create(region: str, topology: Topology, probe: Probe | None) -> Move:
    if probe is None:
        return Wait(f"the probe of {region} does not exist yet")
    return CreateGate(
        region=region,
        reference=topology.gate_reference_prefix(region) + number(probe),
        children=(probe.id,),
        threshold=2,  # more than it has children: always unhealthy, so closed
        topology=topology.name,
    )


def number(probe: Probe) -> str:
    """The gate's number in its CallerReference. Route 53 never forgets one, not even of a gate that was deleted, so a Region
    that left and joins again needs another. Its probe is another one, too: whoever died after asking for the gate asks for
    the same again, and whoever makes the Region anew does not."""
    return str(int(hashlib.sha256(probe.id.encode()).hexdigest()[:8], 16))
