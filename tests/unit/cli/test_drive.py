"""The driver of `converge`: when it stops, how it waits, what it does when a pass fails."""

import json
import signal
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from reconciler import wiring
from reconciler.cli import converge
from reconciler.cli.converge import RETRIES, TICK, Pace, drive, run_passes, wait
from reconciler.cli.display import Display
from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import AccessDenied, CloudUnavailable, LeaseHeld, StalePlan, Throttled, Unanswered
from reconciler.model.motion import Motion
from reconciler.model.outcome import Problem, Result, Sent
from tests.fakes import outcomes

WAITING = outcomes.outcome(Result.WAITING)
DONE = outcomes.outcome()
FLYING = outcomes.outcome(Result.PROGRESSING, in_flight=(outcomes.EDGE,), requeue_after=timedelta(minutes=5))


@dataclass
class World:
    """AWS's clock, `speed` times as fast as the wall, and a stack whose statuses come from a list, the last one for good."""

    speed: float = 1.0
    statuses_to_give: list = field(default_factory=lambda: ["UPDATE_IN_PROGRESS"])
    slept: float = 0.0
    polls: int = 0

    def now(self):
        return outcomes.NOW + timedelta(seconds=self.slept * self.speed)

    def sleep(self, seconds):
        self.slept += seconds

    def statuses(self, stacks):
        assert set(stacks.values()) == {"meridian-orders-edge"}
        self.polls += 1
        more = len(self.statuses_to_give) > 1
        return {outcomes.EDGE: self.statuses_to_give.pop(0) if more else self.statuses_to_give[0]}

    @property
    def ports(self):
        return SimpleNamespace(clock=self, cloud=self)

    def pace(self, poll=1.0):
        return Pace(poll=poll, sleep=self.sleep)


def driven(*passes, world=None):
    """Runs the driver over a script of outcomes and errors; the outcomes it showed, and what it came to."""
    world = world or World()
    script, shown = list(passes), []

    class Seen(Display):
        def show(self, outcome, *, first):
            shown.append(outcome)

    def one_pass():
        following = script.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    return drive(one_pass, world.ports, Seen(), world.pace()), shown


@pytest.mark.parametrize("result", [Result.CONVERGED, Result.BLOCKED, Result.FAILED, Result.STALLED, Result.SUSPENDED])
def test_passes_run_until_one_ends_it(result):
    last = outcomes.outcome(result)
    assert driven(WAITING, FLYING, last, WAITING) == (last, [WAITING, FLYING, last])


def test_a_ready_topology_is_stayed_with_while_something_finishes_aside():
    last = outcomes.outcome()
    assert driven(outcomes.finishing(), outcomes.finishing(), last)[0] is last


def test_what_finishes_aside_much_later_or_not_at_all_is_left_to_another_run():
    finishing = outcomes.finishing()
    later = (outcomes.NOW + timedelta(hours=5)).isoformat()
    slow = replace(
        finishing, plan=outcomes.plan(waves=outcomes.superseded()), motion=Motion(versions={"router:1": later})
    )
    assert driven(slow, WAITING) == (slow, [slow])
    failed = replace(finishing, problems=(Problem(code="DeploymentFailed", step="delete/data", message="no"),))
    assert driven(failed, WAITING) == (failed, [failed])
    world = World()
    stuck, shown = driven(*[finishing] * 100, world=world)
    assert (stuck, len(shown)) == (finishing, 61)
    assert world.slept == pytest.approx(3600, abs=5)


@pytest.mark.parametrize("error", [CloudUnavailable("down"), AccessDenied("no"), LeaseHeld("busy")])
def test_the_first_error_is_told_at_once(error):
    with pytest.raises(type(error)):
        driven(error, DONE)


def test_an_aws_that_asks_to_slow_down_or_takes_a_call_is_there():
    assert driven(Throttled("slow down"), DONE)[0] is DONE
    assert driven(Unanswered("closed"), DONE)[0] is DONE
    with pytest.raises(CloudUnavailable, match="down"):
        driven(Throttled("slow down"), CloudUnavailable("down"), DONE)
    with pytest.raises(Throttled):
        driven(*[Throttled("slow down")] * (RETRIES + 1), DONE)


def test_later_an_outage_is_waited_out_longer_each_time():
    world = World()
    down = CloudUnavailable("down")
    assert driven(WAITING, down, down, down, DONE, world=world)[0] is DONE
    assert world.slept == pytest.approx(5 + 2 + 4 + 8, abs=2 * TICK)
    assert driven(WAITING, StalePlan("moved"), DONE)[0] is DONE


@pytest.mark.parametrize("error", [AccessDenied("no"), LeaseHeld("busy")])
def test_what_trying_again_cannot_cure_ends_it(error):
    with pytest.raises(type(error)):
        driven(WAITING, error, DONE)


def test_an_outage_that_stays_ends_it():
    with pytest.raises(CloudUnavailable):
        driven(WAITING, *[CloudUnavailable("down")] * (RETRIES + 1), DONE)


def waited(outcome, **more):
    world = World(**more)
    wait(world.ports, outcome, Display(), world.pace())
    return world


def test_waiting_lasts_as_long_as_the_pass_says_by_the_clock_of_aws():
    assert waited(FLYING).slept == pytest.approx(300, abs=2 * TICK)
    assert waited(FLYING, speed=60).slept == pytest.approx(5, abs=2 * TICK)
    assert waited(WAITING).slept == pytest.approx(5, abs=2 * TICK)


def test_fast_time_makes_no_busy_loop_unless_there_is_something_to_do():
    assert waited(WAITING, speed=6000).slept == pytest.approx(0.2, abs=2 * TICK)
    sent = Sent(id="deploy/edge", call="x", region=None)
    assert waited(replace(WAITING, requests=(sent,)), speed=6000).slept <= TICK


def test_a_stack_that_moves_on_ends_the_wait():
    world = waited(FLYING, statuses_to_give=["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"])
    assert world.slept == pytest.approx(2, abs=0.2)
    assert world.polls == 3
    assert waited(FLYING, statuses_to_give=["UPDATE_COMPLETE"]).slept == 0


def test_a_stack_that_cannot_be_read_does_not_wake_anybody():
    assert waited(FLYING, statuses_to_give=[None, None]).slept == pytest.approx(300, abs=2 * TICK)


def test_one_topology_that_fails_does_not_keep_the_next_from_its_turn(monkeypatch, capsys):
    def one_pass(ports, topology, run, goal, sweep):
        if topology.name == "bad":
            raise AccessDenied("no")
        return replace(DONE, topology=topology.name)

    monkeypatch.setattr(wiring, "ports", lambda: World().ports)
    monkeypatch.setattr(converge, "run_pass", one_pass)
    named = [SimpleNamespace(name=name, home_region="us-east-1") for name in ("bad", "good")]
    codes = run_passes(Settings(format=Format.JSON), named, timeout=timedelta(hours=1))
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert codes == [1, 0]
    out, err = capsys.readouterr()
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["Error", "Outcome", "Status"]
    assert "AccessDenied: no" in err
