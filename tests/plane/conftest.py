"""An account that enforces IAM, with a control plane that the product made there: once per session, and every test has a copy.

`made`: nothing has been uploaded yet. `alone`: the worked example, converged by events alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded.command import prepared
from tests.embedded.conftest import ROOT, running
from tests.plane.world import ACCOUNT, DEAD, HOME, REGIONS, Alone, Made, Plane

IMAGE = f"{ACCOUNT}.dkr.ecr.{HOME}.amazonaws.com/meridian-synth:1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever comes first waits for the account, its control plane and a first convergence, too."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(700))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with running("--iam") as aws:
        meridian = prepared(tmp_path_factory.mktemp("work"), aws.url)
        plane = Plane(aws, meridian)
        plane.git("init", "-q", "-b", "main")
        plane.git("add", ".")
        plane.git("commit", "-qm", "first")
        plane.git("tag", "first")
        home = {"HOME": os.environ.get("HOME", "/"), "PYTHONDONTWRITEBYTECODE": "1"}
        image = {"uri": IMAGE, "python": sys.executable, "handler": "handlers.synth.app.handler", "path": [str(ROOT)]}
        assert aws.control("images", {**image, "environment": home})[0] == 200
        code, out, err = meridian.run("bootstrap", "--synth-image", IMAGE)
        assert code == 0, out + err
        plane.subscribe()
        yield Made(plane, plane.snapshot())


@pytest.fixture(autouse=True)
def left_alone(made: Made) -> Iterator[None]:
    """Time stands still once a test is over: the control plane would work on, for nobody, beside the tests that follow."""
    yield
    made.plane.aws.still()


@pytest.fixture(scope="session")
def alone(made: Made) -> Alone:
    """The worked example, that nobody but the functions made."""
    plane = made.plane
    plane.restore(made.bootstrapped)
    before = plane.status()
    plane.upload()
    status = plane.converged(1, seconds=400)
    notices = plane.until(plane.told)  # before days go by, and the queue forgets them
    ready, serves = plane.condition("Ready"), {region: plane.serves(region) for region in REGIONS}
    plane.until(lambda: plane.status()["looks"]["detectedAt"], seconds=240)  # minutes of work, which no test waits for
    plane.trail_is_told()
    told = plane.calls(0.0), plane.refused_by_iam(), plane.waiting(DEAD)
    return Alone(before, status, ready, plane.git("rev-parse", "HEAD"), serves, *told, notices, plane.snapshot())


@pytest.fixture(scope="session")
def converged(alone: Alone) -> str:
    """The snapshot of it."""
    return alone.snapshot


@pytest.fixture
def plane(made: Made, converged: str) -> Plane:
    """The worked example, converged, at generation 1."""
    made.plane.restore(converged)
    return made.plane
