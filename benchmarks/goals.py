"""What was found, held against what was promised."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import Cost

if TYPE_CHECKING:
    from benchmarks.embedded import Embedded

WORKED_EXAMPLE, LARGE = 3, 10
"""Regions."""
LATENCY, LONG_LATENCY = 0.08, 0.4
"""Seconds on every call: what was promised, and one long enough to stand out from the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    name: str
    cost: Cost
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Medians of everything that was measured."""

    plan: Cost
    peers: Sequence[Peer]
    """The quickest first; empty where the peer could not be installed."""
    growth: Mapping[int, Cost]
    """`plan` by number of Regions."""
    far: Mapping[float, Mapping[int, Cost]]
    """The same by latency on every call."""
    calls: Mapping[int, int]
    """AWS calls of `plan`, by number of Regions."""
    first_call: Mapping[str, float]
    """Seconds from the start of `converge` to its first mutating call, with the template cache `empty` and `warm`."""
    embedded: Embedded


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
    small, large = WORKED_EXAMPLE, LARGE
    per_region = (found.growth[large].wall - found.growth[small].wall) / (large - small)
    judged = [
        Goal(text="`meridian plan`, nothing to do", limit=2.0, found=found.plan.wall, unit=" s"),
        Goal(text="its largest process", limit=150, found=found.plan.megabytes, unit=" MB"),
        Goal(text=f"more time for each Region from {small} to {large}", limit=0.25, found=per_region, unit=" s"),
        Goal(text="first mutating call, template cache empty", limit=6.0, found=found.first_call["empty"], unit=" s"),
        Goal(text="first mutating call, template cache warm", limit=2.5, found=found.first_call["warm"], unit=" s"),
    ]
    judged += [
        Goal(
            text=f"time that {latency * 1000:.0f} ms of latency adds at {large} Regions, against {small}",
            limit=1.25,
            found=_times(added(found, large, latency), added(found, small, latency)),
            unit=" ×",
        )
        for latency in found.far
    ]
    judged += [
        Goal(text=f"AWS calls of `plan` at {regions} Region{'s'[: regions > 1]}", limit=14 + 22 * regions, found=total)
        for regions, total in found.calls.items()
    ]
    judged += [
        Goal(
            text=f"times as fast as {p.name}", limit=3.0, found=p.cost.wall / found.plan.wall, unit=" ×", at_least=True
        )
        for p in found.peers
    ]
    aws = found.embedded
    judged += [
        Goal(text="start of the embedded AWS", limit=2.0, found=aws.start, unit=" s"),
        Goal(text="a call to the embedded AWS", limit=10, found=aws.call * 1000, unit=" ms"),
        Goal(text="keeping its world", limit=200, found=aws.keep * 1000, unit=" ms"),
        Goal(text="bringing it back", limit=200, found=aws.bring_back * 1000, unit=" ms"),
    ]
    return judged


def added(found: Found, regions: int, latency: float) -> float:
    """Seconds that the latency adds to a plan."""
    return found.far[latency][regions].wall - found.growth[regions].wall


def _times(large: float, small: float) -> float:
    """Infinite where a busy machine hides what the latency adds: that is no proof of anything."""
    return large / small if min(large, small) > 0 else math.inf
