"""How long `meridian converge` takes to its first mutating call, as the embedded AWS sees it."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.measure import CommandFailed
from benchmarks.world import FOLDER, World

LOOK_EVERY = 0.05
"""Seconds between two looks at the count of calls: by so much the result may be too long."""
GIVE_UP_AFTER = 60.0


def empty_cache(world: World) -> float:
    shutil.rmtree(FOLDER / "first", ignore_errors=True)
    return _from_nothing(world, FOLDER / "first")


def warm_cache(world: World) -> float:
    """Run after `empty_cache`, which leaves the templates."""
    return _from_nothing(world, FOLDER / "first")


def _from_nothing(world: World, cache: Path) -> float:
    world.bring_back(0)
    world.declare(3)
    world.control("calls", {})
    start = time.monotonic()
    with subprocess.Popen(
        ["meridian", "converge", "--once"],
        cwd=world.repository,
        env=world.environment | {"MERIDIAN_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not world.control("calls")["mutating"]:
            if process.poll() is not None or time.monotonic() - start > GIVE_UP_AFTER:
                process.kill()
                raise CommandFailed("meridian converge --once made no mutating call")
            time.sleep(LOOK_EVERY)
        return time.monotonic() - start
