"""Where nobody's hand was, nothing is found: topologies at random, and the worked example after what moves it.

The embedded AWS spells as AWS does (order, case, defaults, trailing dots, `\\052`, policies as escaped JSON, counted lists),
whatever our templates wrote. Three topologies are made here, `make soak` makes fifty (`MERIDIAN_SOAK=1`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.topology import Topology, Traffic
from reconciler.wiring import ports
from tests.catalogue.documents import generated
from tests.catalogue.hand import EU, TOKYO
from tests.catalogue.looks import converge, drift
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, credentials

WHOLE = bool(os.environ.get("MERIDIAN_SOAK"))
SEEDS, MOST = (range(50), 4) if WHOLE else (range(3), 2)
LATER = 1800
"""Seconds from one sweep to the next."""
COMPARED = 150
"""Values of one Region's stacks that a look at a whole topology compares at the least: nothing is found by not looking."""


def assert_untouched(world: Converged, topology: Topology) -> None:
    for _ in range(2):
        outcome = drift(world, topology)
        assert outcome.diff.findings == ()
        assert outcome.diff.changes == ()
        assert outcome.diff.coverage.checked > COMPARED * len(topology.regions)
        world.passes(LATER)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_topology_that_nobody_touched_shows_no_drift(server: Aws, tmp_path: Path, seed: int) -> None:
    topology = generated(seed, tmp_path, most=MOST)
    with credentials(server):
        server.control("reset", {})
        world = Converged(server, ports(), topology, "")
        converge(world)
        assert_untouched(world, topology)


Commit = Callable[[Topology], Topology]


def traffic(region: str, wanted: Traffic) -> Commit:
    def commit(topology: Topology) -> Topology:
        regions = (replace(r, traffic=wanted) if r.name == region else r for r in topology.regions)
        return replace(topology, regions=tuple(regions))

    return commit


def memory(topology: Topology) -> Topology:
    return replace(topology, api=replace(topology.api, memory_mb=768))


def writer(topology: Topology) -> Topology:
    return replace(topology, database=replace(topology.database, writer=EU))


MOVES: dict[str, tuple[Commit, ...]] = {
    "drain, undrain": (traffic(TOKYO, Traffic.DRAINED), traffic(TOKYO, Traffic.SERVING)),
    "switchover": (writer,),
    "rollout": (memory,),
}


@pytest.mark.parametrize("commits", MOVES.values(), ids=MOVES)
def test_what_a_commit_moves_is_no_drift_when_it_is_done(world: Converged, commits: tuple[Commit, ...]) -> None:
    topology = world.topology
    for commit in commits:
        topology = commit(topology)
        converge(world, topology)
        assert_untouched(world, topology)
