"""What is told of drift and how it is put back, as the reconciler relies on it.

Each claim holds of the fake, on which the simulation runs, and of the embedded AWS behind the adapters.
"""

from __future__ import annotations

from reconciler.detecting import change_set_name, detect
from reconciler.model.errors import OperationInProgress
from reconciler.model.motion import Motion
from reconciler.model.requests import DetectDrift, ProtectGlobal, SetCluster, UnprotectGlobal
from reconciler.model.stacks import StackKind, StackRef
from tests.contract.cloud.asking import begun, busy, refused, switchover, wanted
from tests.contract.cloud.worlds import World, changed

US, EU = "us-east-1", "eu-west-1"
DATA, API = StackRef(StackKind.DATA, EU), StackRef(StackKind.API, EU)


def detection(world: World, ref: StackRef) -> DetectDrift:
    parameters = tuple(world.start.stacks[ref].parameters)
    name = change_set_name(world.topology)
    return DetectDrift(stack=ref, stack_name=world.name(ref), name=name, parameters=parameters)


def test_untouched_stacks_are_in_sync_and_nothing_of_the_comparison_is_left(world):
    world.ports.cloud.perform(detection(world, API))  # of one that died
    assert detect(world.ports, world.topology) == {}
    motion = Motion.recorded(world.ports.journal.recorded(world.topology))
    assert set(motion.detections) == set(map(str, world.start.stacks))
    assert not any(found.drifted for found in motion.detections.values())
    name = change_set_name(world.topology)
    assert not any(world.ports.cloud.change_set(ref, world.name(ref), name) for ref in world.start.stacks)


def test_a_stack_that_changes_is_not_compared(world):
    body = world.start.stacks[API].template
    other = {**body, "Resources": changed(body["Resources"], "Function", MemorySize=1024)}
    with world.still():
        begun(world, wanted(world, API, other))
        assert isinstance(refused(world, detection(world, API)), OperationInProgress)
        assert str(API) not in detect(world.ports, world.topology)


def test_settings_of_a_cluster_are_put_back_unless_the_writer_moves(world):
    identifier = world.start.clusters[EU].identifier
    settings = {"DeletionProtection": False, "ServerlessV2ScalingConfiguration": {"MinCapacity": 4, "MaxCapacity": 32}}
    world.ports.cloud.perform(SetCluster(region=EU, cluster=identifier, settings=settings))
    lowered = world.until(lambda seen: seen.clusters[EU].available and not seen.clusters[EU].protected)
    live = lowered.live[DATA, "Cluster"]
    assert live["ServerlessV2ScalingConfiguration"] == settings["ServerlessV2ScalingConfiguration"]
    back = SetCluster(region=EU, cluster=identifier, settings={"DeletionProtection": True})
    world.ports.cloud.perform(back)
    world.until(lambda seen: seen.clusters[EU].available and seen.clusters[EU].protected)
    world.ports.cloud.perform(switchover(world, EU))
    busy(world, back)


def test_the_global_clusters_protection_comes_back(world):
    name = world.start.global_cluster.identifier
    for request, protected in ((UnprotectGlobal, False), (ProtectGlobal, True), (ProtectGlobal, True)):
        world.ports.cloud.perform(request(region=US, global_cluster=name))
        rests = world.until(lambda seen: seen.global_cluster.status == "available")
        assert rests.global_cluster.protected is protected
