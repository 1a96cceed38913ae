"""Rules: what is refused, each by name, with the field that asks for it and the way out.

One refusal is enough to leave everything alone: there is never a partial plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.model.change import Action, Change
from reconciler.model.observed import StackState, Unknown, known
from reconciler.model.plan import Goal, Refusal
from reconciler.model.stacks import StackKind, StackRef, gate_parameter, record_ids
from reconciler.model.topology import Topology, Traffic
from reconciler.plan.scene import FULL, Scene

Rule = Callable[[Scene], Iterator[Refusal]]


def account_matches(scene: Scene) -> Iterator[Refusal]:
    have, want = scene.observed.account, scene.topology.account
    if have != want:
        yield Refusal(
            code="WrongAccount",
            path="spec.account",
            message=f"the credentials belong to account {have}, the document to {want}: use credentials of {want}",
        )


def zone_is_ours(scene: Scene) -> Iterator[Refusal]:
    """The hosted zone is public, in this account and named as the document says."""
    domain, zone = scene.topology.domain, scene.observed.zone
    denied = isinstance(zone, Unknown) and zone.denied
    if zone is None or denied:
        unless = " (or allow route53:GetHostedZone, if it is)" if denied else ""
        yield Refusal(
            code="HostedZoneNotInAccount",
            path="spec.domain.hostedZoneId",
            message=f"hosted zone {domain.zone_id} is not in account {scene.topology.account}: a zone in another account "
            f"is not supported yet, delegate a zone to this account and name it{unless}",
        )
    elif not isinstance(zone, Unknown) and (zone.private or zone.name != domain.zone_name):
        what = "private" if zone.private else f"{zone.name}"
        yield Refusal(
            code="HostedZoneMismatch",
            path="spec.domain.hostedZoneName",
            message=f"hosted zone {domain.zone_id} is {what}, not the public zone {domain.zone_name}: correct the id or the name",
        )


def names_are_free(scene: Scene) -> Iterator[Refusal]:
    """Records on the topology's names belong to its own stacks: else it was renamed, or they are somebody's."""
    topology, records = scene.topology, scene.observed.records
    if isinstance(records, Unknown):
        return
    routing = scene.observed.stacks.get(StackRef(StackKind.ROUTING, topology.home_region))
    edge = next((s for ref, s in scene.observed.stacks.items() if ref.kind is StackKind.EDGE), None)
    taken = {r.name for r in records if r.type in {"A", "AAAA", "CNAME"}}
    for name, stack in ((topology.domain.name, edge), (topology.route_name, routing), (topology.origin_name, routing)):
        if stack is None and name in taken:
            yield Refusal(
                code="NameTaken",
                path="metadata.name",
                message=f"{name} already has a record that no stack of {topology.name} made: if this topology was renamed, "
                "put the old metadata.name back (it cannot be changed); else remove the record or choose another domain",
            )


def home_region_stays(scene: Scene) -> Iterator[Refusal]:
    home = scene.topology.home_region
    stack = scene.observed.stacks.get(StackRef(StackKind.GLOBAL, home))
    if stack is not None:
        return
    if known(scene.observed.global_cluster) is not None:
        yield Refusal(
            code="HomeRegionChanged",
            path="spec.homeRegion",
            message=f"global cluster {scene.topology.global_cluster} exists but stack "
            f"{StackRef(StackKind.GLOBAL, home).name(scene.topology.name)} does not exist in {home}: put the old home Region "
            "back, or bring the stack back by hand if it was deleted",
        )
    elif any(ref.kind is StackKind.DATA and scene.state(ref) for ref in scene.observed.stacks):
        yield Refusal(
            code="GlobalStackLost",
            path="spec.homeRegion",
            message=f"the stack and the global cluster of {scene.topology.name} are gone from {home} while Regions hold its data: "
            "put the old home Region back if it was changed; else bring the global cluster back by hand, a new one would be empty",
        )


def data_stacks_stay(scene: Scene) -> Iterator[Refusal]:
    """A data stack that is gone or failed while its cluster is there holds data: a person must look."""
    for region, cluster in scene.observed.clusters.items():
        ref = StackRef(StackKind.DATA, region)
        state = scene.observed.stacks.get(ref)
        served = region in scene.established
        if region in scene.leaving or region in scene.half_removed:
            continue
        exists = known(cluster) is not None
        broken = isinstance(state, StackState) and state.beyond_update
        if (state is None or broken) and (exists or served):
            status = state.status if isinstance(state, StackState) else "gone"
            what = (
                "its database cluster exists"
                if exists
                else "its Region takes traffic, and its database cluster is gone"
            )
            yield Refusal(
                code="DataStackLost",
                path=f"spec.regions[{region}]",
                message=f"stack {ref.name(scene.topology.name)} in {region} is {status} while {what}: nothing is deleted or "
                "made again around live data; restore the stack by import, or the data from a snapshot",
            )


def nothing_half_deleted_is_finished_off(scene: Scene) -> Iterator[Refusal]:
    """A stack whose deletion by hand got stuck may still serve: deleting the rest of it would be ours then."""
    seen, topology = scene.observed, scene.topology
    names = {topology.route_name, topology.origin_name}
    records = seen.records if isinstance(seen.records, tuple) else ()
    for ref in scene.stacks:
        state = scene.state(ref)
        remains = {
            StackKind.GLOBAL: known(seen.global_cluster) is not None,
            StackKind.API: ref.region in scene.established,
            StackKind.ROUTING: any(r.name in names for r in records),
            StackKind.EDGE: known(seen.distribution) is not None,
        }
        if state and state.status == "DELETE_FAILED" and remains.get(ref.kind, False):
            yield Refusal(
                code="StackHalfDeleted",
                path=_place(ref),
                message=f"somebody began to delete stack {ref.name(topology.name)} in {ref.region}, it is DELETE_FAILED, and "
                "what is left of it may serve: bring it back, or finish deleting it by hand; the next converge makes it again",
            )


def hands_are_left_alone(scene: Scene) -> Iterator[Refusal]:
    """A deployment writes whole resources: one that somebody changed by hand would be put back along the way."""
    distribution = known(scene.observed.distribution)
    for ref in scene.stacks:
        changes = scene.diff.changed(ref)
        touched = scene.diff.touched.get(ref, frozenset())
        held = [f"{f.path}: {f.reason}" for f in scene.diff.held(ref) if f.logical_id in touched]
        if ref.kind is StackKind.EDGE and distribution and not distribution.enabled and not held:
            held = ["the distribution is disabled: enable it by hand when the incident is over"]
        if changes and scene.state(ref) and held:
            yield Refusal(
                code="HeldByHand",
                path=_yaml_path(changes[0].path),
                message=f"deploying {ref} for {changes[0].path} would undo what was changed by hand ({'; '.join(held)}); "
                "do that first, or put the old value back",
            )


def gates_stay(scene: Scene) -> Iterator[Refusal]:
    """Records point at a gate that is gone: DNS takes such a Region for healthy whatever its probe says."""
    state = scene.observed.stack(StackKind.ROUTING, scene.topology.home_region)
    for region in scene.topology.region_names:
        carries = state is not None and gate_parameter(region) in state.parameters
        if carries and scene.observed.gates.get(region) is None:
            yield Refusal(
                code="GateDeleted",
                path=f"spec.regions[{region}].traffic",
                message=f"the traffic gate of {region} was deleted while its records use it: its health is not checked now; "
                'make one by hand first, as ARCHITECTURE.md says under "Refusals that need a person"',
            )


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
                path=_yaml_path(change.path),
                message=f"{change.path} from {change.applied!r} to {change.desired!r} would replace "
                f"{change.logical_id or 'resources'} in stack {change.stack}: put the old value back",
            )
        elif change.action is Action.DELETE:
            yield Refusal(
                code="RemovalRefused",
                path=_yaml_path(change.path),
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
            path=_region_path(topology, region),
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
            path=_region_path(scene.topology, region),
            message=f"without {', '.join(scene.closing)} the databases of the other Regions would run at {after:.0%} of their "
            f"maximum, at most {FULL:.0%} is safe: raise spec.database.capacity.max first, or wait until there is less traffic",
        )


def the_writer_has_a_successor(scene: Scene) -> Iterator[Refusal]:
    """I4: the Region that writes leaves only after the writer has moved, and only a commit says where to."""
    writer = scene.writer
    if writer in scene.leaving and not scene.writer_moves and scene.goal is Goal.CONVERGE:
        yield Refusal(
            code="WriterWithoutSuccessor",
            path="spec.database.writer",
            message=f"the document removes {writer}, where the writer was moved by hand: move it to "
            f"{scene.topology.database.writer} first, or name another Region in database.writer",
        )


def no_data_is_lost(scene: Scene) -> Iterator[Refusal]:
    """I17: a writer that cannot be asked cannot hand over; making another the writer loses what was not replicated."""
    writer, wanted = scene.writer, scene.topology.database.writer
    if not scene.writer_moves or writer is None:
        return
    cluster = scene.observed.clusters.get(writer)
    lost = not scene.readable(writer) or cluster is None or "fail" in getattr(cluster, "status", "")
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
    moving = [*scene.leaving, *(r for r in scene.joining if scene.established)]
    if upgraded and scene.goal is Goal.CONVERGE and (moving or scene.writer_moves):
        what = f"{', '.join(moving)} join or leave" if moving else "the writer moves"
        yield Refusal(
            code="EngineUpgradeAlone",
            path="spec.database.version",
            message=f"the engine is upgraded while {what}: do one after the other, in two commits; "
            f"put {upgraded[0].applied} back, or the Regions",
        )


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


def only_what_works(scene: Scene) -> Iterator[Refusal]:
    """Later: fields that exist in the schema and are not carried out yet, when they are not at their default."""
    topology = scene.topology
    for path, used in (
        ("spec.api.auth.client.mode", topology.api.client.mode != "none"),
        ("spec.drift.ignore", bool(topology.drift.ignore)),
        ("spec.drift.schedule", topology.drift.schedule != "rate(30 minutes)"),
    ):
        if used:
            yield Refusal(code="NotSupportedYet", path=path, message="not supported yet: leave it at its default")


RULES: tuple[Rule, ...] = (
    account_matches,
    zone_is_ours,
    names_are_free,
    home_region_stays,
    data_stacks_stay,
    nothing_half_deleted_is_finished_off,
    hands_are_left_alone,
    gates_stay,
    nothing_is_replaced,
    enough_regions_serve,
    the_rest_carries_the_load,
    the_writer_has_a_successor,
    no_data_is_lost,
    the_engine_goes_up_alone,
    only_what_works,
)


def refusals(scene: Scene) -> tuple[Refusal, ...]:
    """Every rule's refusals, each once; a wrong account alone when that is what it is: nothing else seen there is ours.

    Destroying asks nothing of what the document wants: only whose account it is.
    """
    wrong = tuple(account_matches(scene))
    rules = () if wrong or scene.goal is Goal.DESTROY else RULES
    return wrong or tuple(dict.fromkeys(r for rule in rules for r in rule(scene)))


def _place(ref: StackRef) -> str:
    homes = {StackKind.EDGE: "spec.edge", StackKind.ROUTING: "spec.routing", StackKind.GLOBAL: "spec.database"}
    return homes.get(ref.kind, f"spec.regions[{ref.region}]")


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


def _region_path(topology: Topology, region: str) -> str:
    place = next((i for i, r in enumerate(topology.regions) if r.name == region), None)
    return "spec.regions" if place is None else f"spec.regions[{place}].traffic"


def _yaml_path(path: str) -> str:
    """`regions/eu-west-1/database/version` is `spec.database.version` in the document."""
    parts = path.split("/")
    inner = parts[2:] if parts[0] == "regions" and parts[2:] != ["cidr"] else parts
    return "spec." + ".".join(inner)
