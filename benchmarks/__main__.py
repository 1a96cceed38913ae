"""Measures everything in one go and writes RESULTS.md, DRIFT.md and HOSTED.md, and the table in README.md.

Whatever fails is named in its place, does not keep the rest from being measured, and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks import drift, embedded, first_call, hosted, hosted_event, peer
from benchmarks.duels import Times, duels, plan
from benchmarks.goals import LARGE, LATENCY, WORKED_EXAMPLE, Found, goals
from benchmarks.measure import CommandFailed, Cost, load
from benchmarks.results import inserted, markdown
from benchmarks.sides import FAULTS, Side, Subject, compare, told
from benchmarks.world import FOLDER, MOST, ROOT, World, start

SIZES = (1, WORKED_EXAMPLE, LARGE, 20)
USUAL = Times(ours=3, theirs=2, deployments=1, from_nothing=1)
"""All in all a quarter of an hour on two cores."""
ALL = Times(ours=5, theirs=5, deployments=3, from_nothing=3)
ONCE = Times(ours=1, theirs=1, deployments=1, from_nothing=1)
RESULTS = Path(__file__).parent / "RESULTS.md"
README = ROOT / "README.md"
BEGAN = time.monotonic()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--all", action="store_true", help="more runs, and the peer at every size: most of an hour")
    parser.add_argument("--once", action="store_true", help="one run of each, to see whether it works")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="Regions; three are always there")
    asked = parser.parse_args()
    times = ALL if asked.all else ONCE if asked.once else USUAL
    failed: list[str] = []
    before = load()
    event: list[float] = []
    _part(failed, "an uploaded bundle", lambda: event.extend(hosted_event.measured(hosted.EVENTS)))
    with start() as world:
        if missing := peer.install():
            failed.append(f"the peer is left out: {missing}")
        name = "left out" if missing else f"aws-cdk {peer.version(world)}"
        found = measured(world, times, asked.sizes, failed, with_peer=not missing, far=asked.all)
        _part(failed, "looking for drift", lambda: drift.write(world, asked.sizes, times.ours))
        _part(failed, "the functions of the control plane", lambda: hosted.write(world, times.ours, event))
    date = datetime.now(UTC).date().isoformat()
    text = markdown(found, date=date, load=[before, load()], peer=name, failed=failed)
    RESULTS.write_text(text)
    README.write_text(inserted(README.read_text(), text))
    return verdict(found, failed)


def measured(
    world: World, times: Times, sizes: Sequence[int], failed: list[str], *, with_peer: bool, far: bool
) -> Found:
    world.declare(0)
    world.keep(0)
    compared = duels(world, times, with_peer=with_peer, tell=say)
    for size in (size for size in (WORKED_EXAMPLE, *sizes) if not world.has(size)):
        _part(failed, f"a world of {size} Region{'s'[: size > 1]}", partial(_converge, world, size))
    growth = _growth(world, "`meridian plan`", plan, times.ours, [(s, d) for s in sizes for d in (0.0, LATENCY)])
    cases = [(s, d) for s in sizes for d in (0.0, LATENCY) if far or (s <= LARGE and not d) or s == WORKED_EXAMPLE]
    theirs = _growth(world, "`cdk diff`, `cdk drift`", peer.quickest, 1, cases if with_peer else [])
    first: dict[str, float] = {}
    _part(failed, "the first mutating call", lambda: first.update(_first_calls(world, times.ours)))
    cost: list[embedded.Embedded] = []
    _part(failed, "the embedded AWS", lambda: cost.append(_embedded(world, times.ours)))
    return Found(duels=compared, growth=growth, theirs=theirs, first_call=first, embedded=cost[0] if cost else None)


def _part(failed: list[str], name: str, act: Callable[[], object]) -> None:
    say(name)
    try:
        act()
    except FAULTS as error:
        failed.append(f"{name}: {(why := told(error))}")
        say(f"  failed: {why}")


def _converge(world: World, size: int) -> None:
    """A second topology is made beside the first. A second attempt goes on where the first one ended: on a busy machine, AWS's fast
    clock brings time-outs."""
    world.bring_back(MOST if size > MOST and world.has(MOST) else 0)
    try:
        cost = world.converge(size)
    except CommandFailed as error:
        say(f"  once more, after: {told(error)}")
        cost = world.converge(size)
    say(f"  {cost.wall:.0f} s")
    world.keep(size)


def _growth(
    world: World, name: str, act: Callable[[World], Cost], runs: int, cases: Sequence[tuple[int, float]]
) -> Mapping[int, Mapping[float, Side]]:
    """By number of Regions and by latency on every call."""
    subjects = [
        Subject(name=name, before=partial(_at, size=size, latency=latency), act=act, runs=runs)
        for size, latency in cases
    ]
    if not subjects:
        return {}
    say(f"growth of {name}")
    grown: dict[int, dict[float, Side]] = {}
    for (size, latency), side in zip(cases, compare(world, subjects), strict=True):
        grown.setdefault(size, {})[latency] = side
    return grown


def _at(world: World, *, size: int, latency: float) -> None:
    world.bring_back(size)
    world.control("faults", {"faults": [{"call": "*:*", "delay": latency}] if latency else []})


def _first_calls(world: World, runs: int) -> dict[str, float]:
    empty, warm = [], []
    for _ in range(runs):
        empty.append(first_call.empty_cache(world))
        warm.append(first_call.warm_cache(world))
    return {"empty": statistics.median(empty), "warm": statistics.median(warm)}


def _embedded(world: World, runs: int) -> embedded.Embedded:
    world.bring_back(WORKED_EXAMPLE)
    return embedded.measure(world, runs)


def verdict(found: Found, failed: Sequence[str]) -> int:
    for goal in goals(found):
        limit = f"{'at least' if goal.at_least else 'at most'} {goal.limit:g}{goal.unit}"
        say(f"{'met   ' if goal.met else 'MISSED'} {goal.text}: {goal.found:.2f}{goal.unit} ({limit})")
    sides = [side for duel in found.duels for side in duel.sides]
    sides += [
        side for grown in (found.growth, found.theirs) for by_latency in grown.values() for side in by_latency.values()
    ]
    reasons = [*failed, *(f"{side.name}: {side.failed}" for side in sides if side.failed)]
    for reason in reasons:
        say(f"FAILED {reason}; all that was said is in {FOLDER / 'failures.txt'}")
    say(f"done; written to {RESULTS}")
    return 1 if reasons else 0


def say(text: str) -> None:
    print(f"{time.monotonic() - BEGAN:5.0f} s  {text}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops as Ctrl-C does, the embedded AWS included
    try:
        sys.exit(main())
    except CommandFailed as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
