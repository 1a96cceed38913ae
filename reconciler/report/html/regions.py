"""The Regions as the page shows them: cards, marks on the map, and the lines along which the database is copied."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.report.html import reading, tones
from reconciler.report.html.atlas import NARROW, WIDE, Chart, Sheet, called, chart
from reconciler.report.html.reading import Document
from reconciler.report.html.tones import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    anchor: str
    name: str
    place: str
    traffic: Mark
    health: Mark
    role: Mark
    lag: str
    why: str
    since: str
    stacks: tuple[tuple[str, Mark], ...]
    findings: int

    @property
    def overall(self) -> Mark:
        """The one sign that the map has room for: what is worse of health and traffic."""
        if self.health.tone in {"bad", "warn"} or self.traffic.word == "serving":
            return self.health
        return self.traffic

    @property
    def second(self) -> str:
        """What the map says under the name."""
        role = "" if self.role.word in {"none", "unknown"} else self.role.word
        told = (
            [role, self.lag and f"{self.lag} behind"] if self.traffic.word == "serving" else [self.traffic.word, role]
        )
        return ", ".join(t for t in told if t)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """From the writer to a reader, curved."""

    path: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    chart: Chart
    lines: tuple[Line, ...]
    regions: tuple[Region, ...]
    """Those that have a place on it."""

    @property
    def view_box(self) -> str:
        return f"0 0 {self.chart.sheet.width:g} {self.chart.sheet.height:g}"

    @property
    def transform(self) -> str:
        c = self.chart
        return f"scale({c.scale / 10:.5g}) translate({-c.left * 10:.1f} {-c.top * 10:.1f})"


def regions(document: Document, anchor: str) -> tuple[Region, ...]:
    found = [f for f in reading.parts(document.get("findings")) if f.get("waived") is not True]
    drifted = [reading.name(f.get("region")) for f in found]
    told = reading.parts(document.get("regions"))
    return tuple(_region(r, f"{anchor}-r{n}", drifted) for n, r in enumerate(told))


def maps(shown: tuple[Region, ...]) -> tuple[Map, ...]:
    """One for wide screens and paper, one for phones; none where no Region has a place that is known."""
    return tuple(m for sheet in (WIDE, NARROW) if (m := _map(shown, sheet)))


def off_the_map(shown: tuple[Region, ...]) -> tuple[Region, ...]:
    return tuple(r for r in shown if not r.place)


def lag_words(value: object) -> str:
    """`140 ms`, `3.2 s`; nothing where nothing is known."""
    found = reading.number(value)
    if found is None or found < 0:
        return ""
    return f"{found:.0f} ms" if found < 1000 else f"{found / 1000:.1f} s"


def _region(told: Document, anchor: str, drifted: list[str]) -> Region:
    name = reading.name(told.get("name"), "unnamed")
    ready = next(iter(reading.parts(told.get("conditions"))), {})
    stacks = [(kind, tones.of_stack(reading.name(s, "UNKNOWN"))) for kind, s in reading.entries(told.get("stacks"))]
    return Region(
        anchor=anchor,
        name=name,
        place=called(name),
        traffic=tones.mark(tones.TRAFFIC, reading.name(told.get("traffic"))),
        health=tones.mark(tones.HEALTH, reading.name(told.get("health"))),
        role=tones.mark(tones.ROLE, reading.name(told.get("databaseRole"))),
        lag=lag_words(told.get("replicaLagMs")),
        why=reading.prose(ready.get("message")),
        since=reading.name(ready.get("lastTransitionTime")),
        stacks=tuple(stacks),
        findings=drifted.count(name),
    )


def _map(shown: tuple[Region, ...], sheet: Sheet) -> Map | None:
    once = {r.name: r for r in reversed(shown)}
    found = chart({r.name: max(len(r.name), len(r.second)) for r in shown if r.place}, sheet)
    if found is None:
        return None
    on_it = tuple(once[name] for name in found.spots)
    return Map(chart=found, lines=_lines(on_it, found), regions=on_it)


def _lines(shown: tuple[Region, ...], on: Chart) -> tuple[Line, ...]:
    writers = [r for r in shown if r.role.word == "writer"]
    readers = [r for r in shown if r.role.word == "reader"]
    return tuple(_line(w, r, on) for w in writers[:1] for r in readers)


def _line(writer: Region, reader: Region, on: Chart) -> Line:
    a, b = on.spots[writer.name], on.spots[reader.name]
    bend = 0.16 if a.x < b.x else -0.16
    x, y = (a.x + b.x) / 2 + bend * (b.y - a.y), (a.y + b.y) / 2 - bend * (b.x - a.x)
    behind = f", {reader.lag} behind" if reader.lag else ""
    return Line(
        path=f"M{a.x:.1f} {a.y:.1f}Q{x:.1f} {y:.1f} {b.x:.1f} {b.y:.1f}",
        title=f"{writer.name} is copied to {reader.name}{behind}",
    )
