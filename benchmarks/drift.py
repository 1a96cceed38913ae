"""What a look for drift costs: calls of each sweep by number of Regions, and its time with latency.

Writes DRIFT.md. A sweep is measured as the function reconcile makes it: in a process that has its modules and its clients.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.goals import LARGE, LATENCY, WORKED_EXAMPLE
from benchmarks.measure import CommandFailed, load
from benchmarks.world import DESIRED, MOST, World, start

RESULTS = Path(__file__).parent / "DRIFT.md"
SIZES = (1, WORKED_EXAMPLE, LARGE)
SWEEPS = ("fast", "full")
LIMITS = {"fast": (7, 5), "full": (14, 22)}
"""Calls in all, and for each Region."""
CHAIN = {"fast": 2, "full": 2}
"""Calls after one another at rest; a stack that is not as remembered makes it one more."""
SWEEP = """
import json, sys, time
from pathlib import Path
from reconciler import load, wiring
from reconciler.model.facts import Sweep
(topology,), runs = load.load(Path(sys.argv[1])), int(sys.argv[2])
ports = wiring.ports()
found = {}
for sweep in (Sweep.FAST, Sweep.FULL):
    took, work = [], []
    for _ in range(runs + 1):  # the first makes the clients
        before, began, worked = sum(ports.cloud.calls().values()), time.perf_counter(), time.process_time()
        ports.cloud.facts(topology, sweep)
        took.append(time.perf_counter() - began)
        work.append(time.process_time() - worked)
    found[sweep] = {"calls": sum(ports.cloud.calls().values()) - before, "took": took[1:], "work": work[1:]}
print(json.dumps(found))
"""
REMEMBER = """
import sys
from pathlib import Path
from reconciler import load, wiring
from reconciler.loop import Looking, Run, run_pass
from reconciler.model.facts import Sweep
(topology,) = load.load(Path(sys.argv[1]))
print(run_pass(wiring.ports(), topology, Run(), looking=Looking(sweep=Sweep.FULL)).result)
"""
HEADER = """# Looking for drift

Written by `make bench`, or `python -m benchmarks.drift` alone ({runs} runs of each; medians). All against the embedded AWS on the
same machine, converged on the worked example and on more Regions of the same kind. `cdk drift` beside it: [RESULTS.md](RESULTS.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Of one sweep over so many Regions: calls, and seconds without latency and with it."""

    calls: int
    near: float
    far: float
    work: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--regions", type=int, nargs="+", default=SIZES, help="how many, smallest first; three among them"
    )
    asked = parser.parse_args()
    with start() as world:
        for size in asked.regions:
            say(f"converging {size} Region{'s'[: size > 1]}: {world.converge(size).wall:.0f} s")
            world.keep(size)
        write(world, asked.regions, asked.runs)
    say(RESULTS.read_text())
    return 0


def write(world: World, sizes: Sequence[int], runs: int) -> None:
    """DRIFT.md, from worlds of these sizes: those of more than one topology are left out."""
    before = load()
    found = {}
    for size in (size for size in sizes if size <= MOST):
        world.bring_back(size)
        _python(world, REMEMBER)
        found[size] = _sweeps(world, runs)
    RESULTS.write_text("\n".join([HEADER.format(runs=runs), *_machine(before), *_table(found), FOOTER]) + "\n")


def _sweeps(world: World, runs: int) -> dict[str, Found]:
    near = json.loads(_python(world, SWEEP, str(runs)))
    world.control("faults", {"faults": [{"call": "*:*", "delay": LATENCY}]})
    try:
        far = json.loads(_python(world, SWEEP, str(runs)))
    finally:
        world.control("faults", {"faults": []})
    return {
        sweep: Found(
            calls=near[sweep]["calls"],
            near=statistics.median(near[sweep]["took"]),
            far=statistics.median(far[sweep]["took"]),
            work=statistics.median(near[sweep]["work"]),
        )
        for sweep in SWEEPS
    }


def _python(world: World, program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", program, str(world.repository / DESIRED), *arguments]
    done = subprocess.run(
        command, env=world.environment, cwd=world.repository, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandFailed(f"a sweep failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def _machine(before: str) -> list[str]:
    date = datetime.now(UTC).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return [f"- {date}; {machine}; load average {before} before, {load()} after", ""]


def _table(found: Mapping[int, Mapping[str, Found]]) -> list[str]:
    rows = []
    for sweep in SWEEPS:
        once, each = LIMITS[sweep]
        for size, by_sweep in found.items():
            seen, calls = by_sweep[sweep], once + each * size
            limit = seen.near + 1.5 * CHAIN[sweep] * LATENCY
            rows.append(
                f"| {sweep} | {size} | {seen.calls} | {calls} | {_met(seen.calls <= calls)} "
                f"| {seen.near:.2f} s | {seen.work:.2f} s | {seen.far:.2f} s | {limit:.2f} s | {_met(seen.far <= limit)} |"
            )
    return [
        f"Time with {LATENCY * 1000:.0f} ms of latency for each call may be the time without it and one and a half times that of",
        f"the longest chain of calls that wait for one another ({', '.join(f'{s}: {n}' for s, n in CHAIN.items())}).",
        "",
        "| sweep | Regions | calls | limit | | time | processor | with latency | limit | |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]


FOOTER = """## Where we lose

- `cdk drift` has CloudFormation compare every property of every type with a read handler. A sweep compares those that a reader
  reads; what no reader reads is counted as unchecked, and found by change sets alone, which sweeps ask for every six hours.
- A fast sweep sees only what serves. An event tells of the rest at once; where events are lost, the next full sweep does.
- Both rest on what the last pass remembered: the first look after a stack's operation reads that stack's template and resources
  again, two calls more for each such stack, and one more after another."""


def _met(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops as Ctrl-C does, the embedded AWS included
    try:
        sys.exit(main())
    except CommandFailed as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
