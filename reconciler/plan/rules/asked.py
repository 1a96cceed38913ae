"""What a commit asks for that cannot be done, or not like this: each by name, with the field and the way out."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.change import Action, Change
from reconciler.model.observed import StackState
from reconciler.model.plan import Goal, Refusal
from reconciler.model.stacks import StackKind, record_ids
from reconciler.model.topology import Topology, Traffic
from reconciler.plan.rules.fields import region_path, yaml_path
from reconciler.plan.scene import FULL, Scene


def nothing_is_replaced(scene: Scene) -> Iterator[Refusal]:
    """No resource is replaced or deleted by a change of a setting."""
    for change in scene.diff.changes:
        if change.path.endswith("domain/name") or change.path.endswith("domain/hostedZoneId"):
            yield _domain_change(scene.topology, change)
        elif change.path.endswith("database/version") or _leaves(scene, change):
            continue  # other rules speak of these
        elif change.action is Action.REPLACE:
            yield Refusal(
                code="ReplacementRefused",
                path=yaml_path(change.path),
                message=f"{change.path} from {change.applied!r} to {change.desired!r} would replace "
                f"{change.logical_id or 'resources'} in stack {change.stack}: put the old value back",
            )
        elif change.action is Action.DELETE:
            yield Refusal(
                code="RemovalRefused",
                path=yaml_path(change.path),
                message=f"this would delete {change.logical_id} from stack {change.stack}: put the old value back",
            )


def enough_regions_serve(scene: Scene) -> Iterator[Refusal]:
    """I1: as many Regions as `minServing` are wanted to serve and can be: none that an operator closed, none that is unreadable."""
    topology = scene.topology
    least = max(1, topology.safety.min_serving)
    wanted = [r.name for r in topology.regions if r.traffic is Traffic.SERVING]
    able = [r for r in wanted if scene.opens(r) and scene.readable(r)]
    if len(wanted) < least:
        place = next((i for i, r in enumerate(topology.regions) if r.traffic is Traffic.DRAINED), 0)
        yield Refusal(
            code="LastServingRegion",
            path=f"spec.regions[{place}].traffic",
            message=f"{len(wanted)} Regions would serve, at least {least} must (safety.minServing): let another one serve first",
        )
    elif scene.closing and len(able) < least:
        region = scene.closing[0]
        others = ", ".join(r for r in wanted if r not in able)
        yield Refusal(
            code="LastServingRegion",
            path=region_path(topology, region),
            message=f"{region} may not stop serving: {len(able)} others could, at least {least} must (safety.minServing), and "
            f"{others} cannot be read or was closed by hand; open that first, or let {region} serve",
        )


def the_rest_carries_the_load(scene: Scene) -> Iterator[Refusal]:
    """The Regions that go on serving have room for what the closing ones carry now."""
    after = scene.load_without(scene.closing)
    if after > FULL:
        region = scene.closing[0]
        yield Refusal(
            code="CapacityTooSmall",
            path=region_path(scene.topology, region),
            message=f"without {', '.join(scene.closing)} the databases of the other Regions would run at {after:.0%} of their "
            f"maximum, at most {FULL:.0%} is safe: raise spec.database.capacity.max first, or wait until there is less traffic",
        )


def the_writer_has_a_successor(scene: Scene) -> Iterator[Refusal]:
    """I4: the Region that writes leaves only after the writer has moved, and only a commit says where to."""
    writer = scene.writer
    if writer in scene.leaving and not scene.writer_moves and scene.goal is Goal.CONVERGE:
        wanted = scene.topology.database.writer
        ways = f"move it to {wanted} first, or name another Region in database.writer"
        if scene.motion is None:
            ways = f"put {writer} back in the document, as the writer, and converge; a commit after that moves it"
        moved = "was moved by hand" if scene.motion else "is, and no record tells who put it there"
        yield Refusal(
            code="WriterWithoutSuccessor",
            path="spec.database.writer",
            message=f"the document removes {writer}, where the writer {moved}: {ways}",
        )


def no_data_is_lost(scene: Scene) -> Iterator[Refusal]:
    """I17: a writer that cannot be asked cannot hand over; making another the writer loses what was not replicated."""
    writer, wanted = scene.writer, scene.topology.database.writer
    if not scene.writer_moves or writer is None:
        return
    cluster = scene.observed.clusters.get(writer)
    # A status that ends in "failed" stays; "failing-over" is a writer on its way, such as in the middle of our own switchover.
    lost = not scene.readable(writer) or cluster is None or getattr(cluster, "status", "").endswith("failed")
    if lost:
        way = f"meridian failover {scene.topology.name} --to {wanted} --accept-data-loss"
        yield Refusal(
            code="DataLossNotAcknowledged",
            path="spec.database.writer",
            message=f"the writer's Region {writer} does not answer, so the writer cannot move without loss: wait until it is back, "
            f"or accept the loss of what was not replicated: {way}",
        )


def the_engine_goes_up_alone(scene: Scene) -> Iterator[Refusal]:
    """I6: members of several versions can neither join, hand over nor follow, so an upgrade is a commit of its own."""
    upgraded = [c for c in scene.diff.changes if c.path.endswith("database/version")]
    for change in upgraded:
        yield from _version_problem(change)
    data = [state for ref in scene.observed.stacks if ref.kind is StackKind.DATA and (state := scene.state(ref))]
    founded = bool(scene.database and scene.database.members) or any(s.in_progress or s.stands for s in data)
    moving = [*scene.leaving, *(r for r in scene.joining if founded)]
    if upgraded and scene.goal is Goal.CONVERGE and (moving or scene.writer_moves):
        what = f"{', '.join(moving)} join or leave" if moving else "the writer moves"
        wanted, begun = (
            scene.topology.database.version,
            any(_runs(state, scene.topology.database.version) for state in data),
        )
        undo = f"the upgrade has begun: put the Regions and the writer back until all run {wanted}"
        first = f"put {upgraded[0].applied} back, or the Regions and the writer"
        yield Refusal(
            code="EngineUpgradeAlone",
            path="spec.database.version",
            message=f"the engine is upgraded while {what}: do one after the other, in two commits; {undo if begun else first}",
        )


def _runs(state: StackState, version: str) -> bool:
    """Its stack has this version of the engine already, and cannot go back."""
    cluster = (state.template or {}).get("Resources", {}).get("Cluster", {})
    return state.complete and cluster.get("Properties", {}).get("EngineVersion") == version


def _version_problem(change: Change) -> Iterator[Refusal]:
    new, old = str(change.desired), str(change.applied)
    if change.action is Action.REPLACE or new.split(".", maxsplit=1)[0] != old.split(".", maxsplit=1)[0]:
        yield Refusal(
            code="EngineMajorUpgradeNotSupported",
            path="spec.database.version",
            message=f"from {old} to {new}: major versions are upgraded by hand, with new parameter groups; put {old} back",
        )
    elif _number(new) < _number(old):
        yield Refusal(
            code="EngineDowngradeRefused",
            path="spec.database.version",
            message=f"from {old} to {new}: AWS cannot go back to an older version; put {old} back",
        )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _domain_change(topology: Topology, change: Change) -> Refusal:
    return Refusal(
        code="DomainChangeRefused",
        path="spec.domain",
        message=f"the domain of a deployed topology cannot be changed (to {topology.domain.name} in zone "
        f"{topology.domain.zone_id}; stack {change.stack} has another): put the old domain back",
    )


def _leaves(scene: Scene, change: Change) -> bool:
    """A Region that the document does not name any more, or its records."""
    records = change.stack == scene.routing and change.logical_id in {i for r in scene.leaving for i in record_ids(r)}
    return change.action is Action.DELETE and (change.stack is None or records)
