"""What stands in the way as AWS is: another account, names that are taken, data at risk, somebody's hand."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.observed import StackState, Unknown, known
from reconciler.model.plan import Goal, Refusal
from reconciler.model.stacks import StackKind, StackRef, gate_parameter, routed_regions
from reconciler.plan.picture import ordinal
from reconciler.plan.rules.fields import yaml_path
from reconciler.plan.scene import Scene


def account_matches(scene: Scene) -> Iterator[Refusal]:
    have, want = scene.observed.account, scene.topology.account
    if have != want:
        yield Refusal(
            code="WrongAccount",
            path="spec.account",
            message=f"the credentials belong to account {have}, the document to {want}: use credentials of {want}",
        )


def not_being_destroyed(scene: Scene) -> Iterator[Refusal]:
    """A destroy that was begun is finished, not undone by a pass that does not know of it."""
    if scene.motion and scene.motion.destroying:
        name = scene.topology.name
        yield Refusal(
            code="BeingDestroyed",
            path="metadata.name",
            message=f"{name} is being destroyed: finish that with meridian destroy {name} --confirm {name}; a converge after that "
            "makes it anew",
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
    """The global database is where it was. Beside members that made it, it can only be gone by hand: a new one would be empty."""
    home = scene.topology.home_region
    stack = scene.observed.stacks.get(StackRef(StackKind.GLOBAL, home))
    if stack is not None:
        if scene.observed.global_cluster is None and (held := _completed(scene, StackKind.DATA)):
            yield Refusal(
                code="GlobalClusterLost",
                path="spec.database",
                message=f"global cluster {scene.topology.global_cluster} was deleted by hand, the databases of {', '.join(held)} "
                "stand alone, and nothing is joined or deleted around live data: make it again around the one that shall write "
                "(aws rds create-global-cluster --source-db-cluster-identifier), then take the other Regions out of the document; "
                "they join anew in a commit after that",
            )
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
        held = [f"{f.path}: {f.reason}" for f in scene.diff.by_hand(ref) if f.logical_id in touched]
        if ref.kind is StackKind.EDGE and distribution and not distribution.enabled and not held:
            held = ["the distribution is disabled: enable it by hand when the incident is over"]
        if changes and scene.state(ref) and held:
            yield Refusal(
                code="HeldByHand",
                path=yaml_path(changes[0].path),
                message=f"deploying {ref} for {changes[0].path} would undo what was changed by hand ({'; '.join(held)}); "
                "do that first, or put the old value back",
            )


def the_heir_can_inherit(scene: Scene) -> Iterator[Refusal]:
    """The writer's cluster will be written when it takes over the master credentials: judged before the writer moves there."""
    wanted = scene.topology.database.writer
    if not (scene.writer_moves and scene.leaving) or scene.master_stays:
        return
    ref = StackRef(StackKind.DATA, wanted)
    held = [f"{f.path}: {f.reason}" for f in scene.diff.held(ref) if f.logical_id == "Cluster"]
    if held:
        yield Refusal(
            code="HeldByHand",
            path="spec.database.writer",
            message=f"{wanted} would write and take over the master credentials, and deploying {ref} for that would undo what was "
            f"changed by hand ({'; '.join(held)}); do that first, or keep {scene.writer} in the document",
        )


def members_run_what_joins(scene: Scene) -> Iterator[Refusal]:
    """AWS joins a cluster only to members of its own engine version; an upgrade by hand shows in no template."""
    wanted = scene.topology.database.version
    members = scene.database.members if scene.database else ()
    other = {
        m.region: c.engine_version for m in members if (c := scene.cluster(m.region)) and c.engine_version != wanted
    }
    ours = any(c.path.endswith("database/version") for c in scene.diff.changes)
    fresh = [r for r in scene.joining if scene.database and scene.database.member(r) is None]
    if other and fresh and not ours:
        found = ", ".join(f"{v} in {r}" for r, v in sorted(other.items()))
        newest = max(other.values(), key=ordinal)
        yield Refusal(
            code="EngineVersionsDiffer",
            path="spec.database.version",
            message=f"{', '.join(fresh)} would join with {wanted}, and members run another version ({found}), which AWS refuses: "
            f"commit database.version: {newest} first, without {', '.join(fresh)}, and add it in the commit after that",
        )


def an_empty_global_cluster_keeps_its_version(scene: Scene) -> Iterator[Refusal]:
    """A minor version comes to a global cluster with its members (ModifyGlobalCluster takes major ones only), and its first
    member must run what it was made with: until that stands, the version cannot change."""
    wanted, group = scene.topology.database.version, scene.database
    data = (scene.state(ref) for ref in scene.observed.stacks if ref.kind is StackKind.DATA)
    if group is None or group.members or group.engine_version == wanted or scene.goal is not Goal.CONVERGE:
        return
    if not any(state and (state.in_progress or state.stands) for state in data):
        yield Refusal(
            code="EngineVersionsDiffer",
            path="spec.database.version",
            message=f"global cluster {scene.topology.global_cluster} was made with {group.engine_version} and has no member yet: "
            f"AWS lets neither it nor its first member have {wanted}; put {group.engine_version} back, and upgrade in a commit of "
            "its own once all Regions are there",
        )


def gates_stay(scene: Scene) -> Iterator[Refusal]:
    """Records point at a gate that is gone: DNS takes such a Region for healthy whatever its probe says, also one that leaves,
    or of which nothing but its records is left."""
    state = scene.state(scene.routing)
    routed = routed_regions(state.template) if state else frozenset()
    carrying = [r for r in scene.topology.region_names if state and gate_parameter(r) in state.parameters]
    leaving = sorted(routed.difference(scene.topology.region_names))
    unread = any(isinstance(gate, Unknown) for gate in scene.observed.gates.values())
    for region in (*carrying, *(() if unread else leaving)):
        if scene.observed.gates.get(region) is None:
            made = "a closed one" if region in leaving else "one"
            yield Refusal(
                code="GateDeleted",
                path=f"spec.regions[{region}].traffic",
                message=f"the traffic gate of {region} was deleted while its records use it: its health is not checked now; "
                f'make {made} by hand first, as ARCHITECTURE.md says under "Refusals that need a person"',
            )


def _completed(scene: Scene, kind: StackKind) -> list[str]:
    return [ref.region for ref in scene.observed.stacks if ref.kind is kind and (s := scene.state(ref)) and s.complete]


def _place(ref: StackRef) -> str:
    homes = {StackKind.EDGE: "spec.edge", StackKind.ROUTING: "spec.routing", StackKind.GLOBAL: "spec.database"}
    return homes.get(ref.kind, f"spec.regions[{ref.region}]")
