"""Commits that cross, and reads that fail, in the middle of something: found by the simulation, each kept here in short."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.diff.motion import held_gate
from reconciler.model.motion import Motion
from reconciler.model.observed import Unknown
from reconciler.model.plan import Plan, Step
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

US, EU, AP, SA = NAMES[:4]
THROTTLED = Unknown("Throttling", "Rate exceeded")


@pytest.fixture
def world() -> World:
    return converged(with_regions(US, EU, AP))


def converged(desired: Topology) -> World:
    world = World(desired)
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def first(world: World) -> tuple[list[str], list[str]]:
    plan = world.plan()
    assert not plan.refusals, plan.refusals
    return [s.id for s in plan.waves[0].steps], [g.id for g in plan.waves[0].waiting_for]


def set_status(world: World, kind: StackKind, region: str, status: str) -> None:
    world._set(StackRef(kind, region), status)


def capacity(desired: Topology, most: float) -> Topology:
    return replace(desired, database=replace(desired.database, max_capacity=most))


def memory(desired: Topology, megabytes: int) -> Topology:
    return replace(desired, api=replace(desired.api, memory_mb=megabytes))


def version(desired: Topology, number: str) -> Topology:
    return replace(desired, database=replace(desired.database, version=number))


def apply(world: World, step: str) -> None:
    steps: dict[str, Step] = {s.id: s for s in world.plan().steps}
    world.apply(steps[step])


def test_a_newer_commit_waits_for_the_region_that_is_being_changed(world):
    """A database setting came while another Region's API was being updated: both would be out at once."""
    world.desired = capacity(world.desired, 128)
    set_status(world, StackKind.API, AP, "UPDATE_IN_PROGRESS")
    assert first(world) == ([], ["others-settled/eu-west-1"])


def test_what_was_begun_is_finished_before_a_region_that_could_not_be_read_then(world):
    world.desired = memory(world.desired, 1024)
    set_status(world, StackKind.API, AP, "UPDATE_IN_PROGRESS")
    assert first(world)[0] == ["deploy/api/ap-northeast-1"], "eu-west-1 comes first in the file"


def test_an_upgrade_waits_for_members_that_cannot_be_read(world):
    world.desired = version(world.desired, "16.9")
    apply(world, "deploy/data/eu-west-1")
    apply(world, "deploy/data/ap-northeast-1")
    world.now = world.now.replace(day=2)
    world.unread = {f"clusters/{EU}": THROTTLED}
    steps, waits = first(world)
    assert (steps, waits) == ([], ["readable/eu-west-1"])
    world.unread = {}
    assert first(world)[0] == ["deploy/data/us-east-1"]


def test_an_engine_is_not_upgraded_while_the_first_regions_are_made():
    """The global cluster would be upgraded before its members: nobody is established yet, and they join."""
    world = World(with_regions(US, EU))
    while StackRef(StackKind.DATA, US) not in world.stacks:
        for step in world.plan().waves[0].steps:
            world.apply(step)
        world.pass_time()
    world.desired = version(world.desired, "16.9")
    assert [r.code for r in world.plan().refusals] == ["EngineUpgradeAlone"]


def test_a_region_that_joined_as_drained_is_no_longer_joining():
    world = converged(with_regions(US, EU, drained=(EU,)))
    assert world.gates[EU].never_opened
    world.desired = version(world.desired, "16.9")
    assert [s.id for s in world.run()] == ["deploy/data/eu-west-1", "deploy/data/us-east-1", "deploy/global"]
    world.desired = version(with_regions(US, EU), "16.9")
    assert [s.id for s in world.run()] == ["open-gate/eu-west-1"]


def test_a_switchover_that_came_back_is_nobodys_hand(world):
    moving = with_regions(US, EU, AP, writer=EU)
    world.recorded = {"motion": Motion().migrates(moving).document()}  # nothing has converged yet
    world.desired = moving
    plan = world.plan()
    assert [s.id for s in plan.current] == ["switchover/eu-west-1"]
    intended = Motion().migrates(moving).sees_writer(world.observed(), EU).intends(plan, world.desired, world.gates)
    world.recorded = {"motion": intended.document()}
    assert first(world)[0] == ["switchover/eu-west-1"], "the writer is where it was: asked for again, not held"


@pytest.mark.parametrize(("recorded", "held"), [(3, False), (2, False), (1, True)])
def test_a_gate_that_was_not_moved_after_all_is_nobodys_hand(world, recorded, held):
    """Closed by us (version 2); its opening (3) was written down and never came about."""
    world.gates[EU] = replace(world.gates[EU], threshold=2, version=2)
    motion = Motion(gates={EU: recorded}, traffic={EU: "serving"})
    world.recorded = {"motion": motion.document()}
    assert held_gate(world.desired, world.observed(), EU) is held


def test_a_gate_made_anew_has_no_history(world):
    world.recorded = {"motion": Motion(gates={SA: 7}).document()}
    world.desired = with_regions(US, EU, AP, SA)
    while "create-gate/sa-east-1" not in first(world)[0]:
        for step in world.plan().waves[0].steps:
            world.apply(step)
        world.pass_time()
    plan: Plan = world.plan()
    assert Motion(gates={SA: 7}).intends(plan, world.desired, world.observed().gates).gates[SA] == 1


