"""One message, one pass: what comes next, what is written down, and what is not answered."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler import loop
from reconciler.hosted import GAVE_WAY, LOOK_AGAIN, RETRY, PassCrashed, reconcile
from reconciler.model.attempts import K
from reconciler.model.errors import AccessDenied, CloudUnavailable, GaveWay, LeaseHeld, LeaseLost, StaleTimer
from reconciler.model.facts import Sweep
from reconciler.model.logged import Unit
from reconciler.model.message import Message
from reconciler.model.outcome import Result
from reconciler.model.suspension import Suspension
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World
from tests.unit.loop.test_announcing import World as Outside
from tests.unit.loop.test_pass import Fakes
from tests.unit.report.test_schemas import check

EVENT = Message(topology="orders", reason="bundle uploaded")
SUSPENDED = Suspension(reason="incident 7", by="ann", at="2026-01-01T00:00:00Z")


class Hosted(Fakes):
    """`entering`: raised in place of a lease. `fails`: by what is read."""

    token, stolen, due, dirty, released, asked = 3, False, None, False, True, False

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.entering: Exception | None = None
        self.fails: Exception | None = None
        self.turns = []
        self.requests = []
        self.refuses: Exception | None = None

    @contextmanager
    def lease(self, topology, turn=None):
        self.turns.append(turn)
        if self.entering:
            raise self.entering
        yield self

    def facts(self, topology, sweep=None, asked=None):
        if self.fails:
            raise self.fails
        if asked and asked():
            raise GaveWay("asked")
        return super().facts(topology, sweep)

    def recorded(self, topology):
        return self.documents[-1] if self.documents else None

    def change_set(self, *_):
        return None

    def perform(self, request):
        if self.refuses:
            raise self.refuses
        self.requests.append(request.call)

    def ask(self, message: Message = EVENT, chance: float = 0.5, outlets=None):
        return reconcile(self.ports, self.world.desired, message=message, chance=lambda: chance, outlets=outlets)

    def again(self):
        """The next pass finds what this one wrote."""
        self.world.recorded = self.documents[-1]
        self.world.now += timedelta(minutes=1)
        return self.ask()


@pytest.fixture
def hosted(monkeypatch) -> Hosted:
    world = World(with_regions(*NAMES[:2]))
    world.run()
    monkeypatch.setattr(loop, "observe", lambda facts, _topology: facts)
    return Hosted(world)


def changes(hosted: Hosted) -> None:
    hosted.world.desired = replace(hosted.world.desired, api=replace(hosted.world.desired.api, memory_mb=1024))


def metrics(again) -> dict[str, float]:
    line = again.lines[0]
    assert (line.dimension, line.at is None) == (None, False), "CloudWatch bills each value of a dimension"
    return {name: value for name, (value, _) in line.metrics.items()}


def test_converged_asks_for_nothing_more_but_makes_earlier_timers_idle(hosted):
    again = hosted.ask()
    assert (again.outcome.result, again.after, again.now, again.redeliver) == (Result.CONVERGED, None, False, False)
    assert hosted.due == again.due != ""
    none = {"PassErrors": 0, "LeaseSteals": 0, "StalledTopologies": 0, "Refusals": 0, "TimeToConverge": 0}
    assert metrics(again) == {"Passes": 1, **none, "PassDuration": 0}
    assert check(hosted.documents[-1])["run"] is None
    line = again.lines[0].fields()
    assert (line["code"], line["number"], line["why"]) == ("Converged", "MRD7001", EVENT.reason)


def test_under_way_it_asks_to_look_again_soon_and_the_run_goes_on(hosted):
    changes(hosted)
    again = hosted.ask()
    assert again.outcome.result is Result.PROGRESSING
    assert hosted.requests == ["cloudformation:CreateChangeSet"], "it does not wait for the change set"
    assert again.after == timedelta(seconds=5)
    assert datetime.fromisoformat(again.due) > hosted.world.now
    assert check(hosted.documents[-1])["run"]["digest"] == "d"


def test_a_timer_is_told_from_others_and_one_that_does_not_count_costs_nothing(hosted):
    hosted.entering = StaleTimer("old")
    again = hosted.ask(Message(topology="orders", reason="timer", due="then"))
    assert (again.after, again.now, again.redeliver, hosted.documents) == (None, False, False, [])
    assert hosted.turns[0].due == "then"


@pytest.mark.parametrize("marked", [True, False])
def test_held_by_another_it_goes_and_one_of_those_who_asked_comes_back(hosted, marked):
    hosted.entering = LeaseHeld("held")
    hosted.entering.marked = marked
    again = hosted.ask()
    assert again.after == (RETRY if marked else None)
    assert again.due == (hosted.turns[0].retry if marked else "")


@pytest.mark.parametrize(("ago", "result"), [(1, GAVE_WAY), (2, "")], ids=["due", "overdue"])
def test_a_full_sweep_gives_way_but_not_for_ever(hosted, ago, result):
    hosted.ask()
    last = (hosted.world.now - timedelta(hours=ago)).isoformat()
    hosted.documents[-1]["looks"]["fullAt"] = last
    hosted.asked = True
    again = hosted.ask(Message(topology="orders", reason="resync", routine=True))
    assert again.result == result
    assert again.outcome is None or again.outcome.sweep is Sweep.FULL


def test_asked_meanwhile_it_goes_on_at_once(hosted):
    hosted.dirty = True
    again = hosted.ask()
    assert (again.now, again.due) == (True, hosted.due)


@pytest.mark.parametrize("error", [CloudUnavailable("no table"), AccessDenied("no")])
def test_without_a_lease_nothing_is_answered_and_the_message_comes_again(hosted, error):
    hosted.entering = error
    again = hosted.ask()
    assert (again.redeliver, again.after, again.now) == (True, None, False)
    assert metrics(again)["PassErrors"] == 1


def test_a_lost_lease_is_not_written_over(hosted):
    hosted.fails = LeaseLost("taken over")
    assert hosted.ask().redeliver
    assert not hosted.documents


def test_a_lease_that_cannot_be_released_has_the_message_come_again(hosted):
    hosted.released = False
    assert hosted.ask().redeliver


def test_an_error_on_the_way_is_an_attempt_and_reaches_the_status(hosted):
    hosted.fails = CloudUnavailable("AWS is down", code="Unreachable")
    delays = []
    for n in range(1, 4):
        delays.append(hosted.ask(chance=0.99).after)
        document = check(hosted.documents[-1])
        assert (document["result"], document["attempts"]["times"]) == ("Failed", n)
        assert document["problems"][0]["code"] == "Unreachable"
    assert timedelta(seconds=5) < delays[0] < delays[1] < delays[2]


def test_a_bug_is_raised_for_the_queue_to_count_until_the_topology_is_stalled(hosted):
    hosted.fails = ZeroDivisionError("poison")
    for _ in range(K):
        with pytest.raises(PassCrashed) as crashed:
            hosted.ask()
        assert crashed.value.line.metrics["PassErrors"] == (1, Unit.COUNT)
        assert hosted.due is None, "the timer that asked still counts: it comes again"
    assert check(hosted.documents[-1])["result"] == "Stalled"
    again = hosted.ask()
    assert (again.after, again.redeliver) == (None, False)
    assert metrics(again)["StalledTopologies"] == 1
    hosted.fails = None
    assert hosted.again().outcome.result is Result.CONVERGED
    assert "Stalled" not in {c["type"] for c in hosted.documents[-1]["conditions"]}


def test_the_same_refusal_k_times_stalls_it_and_then_nothing_is_asked_until_something_changes(hosted):
    changes(hosted)
    hosted.refuses = AccessDenied("not allowed")
    passes = [hosted.ask(), *(hosted.again() for _ in range(K - 1))]
    assert [p.outcome.result for p in passes] == [Result.FAILED] * (K - 1) + [Result.STALLED]
    assert all(p.after and p.after >= timedelta(seconds=5) for p in passes[:-1])
    assert passes[-1].after is None
    assert metrics(passes[-1])["StalledTopologies"] == 1
    hosted.refuses = None  # the right was granted, which nobody can see
    assert hosted.again().outcome.result is Result.STALLED
    assert not hosted.requests
    hosted.world.now += timedelta(minutes=25)
    assert hosted.again().outcome.result is Result.PROGRESSING
    assert hosted.requests


def test_another_plan_is_tried_at_once(hosted):
    changes(hosted)
    hosted.refuses = AccessDenied("not allowed")
    for ask in (hosted.ask, *[hosted.again] * (K - 1)):
        again = ask()
    assert again.outcome.result is Result.STALLED
    hosted.refuses = None
    hosted.world.desired = replace(hosted.world.desired, api=replace(hosted.world.desired.api, memory_mb=2048))
    assert hosted.again().outcome.result is Result.PROGRESSING


def test_a_refusal_of_ours_is_looked_at_by_the_clock_and_is_no_attempt(hosted):
    hosted.world.desired = replace(
        hosted.world.desired, regions=tuple(replace(r, traffic="drained") for r in hosted.world.desired.regions)
    )
    again = hosted.ask()
    assert (again.outcome.result, again.after) == (Result.BLOCKED, LOOK_AGAIN)
    assert hosted.documents[-1]["attempts"]["times"] == 0


def test_suspended_it_looks_writes_the_status_and_asks_for_nothing(hosted):
    changes(hosted)
    hosted.world.unread = {"suspension": SUSPENDED}
    again = hosted.ask()
    assert (again.outcome.result, again.after, hosted.requests) == (Result.SUSPENDED, None, [])
    assert check(hosted.documents[-1])["suspension"]["reason"] == "incident 7"


def test_it_tells_of_what_it_came_to_and_once(hosted):
    outside = Outside(document=None)
    asked = {"outlets": outside.outlets}
    hosted.ask(**asked)
    assert (outside.events, [key for key, _ in outside.pages]) == (["converged"], ["reports/orders.html"])
    document = check(hosted.documents[-1])
    assert (document["report"]["key"], document["notices"]["waiting"]) == ("reports/orders.html", [])
    hosted.world.recorded, written = document, len(hosted.documents)
    hosted.ask(**asked)
    assert (outside.events, len(outside.pages), len(hosted.documents)) == (["converged"], 1, written + 1)


def test_a_topology_that_a_bug_stalls_is_told_of_with_the_pass_that_gave_up(hosted):
    outside = Outside(document=None)
    hosted.fails = ZeroDivisionError("poison")
    for _ in range(K):
        assert outside.events == []
        with pytest.raises(PassCrashed):
            hosted.ask(outlets=outside.outlets)
    assert outside.events == ["stalled"]
    hosted.ask(outlets=outside.outlets)
    assert outside.events == ["stalled"]


def test_what_cannot_be_told_fails_no_pass(hosted):
    outside = Outside(document=None, fails=ZeroDivisionError("a bug of ours"))
    again = hosted.ask(outlets=outside.outlets)
    assert (again.outcome.result, again.redeliver) == (Result.CONVERGED, False)
    assert len(outside.untold) == 2


def test_what_was_told_goes_on_through_the_pass_of_a_command(hosted):
    hosted.ask(outlets=Outside(document=None).outlets)
    hosted.world.recorded = told = hosted.documents[-1]
    hosted.ask()
    assert hosted.documents[-1]["notices"] == told["notices"]
    assert hosted.documents[-1]["report"] == told["report"]


def test_the_document_of_another_account_is_left_alone(hosted):
    hosted.world.desired = replace(hosted.world.desired, account="999999999999")
    again = hosted.ask()
    assert (again.after, again.redeliver, hosted.turns, hosted.documents) == (None, False, [], [])
