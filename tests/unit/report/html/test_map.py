"""The map: every Region that AWS tells of has a place, and what is drawn has room."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import combinations

import pytest
from botocore.session import Session

from reconciler.report.html.atlas import NARROW, WIDE, chart, drawn, places
from reconciler.report.html.projection import HEIGHT, WIDTH, projected
from reconciler.report.html.regions import lag_words, maps, regions
from tests.geography.places import made

SECRET = "aws-iso"


def known():
    session = Session()
    partitions = [p for p in session.get_available_partitions() if not p.startswith(SECRET)]
    return {r for p in partitions for r in session.get_available_regions("ec2", p) or ()}


def test_every_region_that_botocore_knows_has_a_place():
    """In partitions whose places are no secret."""
    assert len(known()) > 30
    assert known() <= set(places())


def test_the_places_are_those_of_their_source():
    assert (files("reconciler.report.html") / "places.json").read_text(encoding="utf-8") == made()


@pytest.mark.parametrize("region", sorted(places()))
def test_every_place_is_on_the_map(region):
    x, y = projected(*places()[region][1:])
    assert 0 < x < WIDTH
    assert 0 < y < HEIGHT


def test_the_land_is_small_and_says_where_it_comes_from():
    assert len(json.dumps(dict(drawn()))) < 40_000
    assert "Natural Earth" in drawn()["source"]


@pytest.mark.parametrize("sheet", [WIDE, NARROW])
@pytest.mark.parametrize(
    "shown", [sorted(places()), ["eu-west-1"], ["eu-west-2", "eu-west-3"], ["us-east-1", "ap-southeast-6"]]
)
def test_marks_are_on_the_sheet_and_names_do_not_cover_each_other(shown, sheet):
    found = chart(dict.fromkeys(shown, 14), sheet)
    assert set(found.spots) == set(shown)
    boxes = []
    for spot in found.spots.values():
        assert 0 <= spot.x <= sheet.width, spot
        assert 0 <= spot.y <= sheet.height, spot
        if spot.label:
            start = {"start": 0.0, "middle": 0.5, "end": 1.0}[spot.label.anchor]
            left, top = spot.label.x - start * 14 * sheet.letter, spot.label.y - sheet.line
            boxes.append((left, top, left + 14 * sheet.letter, top + 2 * sheet.line))
    assert not [1 for a, b in combinations(boxes, 2) if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]]
    assert len(boxes) >= min(len(shown), 8)


def test_a_region_without_a_place_is_told_beside_the_map():
    here = {"name": "mars-north-1", "traffic": "serving", "health": "Healthy", "databaseRole": "writer"}
    shown = regions({"regions": [here]}, "t0")
    assert (maps(shown), shown[0].place) == ((), "")


@pytest.mark.parametrize(
    ("value", "words"),
    [(80.4, "80 ms"), (0, "0 ms"), (3210, "3.2 s"), (None, ""), (-1, ""), ("80", ""), (True, ""), (float("nan"), "")],
)
def test_how_far_a_copy_is_behind(value, words):
    assert lag_words(value) == words
