"""What somebody does by hand wakes a pass within minutes, through CloudTrail; what passes do themselves wakes nobody."""

from __future__ import annotations

import pytest

from tests.plane.world import Plane

MINUTES = 60.0
SLOWLY = 150
"""A pass takes a second or two of a busy machine: at the usual speed that is a quarter of an hour."""


@pytest.fixture
def plane(plane: Plane) -> Plane:
    plane.speed(SLOWLY)
    return plane


@pytest.fixture
def unscheduled(plane: Plane) -> Plane:
    """Nothing but events wakes anybody."""
    plane.aws.client("events").disable_rule(Name="meridian-resync")
    plane.passes_by(30 * MINUTES)
    plane.idle()
    return plane


def test_a_quiet_hour_costs_a_pass_each_quarter(plane: Plane) -> None:
    before, since = len(plane.passes()), plane.now()
    plane.passes_by(60 * MINUTES)
    passed = (plane.now() - since) / (15 * MINUTES)
    made = len(plane.passes()) - before
    assert 2 <= made <= passed + 2, f"{made} passes in {passed:.1f} quarters of an hour"


def test_without_a_schedule_a_quiet_hour_costs_nothing(unscheduled: Plane) -> None:
    before = len(unscheduled.passes())
    unscheduled.passes_by(60 * MINUTES)
    assert len(unscheduled.passes()) == before


def test_a_change_by_hand_wakes_a_pass_that_heals_it(unscheduled: Plane) -> None:
    before, since = len(unscheduled.passes()), unscheduled.now()
    unscheduled.set_record_ttl(300)
    unscheduled.until(lambda: unscheduled.record_ttl() == 10)
    took = unscheduled.now() - since
    unscheduled.passes_by(60 * MINUTES)
    made = unscheduled.passes()[before:]
    assert made[-1]["result"] == "Converged"
    assert took < 60 * MINUTES
    settled = len(unscheduled.passes())
    unscheduled.passes_by(40 * MINUTES)
    assert len(unscheduled.passes()) == settled, "the healing has woken the next pass"
