"""Plans carried out in memory: from nothing, through changes, every prefix safe, and nothing left to do at the end."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.plan import StepAction
from reconciler.model.stacks import StackKind
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered


def converged(*names: str, **kwargs) -> World:
    world = World(with_regions(*names, **kwargs))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def ids(steps) -> list[str]:
    return [s.id for s in steps]


@pytest.mark.parametrize("names", [c for n in (1, 2, 3, 4) for c in combinations(NAMES[:4], n)], ids="+".join)
def test_from_nothing_every_set_of_regions_converges_and_stays(names):
    world = World(with_regions(*names))
    steps = ids(world.run())
    assert len(steps) == len(set(steps)), "a step was done twice"
    assert world.plan().converged
    assert all(world.gates[r].is_open for r in names)


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True), st.data())
@settings(deadline=None, max_examples=40)
def test_from_nothing_in_any_order_with_any_writer_and_drained_regions(names, data):
    writer = data.draw(st.sampled_from(names))
    drained = tuple(data.draw(st.sets(st.sampled_from(names), max_size=len(names) - 1)))
    world = World(with_regions(*names, writer=writer, drained=drained))
    world.run()
    assert world.writer == writer
    assert {r for r, g in world.gates.items() if g.is_open} == set(names) - set(drained)


def test_from_nothing_the_order_is_that_of_the_architecture():
    steps = ids(World(with_regions(*NAMES[:3], writer="eu-west-1")).run())
    order = [
        "deploy/foundation/us-east-1",
        "deploy/global",
        "deploy/data/eu-west-1",
        "deploy/data/us-east-1",
        "deploy/api/us-east-1",
        "create-gate/us-east-1",
        "deploy/routing",
        "open-gate/us-east-1",
        "deploy/edge",
    ]
    assert [s for s in steps if s in order] == order


def test_traffic_is_let_in_only_behind_records_and_a_healthy_probe():
    world = World(with_regions(*NAMES[:2]))
    for _ in range(60):
        plan = world.plan()
        if plan.converged:
            return
        for step in plan.waves[0].steps:
            if step.action is StepAction.OPEN_GATE:
                assert world.observed().probes[step.region].healthy
                assert any(ref.kind is StackKind.ROUTING for ref in world.stacks)
            if step.target == "edge":
                assert any(g.is_open for g in world.gates.values())
            world.apply(step)
        world.now = _later(world)


def test_a_setting_goes_region_by_region_with_the_writer_last_and_a_soak_between():
    world = converged(*NAMES[:3])
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=1024))
    plan = world.plan()
    deploys = [[s.id for s in w.steps] for w in plan.waves if w.steps]
    assert deploys == [["deploy/api/eu-west-1"], ["deploy/api/ap-northeast-1"], ["deploy/api/us-east-1"]]
    assert {c.path for c in plan.changes} == {f"regions/{r}/api/memoryMb" for r in NAMES[:3]}
    world.apply(plan.waves[0].steps[0])
    held = world.plan().waves[0]
    assert not held.steps
    assert {g.name for g in held.waiting_for} == {"soak"}
    world.run()


def test_a_region_that_joins_touches_no_other_region_and_not_the_edge():
    world = converged(*NAMES[:3])
    world.desired = with_regions(*NAMES[:4])
    steps = ids(world.run())
    assert steps == [
        "deploy/foundation/sa-east-1",
        "deploy/data/sa-east-1",
        "deploy/api/sa-east-1",
        "create-gate/sa-east-1",
        "deploy/routing",
        "open-gate/sa-east-1",
    ]


def test_two_regions_that_join_open_one_after_another_with_a_soak_between():
    world = converged(*NAMES[:2])
    world.desired = with_regions(*NAMES[:4])
    opening = [i for i, s in enumerate(world.run()) if s.action is StepAction.OPEN_GATE]
    assert len(opening) == 2
    assert opening[0] != opening[1]


def test_a_setting_and_a_new_region_in_one_commit_settle_the_setting_first():
    world = converged(*NAMES[:2])
    grown = with_regions(*NAMES[:3])
    world.desired = replace(grown, edge=replace(grown.edge, price_class="PriceClass_All"))
    steps = ids(world.run())
    assert steps.index("deploy/edge") < steps.index("deploy/data/ap-northeast-1")
    assert steps.count("deploy/edge") == 1


def test_a_drained_region_is_built_and_its_gate_stays_closed():
    world = converged(*NAMES[:2], drained=("eu-west-1",))
    assert world.gates["eu-west-1"].is_closed
    world.desired = with_regions(*NAMES[:2])
    assert ids(world.run()) == ["open-gate/eu-west-1"]


@given(st.integers(0, 40))
@settings(deadline=None, max_examples=41)
def test_planning_again_after_any_step_goes_on_where_things_stand(stop):
    """A run that died after `stop` steps is taken up by another that knows nothing of it."""
    world = World(with_regions(*NAMES[:3]))
    done: list[str] = []
    while len(done) < stop and not world.plan().converged:
        for step in world.plan().waves[0].steps[:1]:
            world.apply(step)
            done.append(step.id)
        world.now = _later(world)
    steps = ids(world.run())
    assert not set(done) & set(steps), "a finished step was done again"


def _later(world):
    return world.now + timedelta(minutes=1)


def test_equal_inputs_give_equal_plans_and_a_fingerprint_that_ignores_time():
    world = World(with_regions(*NAMES[:3]))
    first = world.plan()
    assert first == world.plan()
    world.now = _later(world)
    assert world.plan().fingerprint == first.fingerprint
    world.desired = replace(world.desired, edge=replace(world.desired.edge, price_class="PriceClass_All"))
    assert world.plan().fingerprint == first.fingerprint, "an edge that does not exist yet has no setting to change"
