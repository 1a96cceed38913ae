"""The global database, as the reconciler relies on it: who writes, who belongs to it, how it is changed, and how it goes.

Each claim holds of the fake, on which the simulation runs, and of the embedded AWS behind the adapters.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from reconciler.diff.desired import parameters
from reconciler.model.errors import OperationInProgress, Retry
from reconciler.model.observed import Observed
from reconciler.model.requests import (
    DeleteCluster,
    DeleteGlobal,
    DeleteInstance,
    Request,
    Unprotect,
    UnprotectGlobal,
)
from reconciler.model.stacks import StackKind, StackRef
from tests.contract.cloud.asking import begun, busy, deletion, detach, done, made, refused, switchover, wanted
from tests.contract.cloud.worlds import World, changed

US, EU, AP, SA = "us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"
DATA = {region: StackRef(StackKind.DATA, region) for region in (US, EU, AP, SA)}
GLOBAL, API = StackRef(StackKind.GLOBAL, US), StackRef(StackKind.API, AP)
OLDER, NEWER = "16.6", "16.9"


def twice(world: World, request: Request) -> None:
    """The answer was lost: asked again, AWS does nothing more, or says that it is at it."""
    world.ports.cloud.perform(request)
    with suppress(OperationInProgress):
        world.ports.cloud.perform(request)


def cluster(world: World, region: str, **properties: Any) -> dict[str, Any]:
    """The Region's data stack, with another cluster."""
    body = world.start.stacks[DATA[region]].template
    return {**body, "Resources": changed(body["Resources"], "Cluster", **properties)}


def upgraded(world: World, region: str, version: str, name: str = "meridian-upgrade") -> str | None:
    return done(world, wanted(world, DATA[region], cluster(world, region, EngineVersion=version), name), every=200)


def names(world: World, region: str) -> tuple[str, list[str]]:
    """The Region's cluster and its instances."""
    found = world.start.clusters[region]
    return found.identifier, sorted(found.instance_statuses)


def in_step(observed: Observed) -> bool:
    return all(m.synchronization in (None, "connected") for m in observed.global_cluster.members)


def test_one_member_writes_and_the_others_follow_it_and_are_measured(world):
    """aws-facts §3.3: the lag is the readers'."""
    found = world.start
    assert found.global_cluster.protected
    assert [m.region for m in found.global_cluster.members if m.is_writer] == [US]
    assert in_step(found)
    assert found.clusters[US].lag_ms is None
    for region in (US, EU, AP):
        assert found.clusters[region].available
        assert found.clusters[region].protected
        assert 0 <= found.clusters[region].load <= 1
        assert region == US or 0 < found.clusters[region].lag_ms < 30_000


# ---- the writer moves ------------------------------------------------------------------------------------------------------


def test_the_writer_moves_is_seen_moving_and_only_then_holds_the_master_secret(world):
    """aws-facts §3.5; that its template may inherit the secret: §3.3."""
    asked = switchover(world, EU)
    with world.still():
        for _ in range(2):
            world.ports.cloud.perform(asked)  # never a second one
        moving = world.observed().global_cluster
    assert moving.failover
    assert moving.moving_to == EU
    assert [m.region for m in moving.members if m.is_writer] == [US]
    world.until(lambda o: not o.global_cluster.failover, every=15)
    with world.still():
        moved = world.observed()
        busy(world, switchover(world, US, writer=EU))
    assert moved.global_cluster.writer == EU
    assert {m.region for m in moved.global_cluster.members} == {US, EU, AP}
    assert not in_step(moved)
    world.ports.cloud.perform(asked)  # asked where the writer was
    at_rest = world.until(in_step, every=60)
    assert at_rest.global_cluster.writer == EU
    assert not at_rest.global_cluster.failover
    assert done(world, wanted(world, DATA[EU], world.template("data-heir").body)) == "UPDATE_COMPLETE"


def test_nothing_else_happens_to_the_database_while_the_writer_moves(world):
    """aws-facts §3.2#7, §8.5."""
    with world.still():
        world.ports.cloud.perform(switchover(world, EU))
        busy(world, switchover(world, AP))
        busy(world, detach(world, AP))
        busy(world, Unprotect(region=AP, cluster=names(world, AP)[0]))
    moved = world.until(lambda o: not o.global_cluster.failover, every=60)
    assert {m.region: m.is_writer for m in moved.global_cluster.members} == {US: False, EU: True, AP: False}
    assert moved.clusters[AP].protected


def test_the_writer_is_asked_to_be_the_writer(world):
    world.ports.cloud.perform(switchover(world, US))
    assert not world.observed().global_cluster.failover


