"""The reconciler dies before or after every request there is, stacks fail, AWS throttles: it converges all the same."""

import random
from dataclasses import replace

import pytest

from tests.fakes.topologies import NAMES, with_regions
from tests.simulation.sim import Simulation

THREE = with_regions(*NAMES[:3], writer="eu-west-1")


def requests_of_a_quiet_run() -> int:
    quiet = Simulation(THREE, random.Random(0))
    quiet.converge()
    return quiet.requests


TOTAL = requests_of_a_quiet_run()


@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
@pytest.mark.parametrize("place", range(1, TOTAL + 1))
def test_dying_at_any_request_loses_nothing(when, place):
    simulation = Simulation(THREE, random.Random(place), **{when: place})
    simulation.converge()
    assert simulation.requests >= place
    assert set(simulation.world.gates) == set(THREE.region_names)
    assert simulation.world.plan().converged


@pytest.mark.parametrize("seed", range(40))
def test_failing_stacks_throttles_and_crashes_end_converged(seed):
    chaos = random.Random(seed)
    names = chaos.sample(NAMES, chaos.randint(1, 5))
    simulation = Simulation(
        with_regions(*names, writer=chaos.choice(names)),
        chaos,
        failing=0.15,
        throttling=0.1,
        crash_after=chaos.randint(0, 20),
    )
    simulation.converge()
    before = simulation.requests
    grown = with_regions(*names, *[n for n in NAMES if n not in names][:1], writer=simulation.world.writer)
    simulation.desired = simulation.world.desired = replace(grown, api=replace(grown.api, memory_mb=1024))
    simulation.converge()
    assert simulation.requests > before
    before = simulation.requests
    assert simulation.converge() == 0
    assert simulation.requests == before, "a pass with nothing to do asked for something"