def test_a_region_may_leave_before_it_has_joined(world):
    world.desired = with_regions(US, EU, AP, SA)
    while StackRef(StackKind.DATA, SA) not in world.stacks:
        for step in world.plan().waves[0].steps:
            world.apply(step)
        world.pass_time()
    set_status(world, StackKind.DATA, SA, "CREATE_IN_PROGRESS")
    world.desired = with_regions(US, EU, AP)
    assert "database-available/sa-east-1" in first(world)[1], "a cluster that is being made cannot leave"
    set_status(world, StackKind.DATA, SA, "CREATE_COMPLETE")
    assert "detach/sa-east-1" in [s.id for s in world.run()]


def test_a_sick_api_is_deployed_before_anything_else(world):
    """A data setting waited for a Region to be healthy that only the API behind it could heal."""
    world.sick = {EU}
    world.desired = memory(capacity(world.desired, 128), 1024)
    assert first(world)[0] == ["deploy/api/eu-west-1"]


def test_a_release_that_a_drained_region_does_not_survive_goes_no_further():
    world = converged(with_regions(US, EU, drained=(EU,)))
    world.desired = memory(world.desired, 1024)
    apply(world, "deploy/api/eu-west-1")
    world.sick = {EU}
    world.now = world.now.replace(day=2)
    assert first(world) == ([], ["release-proven/us-east-1"])


def test_a_region_that_is_out_anyway_proves_nothing_and_holds_nobody_up():
    world = converged(with_regions(US, EU, AP, drained=(EU,)))
    world.sick = {EU}
    world.now = world.now.replace(day=2)
    world.desired = memory(world.desired, 1024)
    assert first(world)[0] == ["deploy/api/ap-northeast-1"], "eu-west-1 comes first in the file"


def test_nobody_is_sent_where_the_records_cannot_be_read(world):
    world.desired = with_regions(US, EU, AP, drained=(EU,))
    world.run()
    world.desired = with_regions(US, EU, AP)
    world.unread = {"records": THROTTLED}
    assert first(world) == ([], ["readable"])


def test_a_region_that_falls_silent_while_it_is_changed_holds_the_others_up(world):
    """One after the other could not be read for a moment, and a broken release went everywhere."""
    world.desired = memory(world.desired, 1024)
    plan = world.plan()
    assert [s.id for s in plan.current] == ["deploy/api/eu-west-1"]
    motion = Motion.recorded(world.recorded).intends(plan, world.desired, world.gates)
    assert motion.changing == {EU}
    world.recorded = {"motion": motion.document()}
    world.unknown = {StackRef(StackKind.API, EU): THROTTLED}
    assert first(world) == ([], ["others-settled/ap-northeast-1"])
    world.recorded = {"motion": replace(motion, changing=frozenset()).document()}
    assert first(world)[0] == ["deploy/api/ap-northeast-1"], "a Region that was at rest is no reason to wait"


def test_a_region_is_known_to_be_at_rest_when_it_was_read_so_for_a_while(world):
    motion, soak = Motion(changing=frozenset({EU})), timedelta(minutes=2)
    world._set(StackRef(StackKind.API, EU), "UPDATE_COMPLETE")
    assert motion.sees_rest(world.observed(), soak).changing == {EU}
    world.now += timedelta(minutes=6)
    assert not motion.sees_rest(world.observed(), soak).changing
    set_status(world, StackKind.API, EU, "UPDATE_IN_PROGRESS")
    world.now += timedelta(minutes=60)
    assert motion.sees_rest(world.observed(), soak).changing == {EU}
    world.unknown = {StackRef(StackKind.API, EU): THROTTLED}
    assert motion.sees_rest(world.observed(), soak).changing == {EU}


def test_a_release_that_breaks_the_only_region_that_serves_is_taken_back_to_what_a_drained_one_has():
    world = World(with_regions(US, EU))
    world.run()
    world.desired = with_regions(US, EU, drained=(US,))
    world.run()
    world.desired = memory(world.desired, 1024)
    good = world.stacks[StackRef(StackKind.API, US)].template
    apply(world, "deploy/api/eu-west-1")
    world.sick, world.now = {EU}, world.now + timedelta(minutes=10)
    world.sick_since = {EU: world.now - timedelta(minutes=9)}
    outcome, stacks = world.seen()
    assert outcome.diff.failed_rollout
    assert outcome.diff.failed_rollout["region"] == EU
    assert good != stacks[StackRef(StackKind.API, EU)].template.body


def founding() -> World:
    """The founder's data stack was begun; the commit names other Regions now."""
    world = World(with_regions(US, EU))
    while StackRef(StackKind.DATA, US) not in world.stacks:
        for step in world.plan().waves[0].steps:
            world.apply(step)
        world.pass_time()
    world.desired = with_regions(EU, AP)
    return world


def test_a_founder_whose_cluster_is_not_seen_yet_is_waited_for():
    world = founding()
    set_status(world, StackKind.DATA, US, "CREATE_IN_PROGRESS")
    world.unread = {f"clusters/{US}": None, "global_cluster": replace(world.observed().global_cluster, members=())}
    apply(world, "deploy/foundation/ap-northeast-1")
    steps, waits = first(world)
    assert not steps, "nobody knows what the others would join"
    assert "readable" in waits


def test_a_founder_that_never_came_to_life_founds_nothing():
    world = founding()
    set_status(world, StackKind.DATA, US, "ROLLBACK_COMPLETE")
    _, stacks = world.seen()
    assert stacks[StackRef(StackKind.DATA, EU)].template.key == "data-founder"
