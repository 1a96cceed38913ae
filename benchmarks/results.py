"""The measurements as Markdown."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.goals import WORKED_EXAMPLE, Found, added, goals
from benchmarks.measure import Cost

HEADER = """# Benchmarks

Written by `make bench`. Whole processes, against the embedded AWS on the same machine; medians of {runs} runs that take
turns, so that a busy minute hits all of them. The time of the embedded AWS, which works on another core, is part of `time`;
`processor` is the command alone.
"""

COMPARED = """
## What is compared

The desired state is `desired_state/orders.yaml`, converged: twelve stacks in three Regions, nothing to change. The question
is the same for both tools: does AWS differ from what is declared, by a commit or by hand?

- `meridian plan` loads the YAML, takes the templates from its cache, reads AWS, and compares both. It reads only.
- `cdk diff --all` and `cdk drift` get an app (`benchmarks/peer_app.py`) that instantiates our own stacks, once per Region,
  with exactly the deployed templates; it finds no difference either. The first form gives it all that makes it quick: one
  synthesis for both commands, and `--method=template`, which makes no change sets. The second is what people type.
- Most of the peer's time is waiting: it takes stack after stack, and asks a few seconds later whether a drift detection or a
  change set is done, which on the embedded AWS it was long before. On AWS, where a detection takes 10 s and more, it waits
  longer. That is why the processor time is compared, too.
- The comparison is not of equal scope. `cdk drift` asks CloudFormation to detect drift of every resource type that
  CloudFormation supports; `plan` reads the properties in Meridian's field catalogue, and counts the others as unchecked. `plan`
  also reads what no stack knows (traffic gates, health, the writer, replica lag) and makes a verified plan.
"""

LOSING = """
## Where we lose

- `converge` with an empty template cache pays for a CDK synthesis, as the peer does in every run.
- One Region or many: the fixed cost (starting Python, importing boto3, loading service models) is most of a plan's time.
- AWS calls: about as many as the peer at three Regions, and 21 more with each further one. They run side by side.
- Latency: a plan makes clients, which is work for the processor, while the answers to its first calls are on their way. 80 ms
  per call mostly disappear behind that, and the goal's ratio then compares two numbers near zero: it swings from run to run.
  The same with 400 ms shows what each Region adds.
"""


def markdown(found: Found, *, runs: int, date: str, load: Sequence[str], peer: str) -> str:
    return "\n".join(
        [
            HEADER.format(runs=runs),
            *_machine(date, load, peer),
            "",
            f"## Side by side, {WORKED_EXAMPLE} Regions, nothing to change",
            "",
            *_side_by_side(found),
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
            "## Growth of `meridian plan`",
            "",
            *_growth(found),
            "",
            "## The embedded AWS",
            "",
            *_embedded(found),
            COMPARED,
            LOSING.strip(),
            "",
        ]
    )


def _machine(date: str, load: Sequence[str], peer: str) -> list[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{platform.system()} {platform.machine()}"
    tools = ", ".join(f"{name} {version(name)}" for name in ("boto3", "aws-cdk-lib", "ministack"))
    return [
        f"- {date}; {machine}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}",
        f"- {tools}; peer: {peer}",
        f"- load average at the beginning {load[0]}, at the end {load[1]} (this run itself makes about 1.5)",
    ]


def _side_by_side(found: Found) -> list[str]:
    rows = [("`meridian plan`", found.plan, found.calls[WORKED_EXAMPLE])]
    rows += [(p.name, p.cost, p.calls) for p in found.peers]
    lines = [
        "| command | time | processor | largest process | AWS calls | times ours: time / processor |",
        "|---|---|---|---|---|---|",
    ]
    for name, cost, calls in rows:
        wall, cpu = cost.wall / found.plan.wall, cost.cpu / found.plan.cpu
        lines.append(f"| {name} | {_cost(cost)} | {cost.megabytes:.0f} MB | {calls} | {wall:.1f} / {cpu:.1f} |")
    return lines


def _growth(found: Found) -> list[str]:
    far = "".join(f" | time with {latency * 1000:.0f} ms per call" for latency in found.far)
    lines = [
        f"| Regions | time | processor | largest process | AWS calls | limit{far} |",
        "|---|---|---|---|---|---|" + "---|" * len(found.far),
    ]
    for regions, cost in found.growth.items():
        delayed = "".join(f" | {_delayed(found, regions, latency)}" for latency in found.far)
        numbers = f"{cost.megabytes:.0f} MB | {found.calls[regions]} | {14 + 22 * regions}"
        lines.append(f"| {regions} | {_cost(cost)} | {numbers}{delayed} |")
    return lines


def _embedded(found: Found) -> list[str]:
    aws, (name, slowest) = found.embedded, found.embedded.slowest_call
    call, slowest = f"{aws.call * 1000:.1f} ms", f"`{name}` {slowest * 1000:.1f} ms"
    worlds = f"a snapshot {aws.keep * 1000:.0f} ms and a restore {aws.bring_back * 1000:.0f} ms"
    return [
        f"Start {aws.start:.2f} s; a read through boto3 {call}, the slowest, {slowest}; {WORKED_EXAMPLE} Regions: {worlds}."
    ]


def _delayed(found: Found, regions: int, latency: float) -> str:
    cost = found.far[latency].get(regions)
    return f"{cost.wall:.2f} s ({added(found, regions, latency):+.2f})" if cost else ""


def _cost(cost: Cost) -> str:
    return f"{cost.wall:.2f} s | {cost.cpu:.2f} s"


def _number(value: float) -> str:
    if math.isinf(value):
        return "lost in noise:"
    return f"{value:.0f}" if value >= 20 or value == int(value) else f"{value:.2f}"
