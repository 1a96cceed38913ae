"""`python -m tests.model`, which `make prove` runs: every ordered pair of topologies, every state between them.

Three Regions are walked through in full; then four, desired topology after desired topology in a seeded order, until all
are done or the time is up. What was covered is printed, and exit 1 says that something is not as it must be.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cache

import click

from reconciler.model.topology import Topology
from tests.fakes.topologies import NAMES
from tests.model.explore import Findings, Walk
from tests.model.universe import Still, converged, topologies, with_migration

SHOWN = 20
PROCESSES = 2


@cache
def every(regions: int) -> tuple[Topology, ...]:
    return tuple(topologies(NAMES[:regions]))


@cache
def starts(regions: int) -> tuple[Still, ...]:
    """The worlds that can have come to rest: a topology without a serving Region is never reached, only asked for."""
    return tuple(converged(t) for t in every(regions) if any(r.traffic == "serving" for r in t.regions))


def walked(regions: int, number: int) -> Findings:
    """From every world to one desired topology."""
    walk = Walk(with_migration(every(regions)[number]))
    for world in starts(regions):
        walk.start(world)
    return walk.found


@click.command()
@click.option("--regions", default=4, show_default=True, help="The largest number of Regions.")
@click.option("--minutes", default=9.0, show_default=True, help="Stop beginning anew after so long.")
@click.option("--seed", default=4, show_default=True, help="Order of the desired topologies of the largest number.")
def main(regions: int, minutes: float, seed: int) -> None:
    began = time.monotonic()
    total, whole = Findings(), True
    with ProcessPoolExecutor(PROCESSES) as pool:
        for size in range(1, regions + 1):
            numbers = list(range(len(every(size))))
            random.Random(seed).shuffle(numbers)  # an order, not a secret
            found, done = Findings(), 0
            for one in _results(pool, size, numbers, began + minutes * 60):
                found.add(one)
                done += 1
            total.add(found)
            whole = whole and done == len(numbers)
            pairs = done * len(starts(size))
            click.echo(
                f"{size} Regions: {done} of {len(numbers)} desired topologies, each from {len(starts(size))} converged ones "
                f"({pairs} ordered pairs): {found.states} states, {found.steps} steps done, {found.faulted} failed or half "
                f"done, {len(found.wrong)} violations; refused in {dict(found.refusals)}"
            )
    covered = (
        "exhaustive" if whole else f"exhaustive for fewer than {regions} Regions, {regions} sampled: the time was up"
    )
    click.echo(f"{covered}; {total.states} states, {total.plans} plans, {time.monotonic() - began:.0f} s")
    for sentence in total.wrong[:SHOWN]:
        click.echo(f"  {sentence}")
    sys.exit(1 if total.wrong else 0)


def _results(pool: ProcessPoolExecutor, size: int, numbers: list[int], deadline: float) -> Iterator[Findings]:
    """As they come in; nothing new is begun after the deadline."""
    running: set[Future[Findings]] = set()
    left = iter(numbers)
    while True:
        while len(running) < PROCESSES + 1 and time.monotonic() < deadline and (number := next(left, None)) is not None:
            running.add(pool.submit(walked, size, number))
        if not running:
            return
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in ended)


if __name__ == "__main__":
    main()