def test_the_writer_moves_only_where_it_is_asked_to(world):
    """aws-facts §3.5: it is called in the writer's Region; the embedded AWS is the stricter of what AWS may be."""
    refused(world, switchover(world, EU, writer=AP))
    assert not world.observed().global_cluster.failover


def test_the_writer_does_not_move_while_a_member_is_modified(world):
    grown = cluster(world, AP, ServerlessV2ScalingConfiguration={"MinCapacity": 8, "MaxCapacity": 32})
    begun(world, wanted(world, DATA[AP], grown))
    world.until(lambda o: not o.clusters[AP].available, every=5)
    busy(world, switchover(world, EU))
    assert world.settled(DATA[AP]) == "UPDATE_COMPLETE"
    after = world.observed()
    assert after.global_cluster.writer == US
    assert after.clusters[AP].available


# ---- the engine ------------------------------------------------------------------------------------------------------------


def test_readers_are_upgraded_before_the_writer_and_none_goes_back(world):
    """aws-facts §8.12; meanwhile the writer stays where it is (§3.5)."""
    assert upgraded(world, US, NEWER) == "UPDATE_ROLLBACK_COMPLETE"
    assert upgraded(world, AP, OLDER) == "UPDATE_ROLLBACK_COMPLETE"
    begun(world, wanted(world, DATA[AP], cluster(world, AP, EngineVersion=NEWER), "meridian-newer"))
    world.until(lambda o: not o.clusters[AP].available)
    assert world.settled(DATA[AP], every=200) == "UPDATE_COMPLETE"
    seen = world.observed()
    assert {r: c.engine_version for r, c in seen.clusters.items()} == {US: "16.8", EU: "16.8", AP: NEWER}
    assert all(c.available for c in seen.clusters.values())
    busy(world, switchover(world, EU))
    busy(world, switchover(world, AP))


def test_the_global_cluster_has_its_members_version_and_brings_them_no_other(world):
    """A minor version goes member by member (aws-facts §8.12)."""
    body = world.start.stacks[GLOBAL].template
    newer = {**body, "Resources": changed(body["Resources"], "GlobalCluster", EngineVersion=NEWER)}
    assert done(world, wanted(world, GLOBAL, newer, "meridian-early")) == "UPDATE_ROLLBACK_COMPLETE"
    assert [upgraded(world, region, NEWER) for region in (EU, AP, US)] == ["UPDATE_COMPLETE"] * 3
    assert world.observed().global_cluster.engine_version == NEWER
    assert done(world, wanted(world, GLOBAL, newer, "meridian-late")) == "UPDATE_COMPLETE"


# ---- joining and leaving ---------------------------------------------------------------------------------------------------


def test_a_region_that_joins_is_a_member_before_it_follows(world):
    wide = world.joined_by(SA)
    before = wide.observed()
    assert before.zones[SA]
    assert not before.zones.get(AP), "only of Regions without a network"
    values = parameters(DATA[SA], wide.topology, before)
    begun(world, wanted(world, DATA[SA], world.template("data").body, create=True, **values))
    joining = wide.until(lambda o: o.global_cluster.member(SA), every=60)
    assert joining.stacks[DATA[SA]].status == "CREATE_IN_PROGRESS"
    assert joining.global_cluster.member(SA).synchronization == "pending-resync"
    assert not joining.clusters[SA].available
    assert joining.clusters[SA].lag_ms is None
    assert world.settled(DATA[SA], every=120) == "CREATE_COMPLETE"
    joined = wide.until(lambda o: o.clusters[SA].lag_ms is not None, every=60)
    assert in_step(joined)
    assert joined.clusters[SA].available
    assert joined.global_cluster.writer == US


def test_what_joins_runs_the_version_that_the_global_cluster_has(world):
    """Embedded: `Value for engineVersion should match setting for global cluster` [S]."""
    wide = world.joined_by(SA)
    body = world.template("data").body
    other = {**body, "Resources": changed(body["Resources"], "Cluster", EngineVersion=NEWER)}
    values = parameters(DATA[SA], wide.topology, wide.observed())
    assert done(world, wanted(world, DATA[SA], other, create=True, **values), every=120) == "ROLLBACK_COMPLETE"
    assert wide.observed().global_cluster.member(SA) is None


def test_the_writer_cannot_be_detached_while_others_follow(world):
    busy(world, detach(world, US))
    assert world.observed().global_cluster.writer == US


def test_a_member_cannot_be_deleted_nor_its_stack(world):
    """aws-facts §3.2#6: the stack's instances go, its cluster stays."""
    name, _ = names(world, AP)
    gone = DeleteCluster(region=AP, cluster=name, snapshot=f"{name}-final")
    refused(world, gone)
    world.ports.cloud.perform(deletion(world, DATA[AP]))
    assert world.settled(DATA[AP]) == "DELETE_FAILED"
    left = world.observed()
    assert left.stacks[DATA[AP]].failure
    assert left.global_cluster.member(AP)
    assert left.clusters[AP].status == "available"
    assert not left.clusters[AP].instance_statuses
    busy(world, switchover(world, AP))
    world.ports.cloud.perform(Unprotect(region=AP, cluster=name))
    busy(world, gone)


