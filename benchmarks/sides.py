"""Two tools with one question: their runs take turns on the same world, and a side that fails says why, and stops nobody else."""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.measure import CommandFailed, Cost, median
from benchmarks.world import FOLDER, World

FAULTS = (
    CommandFailed, OSError, ValueError, KeyError, BotoCoreError, ClientError, subprocess.SubprocessError,
)  # fmt: skip
"""What a command, a world or the embedded AWS may end with. It is said in its place, and the rest goes on: nobody watches."""
FAULT = re.compile(r"\b(fail|error|refus|denied|cannot)", re.IGNORECASE)


def theirs(name: str) -> bool:
    return name.startswith("`cdk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is measured: `act`, on a world that `before` has made ready. `after` raises where it did not do what it was to do."""

    name: str
    before: Callable[[World], None]
    act: Callable[[World], Cost]
    after: Callable[[World], None] = lambda _: None
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What came of a subject: medians, or why there are none."""

    name: str
    cost: Cost | None = None
    calls: int = 0
    runs: int = 0
    failed: str = ""

    @property
    def theirs(self) -> bool:
        return theirs(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """One question, our answer first, and what one would use instead."""

    question: str
    conditions: str
    sides: Sequence[Side]
    reason: str
    """What Meridian does here beyond the peer, or in another way. Said where it costs us something."""


@dataclass(slots=True)
class _Taken:
    costs: list[Cost] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    failed: str = ""


def compare(world: World, subjects: Sequence[Subject]) -> list[Side]:
    """Each subject as often as it wants; those that want more go on when the others are through."""
    taken = [_Taken() for _ in subjects]
    for turn in range(max(subject.runs for subject in subjects)):
        for subject, so_far in zip(subjects, taken, strict=True):
            if turn < subject.runs and not so_far.failed:
                _run(world, subject, so_far)
    return [_side(subject, so_far) for subject, so_far in zip(subjects, taken, strict=True)]


def _run(world: World, subject: Subject, so_far: _Taken) -> None:
    try:
        subject.before(world)
        world.control("calls", {})
        cost = subject.act(world)
        calls = world.control("calls")["total"]
        subject.after(world)
    except FAULTS as error:
        so_far.failed = told(error)
    else:
        so_far.costs.append(cost)
        so_far.calls.append(calls)


def told(error: Exception) -> str:
    """The line that names the fault, or else the last one, short enough for a table. All of it goes to failures.txt."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "failures.txt").open("a") as kept:
        kept.write(f"{error}\n\n")
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    _, *rest = lines or [type(error).__name__]
    named = [line for line in rest if FAULT.search(line)]
    return (named[0] if named else (lines or [type(error).__name__])[-1]).replace("|", "/")[:160]


def _side(subject: Subject, so_far: _Taken) -> Side:
    if so_far.failed:
        return Side(name=subject.name, failed=so_far.failed)
    return Side(
        name=subject.name,
        cost=median(so_far.costs),
        calls=round(statistics.median(so_far.calls)),
        runs=len(so_far.costs),
    )


MEASURES: tuple[tuple[str, Callable[[Side], float], str], ...] = (
    ("time", lambda side: side.cost.wall if side.cost else 0.0, "{:.1f} s"),
    ("processor time", lambda side: side.cost.cpu if side.cost else 0.0, "{:.1f} s"),
    ("largest process", lambda side: side.cost.megabytes if side.cost else 0.0, "{:.0f} MB"),
    ("AWS calls", lambda side: float(side.calls), "{:.0f}"),
)


def losses(duels: Sequence[Duel]) -> list[str]:
    """Every measure in which a peer needs less than we do, as found; nothing here is known beforehand."""
    lines = []
    for duel in duels:
        lost = [f"  - to {side.name}: {worse}" for side in duel.sides if side.theirs and (worse := _worse(duel, side))]
        if lost:
            lines += [f"- {duel.question}, {duel.sides[0].name}. {duel.reason}", *lost]
    return lines


def _worse(duel: Duel, peer: Side) -> str:
    ours = duel.sides[0]
    if ours.cost is None or peer.cost is None:
        return ""
    return "; ".join(
        f"{name} {form.format(value(ours))} against {form.format(value(peer))}"
        for name, value, form in MEASURES
        if value(ours) > value(peer)
    )
