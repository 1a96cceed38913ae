"""One embedded AWS per worker, converged once from nothing by the real command and brought back before every test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.world import ROOT, SPEED, Project, Ran, World
from tests.embedded.conftest import STILL


@dataclass(frozen=True)
class Converged:
    """The first convergence, and the world it left."""

    ran: Ran
    calls: dict[str, int]
    snapshot: str


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    command = [sys.executable, "-m", "local_aws", "--port", "0", "--speed", str(SPEED)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("AWS_ENDPOINT_URL=http://127.0.0.1:"), line
        # Workers of one run share the templates: making them is the slow part, and another suite's proof.
        folder = tmp_path_factory.getbasetemp()
        shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
        yield World(line.partition("=")[2], shared / "templates")
        process.terminate()


@pytest.fixture(scope="session")
def converged(server: World, tmp_path_factory: pytest.TempPathFactory) -> Converged:
    project = Project.copied_to(tmp_path_factory.mktemp("worked-example"))
    ran = server.converges(project)
    return Converged(ran, server.calls(), server.snapshot())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.copied_to(tmp_path / "project")


@pytest.fixture
def world(server: World, converged: Converged) -> Iterator[World]:
    """The worked example, converged, no calls counted yet. Time stands still once the test is over: what probes and is probed there
    would take its share of the machine to the end of the suite."""
    server.restore(converged.snapshot)
    yield server
    server.control("clock", {"speed": STILL})


@pytest.fixture
def nothing(server: World) -> Iterator[World]:
    """An account with a hosted zone and nothing else."""
    server.control("reset", {})
    server.control("clock", {"speed": SPEED})
    yield server
    server.control("clock", {"speed": STILL})
