"""What was found, held against what was promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.sides import Duel, Side

if TYPE_CHECKING:
    from benchmarks.embedded import Embedded

WORKED_EXAMPLE, LARGE = 3, 10
"""Regions."""
LATENCY = 0.08
"""Seconds on every call."""
CHAIN = 2
"""AWS calls of a `plan` that wait for one another, however many Regions: what is there, then what that holds."""
SLACK = 1.5
NOTHING_TO_DO = "nothing to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Medians of everything that was measured; what failed is a side without a cost, or is not there."""

    duels: Sequence[Duel]
    growth: Mapping[int, Mapping[float, Side]]
    """`plan` by number of Regions, and by latency on every call."""
    theirs: Mapping[int, Mapping[float, Side]]
    """The same of the peer's quickest form."""
    first_call: Mapping[str, float]
    """Seconds from the start of `converge` to its first mutating call, with the template cache `empty` and `warm`."""
    embedded: Embedded | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    text: str
    limit: float
    found: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.found >= self.limit if self.at_least else self.found <= self.limit


def goals(found: Found) -> list[Goal]:
    """Those that there are numbers for."""
    return [*_plan(found), *_growth(found), *_latency(found), *_calls(found), *_first_calls(found), *_embedded(found)]


def _plan(found: Found) -> list[Goal]:
    for duel in found.duels:
        ours, *others = duel.sides
        if duel.question != NOTHING_TO_DO or ours.cost is None:
            continue
        wall = ours.cost.wall
        return [
            Goal(text="`meridian plan`, nothing to do", limit=2.0, found=wall, unit=" s"),
            Goal(text="its largest process", limit=150, found=ours.cost.megabytes, unit=" MB"),
            *(
                Goal(text=f"times as fast as {p.name}", limit=3.0, found=p.cost.wall / wall, unit=" ×", at_least=True)
                for p in others
                if p.theirs and p.cost
            ),
        ]
    return []


def _growth(found: Found) -> list[Goal]:
    small, large = (found.growth.get(size, {}).get(0.0) for size in (WORKED_EXAMPLE, LARGE))
    if not (small and small.cost and large and large.cost):
        return []
    each = (large.cost.wall - small.cost.wall) / (LARGE - WORKED_EXAMPLE)
    return [
        Goal(text=f"more time for each Region from {WORKED_EXAMPLE} to {LARGE}", limit=0.25, found=each, unit=" s"),
    ]


def _latency(found: Found) -> list[Goal]:
    made = []
    for regions in found.growth:
        seconds = added(found.growth, regions, LATENCY)
        if seconds is not None:
            text = f"time that {LATENCY * 1000:.0f} ms per call adds to `plan` at {_regions(regions)}"
            made.append(Goal(text=text, limit=late_by(regions), found=seconds, unit=" s"))
    return made


def _calls(found: Found) -> list[Goal]:
    made = [(regions, sides.get(0.0)) for regions, sides in found.growth.items()]
    return [
        Goal(text=f"AWS calls of `plan` at {_regions(regions)}", limit=calls_allowed(regions), found=side.calls)
        for regions, side in made
        if side and side.cost
    ]


def _first_calls(found: Found) -> list[Goal]:
    limits = {"empty": 6.0, "warm": 2.5}
    return [
        Goal(text=f"first mutating call, template cache {cache}", limit=limits[cache], found=seconds, unit=" s")
        for cache, seconds in found.first_call.items()
    ]


def _embedded(found: Found) -> list[Goal]:
    if (aws := found.embedded) is None:
        return []
    return [
        Goal(text="start of the embedded AWS", limit=2.0, found=aws.start, unit=" s"),
        Goal(text="a call to the embedded AWS", limit=10, found=aws.call * 1000, unit=" ms"),
        Goal(text="keeping its world", limit=200, found=aws.keep * 1000, unit=" ms"),
        Goal(text="bringing it back", limit=200, found=aws.bring_back * 1000, unit=" ms"),
    ]


def topologies(regions: int) -> int:
    """Ten Regions are one; they are planned one after another."""
    return 1 + (regions - 1) // LARGE


def calls_allowed(regions: int) -> int:
    """Of a plan."""
    return 14 * topologies(regions) + 22 * regions


def late_by(regions: int) -> float:
    """Seconds that the latency may add to a plan."""
    return SLACK * CHAIN * topologies(regions) * LATENCY


def added(growth: Mapping[int, Mapping[float, Side]], regions: int, latency: float) -> float | None:
    """Seconds that the latency adds."""
    near, far = (growth.get(regions, {}).get(seconds) for seconds in (0.0, latency))
    return far.cost.wall - near.cost.wall if near and near.cost and far and far.cost else None


def _regions(number: int) -> str:
    return f"{number} Region{'s'[: number > 1]}"
