"""The live view as text, from recorded statuses, in large, narrow and short terminals: `UPDATE_SNAPSHOTS=1` writes them anew."""

import json
import os
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from reconciler.cli.screen import drawn
from reconciler.report.happenings import timed, when
from reconciler.report.overview import blocks, waiting
from tests.simulation.situations import GOLDEN, SITUATIONS

LATER = timedelta(seconds=75)
SIZES = ((100, 40), (60, 20))


def recorded(name):
    return json.loads((GOLDEN / "status" / f"{name}.json").read_text())


def shown(document, width):
    return blocks(document, timed(document), when(document["updatedAt"]) + LATER, width)


def text(topologies, width, height, **more):
    console = Console(width=width, height=height, file=StringIO(), highlight=False, **more)
    console.print(drawn(topologies, width, height))
    return console.file.getvalue()


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_a_situation_looks_like(name, width, height):
    found = text([shown(recorded(name), width)], width, height)
    file = GOLDEN / "screens" / f"{name}-{width}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(found)
    assert file.read_text() == found


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize(("width", "height"), [(60, 20), (40, 10), (20, 5), (10, 1), (250, 100)])
def test_nothing_sticks_out_and_the_headline_is_always_there(name, width, height):
    lines = text([shown(recorded(name), width)], width, height).splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("orders"[: width - 1])


@pytest.mark.parametrize("height", [12, 16, 20, 60])
def test_a_short_terminal_keeps_what_is_wrong_and_where_clients_go(height):
    found = text([shown(recorded("stalled"), 80)], 80, height)
    assert "Stalled, RolloutFailed" in found
    assert "eu-west-1       serving" in found
    assert ("started   deploy/api/eu-west-1" in found) == (height > 24)


def test_several_topologies_share_the_screen_and_none_is_left_out():
    found = text([shown(recorded(n), 80) for n in ("twelve-regions", "stalled", "adding-a-region")], 80, 30)
    heads = [line for line in found.splitlines() if line.startswith("orders: ")]
    assert [line.split()[1] for line in heads] == ["Converged,", "Stalled,", "Progressing,"]


def test_what_waits_for_its_first_pass_says_so():
    assert text([waiting("orders", "us-east-1")], 100, 10).startswith("orders: nothing is recorded in us-east-1 yet")


EVIL = "\x1b[2J[red]x[/red]\x07\r\n\u202e:smile:"


def hostile(value):
    """The same document with a stranger's words wherever a word can be of anybody's choice."""
    match value:
        case dict():
            return {
                k: v if k in {"type", "status", "result", "disposition", "name"} else hostile(v)
                for k, v in value.items()
            }
        case list():
            return [hostile(v) for v in value]
        case str() if not value.startswith(("20", "PT")):
            return EVIL
        case _:
            return value


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_words_of_strangers_are_inert(name):
    found = text([shown(hostile(recorded(name)), 100)], 100, 60, force_terminal=True, color_system=None)
    assert "[red]x[/red]" in found
    assert not {c for c in found if not c.isprintable()} - {"\n"}
    assert ":smile:" in found


def test_colour_is_by_what_is_well_and_what_is_not():
    found = text([shown(recorded("stalled"), 100)], 100, 40, force_terminal=True, color_system="standard")
    assert "\x1b[31morders: Stalled" in found
    assert "\x1b[32m  us-east-1       serving" in found
