"""`python -m benchmarks.planning`: how long a plan and its verification take as Regions grow. Writes PLANNING.md.

In this process and without AWS: the world is the tests' one in memory, whose templates are small, so that it is the planner that
is measured. The commit is a demanding one: a Region joins, the writer moves, its old Region leaves, every function changes.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.goals import Goal
from reconciler.plan import plan
from tests.fakes.topologies import with_regions
from tests.fakes.world import World

SIZES = (1, 2, 3, 6, 9, 12, 15, 20, 25, 30)
RESULTS = Path(__file__).parent / "PLANNING.md"
NAMES = (
    "us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1", "eu-central-1", "us-west-2", "us-east-2", "us-west-1",
    "ca-central-1", "ca-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1", "eu-south-2", "eu-central-2",
    "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-northeast-2", "ap-northeast-3", "ap-east-1", "me-south-1", "me-central-1", "af-south-1", "il-central-1",
    "mx-central-1",
)  # fmt: skip
HEADER = """# How long planning takes

Written by `make bench`, or `python -m benchmarks.planning` alone. One call of the planner, verification included: the plan is
replayed before it is returned, after every step and with every step failing, half-applied and repeated. The commit replaces the
writer's Region by a new one, moves the writer, and changes the function everywhere. In one process, without AWS; medians of {runs}
calls. A global database has at most eleven Regions; what is beyond shows how it grows.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """One call of the planner."""

    steps: int
    prefixes: int
    faulted: int
    seconds: float


def measure(regions: int, runs: int) -> Planning:
    """A converged world of so many Regions, and the commit on it."""
    world = World(with_regions(*NAMES[:regions]))
    world.run(limit=60)
    kept = NAMES[1 : regions + 1] if regions > 1 else NAMES[:2]
    changed = with_regions(*kept, writer=kept[0])
    world.desired = replace(changed, api=replace(changed.api, memory_mb=1024))
    outcome, stacks = world.seen()
    taken = []
    gc.collect()
    for _ in range(runs):
        began = time.perf_counter()
        made = plan(world.desired, "abc", outcome.observed, outcome.diff, stacks)
        taken.append(time.perf_counter() - began)
    if made.refusals or not made.steps or made.verification.violations:
        sys.exit(f"no plan for {regions} Regions: {made.refusals or made.verification.violations}")
    proven = made.verification
    return Planning(
        steps=len(made.steps), prefixes=proven.prefixes, faulted=proven.faulted, seconds=statistics.median(taken)
    )


def goals(found: dict[int, Planning]) -> list[Goal]:
    return [
        Goal(text=f"plan and verification, {size} Regions", limit=limit, found=found[size].seconds * 1000, unit=" ms")
        for size, limit in ((12, 50), (30, 500))
    ]


def markdown(found: dict[int, Planning], *, runs: int, machine: str) -> str:
    lines = [HEADER.format(runs=runs), machine, ""]
    lines += ["| Regions | steps | prefixes | faulted states | time | per Region |", "|---|---|---|---|---|---|"]
    for size, one in found.items():
        times = f"{one.seconds * 1000:.1f} ms | {one.seconds * 1000 / size:.2f} ms"
        lines.append(f"| {size} | {one.steps} | {one.prefixes} | {one.faulted} | {times} |")
    lines += ["", "| goal | limit | found | |", "|---|---|---|---|"]
    for goal in goals(found):
        verdict = "met" if goal.met else "**missed**"
        lines.append(f"| {goal.text} | ≤ {goal.limit:g} ms | {goal.found:.0f} ms | {verdict} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planning", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="of each size; the median counts")
    runs = parser.parse_args().runs
    found = {size: measure(size, runs) for size in SIZES}
    date, load = datetime.now(UTC).date().isoformat(), f"{os.getloadavg()[0]:.1f}"
    machine = f"- {date}; {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    RESULTS.write_text(markdown(found, runs=runs, machine=f"{machine}; load average {load}"))
    for goal in goals(found):
        print(f"{'met   ' if goal.met else 'MISSED'} {goal.text}: {goal.found:.1f} ms (limit {goal.limit:g} ms)")
    print(f"written to {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
