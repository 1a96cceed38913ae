"""`python -m tests.simulation --seed 123` runs one seed and tells what happened; `--seeds 1000` runs so many and counts."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.run import CUT_BOUND, Report, Simulation, SimulationError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one, with its trace")
    parser.add_argument("--seeds", type=int, default=1000, help="run so many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    if asked.seed is not None:
        return _one(asked.seed)
    begun = time.perf_counter()
    seeds = range(asked.first, asked.first + asked.seeds)
    failures: list[str] = []

    def converged(found: Iterable[Report | str]) -> Iterator[Report]:
        for report in found:
            if isinstance(report, str):
                failures.append(report)
                print(report, file=sys.stderr, flush=True)
            else:
                yield report

    with ProcessPoolExecutor(asked.processes) as pool:
        total = summed(converged(pool.map(quietly, seeds, chunksize=8)))
    print(told(total, len(seeds) - len(failures), time.perf_counter() - begun))
    return 1 if failures else 0


def _one(seed: int) -> int:
    simulation = Simulation(seed)
    try:
        report = simulation.run()
    except SimulationError as error:
        print(error)
        return 1
    print("\n".join(simulation.cloud.trace))
    print(told(report, 1, 0.0))
    return 0


def quietly(seed: int) -> Report | str:
    """What one run came to, or the story of its failure."""
    try:
        return Simulation(seed).run()
    except SimulationError as error:
        return str(error)


def summed(reports: Iterable[Report]) -> Report:
    total = Report(seed=-1)
    for report in reports:
        total.commits += report.commits
        for name in ("passes", "requests", "reads", "hours", "sent", "silence", "silences"):
            setattr(total, name, getattr(total, name) + getattr(report, name))
        for name in ("injected", "refused", "lost", "checked", "hands"):
            getattr(total, name).update(getattr(report, name))
        total.worst_cut = max(total.worst_cut, report.worst_cut)
    return total


def told(total: Report, runs: int, seconds: float) -> str:
    return "\n".join(_lines(total, runs, seconds))


def _lines(total: Report, runs: int, seconds: float) -> Iterator[str]:
    kinds = Counter(kind for commit in total.commits for kind in commit.split("+"))
    yield f"{runs} runs converged, {total.hours:.0f} hours of AWS's time" + (
        f", {seconds:.0f} s of ours" if seconds else ""
    )
    yield f"{len(total.commits)} commits: {_counts(kinds)}"
    yield f"{total.passes} passes, {total.requests} requests, {total.reads} times everything was read"
    yield f"{total.injected.total()} faults: {_counts(total.injected)}"
    yield f"{total.hands.total()} hands of operators: {_counts(total.hands) or 'none'}"
    yield f"refused for a while: {_counts(total.refused) or 'nothing'}"
    yield f"{total.checked.total()} invariants judged: {_counts(total.checked)}"
    yield f"{total.sent} requests of clients, of which lost: {_counts(total.lost) or 'none'}"
    yield f"  a place asked a Region that was cut for at most {total.worst_cut:.0f} s (bound {CUT_BOUND} s)"
    yield f"  nothing took writes {total.silences} times, {total.silence:.0f} s altogether; no write was lost at any other time"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counter.most_common())


if __name__ == "__main__":
    sys.exit(main())
