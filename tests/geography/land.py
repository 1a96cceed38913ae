"""The outline of the land: Natural Earth's (public domain) at 1:110 million, as `world-atlas` 2.0.2 (ISC) packs it, projected and
simplified for a drawing a thousand units wide.

`npm pack world-atlas@2.0.2` gives `package/land-110m.json`, from which `python -m tests.geography FILE` makes
`reconciler/report/html/land.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from reconciler.report.html.projection import projected

SOURCE = "world-atlas 2.0.2, land-110m.json (Natural Earth, public domain)"
SHA256 = "ead5f68119c49a9250902e7da303bcb209341bbb8fefe7369a439b48b704658a"
_TOLERANCE = 0.35
_SMALLEST = 1.6
"""Of the drawing's units squared."""
_SOUTH = -58.0
"""Nobody has a Region in Antarctica."""

Point = tuple[float, float]


def made(source: Path) -> str:
    data = source.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{source} has sha256 {digest}, not that of {SOURCE}")
    whole = [part for ring in _rings(json.loads(data)) for part in _cut(ring)]
    rings = [_simplified([projected(lat, lon) for lon, lat in ring]) for ring in whole]
    path = "".join(_path(ring) for ring in rings if len(ring) > 3 and abs(_area(ring)) >= _SMALLEST)
    return json.dumps({"source": SOURCE, "path": path, "graticule": _graticule()}, indent=1) + "\n"


def _graticule() -> str:
    """A line every thirty degrees."""
    meridians = [[projected(lat, lon) for lat in range(-60, 81, 10)] for lon in range(-180, 181, 30)]
    parallels = [[projected(lat, -180), projected(lat, 180)] for lat in range(-60, 90, 30)]
    return "".join(_path([*line, line[0]], close="") for line in (*meridians, *parallels))


def _rings(atlas: Mapping[str, Any]) -> list[list[Point]]:
    """TopoJSON: rings are made of arcs, arcs of differences."""
    scale, shift = atlas["transform"]["scale"], atlas["transform"]["translate"]
    arcs = [_arc(arc, scale, shift) for arc in atlas["arcs"]]
    found = []
    for polygon in (p for g in atlas["objects"]["land"]["geometries"] for p in g["arcs"]):
        for ring in polygon:
            points: list[Point] = []
            for index in ring:
                arc = arcs[index] if index >= 0 else arcs[~index][::-1]
                points += arc[1 if points else 0 :]
            if min(lat for _, lat in points) > _SOUTH:
                found.append(points)
    return found


def _arc(arc: Sequence[Sequence[int]], scale: Sequence[float], shift: Sequence[float]) -> list[Point]:
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x * scale[0] + shift[0], y * scale[1] + shift[1]))
    return points


def _cut(ring: Sequence[Point]) -> list[list[Point]]:
    """At the date line: what goes beyond it is drawn at the other edge."""
    line = [ring[0]]
    for lon, lat in ring[1:]:
        turn = round((line[-1][0] - lon) / 360) * 360
        line.append((lon + turn, lat))
    shifted = [[(lon + turn, lat) for lon, lat in line] for turn in (-360, 0, 360)]
    return [part for one in shifted if len(part := _within(one)) > 3]


def _within(ring: Sequence[Point]) -> list[Point]:
    """The part of a ring between the edges: Sutherland and Hodgman's, for both edges in turn."""
    points = list(ring)
    for edge, side in ((180.0, 1), (-180.0, -1)):
        kept: list[Point] = []
        for a, b in zip(points, points[1:], strict=False):
            inside, enters = (edge - a[0]) * side >= 0, (edge - b[0]) * side >= 0
            kept += [a] if inside else []
            if inside != enters:
                kept.append((edge, a[1] + (b[1] - a[1]) * (edge - a[0]) / (b[0] - a[0])))
        points = [*kept, kept[0]] if kept else []
    return points


def _simplified(points: list[Point]) -> list[Point]:
    """Douglas and Peucker's, on both halves of the ring."""
    middle = len(points) // 2
    return [*_thinned(points[: middle + 1]), *_thinned(points[middle:])[1:]]


def _thinned(points: list[Point]) -> list[Point]:
    if len(points) < 3:
        return points
    far, index = max((_distance(p, points[0], points[-1]), i) for i, p in enumerate(points[1:-1], 1))
    if far <= _TOLERANCE:
        return [points[0], points[-1]]
    return [*_thinned(points[: index + 1]), *_thinned(points[index:])[1:]]


def _distance(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = (dx * dx + dy * dy) ** 0.5
    if not length:
        return float(((point[0] - a[0]) ** 2 + (point[1] - a[1]) ** 2) ** 0.5)
    return float(abs(dy * (point[0] - a[0]) - dx * (point[1] - a[1])) / length)


def _area(ring: Sequence[Point]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2


def _path(ring: Sequence[Point], close: str = "z") -> str:
    """Relative, in tenths: half the size of absolute numbers."""
    whole = [(round(x * 10), round(y * 10)) for x, y in ring[:-1]]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(whole, whole[1:], strict=False)]
    moved = [f"{dx}{'' if dy < 0 else ' '}{dy}" for dx, dy in steps if dx or dy]
    return f"M{whole[0][0]} {whole[0][1]}l{' '.join(moved)}{close}"


LAND = files("reconciler.report.html") / "land.json"
