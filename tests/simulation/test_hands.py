"""A reconciler that does not know a hand when it sees one is found out: the operators of the simulation are of use."""

import pytest

from reconciler.diff import motion as judging
from reconciler.model.motion import Motion
from tests.simulation.run import Simulation, SimulationError

ENOUGH = 60

FORGETFUL = {
    "a gate is nobody's": (judging, "held_gate", lambda *_: False, 0),
    "a writer is nobody's": (judging, "writer_moved_by_hand", lambda *_: False, 3),
    "what was asked on the way is forgotten": (Motion, "spoken", lambda m, r, t: m.traffic.get(r, t) == t, 11),
    "the Region that the writer left is never history": (Motion, "sees_writer", lambda m, *_: m, 31),
}
"""What to plant where, and a seed soon after which it shows."""


@pytest.mark.parametrize(("owner", "name", "planted", "first"), FORGETFUL.values(), ids=FORGETFUL)
def test_a_hand_that_is_overruled_shows(monkeypatch, owner, name, planted, first):
    monkeypatch.setattr(owner, name, planted)
    with pytest.raises(
        SimulationError, match=r"an operator (put the gate|moved the writer).*no commit spoke of it since"
    ):
        run_all(range(first, first + ENOUGH))


def run_all(seeds: range) -> None:
    for seed in seeds:
        Simulation(seed, hands=True).run()


def test_a_run_with_an_operator_tells_of_the_hands():
    simulation = Simulation(0, hands=True)
    report = simulation.run()
    told = [line for line in simulation.cloud.trace if "  operator " in line]
    assert len(told) >= report.hands.total() > 0
    again = Simulation(0, hands=True)
    again.run()
    assert again.cloud.trace == simulation.cloud.trace
