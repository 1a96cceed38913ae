"""The measurements as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from benchmarks.goals import CHAIN, LATENCY, SLACK, Found, added, calls_allowed, goals, late_by
from benchmarks.measure import Cost
from benchmarks.peer import DEPLOY, OPTIONS
from benchmarks.sides import Duel, Side, losses
from benchmarks.text import COMPARED, HEADER, MEASURED

BEGIN, END = "<!-- benchmarks: begin. Written by `make bench`. -->", "<!-- benchmarks: end -->"
"""Around the table that README.md repeats."""


def markdown(found: Found, *, date: str, load: Sequence[str], peer: str, failed: Sequence[str] = ()) -> str:
    """`failed`: parts that left nothing to show, each with its reason."""
    return "\n".join(
        [
            HEADER,
            *_machine(date, load, peer),
            *(f"- **failed**: {one}" for one in failed),
            "",
            *short(found.duels),
            "",
            *(line for duel in found.duels for line in _duel(duel)),
            "## Growth",
            "",
            *_growth(found),
            "",
            "## Goals",
            "",
            "| goal | limit | found | |",
            "|---|---|---|---|",
            *(
                f"| {g.text} | {'≥' if g.at_least else '≤'} {_number(g.limit)}{g.unit} | {_number(g.found)}{g.unit} "
                f"| {'met' if g.met else '**missed**'} |"
                for g in goals(found)
            ),
            "",
            *_embedded(found),
            "## Where we lose",
            "",
            *_losses(found),
            COMPARED,
            MEASURED.strip(),
            "",
        ]
    )


def short(duels: Sequence[Duel]) -> list[str]:
    """One line for each question, between the marks: ours, and the quickest thing that answers the same."""
    lines = [
        BEGIN,
        "| three Regions, the same embedded AWS | `meridian` | `cdk` | times ours: time / processor | AWS calls |",
        "|---|---|---|---|---|",
    ]
    for duel in duels:
        ours = duel.sides[0]
        theirs = next((side for side in duel.sides if side.theirs), Side(name="", failed="left out"))
        cells = [duel.question, *(_brief(side) for side in (ours, theirs))]
        lines.append(f"| {' | '.join(cells)} | {times(ours, theirs)} | {_calls(ours)} / {_calls(theirs)} |")
    return [*lines, END]


def excerpt(text: str) -> str:
    """The table of `short` with its marks."""
    _, _, rest = text.partition(BEGIN)
    inside, _, _ = rest.partition(END)
    return BEGIN + inside + END


def inserted(readme: str, results: str) -> str:
    """The README with the table that the results have."""
    return readme.replace(excerpt(readme), excerpt(results))


def times(ours: Side, theirs: Side) -> str:
    if ours.cost is None or theirs.cost is None:
        return ""
    return f"{theirs.cost.wall / ours.cost.wall:.1f} / {theirs.cost.cpu / ours.cost.cpu:.1f}"


def _brief(side: Side) -> str:
    command = side.name.partition(":")[0]
    return f"{command}: {side.cost.wall:.1f} s" if side.cost else f"{command} failed: {side.failed}".strip()


def _calls(side: Side) -> str:
    return str(side.calls) if side.cost else "–"


def _machine(date: str, load: Sequence[str], peer: str) -> list[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{platform.system()} {platform.machine()}"
    tools = ", ".join(f"{name} {version(name)}" for name in ("boto3", "aws-cdk-lib", "ministack"))
    return [
        f"- {date}; {machine}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}",
        f"- {tools}; peer: {peer}",
        f"- `cdk` stands for `cdk {' '.join(OPTIONS)} --app 'python -m benchmarks.peer_app FILE'`,",
        f"  `cdk deploy` for that with `{' '.join(DEPLOY)}`",
        f"- load average at the beginning {load[0]}, at the end {load[-1]} (this run itself makes about 1.5)",
    ]


def _duel(duel: Duel) -> list[str]:
    lines = [
        f"## {duel.question[:1].upper()}{duel.question[1:]}",
        "",
        f"{duel.conditions}.",
        "",
        "| command | runs | time | processor | largest process | AWS calls | times ours: time / processor |",
        "|---|---|---|---|---|---|---|",
    ]
    for side in duel.sides:
        if side.cost is None:
            lines.append(f"| {side.name} | failed: {side.failed} | | | | | |")
        else:
            numbers = f"{_cost(side.cost)} | {side.cost.megabytes:.0f} MB | {side.calls}"
            lines.append(f"| {side.name} | {side.runs} | {numbers} | {times(duel.sides[0], side)} |")
    return [*lines, ""]


def _growth(found: Found) -> list[str]:
    return [
        f"`meridian plan`, nothing to do. A topology's longest chain of calls that wait for one another is {CHAIN} long.",
        f"So with {LATENCY * 1000:.0f} ms on every call a plan may take {SLACK:g} times that more: {late_by(1):.2f} s.",
        "Beyond ten Regions there are two topologies, planned one after another.",
        "",
        *_sizes(found.growth, allowed=True),
        "",
        "The peer's quickest form of the same question (one synthesis, `--method=template`), once for each topology;",
        "`make bench-all` has it at every size.",
        "",
        *_sizes(found.theirs, allowed=False),
    ]


def _sizes(growth: Mapping[int, Mapping[float, Side]], *, allowed: bool) -> list[str]:
    limits = (" limit |", "---|") if allowed else ("", "")
    late = f"with {LATENCY * 1000:.0f} ms per call"
    lines = [
        f"| Regions | runs | time | processor | largest process | AWS calls |{limits[0]} {late} | that is more |{limits[0]}",
        f"|---|---|---|---|---|---|{limits[1]}---|---|{limits[1]}",
    ]
    for regions, sides in growth.items():
        near, far = sides.get(0.0, Side(name="")), sides.get(LATENCY, Side(name=""))
        seconds = added(growth, regions, LATENCY)
        cells = [
            str(regions),
            *(
                [str(near.runs), *_cost(near.cost).split(" | "), f"{near.cost.megabytes:.0f} MB", str(near.calls)]
                if near.cost
                else [f"failed: {near.failed}", "", "", "", ""]
            ),
            *([str(calls_allowed(regions))] if allowed else []),
            f"{far.cost.wall:.2f} s" if far.cost else (f"failed: {far.failed}" if far.failed else ""),
            "" if seconds is None else f"{seconds:+.2f} s",
            *([f"{late_by(regions):.2f} s"] if allowed else []),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _embedded(found: Found) -> list[str]:
    if (aws := found.embedded) is None:
        return []
    name, slowest = aws.slowest_call
    text = (
        f"The embedded AWS: start {aws.start:.2f} s; a read through boto3 {aws.call * 1000:.1f} ms, the slowest, `{name}`,"
        f" {slowest * 1000:.1f} ms; a world of three Regions is kept in {aws.keep * 1000:.0f} ms and brought back in"
        f" {aws.bring_back * 1000:.0f} ms."
    )
    return [text, ""]


def _losses(found: Found) -> list[str]:
    """From the numbers alone: what the peer needs less of, and what was promised and missed."""
    lines = losses(found.duels)
    lines += [
        f"- Missed: {g.text}, {_number(g.found)}{g.unit}; the limit is {_number(g.limit)}{g.unit}."
        for g in goals(found)
        if not g.met
    ]
    return lines or ["Nowhere, in what is measured here."]


def _cost(cost: Cost) -> str:
    return f"{cost.wall:.2f} s | {cost.cpu:.2f} s"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 20 or value == int(value) else f"{value:.2f}"
