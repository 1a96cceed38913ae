"""What the reconciler relies on of AWS, most of all in transitions: the fake, on which the simulation runs, and the embedded AWS,
behind the adapters, keep to the same. One file, so that one converged world serves all of it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from reconciler.model.errors import ReconcilerError, StalePlan
from reconciler.model.observed import StackState
from reconciler.model.requests import (
    CreateGate,
    DeleteChangeSet,
    DeleteCluster,
    DeleteStack,
    ExecuteChangeSet,
    Unprotect,
)
from reconciler.model.stacks import StackKind, StackRef, Template, camel
from tests.contract.cloud.asking import detach, execute, made, move, switchover
from tests.contract.cloud.worlds import World, changed

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"
API, ROUTING = StackRef(StackKind.API, AP), StackRef(StackKind.ROUTING, US)


def larger(world: World, memory: int = 1024) -> dict:
    body = dict(world.observed().stacks[API].template)
    return {**body, "Resources": changed(body["Resources"], "Function", MemorySize=memory)}


def state(world: World, ref: StackRef = API) -> StackState:
    return world.observed().stacks[ref]


def test_a_change_set_tells_what_it_would_change_and_changes_nothing(world):
    before = state(world)
    assert world.ports.cloud.change_set(API, before.ref.name("orders"), "meridian-test") is None
    found = made(world, API, larger(world))
    assert (found.status, found.execution_status) == ("CREATE_COMPLETE", "AVAILABLE")
    function = next(c for c in found.changes if c.logical_id == "Function")
    assert (function.action, function.replacement, function.properties) == ("Modify", "False", ("MemorySize",))
    assert state(world).template == before.template


def test_a_change_set_without_changes_fails_and_can_be_put_away(world):
    found = made(world, API, dict(state(world).template))
    assert found.empty
    assert found.of_no_use
    name = API.name("orders")
    world.ports.cloud.perform(DeleteChangeSet(stack=API, stack_name=name, name="meridian-test"))
    assert world.ports.cloud.change_set(API, name, "meridian-test") is None


def test_an_update_is_seen_under_way_and_then_done(world):
    body = larger(world)
    made(world, API, body)
    begun = state(world)
    execute(world, API)
    assert state(world).status == "UPDATE_IN_PROGRESS"
    execute(world, API)  # the answer was lost; it runs already
    done = world.until(lambda o: not o.stacks[API].in_progress)
    assert done.stacks[API].status == "UPDATE_COMPLETE"
    assert done.stacks[API].changed_at > begun.changed_at
    assert done.stacks[API].template["Resources"]["Function"]["Properties"]["MemorySize"] == 1024
    assert done.live[API, "Function"]["MemorySize"] == 1024


def test_a_change_set_for_a_state_that_has_passed_is_of_no_use(world):
    made(world, API, larger(world), "meridian-first")
    made(world, API, larger(world, 2048), "meridian-second")
    execute(world, API, "meridian-first")
    world.until(lambda o: o.stacks[API].complete)
    late = world.ports.cloud.change_set(API, API.name("orders"), "meridian-second")
    assert late is None or late.of_no_use
    with pytest.raises(ReconcilerError):
        execute(world, API, "meridian-second")


def test_records_that_a_template_lets_go_of_are_removed_by_name(world):
    body = dict(state(world, ROUTING).template)
    names = {f"Route{camel(AP)}", f"Origin{camel(AP)}"}
    gate = f"Gate{camel(AP)}"
    smaller = {
        **body,
        "Resources": {k: v for k, v in body["Resources"].items() if k not in names},
        "Parameters": {k: v for k, v in body["Parameters"].items() if k != gate},
    }
    found = made(world, ROUTING, smaller)
    assert {(c.action, c.logical_id) for c in found.changes} == {("Remove", name) for name in names}
    execute(world, ROUTING)
    after = world.until(lambda o: o.stacks[ROUTING].complete)
    assert AP not in {r.region for r in after.records}


def test_a_deletion_for_a_stack_that_was_made_again_hits_nothing(world):
    name = API.name("orders")
    other = state(world).id[:-4] + "0000"
    world.ports.cloud.perform(DeleteStack(stack=API, stack_name=name, stack_id=other))
    assert state(world).complete


def test_lambda_keeps_its_interfaces_when_the_api_is_gone(world):
    assert AP not in world.observed().interfaces
    before = state(world)
    world.ports.cloud.perform(DeleteStack(stack=API, stack_name=API.name("orders"), stack_id=before.id))
    assert state(world).status == "DELETE_IN_PROGRESS"
    left = world.until(lambda o: o.stacks[API] is None, every=45)
    assert left.interfaces[AP] > 0
    assert world.until(lambda o: o.interfaces[AP] == 0, every=900)


def test_templates_have_the_variants_that_the_planner_names(world):
    for key in ("global", "data", "data-founder", "data-heir", "api", "routing", "edge"):
        assert isinstance(world.template(key), Template)
    heir, founder = (world.template(k).body["Resources"] for k in ("data-heir", "data-founder"))
    assert "Master" in heir
    assert {"MasterUsername", "DatabaseName"} <= set(founder["Cluster"]["Properties"])
    assert not {"MasterUsername", "DatabaseName"} & set(heir["Cluster"]["Properties"])


def test_a_gate_is_moved_only_by_who_knows_its_version(world):
    before = world.observed().gates[AP]
    assert before.is_open
    move(world, AP, closed=True)
    assert world.observed().gates[AP].version == before.version + 1
    with pytest.raises(StalePlan):
        move(world, AP, closed=False, version=before.version)
    assert world.observed().gates[AP].is_closed


def test_a_closed_gate_turns_unhealthy_and_an_open_one_healthy_in_minutes(world):
    move(world, AP, closed=True)
    closed_at = world.observed().at
    closed = world.until(lambda o: o.gates[AP].healthy is False, every=60)
    assert (closed.gates[AP].unhealthy_since() - closed_at).total_seconds() < 300
    assert AP in closed.requests, "what is still asked of a closed Region is counted"
    assert EU not in closed.requests
    move(world, AP, closed=False)
    world.until(lambda o: o.gates[AP].healthy, every=60)


def test_a_gate_made_twice_is_one(world):
    gate, probe = world.observed().gates[AP], world.observed().probes[AP]
    again = CreateGate(
        region=AP, reference=gate.reference, children=(probe.id,), threshold=2, topology=world.topology.name
    )
    with suppress(StalePlan):  # it was moved since it was made: Route 53 says that the reference is taken
        world.ports.cloud.perform(again)
    now = world.observed().gates[AP]
    assert replace(now, healthy=gate.healthy, samples=gate.samples) == gate


def test_the_writer_moves_and_is_seen_moving(world):
    asked = switchover(world, EU)
    world.ports.cloud.perform(asked)
    moving = world.observed().global_cluster
    assert moving.failover
    assert sum(m.is_writer for m in moving.members) == 1
    moved = world.until(lambda o: not o.global_cluster.failover, every=20).global_cluster
    assert moved.writer == EU
    assert {m.region for m in moved.members} == {US, EU, AP}
    world.until(lambda o: all(m.synchronization in (None, "connected") for m in o.global_cluster.members), every=20)


def test_the_writer_does_not_move_while_a_member_is_modified(world):
    ref = StackRef(StackKind.DATA, AP)
    body = dict(world.observed().stacks[ref].template)
    grown = {"MinCapacity": 8, "MaxCapacity": 32}
    cluster = changed(body["Resources"], "Cluster", ServerlessV2ScalingConfiguration=grown)
    made(world, ref, {**body, "Resources": cluster})
    name = ref.name(world.topology.name)
    world.ports.cloud.perform(ExecuteChangeSet(stack=ref, stack_name=name, name="meridian-test"))
    world.until(lambda o: not o.clusters[AP].available, every=5)
    with pytest.raises(ReconcilerError):
        world.ports.cloud.perform(switchover(world, EU))
    after = world.until(lambda o: o.stacks[ref].complete)
    assert after.global_cluster.writer == US
    assert after.clusters[AP].available


def test_the_writer_cannot_be_detached_while_others_follow(world):
    with pytest.raises(ReconcilerError):
        world.ports.cloud.perform(detach(world, US))
    assert world.observed().global_cluster.writer == US


def test_a_detached_cluster_stands_alone_and_is_protected_until_somebody_says_otherwise(world):
    asked = detach(world, AP)
    world.ports.cloud.perform(asked)
    alone = world.until(
        lambda o: o.global_cluster.member(AP) is None and o.clusters[AP].status == "available", every=20
    )
    assert alone.clusters[AP].protected
    assert alone.global_cluster.writer == US
    world.ports.cloud.perform(asked)  # who is no member needs no leave
    name = alone.clusters[AP].identifier
    gone = DeleteCluster(region=AP, cluster=name, snapshot=f"{name}-final")
    with pytest.raises(ReconcilerError):
        world.ports.cloud.perform(gone)  # protected, and with instances
    world.ports.cloud.perform(Unprotect(region=AP, cluster=name))
    assert not world.observed().clusters[AP].protected
    with pytest.raises(ReconcilerError):
        world.ports.cloud.perform(gone)  # it has instances yet
    assert world.observed().clusters[AP].instance_statuses


def test_a_member_cannot_be_deleted(world):
    name = world.observed().clusters[AP].identifier
    with pytest.raises(ReconcilerError):
        world.ports.cloud.perform(DeleteCluster(region=AP, cluster=name, snapshot=f"{name}-final"))
    assert world.observed().global_cluster.member(AP)
