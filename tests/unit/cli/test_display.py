"""What `converge` shows as it goes: a stream of documents, plain lines, or a view that is redrawn."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from reconciler.cli.display import Lines, Stream
from reconciler.cli.exits import Stopped
from reconciler.cli.live import Live, render
from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import CloudUnavailable
from reconciler.model.outcome import Result
from reconciler.model.plan import Gate, Wave
from reconciler.report.progress import advance
from reconciler.report.words import plain
from tests.fakes import outcomes
from tests.fakes.outcomes import NOW, minutes

LAG = Gate(name="replica-lag", region="eu-west-1", detail="at most 1000 ms,\nnow 4000")
GATED = outcomes.outcome(
    Result.WAITING, plan=outcomes.plan(waves=(Wave(gates=(LAG,)), outcomes.building().plan.waves[1]))
)
BUILDING = replace(outcomes.building(), in_flight=tuple(s.stack for s in outcomes.building().plan.waves[0].steps[:1]))


def kinds(text):
    return [json.loads(line)["kind"] for line in text.splitlines()]


def test_the_stream_ends_with_the_status(capsys):
    with Stream(Settings(format=Format.JSON)) as display:
        display.pass_done(outcomes.building())
        display.pass_done(outcomes.outcome())
    assert kinds(capsys.readouterr().out) == ["Outcome", "Outcome", "Status"]


@pytest.mark.parametrize("error", [Stopped(130, "interrupted"), CloudUnavailable("down")])
def test_the_stream_ends_with_the_status_whatever_ended_it(capsys, error):
    settings = Settings(format=Format.JSON)
    display = Stream(settings)
    display.pass_done(outcomes.building())
    with pytest.raises(type(error)), display:
        raise error
    assert kinds(capsys.readouterr().out) == ["Outcome", "Error", "Status"]
    assert settings.told is error


def test_what_finishes_aside_is_told_once_beside_ready(capsys):
    with Lines("orders", plain) as display:
        display.pass_done(outcomes.finishing())
        display.pass_done(outcomes.finishing())
        display.pass_done(outcomes.outcome())
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "03:00:00  waiting  interfaces in us-east-1: 2 are left",
        "Ready; finishing aside: us-east-1 (detach, delete/data, delete-gate)",
    ]
    assert sum("finishing aside" in line for line in lines) == 1


def test_an_error_before_the_first_pass_is_left_to_the_caller(capsys):
    settings = Settings(format=Format.JSON)
    with pytest.raises(CloudUnavailable), Stream(settings):
        raise CloudUnavailable("down")
    assert (capsys.readouterr().out, settings.told) == ("", None)


def test_lines_are_the_plan_then_events_then_the_status(capsys):
    with Lines("orders", plain) as display:
        display.pass_done(BUILDING)
        display.pass_done(GATED)
        display.trouble(CloudUnavailable("no answer"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("orders: +2 ~1 -0")
    assert "03:00:00  started  deploy/data in us-east-1, usually 25m: make the Region's database" in lines
    assert "03:00:00  waiting  replica-lag in eu-west-1: at most 1000 ms, now 4000" in lines
    assert "CloudUnavailable: no answer; trying again" in lines
    assert "Regions" in lines[-12:]


@pytest.mark.parametrize(
    ("outcome", "agreed", "begins", "once"),
    [
        (outcomes.building(), True, "orders: +2 ~1 -0, replaced 0, ETA 33m, as agreed", "as agreed"),
        (outcomes.outcome(), False, "No changes.", "Converged)"),
        (outcomes.refused(), True, "orders: refused", "list it again"),
    ],
)
def test_nothing_is_said_twice(capsys, outcome, agreed, begins, once):
    with Lines("orders", plain, agreed=agreed) as display:
        display.pass_done(outcome)
    out = capsys.readouterr().out
    assert out.startswith(begins)
    assert "Changes" not in out
    assert out.count(once) == 1


def test_beside_a_report_lines_go_to_stderr(capsys):
    with Lines("orders", plain, to_stderr=True) as display:
        display.pass_done(BUILDING)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("orders: +2 ~1 -0")
    assert "started  deploy/data in us-east-1" in err


def view(outcome, *, at=0.0, width=100, statuses=None):
    progress, _ = advance(None, outcome)
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(render(progress, NOW + minutes(at), statuses or {}, "*"))
    return console.file.getvalue().splitlines()


def test_the_view_has_a_line_for_each_step_with_elapsed_and_left():
    (stack,) = BUILDING.in_flight
    lines = view(BUILDING, at=10, statuses={stack: "CREATE_IN_PROGRESS"})
    assert lines[0].rstrip() == "orders  0 of 3 steps  elapsed 10m, about 33m left plus waiting"
    assert lines[1].split() == ["*", "deploy/data/us-east-1", "10m", "about", "15m", "left", "CREATE_IN_PROGRESS"]
    assert lines[2].split()[:3] == ["·", "deploy/data/eu-west-1", "queued"]
    assert lines[3].rstrip() == "then deploy/edge"


def test_the_view_says_what_is_waited_for_and_what_takes_too_long():
    last = outcomes.outcome(Result.WAITING, plan=outcomes.plan(waves=(Wave(gates=(LAG,)),)))
    assert view(last, at=3)[0].rstrip() == "orders  0 of 0 steps  elapsed 3m, only waiting left"
    waiting = view(GATED, at=3)[1]
    assert " ".join(waiting.split()) == "* replica-lag/eu-west-1 3m waiting at most 1000 ms, now 4000"
    assert "15m over the usual 25m" in view(BUILDING, at=40)[1]


@pytest.mark.parametrize("width", [40, 60, 200])
def test_the_view_fits_any_terminal(width):
    for outcome in (BUILDING, GATED):
        assert max(len(line) for line in view(outcome, width=width)) <= width


def test_the_live_view_leaves_its_events_behind():
    clock = type("Clock", (), {"now": staticmethod(lambda: NOW)})
    display = Live("orders", plain, clock, colour=False)
    display._console.file = StringIO()
    with display:
        display.pass_done(BUILDING)
        display.pass_done(outcomes.outcome())
    left = display._console.file.getvalue()
    for words in ("started  deploy/data in us-east-1", "orders: Ready (Converged)", "Regions"):
        assert words in left
