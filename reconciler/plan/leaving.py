"""Taking Regions out: drained first, then out of DNS, then the API, and aside the data, in an order that each gate protects.

A Region's traffic gate goes last of all: as long as it is there, something of the Region may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.observed import known
from reconciler.model.plan import Gate, Goal, Hazard, StepAction, Wave
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Traffic
from reconciler.plan import gates, steps
from reconciler.plan.scene import Scene


def drains(scene: Scene) -> Iterator[Wave]:
    """Close the gates of Regions that shall not serve, and see that traffic has left where a commit said so."""
    yield from closings(scene, [r for r in scene.closing if r not in scene.ailing])
    yield Wave(gates=tuple(g for r in _draining(scene) for g in _out_of_traffic(scene, r)))


def closings(scene: Scene, closing: Sequence[str]) -> Iterator[Wave]:
    """At most `maxConcurrentRegions` at once, while all others do well."""
    together = max(1, scene.topology.safety.max_concurrent_regions)
    for i in range(0, len(closing), together):
        group = closing[i : i + together]
        serving = [r for r in scene.topology.region_names if scene.serving_wanted(r)]
        sure = [r for r in serving if scene.readable(r) and not scene.sick(StackRef(StackKind.API, r))]
        doubt = [r for r in serving if not scene.readable(r)] if len(sure) < scene.topology.safety.min_serving else []
        yield Wave(
            gates=(
                *(gates.gate_healthy(scene, r) for r in serving),
                *(gates.probe_healthy(scene, r) for r in serving),  # the gate hears of it later
                *(gates.region_readable(scene, r) for r in doubt),  # nobody knows whether enough others do well
            )
        )
        yield Wave(
            steps=tuple(steps.move_gate(StepAction.CLOSE_GATE, r, _why(scene, r), *_hazards(scene)) for r in group),
            gates=tuple(g for r in group for g in _out_of_traffic(scene, r)),
        )


def _why(scene: Scene, region: str) -> str:
    return "it leaves" if region in scene.leaving else "declared drained"


def _hazards(scene: Scene) -> tuple[str, ...]:
    return (Hazard.BLAST_RADIUS,) if scene.blast > scene.topology.safety.max_concurrent_regions else ()


def _draining(scene: Scene) -> Iterator[str]:
    """Regions declared drained whose gate was closed on the way here: a commit is done when traffic has left."""
    before = scene.motion.traffic if scene.motion else {}
    for region in scene.topology.regions:
        gate = scene.gate(region.name)
        declared = region.traffic is Traffic.DRAINED and before.get(region.name) != Traffic.DRAINED
        if declared and gate and gate.is_closed and region.name in scene.established:
            yield region.name


def _out_of_traffic(scene: Scene, region: str) -> tuple[Gate, Gate]:
    return gates.drained(scene, region), gates.quiet(scene, region)


def removal(scene: Scene, region: str) -> Iterator[Wave]:
    """A drained Region's records go, and when nobody holds an old answer any more, its API."""
    if not scene.readable(region):
        return
    api = StackRef(StackKind.API, region)
    there = scene.observed.stacks.get(api) is not None
    if region in scene.routed:
        if region not in scene.closing:
            yield Wave(gates=_out_of_traffic(scene, region))
        yield Wave(steps=(steps.unroute(scene, region),), gates=(gates.dns_propagated(scene, gates.EDGE_STALE),))
    elif there and scene.state(scene.routing):
        yield Wave(gates=(gates.dns_propagated(scene, gates.EDGE_STALE),))
    if there:
        yield Wave(gates=tuple(gates.region_readable(scene, r) for r in scene.unreadable if r not in scene.leaving))
        yield Wave(steps=(steps.delete(scene, api, "nothing leads there any more"),))


def remains(scene: Scene, region: str) -> Iterator[Wave]:
    """What takes its time and disturbs nobody: interfaces that Lambda keeps, the cluster, the data stack, the gate."""
    if not scene.readable(region):
        return
    data = StackRef(StackKind.DATA, region)
    database = scene.database
    held = scene.holds_master(region) and scene.goal is Goal.CONVERGE
    if scene.observed.stacks.get(data) is not None or scene.cluster(region) is not None:
        yield Wave(gates=(gates.interfaces_gone(scene, region), *([gates.master_kept(scene)] if held else [])))
    if database and database.member(region):
        yield Wave(gates=(gates.one_writer(scene), gates.cluster_at_rest(scene, region)))
        yield Wave(steps=(steps.detach(region),))
    if scene.observed.stacks.get(data) is not None:
        yield Wave(gates=(gates.member_gone(scene, region),))
        yield Wave(steps=(steps.delete(scene, data, "its data goes, after a final snapshot"),))
    gate = scene.gate(region)
    if gate and region in scene.leaving:
        yield Wave(steps=(steps.move_gate(StepAction.DELETE_GATE, region, "nothing of the Region is left"),))


def versions(scene: Scene) -> Iterator[Wave]:
    """Superseded versions of the edge router, each when its time has come; one that the edge stack uses stays (I12)."""
    listed = scene.motion.versions if scene.motion else {}
    for version, due in sorted(listed.items()):
        if version == scene.observed.edge_version():
            continue
        yield Wave(gates=(gates.replicas_gone(scene, version, due),), aside=True, chain=version)
        yield Wave(steps=(steps.delete_version(version),), aside=True, chain=version)


def destruction(scene: Scene) -> Iterator[Wave]:
    """All of it, from the outside in: the edge, the records, the APIs; with `deletionPolicy: snapshot` the data, the writer's
    last, and the global cluster. With `retain`, the stacks data and global stay."""
    home = scene.topology.home_region
    # They lead to what goes after them.
    unsure = [ref.region for ref in (steps.EDGE, scene.routing) if scene.unsure(ref)]
    yield Wave(gates=(*gates.facts_readable(scene), *(gates.region_readable(scene, r) for r in dict.fromkeys(unsure))))
    if scene.observed.stacks.get(steps.EDGE) is not None:
        yield Wave(steps=(steps.delete(scene, steps.EDGE, "the API is destroyed"),))
    if scene.state(scene.routing) is not None:
        yield Wave(steps=(steps.delete(scene, scene.routing, "the API is destroyed"),))
    readable = [r for r in scene.leaving if scene.readable(r)]
    apis = [StackRef(StackKind.API, r) for r in readable if scene.observed.stacks.get(StackRef(StackKind.API, r))]
    yield Wave(steps=tuple(steps.delete(scene, ref, "the API is destroyed") for ref in apis))
    if scene.topology.database.deletion_policy == "snapshot":
        # A Region that cannot be read may write, or hold a member.
        yield Wave(gates=tuple(gates.region_readable(scene, r) for r in scene.unreadable))
        for region in readable:  # the writer's last
            yield from remains(scene, region)
        last = StackRef(StackKind.GLOBAL, home)
        if scene.observed.stacks.get(last) is not None:
            yield Wave(steps=(steps.delete(scene, last, "the API is destroyed"),))
        if known(scene.observed.global_cluster) is not None:
            yield Wave(steps=(steps.delete_global(scene),))
    else:
        for region in readable:
            if scene.gate(region):
                yield Wave(steps=(steps.move_gate(StepAction.DELETE_GATE, region, "the API is destroyed"),))
    unread = [gates.region_readable(scene, r) for r in scene.unreadable]
    yield Wave(gates=(*unread, *gates.facts_readable(scene)))
