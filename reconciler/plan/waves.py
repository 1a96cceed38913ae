"""The order of things: every wave from the present state to the desired one.

Finished steps and gates that hold vanish from the plan, so planning again after any step, or after dying anywhere, goes on
where things stand. Settings of Regions that serve come first, one Region after another; then Regions that join; the edge is
made last, once something serves behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.model.change import Change, Finding
from reconciler.model.observed import known
from reconciler.model.plan import Gate, Step, StepAction, Wave
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import EDGE_REGION
from reconciler.plan import durations, gates
from reconciler.plan.scene import Scene

JOIN_TOGETHER = 2
"""So many Regions at most join the global database at once: each loads the writer."""


def waves(scene: Scene) -> tuple[Wave, ...]:
    """All waves that still have a step to do or a gate to wait for."""
    return tuple(w for w in map(_open_part, _all(scene)) if w.steps or w.gates)


def _open_part(wave: Wave) -> Wave:
    """Gates come after the steps: before them they are open questions, afterwards they count only while they do not hold."""
    if wave.steps:
        return replace(wave, gates=tuple(replace(g, met=False) for g in wave.gates))
    return replace(wave, gates=wave.waiting_for)


def _all(scene: Scene) -> Iterator[Wave]:
    yield Wave(steps=tuple(_recoveries(scene)))
    yield Wave(steps=_deploys(scene, (_ref(StackKind.FOUNDATION, r) for r in scene.topology.deployment_regions)))
    yield Wave(steps=_deploys(scene, [_ref(StackKind.GLOBAL, scene.topology.home_region)]))
    yield from _mended_gates(scene)
    yield from _settings(scene)
    yield from _joining(scene)
    if not _edge_serves(scene) and (scene.joining or scene.established):
        yield Wave(steps=_deploys(scene, [_edge()]))
    yield _serving(scene)


def _recoveries(scene: Scene) -> Iterator[Step]:
    for ref in scene.stacks:
        state = scene.state(ref)
        stuck = state is not None and state.status == "UPDATE_ROLLBACK_FAILED"
        if state and (state.beyond_update or stuck) and scene.deployable(ref):
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
    heals = scene.topology.drift.mode == "heal"
    for region in scene.established:
        gate, probe = scene.gate(region), known(scene.observed.probes.get(region))
        if gate and ((gate.ignores_its_probe and heals) or not gate.watches(probe)):
            yield Wave(steps=(_move(StepAction.MEND_GATE, region, "the gate ignores its probe"),))


def _settings(scene: Scene) -> Iterator[Wave]:
    """What Regions that already serve have to change: one Region after another, the writer last, a soak between."""
    for ref in _sick_first(scene, StackKind.DATA):
        if scene.pending(ref):
            yield Wave(gates=(gates.one_writer(scene), *_others_do_well(scene, ref)))
        yield _rollout(scene, ref, (gates.database_available(scene, ref.region),))
    for ref in _sick_first(scene, StackKind.API):
        if scene.pending(ref):
            yield Wave(gates=_others_do_well(scene, ref))
        yield _rollout(scene, ref, (gates.probe_healthy(scene, ref.region),))
    if _edge_serves(scene):
        yield Wave(steps=_deploys(scene, [_edge()]), gates=_edge_gates(scene))


def _sick_first(scene: Scene, kind: StackKind) -> list[StackRef]:
    """In rollout order, but what is broken comes first: the change may be its cure, and nothing else is touched before."""
    return sorted((_ref(kind, r) for r in scene.established), key=lambda ref: not scene.sick(ref))


def _others_do_well(scene: Scene, ref: StackRef) -> tuple[Gate, ...]:
    """A Region that works is touched only while all others do: a change that broke one goes no further."""
    if scene.sick(ref):
        return ()
    others = [r for r in scene.topology.region_names if r != ref.region]
    serving = [gates.gate_healthy(scene, r) for r in others if scene.serving_wanted(r)]
    if ref.kind is StackKind.DATA:
        serving += [gates.database_available(scene, r) for r in others if r in scene.established]
    return tuple(serving)


def _edge_serves(scene: Scene) -> bool:
    return bool(scene.established) and scene.state(_edge()) is not None


def _rollout(scene: Scene, ref: StackRef, health: tuple[Gate, ...]) -> Wave:
    steps = _deploys(scene, [ref])
    soak = gates.stack_soaked(scene, ref)
    return Wave(steps=steps, gates=(*health, soak) if steps or not soak.met else ())


def _joining(scene: Scene) -> Iterator[Wave]:
    """Build what joins, prove it healthy behind a closed gate, then let traffic in."""
    joining = scene.joining
    if joining:
        yield Wave(gates=(gates.one_writer(scene),))
    first = [r for r in joining if scene.stacks[_ref(StackKind.DATA, r)].template.key == "data-founder"]
    rest = [r for r in joining if r not in first]
    for group in (first, *(rest[i : i + JOIN_TOGETHER] for i in range(0, len(rest), JOIN_TOGETHER))):
        yield Wave(
            steps=_deploys(scene, (_ref(StackKind.DATA, r) for r in group)),
            gates=tuple(g for r in group for g in _database_gates(scene, r)),
        )
    yield Wave(steps=_deploys(scene, (_ref(StackKind.API, r) for r in joining)))
    yield Wave(
        steps=tuple(_create_gate(r) for r in joining if scene.gate(r) is None),
        gates=tuple(gates.probe_healthy(scene, r) for r in joining),
    )
    yield Wave(steps=_deploys(scene, [_ref(StackKind.ROUTING, scene.topology.home_region)]), gates=_dns_gates(scene))
    yield from _openings(scene)


def _database_gates(scene: Scene, region: str) -> Iterator[Gate]:
    yield gates.database_available(scene, region)
    yield gates.replica_connected(scene, region)
    if region != scene.topology.database.writer:
        yield gates.replica_lag(scene, region)


def _openings(scene: Scene) -> Iterator[Wave]:
    """At first all Regions open together, since nothing serves yet; later one after another with a soak between."""
    opening = [r for r in scene.joining if scene.opens(r)]
    if not scene.established:
        yield Wave(
            steps=tuple(_move(StepAction.OPEN_GATE, r, "proven healthy") for r in opening),
            gates=tuple(gates.gate_healthy(scene, r) for r in opening),
        )
        return
    for region in opening:
        yield Wave(gates=tuple(gates.gate_soaked(scene, r) for r in scene.established if scene.serving_wanted(r)))
        yield Wave(
            steps=(_move(StepAction.OPEN_GATE, region, "proven healthy"),),
            gates=(gates.gate_healthy(scene, region),),
        )


def _serving(scene: Scene) -> Wave:
    """What green means: DNS spread, the edge deployed, every Region that should serve healthy, all of it readable."""
    facts = scene.observed.unknown_facts()
    serving = [r for r in scene.established if scene.serving_wanted(r)]
    return Wave(
        gates=(
            *(gates.region_readable(scene, r) for r in scene.unreadable),
            *(gates.fact_readable(name, reason) for name, reason in facts.items()),
            *_dns_gates(scene),
            *(gates.gate_healthy(scene, r) for r in serving),
            *_edge_gates(scene),
            *(gates.stack_read(ref) for ref in scene.stacks if not _read_whole(scene, ref)),
        )
    )


def _read_whole(scene: Scene, ref: StackRef) -> bool:
    state = scene.state(ref)
    return state is None or not state.moved_after(scene.observed.at)


def _dns_gates(scene: Scene) -> tuple[Gate, ...]:
    return (gates.dns_propagated(scene),)


def _edge_gates(scene: Scene) -> tuple[Gate, ...]:
    """A distribution that somebody disabled is held and shown; it does not keep the Regions from converging."""
    distribution = known(scene.observed.distribution)
    held = distribution is not None and not distribution.enabled
    return () if held else (gates.edge_deployed(scene),)


def _deploys(scene: Scene, refs: Iterable[StackRef]) -> tuple[Step, ...]:
    return tuple(_deploy(scene, ref) for ref in refs if scene.deployable(ref) and scene.pending(ref))


def _deploy(scene: Scene, ref: StackRef) -> Step:
    state = scene.state(ref)
    stands = state is not None and state.stands
    changes, heals = scene.diff.changed(ref), scene.diff.to_heal(ref) if scene.heals(ref) else ()
    why = _reason(changes, heals) if stands else "create"
    if state is not None and state.in_progress:
        why = f"{state.status} since {state.changed_at:%H:%M:%S}"
    return Step(
        action=StepAction.REPAIR if heals else StepAction.DEPLOY,
        target=str(ref.kind),
        region=ref.region,
        stack=ref,
        eta=durations.deployment(ref.kind, create=not stands),
        allow=scene.diff.touched.get(ref, frozenset()) if stands else frozenset(),
        why=why,
    )


def _reason(changes: tuple[Change, ...], heals: tuple[Finding, ...]) -> str:
    changed = ", ".join(dict.fromkeys(c.path.rsplit("/", 1)[-1] for c in changes))
    drifted = ", ".join(dict.fromkeys(f.path.rsplit("/", 1)[-1] for f in heals))
    return "; ".join(part for part in (changed, f"repair drift of {drifted}" if drifted else "") if part)


def _create_gate(region: str) -> Step:
    return Step(
        action=StepAction.CREATE_GATE,
        target="gate",
        region=region,
        eta=durations.GATE_CREATION,
        why="closed until its Region is proven healthy",
    )


def _move(action: StepAction, region: str, why: str) -> Step:
    return Step(action=action, target="gate", region=region, eta=durations.GATE_MOVE, why=why)


def _ref(kind: StackKind, region: str) -> StackRef:
    return StackRef(kind, region)


def _edge() -> StackRef:
    return StackRef(StackKind.EDGE, EDGE_REGION)
