"""Measures everything in one go and writes RESULTS.md: see there for what is compared, and goals.py for what is promised."""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks import embedded, first_call, peer
from benchmarks.goals import LARGE, LATENCY, LONG_LATENCY, WORKED_EXAMPLE, Found, Peer, goals
from benchmarks.measure import CommandFailed, Cost, alternating, run
from benchmarks.results import markdown
from benchmarks.world import World, start

SIZES = (1, WORKED_EXAMPLE, 6, LARGE)
FAR = (WORKED_EXAMPLE, LARGE)
LATENCIES = (LATENCY, LONG_LATENCY)
RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each measurement; the median counts")
    runs = parser.parse_args().runs
    load = [_load()]
    with start() as world:
        missing = peer.install()
        _converge(world)
        say(f"measuring, {runs} runs of each")
        plan_cost, peers = _side_by_side(world, runs, with_peer=not missing)
        growth, far = _growth(world, runs)
        found = Found(
            plan=plan_cost,
            peers=peers,
            growth=growth,
            far=far,
            calls={size: _calls(world, size) for size in SIZES},
            first_call=_first_calls(world, runs),
            embedded=_embedded(world, runs),
        )
        name = f"left out, {missing}" if missing else f"aws-cdk {peer.version(world)}"
    date = datetime.now(UTC).date().isoformat()
    RESULTS.write_text(markdown(found, runs=runs, date=date, load=[*load, _load()], peer=name))
    for goal in goals(found):
        say(
            f"{'met   ' if goal.met else 'MISSED'} {goal.text}: {goal.found:.2f}{goal.unit} (limit {goal.limit:g}{goal.unit})"
        )
    say(f"written to {RESULTS}")
    return 0


def _converge(world: World) -> None:
    """Worlds of every size, each made from nothing and kept as soon as it is converged."""
    world.declare(0)
    world.keep(0)
    for size in SIZES:
        world.bring_back(0)
        say(f"converging {size} Region{'s'[: size > 1]}: {world.converge(size).wall:.0f} s")
        world.keep(size)


def plan(world: World) -> Cost:
    return run(["meridian", "plan"], world.repository, world.environment, says="is converged")


def _side_by_side(world: World, runs: int, *, with_peer: bool) -> tuple[Cost, list[Peer]]:
    """The peer's slow form runs once, the quick one as often as ours."""
    world.bring_back(WORKED_EXAMPLE)
    if not with_peer:
        return alternating(runs, partial(plan, world))[0], []
    world.control("calls", {})
    typed = peer.typed(world)
    typed_calls = world.control("calls")["total"]
    one_plan = _calls(world, WORKED_EXAMPLE)
    world.control("calls", {})
    ours, quickest = alternating(runs, partial(plan, world), partial(peer.quickest, world))
    quickest_calls = world.control("calls")["total"] // runs - one_plan
    return ours, [
        Peer(
            name="`cdk diff --all`, `cdk drift`: one synthesis, `--method=template`",
            cost=quickest,
            calls=quickest_calls,
        ),
        Peer(name="`cdk diff --all`, `cdk drift` (one run)", cost=typed, calls=typed_calls),
    ]


def _growth(world: World, runs: int) -> tuple[dict[int, Cost], dict[float, dict[int, Cost]]]:
    """By number of Regions, without latency and with it."""
    cases = [(size, 0.0) for size in SIZES] + [(size, latency) for latency in LATENCIES for size in FAR]
    # Twice as often as the rest: differences of times are smaller than the times.
    costs = alternating(2 * runs, *(partial(_plan_at, world, *case) for case in cases))
    found = dict(zip(cases, costs, strict=True))
    near = {size: found[size, 0.0] for size in SIZES}
    return near, {latency: {size: found[size, latency] for size in FAR} for latency in LATENCIES}


def _plan_at(world: World, size: int, latency: float) -> Cost:
    world.bring_back(size)
    world.control("faults", {"faults": [{"call": "*:*", "delay": latency}] if latency else []})
    try:
        return plan(world)
    finally:
        world.control("faults", {"faults": []})


def _calls(world: World, size: int) -> int:
    """AWS calls that a plan makes; none of them may change anything."""
    world.bring_back(size)
    world.control("calls", {})
    plan(world)
    found = world.control("calls")
    if found["mutating"]:
        raise CommandFailed(f"meridian plan makes {found['mutating']} mutating calls at {size} Regions")
    return found["total"]


def _first_calls(world: World, runs: int) -> dict[str, float]:
    empty, warm = [], []
    for _ in range(runs):
        empty.append(first_call.empty_cache(world))
        warm.append(first_call.warm_cache(world))
    return {"empty": statistics.median(empty), "warm": statistics.median(warm)}


def _embedded(world: World, runs: int) -> embedded.Embedded:
    world.bring_back(WORKED_EXAMPLE)
    return embedded.measure(world, runs)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


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
