"""The worker's embedded AWS with the worked example converged there, brought back before every test; `first`: how the real command
converged it from nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.world import SPEED, Project, Ran, World
from tests.embedded.conftest import STILL, Aws
from tests.embedded.converged import kept


@pytest.fixture(scope="session")
def server(server: Aws) -> World:
    return World(server.url)


@pytest.fixture(scope="session")
def converged(server: World) -> str:
    return kept(Aws(server.url))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.copied_to(tmp_path / "project")


@pytest.fixture
def world(server: World, converged: str) -> Iterator[World]:
    """The worked example, converged, no calls counted yet. Time stands still once the test is over: what probes and is probed there
    would take its share of the machine to the end of the suite."""
    server.restore(converged)
    yield server
    server.control("clock", {"speed": STILL})


@pytest.fixture
def nothing(server: World) -> Iterator[World]:
    """An account with a hosted zone and nothing else."""
    server.control("reset", {})
    server.control("clock", {"speed": SPEED})
    yield server
    server.control("clock", {"speed": STILL})


@dataclass(frozen=True)
class First:
    """A convergence from nothing."""

    ran: Ran
    calls: dict[str, int]
    snapshot: str


@pytest.fixture(scope="session")
def first(server: World, tmp_path_factory: pytest.TempPathFactory) -> First:
    server.control("reset", {})
    server.control("clock", {"speed": SPEED})
    ran = server.converges(Project.copied_to(tmp_path_factory.mktemp("worked-example")))
    return First(ran, server.calls(), server.snapshot())
