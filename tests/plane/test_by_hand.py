"""What somebody does by hand wakes a pass within minutes, through CloudTrail; what passes do themselves wakes nobody."""

from __future__ import annotations

import pytest

from tests.embedded.conftest import SPEED
from tests.plane.world import Plane

MINUTES = 60.0
SLOWLY = 150
"""A pass takes a second or two of a busy machine: at the usual speed that is a quarter of an hour."""


@pytest.fixture
def plane(plane: Plane) -> Plane:
    plane.speed(SLOWLY)
    return plane


def quietly(plane: Plane, seconds: float) -> None:
    """As if nothing were to happen meanwhile, so fast; whoever is woken all the same has come to an end."""
    plane.speed(SPEED)
    plane.passes_by(seconds)
    plane.idle()
    plane.speed(SLOWLY)


def test_a_quiet_hour_costs_a_pass_each_quarter(plane: Plane) -> None:
    before, since = len(plane.passes()), plane.now()
    plane.passes_by(60 * MINUTES)
    passed = (plane.now() - since) / (15 * MINUTES)
    made = len(plane.passes()) - before
    assert 2 <= made <= passed + 2, f"{made} passes in {passed:.1f} quarters of an hour"


def test_a_change_by_hand_wakes_a_pass_that_heals_it_and_a_quiet_hour_wakes_none(plane: Plane) -> None:
    plane.aws.client("events").disable_rule(Name="meridian-resync")  # nothing but events wakes anybody
    plane.idle()
    quietly(plane, 30 * MINUTES)
    before = len(plane.passes())
    quietly(plane, 60 * MINUTES)
    assert len(plane.passes()) == before
    since = plane.now()
    plane.set_record_ttl(300)
    plane.until(lambda: plane.record_ttl() == 10)
    took = plane.now() - since
    plane.passes_by(20 * MINUTES)
    quietly(plane, 40 * MINUTES)
    made = plane.passes()[before:]
    assert made[-1]["result"] == "Converged"
    assert took < 60 * MINUTES
    settled = len(plane.passes())
    quietly(plane, 40 * MINUTES)
    assert len(plane.passes()) == settled, "the healing has woken the next pass"
