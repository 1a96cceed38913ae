"""What could not be read is neither there nor absent: nothing rests on it, nothing is made or destroyed on its account."""

from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.observed import StackState, Unknown
from reconciler.model.plan import StepAction
from reconciler.model.stacks import StackKind, StackRef, stack_refs
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import START, World

SILENT = Unknown("Unreachable", "timed out")
HOME = NAMES[0]
DATA, API = StackRef(StackKind.DATA, "eu-west-1"), StackRef(StackKind.API, "eu-west-1")
FACTS = ("zone", "records", "global_cluster", "distribution")
BY_REGION = [f"{field}/{r}" for field in ("clusters", "gates", "probes", "zones") for r in NAMES[:3]]


def world_after(steps: int, names=NAMES[:3]) -> World:
    return deepcopy(_after(steps, names))


@cache
def _after(steps: int, names) -> World:
    """A creation that came so far."""
    world = World(with_regions(*names))
    done = 0
    while not (now := world.plan()).converged and done < steps:
        for step in now.waves[0].steps[: steps - done]:
            world.apply(step)
            done += 1
        world.now = world.now.replace(minute=(world.now.minute + 1) % 60, hour=world.now.hour + 1)
    return world


def rests_on(step, world: World) -> set[str]:
    """Facts without which this step would be a guess, as this test's author understands AWS."""
    region, kind = step.region, step.stack.kind if step.stack else None
    needs = {
        None: {f"gates/{region}"},
        StackKind.FOUNDATION: set(),
        StackKind.GLOBAL: {"global_cluster"},
        StackKind.DATA: {"global_cluster", f"clusters/{region}"},
        StackKind.API: {"zone", f"gates/{region}", f"clusters/{region}"},
        StackKind.ROUTING: {"zone", "records"},
        StackKind.EDGE: {"zone", "records", "distribution"},
    }
    return needs[kind]


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_no_step_rests_on_what_is_unknown(data):
    world = world_after(data.draw(st.integers(0, 22)))
    if data.draw(st.booleans()):
        world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=1024))
    unread = data.draw(st.sets(st.sampled_from([*FACTS, *BY_REGION]), max_size=4))
    blind = data.draw(st.sets(st.sampled_from(stack_refs(world.desired)), max_size=3))
    world.unread, world.unknown = dict.fromkeys(unread, SILENT), dict.fromkeys(blind, SILENT)
    plan = world.plan()
    for step in plan.waves[0].steps if plan.waves else ():
        assert step.stack not in blind, f"{step.id} on a stack that cannot be read"
        assert not rests_on(step, world) & unread, step.id
        if step.target == "data" and step.stack not in world.stacks:
            founds = world.writer is None and "Master" in world.template_of(step.stack)["Resources"]
            joins = world.writer is not None and "Master" not in world.template_of(step.stack)["Resources"]
            assert founds or joins, "the wrong founder"
    if unread - {n for n in unread if n.startswith(("zones", "probes"))} or blind:
        assert not plan.converged


@pytest.mark.parametrize("fact", FACTS)
def test_a_topology_is_not_converged_while_a_fact_is_unknown(fact):
    world = world_after(99)
    assert world.plan().converged
    world.unread = {fact: SILENT}
    waves = world.plan().waves
    assert not any(w.steps for w in waves)
    assert "timed out" in " ".join(g.detail for w in waves for g in w.waiting_for)


def test_no_database_is_deployed_while_nobody_knows_who_writes():
    world = world_after(99)
    capacity = replace(world.desired.database, max_capacity=96.0)
    world.desired = replace(world.desired, database=capacity)
    world.unread = {"global_cluster": SILENT}
    assert not world.plan().waves[0].steps
    assert not [s for s in world.plan().steps if s.target == "data"]


def test_a_failed_stack_is_not_deleted_while_its_cluster_is_unknown():
    world = world_after(99)
    world.stacks[DATA] = replace(world.stacks[DATA], status="ROLLBACK_FAILED")
    world.gates["eu-west-1"] = replace(world.gates["eu-west-1"], threshold=2, version=1)
    world.unread = {"clusters/eu-west-1": SILENT}
    assert not [s for s in world.plan().steps if s.action is StepAction.RECOVER]


FOUNDING = {"Resources": {"Master": {}, "Cluster": {"Properties": {"MasterUsername": "m"}}}}


def test_the_first_cluster_founds_even_if_the_writer_was_changed_meanwhile():
    """The founder's stack is being made when a commit names another writer: that one must not come first."""
    world = world_after(99, NAMES[:2])
    for ref in list(world.stacks):
        if ref.kind in {StackKind.DATA, StackKind.API, StackKind.ROUTING, StackKind.EDGE}:
            del world.stacks[ref]
    world.gates, world.writer = {}, None
    founder = StackRef(StackKind.DATA, HOME)
    world.stacks[founder] = StackState(ref=founder, status="REVIEW_IN_PROGRESS", changed_at=START, template=FOUNDING)
    world.desired = with_regions(*NAMES[:2], writer="eu-west-1")
    empty = replace(world.observed().global_cluster, members=())
    world.unread = {"global_cluster": empty, "clusters/us-east-1": None}
    assert [s.id for s in world.plan().waves[0].steps] == ["deploy/data/us-east-1"]


def test_a_region_outside_the_document_that_cannot_be_read_is_not_taken_for_deployed():
    world = World(replace(with_regions("eu-west-1", "ap-northeast-1"), home_region="us-west-2"))
    world.unread = {"gates/us-west-2": SILENT}
    world.unknown = {StackRef(StackKind.DATA, "us-east-1"): SILENT}
    assert not world.plan().refusals
