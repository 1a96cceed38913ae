"""Steps by what they do, each with its reason and its usual duration."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.change import Change, Finding, Tool
from reconciler.model.plan import Hazard, Step, StepAction
from reconciler.model.stacks import StackKind, StackRef, record_ids
from reconciler.model.topology import EDGE_REGION
from reconciler.plan import durations
from reconciler.plan.scene import Scene

EDGE = StackRef(StackKind.EDGE, EDGE_REGION)


def deploys(scene: Scene, refs: Iterable[StackRef]) -> tuple[Step, ...]:
    """A deployment of each of these stacks that is not as it should be, and whose circumstances were read."""
    return tuple(deploy(scene, ref) for ref in refs if scene.deployable(ref) and scene.pending(ref))


def deploy(scene: Scene, ref: StackRef) -> Step:
    state = scene.state(ref)
    stands = state is not None and state.stands and ref.region not in scene.half_removed
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
        hazards=(Hazard.DATABASE_RESTART,) if ref.kind is StackKind.DATA and scene.upgrades(ref) else (),
        allow=scene.diff.touched.get(ref, frozenset()) if stands else frozenset(),
        reverts=frozenset((f.logical_id or "", f.prop) for f in heals) if stands else frozenset(),
        begun=state is not None and state.in_progress,
        why=why,
    )


def _reason(changes: tuple[Change, ...], heals: tuple[Finding, ...]) -> str:
    changed = ", ".join(dict.fromkeys(c.path.rsplit("/", 1)[-1] for c in changes))
    drifted = ", ".join(dict.fromkeys(f.path.rsplit("/", 1)[-1] for f in heals))
    return "; ".join(part for part in (changed, f"repair drift of {drifted}" if drifted else "") if part)


def put_back(tool: Tool, region: str | None, findings: Iterable[Finding]) -> Step:
    names = ", ".join(dict.fromkeys(f.path.rsplit("/", 1)[-1] for f in findings))
    return Step(
        action=StepAction.PUT_BACK,
        target=str(tool),
        region=region,
        subject=f"{tool}/{region}" if region else str(tool),
        eta=durations.PUTTING_BACK,
        why=f"repair drift of {names}",
    )


def inherit(ref: StackRef) -> Step:
    """Foreseen only: once the writer stands there, the deployment of its stack has the resources that it may touch."""
    return Step(
        action=StepAction.DEPLOY,
        target=str(ref.kind),
        region=ref.region,
        stack=ref,
        eta=durations.deployment(ref.kind, create=False),
        why="takes over the master credentials",
    )


def unroute(scene: Scene, region: str) -> Step:
    ids = frozenset(record_ids(region))
    state = scene.state(scene.routing)
    return Step(
        action=StepAction.UNROUTE,
        target=str(StackKind.ROUTING),
        region=region,
        stack=scene.routing,
        eta=durations.deployment(StackKind.ROUTING, create=False),
        removes=ids,
        begun=state is not None and state.in_progress,
        why="its records go, for nobody is sent there any more",
    )


def delete(scene: Scene, ref: StackRef, why: str) -> Step:
    state = scene.state(ref)
    return Step(
        action=StepAction.DELETE,
        target=str(ref.kind),
        region=ref.region,
        stack=ref,
        eta=durations.deletion(ref.kind),
        hazards=(Hazard.DATA_DELETION,) if ref.kind is StackKind.DATA else (),
        begun=state is not None and state.status == "DELETE_IN_PROGRESS",
        why=why,
    )


def switchover(scene: Scene, region: str) -> Step:
    return Step(
        action=StepAction.SWITCHOVER,
        target="writer",
        region=region,
        eta=durations.SWITCHOVER,
        hazards=(Hazard.WRITE_INTERRUPTION,),
        begun=bool(scene.database and scene.database.failover),
        why=f"the writer moves from {scene.writer}; writes fail for up to some minutes",
    )


def migrate(scene: Scene, region: str) -> Step:
    names = [m.name for m in scene.unapplied]
    several = f"{names[0]} to {names[-1]}" if len(names) > 1 else names[0]
    return Step(
        action=StepAction.MIGRATE,
        target="database",
        region=region,
        eta=durations.MIGRATION,
        why=f"{several}, unless the database holds it already",
    )


def detach(region: str) -> Step:
    return Step(
        action=StepAction.DETACH,
        target=str(StackKind.DATA),
        region=region,
        eta=durations.DETACH,
        hazards=(Hazard.DATA_DELETION,),
        why="its cluster leaves the global database; nothing can write to it any more",
    )


def delete_global(scene: Scene) -> Step:
    return Step(
        action=StepAction.DELETE_GLOBAL,
        target=str(StackKind.GLOBAL),
        region=scene.topology.home_region,
        eta=durations.DETACH,
        hazards=(Hazard.DATA_DELETION,),
        why="no member is left",
    )


def delete_version(version: str) -> Step:
    return Step(
        action=StepAction.DELETE_VERSION,
        target=str(StackKind.EDGE),
        region=EDGE_REGION,
        subject=version,
        eta=durations.GATE_CREATION,
        why="superseded, and its replicas should be gone",
    )


def create_gate(region: str) -> Step:
    return Step(
        action=StepAction.CREATE_GATE,
        target="gate",
        region=region,
        eta=durations.GATE_CREATION,
        why="closed until its Region is proven healthy",
    )


def move_gate(action: StepAction, region: str, why: str, *hazards: str) -> Step:
    return Step(action=action, target="gate", region=region, eta=durations.GATE_MOVE, why=why, hazards=hazards)
