"""The order of things: every wave from the present state to the desired one.

Finished steps and gates that hold vanish from the plan, so planning again after any step, or after dying anywhere, goes on
where things stand. Settings of Regions that serve come first, one Region after another; then Regions that join and open;
then the writer moves; then Regions are drained and leave. What adds capacity comes before what takes it away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.model.change import Tool
from reconciler.model.observed import known
from reconciler.model.plan import Gate, Goal, Step, StepAction, Wave
from reconciler.model.stacks import StackKind, StackRef
from reconciler.plan import client_keys, durations, gates, leaving, steps
from reconciler.plan.scene import Scene

JOIN_TOGETHER = 2
"""So many Regions at most join the global database at once: each loads the writer."""
_AT_ONCE = (Tool.KEY, Tool.GLOBAL, Tool.RECORD, Tool.PROBE)
"""Putting these back takes nothing from anybody, and may be urgent."""
_ON_DATABASES = (Tool.CLUSTER, Tool.PARAMETERS)


def waves(scene: Scene) -> tuple[Wave, ...]:
    """All waves that still have a step to do or a gate to wait for."""
    return tuple(w for w in map(_open_part, every_wave(scene)) if w.steps or w.gates)


def every_wave(scene: Scene) -> Iterator[Wave]:
    """With the gates that are met already."""
    return leaving.destruction(scene) if scene.goal is Goal.DESTROY else _all(scene)


def _open_part(wave: Wave) -> Wave:
    """Gates come after the steps: before them they are open questions, afterwards they count only while they do not hold."""
    asked = tuple(replace(g, met=False) if g.met else g for g in wave.gates) if wave.steps else wave.waiting_for
    return wave if asked == wave.gates else replace(wave, gates=asked)


def _all(scene: Scene) -> Iterator[Wave]:
    yield Wave(steps=tuple(_put_back(scene, _AT_ONCE)))
    yield from _mended_stacks(scene)
    yield _deployments(scene, [_ref(StackKind.FOUNDATION, r) for r in scene.topology.deployment_regions])
    if not scene.upgrades(_global(scene)):
        yield _deployments(scene, [_global(scene)])
    yield from _mended_gates(scene)
    yield from _settings(scene)
    for region in scene.half_removed:
        yield from leaving.remains(scene, region)
    yield from _joining(scene)
    if not _edge_serves(scene) and (scene.joining or scene.established):
        yield from _somebody_serves(scene)
        yield _deployments(scene, [steps.EDGE])
    yield from _switchover(scene)
    if scene.closing or scene.leaving:
        yield Wave(gates=gates.facts_readable(scene))
    yield from leaving.drains(scene)
    for region in scene.leaving:
        yield from leaving.removal(scene, region)
    yield _serving(scene)
    for region in scene.leaving:
        yield from (replace(w, aside=True, chain=region) for w in leaving.remains(scene, region))
    yield from leaving.versions(scene)


def _put_back(scene: Scene, tools: Iterable[Tool], region: str | None = None) -> Iterator[Step]:
    """Of one Region, or of all."""
    for tool in tools:
        for place, findings in scene.called(tool).items():
            if region in (None, place):
                yield steps.put_back(tool, place, findings)


def _mended_stacks(scene: Scene) -> Iterator[Wave]:
    """What never came to life, or is stuck; a database only while nobody moves the writer."""
    found = tuple(_recoveries(scene))
    data = tuple(s for s in found if s.target == StackKind.DATA)
    yield Wave(steps=tuple(s for s in found if s not in data))
    if data:
        yield Wave(gates=(gates.one_writer(scene),))
        yield Wave(steps=data)


def _recoveries(scene: Scene) -> Iterator[Step]:
    for ref in scene.stacks:
        state = scene.state(ref)
        stuck = state is not None and state.status == "UPDATE_ROLLBACK_FAILED"
        if state and (state.beyond_update or stuck) and scene.deployable(ref) and ref.region not in scene.half_removed:
            first = f": {state.failure.logical_id}: {state.failure.reason}" if state.failure else ""
            yield Step(
                action=StepAction.RECOVER,
                target=str(ref.kind),
                region=ref.region,
                stack=ref,
                eta=durations.RECOVERY,
                why=f"stack is {state.status}{first}",
            )


def _mended_gates(scene: Scene) -> Iterator[Wave]:
    """A gate that ignores its probe is put back, one whose probe was made anew gets the new one; one Region at a time."""
    for region in scene.rollout_order:
        gate, probe = scene.gate(region), known(scene.observed.probes.get(region))
        if gate and ((gate.ignores_its_probe and scene.mends(region)) or not gate.watches(probe)):
            yield Wave(steps=(steps.move_gate(StepAction.MEND_GATE, region, "the gate ignores its probe"),))


def _settings(scene: Scene) -> Iterator[Wave]:
    """What Regions that already serve have to change: one Region after another, the writer last, a soak between. A sick API
    comes before everything: nothing else is touched while it is sick, and its deployment may be the cure."""
    if scene.fallen:
        yield Wave(gates=gates.facts_readable(scene))
        yield Wave(steps=(steps.move_gate(StepAction.CLOSE_GATE, scene.fallen, "its deployment made it sick"),))
    if scene.ailing:
        yield Wave(gates=gates.facts_readable(scene))
        yield from leaving.closings(scene, scene.ailing)
    apis = _sick_first(scene, StackKind.API)
    down = [ref for ref in apis if scene.sick(ref) and not (scene.unapplied and scene.answers(ref.region))]
    yield from _api_settings(scene, down)
    for ref in _sick_first(scene, StackKind.DATA):
        if found := tuple(_put_back(scene, _ON_DATABASES, ref.region)):
            yield Wave(gates=(gates.one_writer(scene), *_others_do_well(scene, ref)))
            yield Wave(steps=found, gates=(gates.database_available(scene, ref.region),))
        if scene.pending(ref):
            yield Wave(gates=(gates.one_writer(scene), *_others_do_well(scene, ref)))
        if scene.upgrades(ref) and scene.unread_members:
            yield Wave(gates=tuple(gates.region_readable(scene, r) for r in scene.unread_members))
        if scene.upgrades(ref) and ref.region == scene.writer:
            yield Wave(gates=(gates.members_upgraded(scene, but_for=ref.region),))
        yield _rollout(scene, ref, (gates.database_available(scene, ref.region),))
    if scene.upgrades(_global(scene)):  # the members first: the global cluster's own version follows theirs
        unread = (gates.region_readable(scene, r) for r in scene.unread_members)
        yield Wave(gates=(gates.one_writer(scene), gates.members_upgraded(scene), *unread))
        yield _deployments(scene, [_global(scene)])
    if scene.can_migrate:
        yield from _migration(scene)
    yield from _api_settings(scene, [ref for ref in apis if ref not in down])
    if _edge_serves(scene):
        yield _deployments(scene, [steps.EDGE], *_edge_gates(scene))


def _migration(scene: Scene) -> Iterator[Wave]:
    """The schema comes before the code that rests on it, and before anybody is let in: expand first, contract in a later commit."""
    writer = scene.writer or scene.founder
    if not scene.unapplied or writer is None:
        return
    unread = (gates.region_readable(scene, writer),) if writer in scene.unreadable else ()
    stands = (gates.database_available(scene, writer),) if scene.can_migrate else ()  # else it was waited for before
    yield Wave(gates=(*unread, gates.one_writer(scene), *stands))
    yield Wave(steps=(steps.migrate(scene, writer),))


def _api_settings(scene: Scene, refs: Iterable[StackRef]) -> Iterator[Wave]:
    for ref in refs:
        if scene.pending(ref):
            yield Wave(gates=(*client_keys.known(scene, [ref]), *_others_do_well(scene, ref)))
        yield _rollout(scene, ref, (gates.probe_healthy(scene, ref.region), gates.alarms_quiet(scene, ref.region)))


def _sick_first(scene: Scene, kind: StackKind) -> list[StackRef]:
    """In rollout order, but what was begun is finished first, whoever could not be read then; and what is broken comes before
    what works: the change may be its cure. A Region that is out anyway comes last: it proves nothing for the others. The
    writer's engine follows all others', however sick its Region is."""

    def later(ref: StackRef) -> tuple[bool, bool, bool, bool]:
        state = scene.state(ref)
        begun = state is not None and state.in_progress
        follows = ref.kind is StackKind.DATA and ref.region == scene.writer and scene.upgrades(ref)
        return not begun, follows, not scene.sick(ref), scene.out(ref.region)

    return sorted((_ref(kind, r) for r in scene.established), key=later)


def _others_do_well(scene: Scene, ref: StackRef) -> tuple[Gate, ...]:
    """A Region that works is touched only while all others do: a change that broke one goes no further."""
    alone = gates.others_settled(scene, ref.region)
    if scene.sick(ref):
        return (alone,)
    others = [r for r in scene.topology.region_names if r != ref.region]
    serving = [gates.gate_healthy(scene, r) for r in others if r in scene.open_regions]
    if ref.kind is StackKind.DATA:
        serving += [gates.database_available(scene, r) for r in others if r in scene.established]
    else:
        serving.append(gates.release_proven(scene, ref))
    return (alone, *serving)


def _edge_serves(scene: Scene) -> bool:
    return bool(scene.established) and scene.state(steps.EDGE) is not None


def _somebody_serves(scene: Scene) -> Iterator[Wave]:
    """Behind an edge that is made now; seen, and not only meant."""
    yield Wave(
        gates=tuple(gates.region_readable(scene, r) for r in scene.topology.region_names if r in scene.unreadable)
    )
    serving = [r for r in scene.open_regions if scene.serving_wanted(r)]
    if not any((gate := scene.gate(r)) and gate.healthy for r in serving):
        yield Wave(gates=tuple(gates.gate_healthy(scene, r) for r in serving))


def _rollout(scene: Scene, ref: StackRef, health: tuple[Gate, ...]) -> Wave:
    found = _deployments(scene, [ref])
    soak = gates.stack_soaked(scene, ref)
    return replace(found, gates=(*found.gates, *health, soak)) if found.steps or not soak.met else found


def _joining(scene: Scene) -> Iterator[Wave]:
    """Build what joins, prove it healthy behind a closed gate, then let traffic in."""
    joining = scene.joining
    if joining:
        yield Wave(gates=(gates.one_writer(scene),))
    first = [r for r in joining if scene.stacks[_ref(StackKind.DATA, r)].template.key == "data-founder"]
    rest = [r for r in joining if r not in first]
    for group in (first, *(rest[i : i + JOIN_TOGETHER] for i in range(0, len(rest), JOIN_TOGETHER))):
        refs = [_ref(StackKind.DATA, r) for r in group]
        yield _deployments(scene, refs, *(g for r in group for g in _database_gates(scene, r)))
    apis = [_ref(StackKind.API, r) for r in joining]
    yield Wave(gates=client_keys.known(scene, apis))
    yield _deployments(scene, apis)
    if not scene.can_migrate:
        yield from _migration(scene)
    yield Wave(
        steps=tuple(steps.create_gate(r) for r in joining if scene.gate(r) is None),
        gates=tuple(gates.probe_healthy(scene, r) for r in joining),
    )
    unrouted = [r for r in scene.topology.region_names if r not in scene.routed]
    yield Wave(gates=tuple(gates.region_readable(scene, r) for r in unrouted if r in scene.unreadable))
    # What the routing stack is to hold, but not the removal of records: that waits for its Region's drain.
    yield _deployments(scene, [] if scene.unrouting else [scene.routing], gates.dns_propagated(scene))
    yield from _openings(scene)


def _deployments(scene: Scene, refs: Sequence[StackRef], *after: Gate) -> Wave:
    """Deployments of these stacks and the gates after them; what cannot be judged keeps everything behind it waiting. A
    Region's own stacks that cannot be read do not: the others go on."""
    blocked = any(scene.unsure(ref) or (scene.pending(ref) and not scene.deployable(ref)) for ref in refs)
    regions = (gates.region_readable(scene, r) for r in scene.unreadable)
    unread = (*gates.facts_readable(scene), *regions) if blocked else ()
    if blocked and not unread:
        unread = (gates.founding(scene),)
    return Wave(steps=steps.deploys(scene, refs), gates=(*unread, *after))


