"""Motion: what no template says. Who writes, which gates are open; a hand on them is held, a broken gate is mended."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.change import Action, Change, Disposition, Finding, Origin, Tool
from reconciler.model.motion import Motion, unapplied
from reconciler.model.observed import Observed, TrafficGate, known
from reconciler.model.topology import Region, Topology, Traffic


def motion_changes(topology: Topology, observed: Observed) -> Iterator[Change]:
    """What a commit asks of motion: Regions that begin or cease to serve or leave altogether, a writer that moves."""
    missing = [m.name for m in unapplied(topology, observed)]
    if missing:
        yield Change(path="database/migrations", action=Action.CREATE, origin=Origin.GIT, desired=missing)
    for region in topology.regions:
        if region.name in observed.gates and not held_gate(topology, observed, region.name):
            yield from _traffic_change(region, observed)
    for name in observed.leaving(topology.region_names):
        yield Change(path=f"regions/{name}", action=Action.DELETE, origin=Origin.GIT, observed=_traffic(observed, name))
    cluster, wanted = known(observed.global_cluster), topology.database.writer
    if cluster and cluster.writer and cluster.writer != wanted and not writer_moved_by_hand(topology, observed):
        yield Change(
            path="database/writer", action=Action.UPDATE, origin=Origin.GIT, desired=wanted, observed=cluster.writer
        )


def _traffic_change(region: Region, observed: Observed) -> Iterator[Change]:
    gate = observed.gates[region.name]
    if gate is not None and not isinstance(gate, TrafficGate):
        return
    serves = gate is not None and gate.is_open
    wanted = region.traffic is Traffic.SERVING
    if serves != wanted and (gate is None or serves or gate.is_closed):
        yield Change(
            path=f"regions/{region.name}/traffic",
            action=Action.UPDATE if gate else Action.CREATE,
            origin=Origin.GIT,
            desired=str(region.traffic),
            observed=_traffic(observed, region.name),
        )


def _traffic(observed: Observed, region: str) -> str | None:
    gate = known(observed.gates.get(region))
    if gate is None:
        return None
    return "joining" if gate.never_opened else str(Traffic.SERVING if gate.is_open else Traffic.DRAINED)


def motion_findings(topology: Topology, observed: Observed) -> Iterator[Finding]:
    yield from _writer(topology, observed)
    for name in topology.region_names:
        gate = known(observed.gates.get(name))
        if gate:
            yield from _gate(topology, observed, name, gate)


def writer_moved_by_hand(topology: Topology, observed: Observed) -> bool:
    """The writer is where nobody put it through us, while the document goes on naming a Region that we know as the writer's.

    A commit that names another Region decides; without any record nobody can tell a commit from a hand.
    """
    cluster, wanted = known(observed.global_cluster), topology.database.writer
    if cluster is None or cluster.writer is None or cluster.writer == wanted:
        return False
    motion = Motion.recorded(observed.recorded)
    return motion is None or (cluster.writer not in motion.writers and wanted in motion.writers)


def held_gate(topology: Topology, observed: Observed, region: str) -> bool:
    """The Region's gate stands otherwise than declared by a hand that is not ours, and no commit spoke of it since."""
    gate = known(observed.gates.get(region))
    if gate is None or gate.never_opened or gate.ignores_its_probe:
        return False
    wanted = topology.region(region).traffic
    if gate.is_open == (wanted is Traffic.SERVING):
        return False
    motion = Motion.recorded(observed.recorded)
    if motion is None:
        return True
    # A version below the recorded one: we meant to move it, and did not get to it.
    return gate.version > motion.gates.get(region, 0) and motion.spoken(region, wanted)


def _writer(topology: Topology, observed: Observed) -> Iterator[Finding]:
    cluster = known(observed.global_cluster)
    if cluster and writer_moved_by_hand(topology, observed):
        yield Finding(
            path="database/writer",
            region=None,
            disposition=Disposition.HOLD,
            reason=f"the writer was moved by hand: commit database.writer: {cluster.writer} to adopt it, or move it back",
            desired=topology.database.writer,
            observed=cluster.writer,
        )


def _gate(topology: Topology, observed: Observed, region: str, gate: TrafficGate) -> Iterator[Finding]:
    wanted = str(topology.region(region).traffic)
    if gate.ignores_its_probe:
        yield Finding(
            path=f"regions/{region}/traffic",
            region=region,
            disposition=Disposition.HEAL,
            tool=Tool.GATE,
            reason="the traffic gate was switched to ignore its probe: the next converge puts it back",
            desired={"inverted": False, "disabled": False, "threshold": len(gate.children)},
            observed={"inverted": gate.inverted, "disabled": gate.disabled, "threshold": gate.threshold},
        )
    elif held_gate(topology, observed, region):
        seen = Traffic.SERVING if gate.is_open else Traffic.DRAINED
        undo = "close it" if gate.is_open else "open it"
        yield Finding(
            path=f"regions/{region}/traffic",
            region=region,
            disposition=Disposition.HOLD,
            reason=f"the traffic gate was {'opened' if gate.is_open else 'closed'} by hand: {undo} by hand, "
            f"or commit traffic: {seen} to adopt it",
            desired=wanted,
            observed=str(seen),
        )
