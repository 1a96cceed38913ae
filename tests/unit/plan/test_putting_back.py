"""What a call puts back: when, in which order, and what keeps it from being done."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.diff import carried_out
from reconciler.model.change import Disposition, Finding, Tool
from reconciler.model.motion import Motion
from reconciler.model.stacks import StackKind, StackRef
from reconciler.plan import plan
from reconciler.report.plan import planned_changes
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

FIRST, SECOND, WRITER = "eu-west-1", "ap-northeast-1", "us-east-1"
SCALING = "ServerlessV2ScalingConfiguration"


def data(region: str) -> StackRef:
    return StackRef(StackKind.DATA, region)


def lowered(world: World, *regions: str, **bounds: float) -> None:
    world.live = {(data(r), "Cluster"): {SCALING: {"MinCapacity": 8, "MaxCapacity": 64, **bounds}} for r in regions}


@pytest.fixture
def world() -> World:
    world = World(with_regions(*NAMES[:3]))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def test_a_lowered_capacity_is_put_back_by_its_call_one_region_after_another_the_writer_last(world):
    lowered(world, *NAMES[:3], MaxCapacity=16)
    done = [s.id for s in world.run()]
    last = world.writer
    assert done[-1] == f"put-back/cluster/{last}"
    assert sorted(done) == sorted(f"put-back/cluster/{r}" for r in NAMES[:3])
    lowered(world, FIRST, MaxCapacity=16)
    outcome, _ = world.seen()
    assert [c.path for c in planned_changes(outcome)] == [f"regions/{FIRST}/database/capacity/max"]


def test_no_second_region_while_the_first_is_not_available_again(world):
    lowered(world, FIRST, SECOND, MaxCapacity=16)
    world.clusters = {FIRST: {"status": "modifying"}}
    current = world.plan().current
    assert not [s for s in current if not s.id.endswith(FIRST)], current


def test_a_raised_bound_is_held_beside_a_lowered_one_that_is_healed(world):
    lowered(world, FIRST, MinCapacity=2, MaxCapacity=128)
    outcome, _ = world.seen()
    assert {f.path.rsplit("/", 1)[-1]: f.disposition for f in outcome.diff.findings} == {
        "min": Disposition.HEAL,
        "max": Disposition.HOLD,
    }
    assert [s.id for s in outcome.plan.steps] == [f"put-back/cluster/{FIRST}"]


def test_a_report_only_topology_is_left_as_it_is(world):
    lowered(world, FIRST, MaxCapacity=16)
    world.desired = replace(world.desired, drift=replace(world.desired.drift, mode="report"))
    assert world.plan().converged


def test_what_is_pending_is_not_brought_into_effect_along_the_way(world):
    lowered(world, FIRST, MaxCapacity=16)
    world.clusters = {FIRST: {"pending": True}}
    assert not world.plan().steps


def test_a_hand_that_set_what_the_next_commit_wants_makes_no_repair(world):
    lowered(world, FIRST, MaxCapacity=32)
    world.desired = replace(world.desired, database=replace(world.desired.database, max_capacity=32.0))
    assert not [s for s in world.plan().steps if s.action == "put-back"]
    world.live = {}
    assert {s.id for s in world.run()} == {f"deploy/data/{r}" for r in NAMES[:3]}


def test_put_back_twice_and_there_again_it_is_left_alone(world):
    asked = []
    for _ in range(8):
        world.now += timedelta(minutes=4)
        lowered(world, FIRST, MaxCapacity=16)
        outcome, _ = world.seen()
        steps = () if outcome.plan.converged else outcome.plan.current
        asked.append(len(steps))
        done = carried_out(outcome.plan, outcome.diff, outcome.observed, {s.id for s in steps}, ())
        motion = replace(Motion.recorded(world.recorded), repairs=done)
        world.recorded = {"motion": motion.document()}
    assert asked == [1, 1, 0, 0, 0, 0, 0, 0]
    (finding,) = outcome.diff.findings
    assert (finding.disposition, finding.returns) == (Disposition.HOLD, 2)
    assert "comes back after each repair" in finding.reason


def test_asked_again_before_it_could_show_is_no_return(world):
    for _ in range(4):
        world.now += timedelta(seconds=30)
        lowered(world, FIRST, MaxCapacity=16)
        outcome, _ = world.seen()
        assert [s.id for s in outcome.plan.current] == [f"put-back/cluster/{FIRST}"]
        done = carried_out(outcome.plan, outcome.diff, outcome.observed, {s.id for s in outcome.plan.current}, ())
        world.recorded = {"motion": replace(Motion.recorded(world.recorded), repairs=done).document()}


def test_the_storages_key_is_enabled_before_anything_else_and_a_person_is_told(world):
    outcome, stacks = world.seen()
    disabled = Finding(
        path=f"regions/{FIRST}/data/Key/Enabled",
        region=FIRST,
        disposition=Disposition.PAGE,
        reason="",
        tool=Tool.KEY,
        stack=data(FIRST),
        logical_id="Key",
        prop="Enabled",
        desired=True,
        observed=False,
    )
    found = replace(outcome.diff, findings=(disabled,))
    planned = plan(world.desired, "abc", outcome.observed, found, stacks)
    assert [s.id for s in planned.waves[0].steps] == [f"put-back/key/{FIRST}"]
    assert not planned.refusals