def _database_gates(scene: Scene, region: str) -> Iterator[Gate]:
    yield gates.database_available(scene, region)
    yield gates.replica_connected(scene, region)
    if region != (scene.writer or scene.founder):
        yield gates.replica_lag(scene, region)


def _openings(scene: Scene) -> Iterator[Wave]:
    """At first all Regions open together, since nothing serves yet; later one after another with a soak between."""
    closed = [r for r in scene.established if (gate := scene.gate(r)) and gate.is_closed]
    opening = [r for r in scene.topology.region_names if r in (*scene.joining, *closed) and scene.opens(r)]
    if opening:  # nobody is sent where it cannot be seen what leads there, or who writes
        yield Wave(gates=gates.facts_readable(scene))
    if not scene.open_regions and not closed:
        yield Wave(
            steps=tuple(_open(r) for r in opening),
            gates=tuple(gates.gate_healthy(scene, r) for r in opening),
        )
        return
    for region in opening:
        proven = (gates.probe_healthy(scene, region), *_database_gates(scene, region)) if region in closed else ()
        soaked = (gates.gate_soaked(scene, r) for r in scene.open_regions if scene.serving_wanted(r))
        yield Wave(gates=(*proven, *soaked))
        yield Wave(steps=(_open(region),), gates=(gates.gate_healthy(scene, region),))


