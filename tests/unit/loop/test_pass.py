"""A whole pass over ports in memory: what it writes down, and what keeps it from writing."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest

from reconciler import loop
from reconciler.loop import Ports, Run, run_pass
from reconciler.model.errors import AccessDenied, CloudUnavailable, LeaseLost
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Result, Revision
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, templates


class Fakes:
    """Cloud, journal, clock, revisions and templates in one; `facts` are a world's observation, taken as it is."""

    def __init__(self, world: World) -> None:
        self.world, self.lost = world, False
        self.documents: list[dict] = []
        self.ports = Ports(cloud=self, synthesizer=self, revisions=self, journal=self, clock=self, issuers=self)

    def account(self, topology):
        return self.world.account

    def facts(self, topology, sweep=None):
        return self.world.observed()

    def calls(self):
        return Counter()

    def templates(self, topology, keys):
        return templates(topology)

    def revision(self, topology, recorded):
        return Revision(commit="abc", generation=1, digest="d")

    def now(self):
        return self.world.now

    @contextmanager
    def lease(self, topology, turn=None):
        yield self

    def check(self):
        if self.lost:
            raise LeaseLost("taken over")

    def working_on(self, step):
        pass

    def record(self, topology, status):
        self.documents.append(status)


@pytest.fixture
def fakes(monkeypatch) -> Fakes:
    world = World(with_regions(*NAMES[:2]))
    world.run()
    monkeypatch.setattr(loop, "observe", lambda facts, _topology: facts)
    return Fakes(world)


def conditions(outcome) -> dict[str, str]:
    return {c.type: c.status for c in outcome.conditions}


def test_a_converged_topology_is_ready_and_its_status_kept(fakes):
    outcome = run_pass(fakes.ports, fakes.world.desired, Run())
    assert outcome.result is Result.CONVERGED
    assert conditions(outcome) == {"Ready": "True", "Serving": "True", "DriftDetected": "False"}
    assert len(fakes.documents) == 1


@pytest.mark.parametrize(("code", "error"), [("AccessDenied", AccessDenied), ("Throttling", CloudUnavailable)])
def test_a_status_that_cannot_be_read_is_not_written_over(fakes, code, error):
    fakes.world.unread = {"unrecorded": Unknown(code, "no")}
    with pytest.raises(error):
        run_pass(fakes.ports, fakes.world.desired, Run())
    assert not fakes.documents


def test_nothing_is_written_down_once_the_lease_is_lost(fakes):
    fakes.lost = True
    with pytest.raises(LeaseLost):
        run_pass(fakes.ports, fakes.world.desired, Run())
    assert not fakes.documents


def test_nothing_to_change_is_not_ready_while_it_does_not_serve(fakes):
    """A distribution disabled by hand is held: done, and not green."""
    fakes.world.distribution_enabled = False
    outcome = run_pass(fakes.ports, fakes.world.desired, Run())
    assert outcome.result is Result.CONVERGED
    assert conditions(outcome)["Ready"] == conditions(outcome)["Serving"] == "False"


@pytest.mark.parametrize("unread", ["distribution", "records"])
def test_what_cannot_be_read_is_not_known_to_serve_and_denied_for_good_ends_it(fakes, unread):
    fakes.world.unread = {unread: Unknown("Throttling", "slow")}
    outcome = run_pass(fakes.ports, fakes.world.desired, Run())
    assert outcome.result is Result.WAITING
    assert conditions(outcome)["Serving"] == "Unknown"
    fakes.world.unread = {unread: Unknown("AccessDenied", "no")}
    assert run_pass(fakes.ports, fakes.world.desired, Run()).result is Result.STALLED


def test_a_suspended_topology_is_looked_at_and_left_alone(fakes):
    world = fakes.world
    world.desired = replace(world.desired, suspend=True, api=replace(world.desired.api, memory_mb=1024))
    outcome = run_pass(fakes.ports, world.desired, Run())
    assert (outcome.result, outcome.requests) == (Result.SUSPENDED, ())
    assert conditions(outcome)["Suspended"] == "True"
