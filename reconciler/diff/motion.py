"""Motion: what no template says. Who writes, which gates are open; a hand on them is held, a broken gate is mended."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.change import Action, Change, Disposition, Finding, Origin
from reconciler.model.observed import Observed, TrafficGate, known
from reconciler.model.topology import Topology, Traffic


def traffic_changes(topology: Topology, observed: Observed) -> Iterator[Change]:
    """Regions that should serve and do not yet: no gate, or one that was never opened."""
    for region in topology.regions:
        if region.name not in observed.gates:
            continue
        gate = known(observed.gates[region.name])
        waiting = gate is None or gate.never_opened
        if waiting and region.traffic is Traffic.SERVING and observed.gates[region.name] is gate:
            yield Change(
                path=f"regions/{region.name}/traffic",
                action=Action.UPDATE if gate else Action.CREATE,
                origin=Origin.GIT,
                desired=str(region.traffic),
                observed="joining" if gate else None,
            )


def motion_findings(topology: Topology, observed: Observed) -> Iterator[Finding]:
    yield from _writer(topology, observed)
    for name in topology.region_names:
        gate = known(observed.gates.get(name))
        if gate:
            yield from _gate(topology, name, gate)


def writer_moved_by_hand(topology: Topology, observed: Observed) -> bool:
    """The writer is elsewhere though the desired writer is the one this topology last converged on."""
    cluster = known(observed.global_cluster)
    recorded = (observed.recorded or {}).get("declared", {}).get("writer")
    if cluster is None or cluster.writer is None:
        return False
    return cluster.writer != topology.database.writer and recorded == topology.database.writer


def closed_by_hand(gate: TrafficGate) -> bool:
    """Closed after it had been touched: we create gates closed and only ever open them."""
    return gate.is_closed and not gate.never_opened


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


def _gate(topology: Topology, region: str, gate: TrafficGate) -> Iterator[Finding]:
    wanted = str(topology.region(region).traffic)
    if gate.ignores_its_probe:
        yield Finding(
            path=f"regions/{region}/traffic",
            region=region,
            disposition=Disposition.HEAL,
            reason="the traffic gate was switched to ignore its probe: the next converge puts it back",
            desired={"inverted": False, "disabled": False, "threshold": len(gate.children)},
            observed={"inverted": gate.inverted, "disabled": gate.disabled, "threshold": gate.threshold},
        )
    elif closed_by_hand(gate) and wanted == Traffic.SERVING:
        yield Finding(
            path=f"regions/{region}/traffic",
            region=region,
            disposition=Disposition.HOLD,
            reason="the traffic gate was closed by hand: open it by hand, or commit traffic: drained to adopt it",
            desired=wanted,
            observed=str(Traffic.DRAINED),
        )
