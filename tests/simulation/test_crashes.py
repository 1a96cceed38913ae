"""The reconciler dies before or after every request there is, on the way from nothing to a topology: it converges all the same."""

from dataclasses import replace

import pytest

from tests.simulation import goal
from tests.simulation.faults import Rates
from tests.simulation.run import Simulation

SEED = 3


def from_nothing() -> Simulation:
    return Simulation(SEED, rates=Rates(), chain=0, from_nothing=True, destroys=False)


def requests_of_a_quiet_run() -> int:
    quiet = from_nothing()
    quiet.run()
    return quiet.cloud.requests


TOTAL = requests_of_a_quiet_run()


@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
def test_dying_at_any_request_loses_nothing(when):
    for place in range(1, TOTAL + 1):
        simulation = from_nothing()
        setattr(simulation.cloud, when, place)
        simulation.run()
        assert simulation.cloud.requests >= TOTAL
        goal.reached(simulation.account, simulation.topology)


def test_a_run_that_does_not_come_right_tells_its_story():
    """The goal is another one than the commit's: whoever reads the failure sees what happened, and how to see it again."""
    simulation = from_nothing()
    wanted = simulation.topology
    simulation.account.documents.clear()
    simulation._settle(36000)
    simulation.topology = replace(wanted, api=replace(wanted.api, memory_mb=wanted.api.memory_mb + 1))
    with pytest.raises(AssertionError) as failure:
        goal.reached(simulation.account, simulation.topology)
    story = simulation._story(failure.value)
    assert "ExecuteChangeSet data/" in story
    assert f"python -m tests.simulation --seed {SEED}" in story
