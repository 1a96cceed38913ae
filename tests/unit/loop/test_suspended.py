"""What a person wants left alone is left alone, and said; everything else goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.drive import Driver, Run
from reconciler.model.outcome import Result
from reconciler.model.plan import Plan, Step, StepAction
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.suspension import Suspension
from reconciler.model.verdict import result_of
from reconciler.report.conditions import conditions
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World
from tests.unit.loop.test_drive import FakeClock, FakeCloud, FakeLease

EAST, WEST = NAMES[:2]
INCIDENT = Suspension(reason="incident 7", by="arn:ann", at="2026-01-01T00:00:00Z", regions=(WEST,))


@pytest.fixture
def world() -> World:
    """Both Regions' foundations are to be made, side by side."""
    return World(with_regions(EAST, WEST))


def test_the_steps_of_a_suspended_region_are_left_and_the_others_carried_out(world: World) -> None:
    seen, stacks = world.seen()
    assert {s.region for s in seen.plan.current} == {EAST, WEST}
    plan = seen.plan.left_alone(INCIDENT)
    cloud = FakeCloud()
    driver = Driver(
        cloud=cloud,
        clock=FakeClock(),
        lease=FakeLease(),
        topology=world.desired,
        stacks=stacks,
        seen=replace(seen, plan=plan),
        run=Run(),
    )
    sent, _ = driver.first_wave()
    assert [s.id for s in sent] == [f"deploy/foundation/{EAST}"]
    (gate,) = [g for g in plan.waves[0].waiting_for if g.name == "suspended"]
    assert (gate.region, gate.detail) == (WEST, f"deploy/foundation/{WEST} left alone: {INCIDENT}")
    assert plan.fingerprint == seen.plan.fingerprint
    assert len(plan.waves) == len(seen.plan.waves), "what comes later waits"


def test_once_nothing_else_is_left_to_do_it_is_suspended(world: World) -> None:
    seen, _ = world.seen()
    alone = replace(seen, plan=seen.plan.left_alone(replace(INCIDENT, regions=(EAST, WEST))))
    assert result_of(alone) is Result.SUSPENDED
    some = replace(seen, plan=seen.plan.left_alone(INCIDENT))
    assert result_of(some) is Result.PROGRESSING


def test_a_condition_names_the_regions_and_why(world: World) -> None:
    seen, _ = world.seen()
    outcome = replace(seen, result=Result.PROGRESSING, observed=replace(seen.observed, suspension=INCIDENT))
    (found,) = [c for c in conditions(outcome, world.desired) if c.type == "Suspended"]
    assert (found.reason, found.message) == ("RegionsSuspended", f"{WEST}: {INCIDENT}")


def test_what_all_regions_share_goes_on_but_for_a_writer_that_moves() -> None:
    moving = World(with_regions(EAST, WEST))
    moving.run()
    moving.desired = replace(moving.desired, database=replace(moving.desired.database, writer=WEST))
    assert ids(moving.seen()[0].plan.left_alone(replace(INCIDENT, regions=(EAST,)))) == []
    edge = World(with_regions(EAST, WEST))
    edge.run()
    edge.desired = replace(edge.desired, edge=replace(edge.desired.edge, price_class="PriceClass_All"))
    assert ids(edge.seen()[0].plan.left_alone(replace(INCIDENT, regions=(EAST,)))) == ["deploy/edge"]


def test_records_of_a_suspended_region_are_its_own() -> None:
    routing = StackRef(StackKind.ROUTING, EAST)
    steps = World(with_regions(EAST)).seen()[0].plan.steps
    deploys = next(s for s in steps if s.stack == routing)
    assert not deploys.within((EAST,))
    assert replace(deploys, action=StepAction.UNROUTE, region=WEST).within((WEST,))


def ids(plan: Plan) -> list[str]:
    steps: tuple[Step, ...] = plan.current
    return [s.id for s in steps]
