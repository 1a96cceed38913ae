"""An operator's hand in an incident is not undone along the way, and what somebody half deleted is not finished off."""

from dataclasses import replace

import pytest

from reconciler.model.observed import Cluster
from reconciler.model.plan import StepAction
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

EDGE = StackRef(StackKind.EDGE, "us-east-1")
DATA, API = StackRef(StackKind.DATA, "eu-west-1"), StackRef(StackKind.API, "eu-west-1")
DISABLED = {"DistributionConfig": {"PriceClass": "PriceClass_100", "Enabled": False}}
CHEAPER = {"DistributionConfig": {"PriceClass": "PriceClass_All", "Enabled": True}}
RAISED = {"ServerlessV2ScalingConfiguration": {"MinCapacity": 8, "MaxCapacity": 128}}


@pytest.fixture
def world() -> World:
    world = World(with_regions(*NAMES[:3]))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def codes(world: World) -> set[str]:
    return {r.code for r in world.plan().refusals}


def test_drift_beside_something_held_waits_for_the_hand(world):
    """A drift-aware change set reverts all drift of its stack: it would enable the distribution again."""
    world.live = {(EDGE, "Distribution"): CHEAPER}
    assert [s.action for s in world.plan().steps] == [StepAction.REPAIR]
    both = {"DistributionConfig": {**CHEAPER["DistributionConfig"], "Enabled": False}}
    world.live, world.distribution_enabled = {(EDGE, "Distribution"): both}, False
    plan = world.plan()
    assert plan.converged
    assert any("edge/priceClass" in note and "held" in note for note in plan.notes)


def test_a_commit_does_not_enable_a_distribution_along_the_way(world):
    world.desired = replace(world.desired, edge=replace(world.desired.edge, price_class="PriceClass_All"))
    world.distribution_enabled = False
    assert codes(world) == {"HeldByHand"}, "even if its properties could not be compared"
    world.live = {(EDGE, "Distribution"): DISABLED}
    (refusal,) = world.plan().refusals
    assert refusal.path == "spec.edge.priceClass"
    assert "enable it by hand" in refusal.message
    world.live, world.distribution_enabled = {}, True
    assert [s.id for s in world.plan().steps] == ["deploy/edge"]


def capacity(world: World, **bounds: float) -> None:
    world.desired = replace(world.desired, database=replace(world.desired.database, **bounds))


def test_capacity_raised_by_hand_is_not_lowered_by_another_setting(world):
    world.live = {(DATA, "Cluster"): RAISED}
    capacity(world, min_capacity=4.0)
    assert codes(world) == {"HeldByHand"}
    capacity(world, min_capacity=8.0, max_capacity=128.0)
    assert not codes(world), "a commit of the very field adopts it"


@pytest.mark.parametrize(
    "ref", [EDGE, API, StackRef(StackKind.ROUTING, "us-east-1"), StackRef(StackKind.GLOBAL, "us-east-1")], ids=str
)
def test_what_somebody_half_deleted_is_not_finished_off(world, ref):
    world.stacks[ref] = replace(world.stacks[ref], status="DELETE_FAILED")
    assert "StackHalfDeleted" in codes(world)


def test_a_data_stack_that_is_gone_is_not_made_again_where_traffic_goes(world):
    """An empty database in its place would look like a repair."""
    world.unread = {"clusters/eu-west-1": None}
    del world.stacks[DATA]
    assert codes(world) == {"DataStackLost"}


def test_a_global_cluster_that_is_gone_is_not_made_again_beside_living_data(world):
    del world.stacks[StackRef(StackKind.GLOBAL, "us-east-1")]
    assert codes(world) == {"GlobalStackLost"}


def test_an_api_stack_that_is_gone_is_made_again_and_its_gate_watches_the_new_probe(world):
    del world.stacks[API]
    world.sick = {"eu-west-1"}
    assert [s.id for s in world.plan().waves[0].steps] == ["deploy/api/eu-west-1"]
    world.run_until_blocked(limit=3)
    world.probe_ids["eu-west-1"] = "probe-new"
    assert [s.id for s in world.plan().waves[0].steps] == ["mend-gate/eu-west-1"]


