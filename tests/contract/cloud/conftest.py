from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.model.observed import Observed
from tests.contract.cloud import worlds
from tests.embedded.converged import Converged, converged


@pytest.fixture(scope="module")
def base(request: pytest.FixtureRequest) -> Iterator[tuple[Converged, Observed]]:
    """It is read once: every test starts from the same."""
    with converged(request.getfixturevalue("server")) as found:
        found.restore()
        found.aws.still()  # a busy machine reads late, and what was measured would be too old by then
        start = found.observed()
        found.aws.go()
        yield found, start


@pytest.fixture(params=["fake", "embedded"])
def world(request: pytest.FixtureRequest) -> worlds.World:
    return worlds.fake() if request.param == "fake" else worlds.embedded(*request.getfixturevalue("base"))
