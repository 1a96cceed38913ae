"""The function reconcile is killed at a call that changes something, before it takes effect or after: whoever comes next converges.

Ten calls of a small commit are tried here, `make soak` tries all (`MERIDIAN_SOAK=1`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from tests.embedded.dead_holder import lease_runs_out
from tests.plane.world import DEAD, TTL, Made, Plane

WHOLE = bool(os.environ.get("MERIDIAN_SOAK"))
CALLS = 17
"""More than a run makes that nobody kills: nine or ten with records and messages, then pages and a notice."""
SAMPLE = (1, 1, 2, 3, 4, 5, 6, 7, 8, 9)


@dataclass(frozen=True, slots=True)
class Committed:
    plane: Plane
    snapshot: str
    generation: int


@pytest.fixture(scope="module")
def committed(made: Made, converged: str) -> Committed:
    """The bundle of a commit has been uploaded, and nobody has heard of it: the resync will tell."""
    plane = made.plane
    plane.restore(converged)
    plane.hush()
    generation = plane.commit(*TTL)
    plane.upload()
    return Committed(plane, plane.snapshot(), generation)


def chosen() -> list[tuple[int, str]]:
    if WHOLE:
        return [(call, when) for call in range(1, CALLS + 1) for when in ("before", "after")]
    return [(call, ("before", "after")[place % 2]) for place, call in enumerate(SAMPLE)]


def made(plane: Plane) -> int:
    """Calls of the function that change something; the one that killed it is among them."""
    functions = plane.aws.control("calls")[1]["functions"]
    return int(functions.get("meridian-reconcile", {}).get("mutating", 0))


@pytest.mark.parametrize(("call", "when"), chosen())
def test_a_pass_that_dies_costs_nothing(committed: Committed, call: int, when: str) -> None:
    plane = committed.plane
    plane.restore(committed.snapshot)
    plane.aws.control("calls", {})
    since = plane.now()
    plane.faults({"kill": "meridian-reconcile", "call": call, "when": when})
    if not WHOLE:  # there some runs make fewer calls, and each dead one's lease is waited for
        plane.until(lambda: made(plane) >= call, seconds=180)  # a machine that is busy starts its functions slowly
        lease_runs_out(plane.aws.client("dynamodb"))
    plane.converged(committed.generation, seconds=180)
    assert plane.record_ttl() == 20
    assert plane.condition("Ready")["status"] == "True"
    assert plane.waiting(DEAD) == 0
    assert plane.refused_by_iam(since) == []