def test_a_report_of_drift_mends_nothing(world):
    world.desired = replace(world.desired, drift=replace(world.desired.drift, mode="report"))
    world.gates["eu-west-1"] = replace(world.gates["eu-west-1"], inverted=True)
    world.live = {(EDGE, "Distribution"): CHEAPER}
    assert not world.plan().steps


@pytest.mark.parametrize("broken", [{"inverted": True}, {"disabled": True}], ids=str)
def test_a_gate_closed_by_hand_stays_closed_when_it_is_mended(world, broken):
    world.gates["eu-west-1"] = replace(world.gates["eu-west-1"], threshold=2, version=3, **broken)
    assert [s.id for s in world.run()] == ["mend-gate/eu-west-1"]
    assert world.gates["eu-west-1"].is_closed


def memory(world: World, megabytes: int) -> None:
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=megabytes))


def first(world: World) -> tuple[list[str], list[str]]:
    wave = world.plan().waves[0]
    return [s.id for s in wave.steps], [g.id for g in wave.waiting_for]


def test_a_change_that_breaks_a_region_goes_no_further_however_long_it_waits(world):
    memory(world, 1024)
    world.apply(world.plan().waves[0].steps[0])
    world.sick = {"eu-west-1"}
    world.now = world.now.replace(day=2)
    assert first(world) == ([], ["traffic-gate/eu-west-1"])
    memory(world, 2048)
    assert first(world)[0] == ["deploy/api/eu-west-1"], "the cure goes to the sick one first"
    world.apply(world.plan().waves[0].steps[0])
    world.sick = set()
    world.run()


def test_a_region_that_is_sick_already_keeps_healthy_ones_from_being_touched(world):
    world.sick = {"us-east-1"}
    world.desired = with_regions(*NAMES[:3])
    capacity(world, max_capacity=96.0)
    assert first(world)[0] == ["deploy/data/us-east-1"]
    world.apply(world.plan().waves[0].steps[0])
    world.now = world.now.replace(day=2)
    assert first(world) == ([], ["traffic-gate/us-east-1"])


def test_the_fingerprint_does_not_follow_who_is_healthy(world):
    memory(world, 1024)
    before = world.plan().fingerprint
    world.sick = {"us-east-1"}
    assert world.plan().fingerprint == before


def test_a_single_region_is_deployed_though_no_other_serves():
    world = World(with_regions(NAMES[0]))
    world.run()
    memory(world, 1024)
    assert [s.id for s in world.run()] == ["deploy/api/us-east-1"]


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"])
def test_a_commit_that_failed_and_was_taken_back_leaves_nothing_to_do(world, status):
    world.stacks[API] = replace(world.stacks[API], status=status)
    assert world.plan().converged


def test_a_database_that_is_not_available_stops_the_rollout(world):
    capacity(world, max_capacity=96.0)
    world.apply(world.plan().waves[0].steps[0])
    stuck = Cluster(identifier="c", status="incompatible-parameters", engine_version="16.8", instance_statuses={})
    world.unread = {"clusters/eu-west-1": stuck}
    world.now = world.now.replace(day=2)
    assert first(world) == ([], ["database-available/eu-west-1"])


def test_a_hand_in_the_middle_of_a_rollout_goes_back_with_it_and_only_what_it_touched(world):
    world.desired = replace(world.desired, api=replace(world.desired.api, timeout_seconds=9))
    world.live = {(API, "Function"): {"MemorySize": 128, "Timeout": 7}}
    step = next(s for s in world.plan().steps if s.stack == API)
    assert (step.action, step.reverts) == (StepAction.REPAIR, {("Function", "MemorySize")})
    others = [s.action for s in world.plan().steps if s.stack != API]
    assert set(others) == {StepAction.DEPLOY}
