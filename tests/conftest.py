"""The order of the suite and who runs what; and a watch over what one test could leave to the next."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest

FIRST = (
    "plane",
    "acceptance",
    "catalogue",
    "simulation",
    "continuity",
    "embedded",
    "contract",
    "handlers",
    "model",
    "cdk",
)
"""Folders whose files take long: they come first, so that every worker has something to do to the end."""
TOGETHER = frozenset({"plane", "catalogue"})
"""Folders whose first test waits for minutes of set-up: one worker runs all of such a folder."""
GIVEN = frozenset(os.environ)


def folder_of(nodeid: str) -> str:
    parts = nodeid.split("::", 1)[0].split("/")
    return parts[1] if len(parts) > 2 else ""


def pytest_collection_finish() -> None:
    """Seven thousand tests and what they import stay to the end: nobody needs to look for garbage among them all the time."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Within a folder the order stays as it was dealt: at random, but the same for every worker."""
    place = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(folder_of(item.nodeid), len(FIRST)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler.loadfile import LoadFileScheduling

    class Folders(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = folder_of(nodeid)
            return folder if folder in TOGETHER else super()._split_scope(nodeid)

    return Folders(config, log)


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """One embedded AWS per worker, for all folders: starting it takes seconds, and what one of them has converged there
    (`tests.embedded.converged`) is the others' too."""
    from tests.embedded.conftest import running

    with running() as aws:
        yield aws


@pytest.fixture(autouse=True, scope="module")
def credentials_of_nobody() -> None:
    """A module that leaves an endpoint or credentials behind sends the next one's calls to its own AWS."""
    left = {name for name in os.environ if name.startswith("AWS_")} - GIVEN
    assert not left, f"the modules before, or a fixture of the session, left {sorted(left)} in the environment"
