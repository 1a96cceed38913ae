"""A pass that looks into the middle of our own switchover waits for it: its clusters are failing-over, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.drive import Run
from reconciler.loop import run_pass
from reconciler.model.observed import known
from reconciler.model.outcome import Outcome, Result
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged

STEP = 20.0
"""Of AWS's seconds: the stages of a switchover last 15, 15 and 60."""


@pytest.fixture(scope="module")
def world(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


def test_whenever_a_pass_looks_the_switchover_is_waited_for(world: Converged) -> None:
    world.restore()
    world.aws.still()
    desired = replace(world.topology, database=replace(world.topology.database, writer="eu-west-1"))
    run, seen = Run(patience=0), set[str]()

    def looks() -> Outcome:
        outcome = run_pass(world.ports, desired, run)
        assert outcome.plan.refusals == ()
        if whole := known(outcome.observed.global_cluster):
            seen.update(c.status for c in map(known, outcome.observed.clusters.values()) if c and whole.failover)
        return outcome

    for _ in range(60):
        if looks().result is Result.CONVERGED:
            break
        world.aws.passes(STEP)
    else:
        pytest.fail("the writer did not move")
    assert "failing-over" in seen, "no pass looked into the middle"
