"""Rules: what is refused, each by name, with the field that asks for it and the way out.

One refusal is enough to leave everything alone: there is never a partial plan. Rules marked "later" guard what Meridian
cannot yet do safely; they go when it can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.model.change import Action, Change
from reconciler.model.observed import StackState, Unknown, known
from reconciler.model.plan import Refusal
from reconciler.model.stacks import StackKind, StackRef, gate_parameter
from reconciler.model.topology import Topology, Traffic
from reconciler.plan.scene import Scene

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
        elif change.path.endswith("database/version"):
            yield _later("EngineUpgrade", change, "engine upgrades")
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


def no_region_is_removed(scene: Scene) -> Iterator[Refusal]:
    """Later: removing a Region."""
    for region in scene.live_regions:
        if region not in scene.topology.region_names:
            yield Refusal(
                code="RegionRemovalNotSupported",
                path="spec.regions",
                message=f"{region} is deployed and the document no longer names it: removing a Region is not supported yet, "
                f"put {region} back",
            )


def no_region_is_drained(scene: Scene) -> Iterator[Refusal]:
    """Later: draining a Region that serves."""
    for place, region in enumerate(scene.topology.regions):
        gate = scene.gate(region.name)
        if region.traffic is Traffic.DRAINED and gate is not None and not gate.is_closed:
            yield Refusal(
                code="DrainNotSupported",
                path=f"spec.regions[{place}].traffic",
                message=f"{region.name} serves, draining it is not supported yet: put traffic: serving back",
            )


def writer_stays(scene: Scene) -> Iterator[Refusal]:
    """Later: moving the writer. A writer moved by hand is held, not refused."""
    cluster = known(scene.observed.global_cluster)
    wanted = scene.topology.database.writer
    held = any(f.path == "database/writer" for f in scene.diff.findings)
    if scene.observed.unrecorded:
        return  # nobody can tell a commit from a hand
    if cluster and cluster.writer and cluster.writer != wanted and not held:
        yield Refusal(
            code="WriterMoveNotSupported",
            path="spec.database.writer",
            message=f"the writer is {cluster.writer}, the document says {wanted}: moving it is not supported yet, "
            f"put database.writer: {cluster.writer} back",
        )


def only_what_works(scene: Scene) -> Iterator[Refusal]:
    """Later: fields that exist in the schema and are not carried out yet, when they are not at their default."""
    topology = scene.topology
    for path, used in (
        ("spec.api.auth.client.mode", topology.api.client.mode != "none"),
        ("spec.database.deletionPolicy", topology.database.deletion_policy != "retain"),
        ("spec.safety.maxConcurrentRegions", topology.safety.max_concurrent_regions != 1),
        ("spec.safety.windows", bool(topology.safety.windows)),
        ("spec.safety.allow", bool(topology.safety.allow)),
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
    no_region_is_removed,
    no_region_is_drained,
    writer_stays,
    only_what_works,
)


def refusals(scene: Scene) -> tuple[Refusal, ...]:
    """Every rule's refusals, each once; a wrong account alone when that is what it is: nothing else seen there is ours."""
    wrong = tuple(account_matches(scene))
    return wrong or tuple(dict.fromkeys(r for rule in RULES for r in rule(scene)))


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


def _later(code: str, change: Change, what: str) -> Refusal:
    return Refusal(
        code=f"{code}NotSupported",
        path=_yaml_path(change.path),
        message=f"from {change.applied} to {change.desired}: {what} are not supported yet, put {change.applied} back",
    )


def _yaml_path(path: str) -> str:
    """`regions/eu-west-1/database/version` is `spec.database.version` in the document."""
    parts = path.split("/")
    inner = parts[2:] if parts[0] == "regions" and parts[2:] != ["cidr"] else parts
    return "spec." + ".".join(inner)
