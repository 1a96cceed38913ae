"""One converged worked example per server; every row starts from a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged


@pytest.fixture(scope="module")  # whose credentials stand in the environment, which the next module must not find there
def base(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


@pytest.fixture
def world(base: Converged) -> Converged:
    base.restore()
    return base


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever comes first waits for the first convergence, too."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(400))
