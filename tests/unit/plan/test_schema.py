"""Migrations: where, when and how often they are planned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.motion import Motion
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Migration, Topology
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

US, EU, AP, SA = NAMES[:4]
FIRST, SECOND = Migration(name="0001_first.sql", sql="create"), Migration(name="0002_second.sql", sql="alter")


def desired(*migrations: Migration, writer: str = US, memory: int = 512) -> Topology:
    topology = with_regions(US, EU, AP, writer=writer)
    return replace(topology, migrations=migrations, api=replace(topology.api, memory_mb=memory))


@pytest.fixture
def world() -> World:
    world = World(desired(FIRST))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def steps(world: World) -> list[str]:
    return [s.id for w in world.plan().waves for s in w.steps]


def test_a_new_database_is_migrated_after_the_functions_are_there_and_before_anybody_is_let_in():
    done = [s.id for s in World(desired(FIRST, SECOND)).run()]
    at = done.index(f"migrate/{US}")
    assert done.count(f"migrate/{US}") == 1
    assert max(done.index(f"deploy/api/{r}") for r in (US, EU, AP)) < at
    assert at < min(done.index(f"open-gate/{r}") for r in (US, EU, AP))


def test_a_migration_goes_before_the_code_of_the_same_commit(world):
    world.desired = desired(FIRST, SECOND, memory=1024)
    assert steps(world) == [f"migrate/{US}", f"deploy/api/{EU}", f"deploy/api/{AP}", f"deploy/api/{US}"]
    (change,) = [c for c in world.plan().changes if c.path == "database/migrations"]
    assert change.desired == ["0002_second.sql"]
    assert world.plan().waves[0].steps[0].why == "0002_second.sql, unless the database holds it already"


def test_nothing_is_planned_for_what_is_applied_or_was_taken_back(world):
    assert world.plan().converged
    world.desired = desired()
    assert world.plan().converged, "a migration that left the folder stays in the database"


def test_a_migration_that_was_edited_is_asked_about(world):
    world.desired = desired(replace(FIRST, sql="create more"))
    assert steps(world) == [f"migrate/{US}"]


def test_a_migration_goes_before_the_writer_moves_and_only_once(world):
    world.desired = desired(FIRST, SECOND, writer=EU)
    assert [s.id for s in world.run()] == [f"migrate/{US}", f"switchover/{EU}"]


def test_a_writer_that_somebody_else_moved_may_have_lost_what_was_applied(world):
    world.writer = EU
    world.desired = desired(FIRST, writer=EU)
    assert steps(world) == [f"migrate/{EU}"]
    world.remember(world.plan())
    assert steps(world) == [f"migrate/{EU}"], "also once the writer's place is remembered"


def test_it_waits_while_the_writer_moves_or_cannot_be_read(world):
    world.desired = desired(FIRST, SECOND)
    world.moving_to = EU
    (wave,) = world.plan().waves[:1]
    assert [g.id for g in wave.waiting_for] == ["one-writer", f"database-available/{US}"]
    world.moving_to = None
    world.unknown[StackRef(StackKind.DATA, US)] = Unknown("Throttling", "Rate exceeded")
    assert not world.plan().waves[0].steps
    assert f"readable/{US}" in [g.id for g in world.plan().waves[0].waiting_for]


def test_a_sick_region_is_mended_first_and_serving_ones_wait_for_the_schema(world):
    world.desired = desired(FIRST, SECOND, memory=1024)
    world.sick.add(EU)
    assert steps(world) == [f"deploy/api/{EU}", f"migrate/{US}", f"deploy/api/{AP}", f"deploy/api/{US}"]


def test_functions_of_an_older_version_are_updated_first(world):
    ref = StackRef(StackKind.API, US)
    state = world.stacks[ref]
    old = {"Resources": {k: v for k, v in state.template["Resources"].items() if k != "Migrate"}}
    world.stacks[ref] = replace(state, template=old)
    world.desired = desired(FIRST, SECOND)
    assert steps(world) == [f"deploy/api/{US}", f"migrate/{US}"]


def test_without_a_record_a_topology_is_taken_as_it_is(world):
    world.recorded = None
    assert world.plan().converged
    world.recorded = {"motion": Motion().document()}
    assert steps(world) == [f"migrate/{US}"], "once there is a place to write it down, all are asked for"


def test_what_is_recorded_survives_the_record():
    motion = Motion().migrates(desired(FIRST, SECOND))
    assert Motion.recorded({"motion": motion.document()}) == motion
