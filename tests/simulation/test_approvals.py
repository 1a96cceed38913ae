"""Runs in which every plan with a hazard waits for a person: they come right, and nothing hazardous is begun without."""

import pytest

from tests.simulation.run import Simulation

SEEDS = (0, 6, 16, 21, 29, 38, 57)
"""A Region that leaves, an upgrade, a writer that moves; one hazard after another, and a commit that is taken back half-way."""


def run_of(seed: int) -> Simulation:
    return Simulation(seed, chain=2, destroys=False, hands=False, from_nothing=False, approves=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_converges_and_begins_nothing_hazardous_without_an_approval(seed):
    """A run fails where a step with a hazard is begun that no approved plan of its commit held (`Approvals.looked`)."""
    simulation = run_of(seed)
    simulation.run()
    assert simulation.approvals.seen["approved"]
    assert simulation.approvals.seen["carried out"]