def test_a_region_leaves_piece_by_piece(world):
    """aws-facts §3.6, §8.2."""
    stands_alone(world)
    goes_with_a_snapshot(world)
    gives_up_its_network(world)


def stands_alone(world: World) -> None:
    """It writes for itself now, and is still protected."""
    name, _ = names(world, AP)
    with world.still():
        twice(world, detach(world, AP))
        assert world.observed().clusters[AP].status == "promoting"
        busy(world, Unprotect(region=AP, cluster=name))
    alone = world.until(lambda o: o.global_cluster.member(AP) is None and o.clusters[AP].available, every=100)
    assert alone.clusters[AP].protected
    assert alone.global_cluster.writer == US
    world.ports.cloud.perform(detach(world, AP))  # who is no member needs no leave
    refused(world, switchover(world, AP))


def goes_with_a_snapshot(world: World) -> None:
    """Neither while it is protected, nor while it has instances, nor under the name of a snapshot that is there."""
    name, instances = names(world, AP)
    gone = DeleteCluster(region=AP, cluster=name, snapshot=f"{name}-final")
    assert refused(world, gone).retry is Retry.NEVER
    twice(world, Unprotect(region=AP, cluster=name))
    busy(world, gone)
    with world.still():
        for instance in instances:
            twice(world, DeleteInstance(region=AP, instance=instance))
        going = world.observed().clusters[AP]
    assert not going.protected
    assert set(going.instance_statuses.values()) == {"deleting"}
    world.until(lambda o: not o.clusters[AP].instance_statuses, every=320)
    world.has_snapshot(AP, f"{name}-taken")
    refused(world, DeleteCluster(region=AP, cluster=name, snapshot=f"{name}-taken"))
    with world.still():
        twice(world, gone)
        assert world.observed().clusters[AP].status == "deleting"
    world.until(lambda o: o.clusters[AP] is None, every=200)
    for late in (gone, Unprotect(region=AP, cluster=name), DeleteInstance(region=AP, instance=instances[0])):
        world.ports.cloud.perform(late)


def gives_up_its_network(world: World) -> None:
    """Not while functions, or the interfaces that Lambda keeps for a while, are in its subnets (aws-facts §2.4)."""
    world.ports.cloud.perform(deletion(world, DATA[AP]))
    assert world.settled(DATA[AP], every=200) == "DELETE_FAILED"
    world.ports.cloud.perform(deletion(world, API))
    assert world.settled(API) is None
    world.until(lambda o: o.interfaces[AP] == 0, every=900)
    world.ports.cloud.perform(deletion(world, DATA[AP]))
    assert world.settled(DATA[AP], every=200) is None


def test_the_global_stack_goes_without_its_cluster_and_is_not_made_again_beside_it(world):
    """The name is taken, which AWS says early or late."""
    again = wanted(world, GLOBAL, world.start.stacks[GLOBAL].template, create=True)
    world.ports.cloud.perform(deletion(world, GLOBAL))
    assert world.settled(GLOBAL) is None
    found = made(world, again)
    assert found.of_no_use or done(world, again) == "ROLLBACK_COMPLETE"
    assert world.observed().global_cluster == world.start.global_cluster


def test_a_global_cluster_with_members_stays(world):
    """Though it is not protected any more (aws-facts §3.6)."""
    found = world.start.global_cluster.identifier
    world.ports.cloud.perform(UnprotectGlobal(region=US, global_cluster=found))
    assert not world.until(lambda o: o.global_cluster.status == "available").global_cluster.protected
    busy(world, DeleteGlobal(region=US, global_cluster=found))
    assert len(world.observed().global_cluster.members) == 3


def test_the_writer_leaves_last_and_then_the_global_cluster_goes_unless_it_is_protected(world):
    """aws-facts §3.6."""
    found = world.start.global_cluster.identifier
    for leaving in ((AP, EU), (US,)):
        for region in leaving:
            world.ports.cloud.perform(detach(world, region))
        world.until(lambda o, left=leaving: not any(map(o.global_cluster.member, left)), every=100)
    gone = DeleteGlobal(region=US, global_cluster=found)
    refused(world, gone)
    twice(world, UnprotectGlobal(region=US, global_cluster=found))
    world.until(lambda o: o.global_cluster.status == "available")
    twice(world, gone)
    assert world.until(lambda o: o.global_cluster is None).clusters[US].status == "available"
    world.ports.cloud.perform(gone)
