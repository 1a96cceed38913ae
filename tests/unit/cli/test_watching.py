"""What `status --watch` makes of looks at the table, as lines and as JSON, and how it ends; `test_screen` has the view."""

import json
import signal
from dataclasses import dataclass
from datetime import timedelta

import pytest

from reconciler import wiring
from reconciler.aws.recorded import Recorded
from reconciler.cli import watching
from reconciler.cli.watching import Lines, Now, Seen, Stream, look, seen_blocks
from reconciler.model.errors import CloudUnavailable
from reconciler.report.happenings import when
from tests.simulation.situations import GOLDEN
from tests.unit.report.test_schemas import check

CONVERGED, ADDING = (
    json.loads((GOLDEN / "status" / f"{n}.json").read_text()) for n in ("converged", "adding-a-region")
)
DOWN = CloudUnavailable("no answer", code="Unreachable")
AT = when(ADDING["updatedAt"])


@dataclass
class Clock:
    at: object = AT

    def now(self):
        if isinstance(self.at, Exception):
            raise self.at
        return self.at


def seen():
    return Seen(name="orders", home="us-east-1")


def looked(display, *answers, into=None):
    """Each answer is what one look at the table finds, or the error that it meets."""
    found = into or seen()

    def read(_name, _home, answer):
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Recorded) else Recorded(status=answer)

    for answer in answers:
        look(found, lambda name, home, a=answer: read(name, home, a), Now(Clock()), display)
    return found


def lines(capsys, *answers):
    looked(Lines(Now(Clock())), *answers)
    return capsys.readouterr().out.splitlines()


def test_without_a_terminal_it_is_a_line_per_event(capsys):
    found = lines(capsys, None, None, CONVERGED, CONVERGED, ADDING)
    assert (
        found[0].split("Z", 1)[1]
        == "  orders  table     nothing is recorded in us-east-1 yet, waiting for the first pass"
    )
    assert found[1] == "2026-01-01T01:21:41Z  orders  status    Converged, generation 1, revision 4f1c0d9be7a3"
    assert "2026-01-01T02:22:50Z  orders  started   deploy/data/sa-east-1" in found[2:]
    assert "2026-01-01T02:27:53Z  orders  Region    sa-east-1 is there: joining, Progressing" in found[2:]
    assert len(found) == 8
    assert not any("\x1b" in line for line in found)


def test_a_table_that_cannot_be_read_is_said_once_and_so_is_its_return(capsys):
    found = lines(capsys, CONVERGED, DOWN, DOWN, CONVERGED, CONVERGED)
    assert [line.split("table     ")[1] for line in found[1:]] == [
        "the table cannot be read, trying on: Unreachable: no answer",
        "the table can be read again",
    ]


NONE_OF_OURS = [
    [],
    "text",
    {"kind": "Status"},
    {**CONVERGED, "conditions": 7},
    {**CONVERGED, "regions": [{}]},
    {**CONVERGED, "updatedAt": "0000"},
    {**CONVERGED, "plan": {"waves": [7]}},
    {**CONVERGED, "tombstones": [None]},
    {**CONVERGED, "findings": [{"path": "x"}]},
    {**CONVERGED, "edge": "none"},
    json.JSONDecodeError("no JSON", "x", 0),
]


@pytest.mark.parametrize("answer", NONE_OF_OURS, ids=lambda a: str(a)[-40:])
def test_what_is_no_status_is_said_and_the_last_one_stays(capsys, answer):
    found = looked(Lines(Now(Clock())), CONVERGED, answer)
    assert "no status document" in capsys.readouterr().out.splitlines()[-1]
    assert found.document == CONVERGED
    head, *_ = seen_blocks(found, AT, found.read_at + 12, 100)
    assert head.lines[0].text.startswith("the table cannot be read, last read 12s ago, trying on: what the table holds")


def test_as_json_it_is_a_document_per_change(capsys):
    glanced = {**CONVERGED, "updatedAt": "2026-01-01T03:00:00Z", "looks": {}}
    looked(Stream(), None, CONVERGED, CONVERGED, glanced, DOWN, ADDING)
    told = capsys.readouterr()
    documents = [check(json.loads(line)) for line in told.out.splitlines()]
    assert documents == [CONVERGED, ADDING]
    assert told.err.splitlines() == [
        "orders: nothing is recorded in us-east-1 yet, waiting for the first pass",
        "orders: the table cannot be read, trying on: Unreachable: no answer",
        "orders: the table can be read again",
    ]


def test_what_is_suspended_meanwhile_shows_before_the_next_pass(capsys):
    suspended = Recorded(status=CONVERGED, suspension={"reason": "audit", "by": "ada", "at": "now", "regions": []})
    looked(Lines(Now(Clock())), CONVERGED, suspended)
    assert "suspend   everything is suspended by ada" in capsys.readouterr().out.splitlines()[-1]


def test_the_screen_keeps_the_last_events_and_says_how_old_its_reading_is():
    found = looked(watching.Display(), CONVERGED, ADDING)
    assert len(found.events) <= 60
    assert "deploy/data/sa-east-1" in " ".join(e.text for e in found.events[-5:])
    blocks = seen_blocks(found, AT + timedelta(seconds=9), 0.0, 100)
    assert blocks[0].title.text == "orders: Progressing, 9s ago, generation 2, revision 9b2e7705d1f3"
    assert seen_blocks(seen(), AT, 0.0, 100)[0].title.text == "orders: reading us-east-1"
    nothing = looked(watching.Display(), DOWN)
    assert "trying on: Unreachable" in seen_blocks(nothing, AT, 0.0, 100)[0].lines[0].text


def test_time_goes_on_where_nobody_can_be_asked(monkeypatch):
    moment = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: moment[0])
    clock = Clock()
    now = Now(clock)
    moment[0], clock.at = 101.0, AT + timedelta(seconds=30)
    now.ask()
    moment[0], clock.at = 103.0, DOWN
    now.ask()
    assert now.now() == AT + timedelta(seconds=90), "thirty times as fast as the wall clock, as last seen"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("form", ["text", "json"])
def test_it_ends_only_when_told_to_and_says_nothing_of_it(meridian, monkeypatch, number, code, form):
    looks = []

    def read(*_):
        looks.append(1)
        if len(looks) == 3:
            signal.raise_signal(number)
        return Recorded(status=CONVERGED)

    monkeypatch.setattr(wiring, "watched", lambda: (read, Clock()))
    monkeypatch.setattr(watching, "POLL", 0.0)
    ran = meridian("status", "orders", "--watch", "--home-region", "us-east-1", "--format", form)
    assert (ran.code, ran.err, len(looks)) == (code, "", 3)
    assert len(ran.out.splitlines()) == 1


def test_markdown_is_for_documents_that_end(meridian):
    ran = meridian("status", "orders", "--watch", "--home-region", "us-east-1", "--format", "markdown")
    assert ran.code == 64
    assert "--watch shows text or json" in ran.err