def _open(region: str) -> Step:
    return steps.move_gate(StepAction.OPEN_GATE, region, "proven healthy")


def _switchover(scene: Scene) -> Iterator[Wave]:
    """The writer moves while every member is at rest; then the remaining Regions must hold the master credentials."""
    wanted = scene.topology.database.writer
    if scene.writer_moves:
        yield Wave(gates=tuple(gates.region_readable(scene, r) for r in scene.unread_members))
        step = steps.switchover(scene, wanted)
        if not step.begun:
            yield Wave(
                gates=(
                    gates.one_writer(scene),
                    gates.members_at_rest(scene),
                    gates.versions_equal(scene),
                    gates.replica_lag(scene, wanted),
                )
            )
        yield Wave(steps=(step,), gates=(gates.writer_at(scene, wanted), gates.members_at_rest(scene)))
        if scene.leaving and not scene.master_stays:
            ref = _ref(StackKind.DATA, wanted)
            yield Wave(steps=(steps.inherit(ref),), gates=(gates.database_available(scene, wanted),))
    elif scene.closing or scene.leaving:
        yield Wave(gates=(gates.one_writer(scene),))


def _serving(scene: Scene) -> Wave:
    """What green means: DNS spread, the edge deployed, one writer that stays, every Region that should serve healthy, all of it
    readable."""
    serving = [r for r in scene.established if scene.serving_wanted(r)]
    return Wave(
        gates=(
            *(gates.region_readable(scene, r) for r in scene.unreadable),
            *gates.facts_readable(scene),
            gates.dns_propagated(scene),
            gates.one_writer(scene),
            *(gates.gate_healthy(scene, r) for r in serving),
            *_edge_gates(scene),
            *(gates.stack_read(ref) for ref in scene.stacks if not _read_whole(scene, ref)),
        )
    )


def _read_whole(scene: Scene, ref: StackRef) -> bool:
    state = scene.state(ref)
    return state is None or not state.moved_after(scene.observed.at)


def _edge_gates(scene: Scene) -> tuple[Gate, ...]:
    """A distribution that somebody disabled is held and shown; it does not keep the Regions from converging."""
    distribution = known(scene.observed.distribution)
    held = distribution is not None and not distribution.enabled
    return () if held else (gates.edge_deployed(scene),)


def _global(scene: Scene) -> StackRef:
    return _ref(StackKind.GLOBAL, scene.topology.home_region)


def _ref(kind: StackKind, region: str) -> StackRef:
    return StackRef(kind, region)
