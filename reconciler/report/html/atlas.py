"""The map: which part of the world is drawn, where the Regions stand on it, and where their names find room.

Places are the airports by whose codes AWS calls its Regions, the land is Natural Earth's (public domain); both are committed data,
made from packages by `python -m tests.geography`, so that nothing is needed at run time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import product
from math import hypot
from typing import Any

from reconciler.report.html.projection import HEIGHT, WIDTH, projected

_MARGIN = 70.0
_CLOSEST = 2.6
"""The land is drawn for the whole world: nearer than that, its corners show."""
_DISTANCES = (16.0, 26.0, 40.0, 58.0, 80.0, 108.0)
_DIRECTIONS = ((1, 0), (-1, 0), (0.7, -0.7), (0.7, 0.7), (-0.7, -0.7), (-0.7, 0.7), (0, -1), (0, 1))

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """How large the map is, in units, and its letters."""

    width: float
    height: float
    letter: float
    """Width of one."""
    line: float
    radius: float


WIDE = Sheet(width=1000, height=450, letter=7.0, line=15, radius=9)
NARROW = Sheet(width=420, height=300, letter=6.6, line=14, radius=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    x: float
    y: float
    anchor: str
    lead: bool
    """It stands so far off that a line has to lead to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    name: str
    x: float
    y: float
    label: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    sheet: Sheet
    scale: float
    left: float
    top: float
    spots: Mapping[str, Spot]


@lru_cache(maxsize=1)
def drawn() -> Mapping[str, str]:
    """The paths of land and graticule, in tenths of a unit."""
    found: dict[str, str] = _data("land.json")
    return found


@lru_cache(maxsize=1)
def places() -> Mapping[str, tuple[str, float, float]]:
    """By Region: what people call it, latitude and longitude."""
    return {region: (str(p[0]), float(p[1]), float(p[2])) for region, p in _data("places.json").items()}


def called(region: str) -> str:
    return places()[region][0] if region in places() else ""


def _data(name: str) -> Any:
    return json.loads((files("reconciler.report.html") / name).read_text(encoding="utf-8"))


def chart(told: Mapping[str, int], sheet: Sheet) -> Chart | None:
    """`told`: Regions, with how many letters stand beside each. None where none has a place."""
    world = {r: projected(*places()[r][1:]) for r in told if r in places()}
    if not world:
        return None
    left, top, scale = _view(list(world.values()), sheet)
    spots = _apart([Spot(name=r, x=(x - left) * scale, y=(y - top) * scale) for r, (x, y) in world.items()], sheet)
    return Chart(sheet=sheet, scale=scale, left=left, top=top, spots=_labelled(spots, told, sheet))


def _view(points: Sequence[tuple[float, float]], sheet: Sheet) -> tuple[float, float, float]:
    """The part of the world that holds all points, in the shape of the sheet; never beyond the world."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    shape = sheet.width / sheet.height
    most = min(WIDTH, HEIGHT * shape)
    needed = max(max(xs) - min(xs) + 2 * _MARGIN, (max(ys) - min(ys) + 2 * _MARGIN) * shape)
    width = min(max(needed, WIDTH / _CLOSEST), most)
    height = width / shape
    left = min(max((max(xs) + min(xs) - width) / 2, 0), WIDTH - width)
    top = min(max((max(ys) + min(ys) - height) / 2, 0), HEIGHT - height)
    return left, top, sheet.width / width


def _apart(spots: list[Spot], sheet: Sheet) -> list[Spot]:
    """Neighbours that would cover each other are moved just so far that both are seen."""
    done: list[Spot] = []
    for spot in spots:
        moved = spot
        for _ in range(12):
            near = next((o for o in done if hypot(o.x - moved.x, o.y - moved.y) < 2.3 * sheet.radius), None)
            if near is None:
                break
            length = hypot(moved.x - near.x, moved.y - near.y) or 1.0
            step = 2.4 * sheet.radius / length
            away = (moved.x - near.x or 1.0, moved.y - near.y)
            moved = replace(moved, x=near.x + away[0] * step, y=near.y + away[1] * step)
        done.append(moved)
    return done


def _labelled(spots: Sequence[Spot], told: Mapping[str, int], sheet: Sheet) -> dict[str, Spot]:
    """Each name takes the nearest room that is left; where there is none, the Region has its mark alone."""
    taken = [_around(s, sheet.radius + 2) for s in spots]
    found: dict[str, Spot] = {}
    for spot in spots:
        size = (told[spot.name] * sheet.letter, 2 * sheet.line)
        free = (
            (label, box) for label, box in _rooms(spot, size, sheet) if not any(_meet(box, other) for other in taken)
        )
        label, box = next(free, (None, None))
        if box:
            taken.append(box)
        found[spot.name] = replace(spot, label=label)
    return found


def _rooms(spot: Spot, size: tuple[float, float], sheet: Sheet) -> Iterator[tuple[Label, Box]]:
    width, height = size
    for distance, (dx, dy) in product(_DISTANCES, _DIRECTIONS):
        x, y = spot.x + dx * distance, spot.y + dy * (distance + height / 4)
        anchor = "start" if dx > 0 else "end" if dx < 0 else "middle"
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        box = (left, y - height / 2, left + width, y + height / 2)
        inside = box[0] >= 4 and box[1] >= 4 and box[2] <= sheet.width - 4 and box[3] <= sheet.height - 4
        if inside:
            yield Label(x=x, y=y, anchor=anchor, lead=distance > _DISTANCES[1]), box


def _around(spot: Spot, reach: float) -> Box:
    return spot.x - reach, spot.y - reach, spot.x + reach, spot.y + reach


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
