"""Synthesises the worked example once per run, with every check on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cdk_app.app import build
from cdk_app.projection import KEYS
from reconciler.model.topology import Topology
from tests.cdk.topologies import ORDERS

Templates = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cdk") / "out"
    build(ORDERS, out, strict=True)
    return out


@pytest.fixture(scope="session")
def templates(assembly: Path) -> Templates:
    return {key: json.loads((assembly / f"{key}.template.json").read_text()) for key in KEYS}


@pytest.fixture
def synthesise(tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    """Template bytes by key of another topology, without the checks."""

    def run(topology: Topology, *keys: str) -> dict[str, bytes]:
        build(topology, tmp_path / "again", keys or None)
        return {key: (tmp_path / "again" / f"{key}.template.json").read_bytes() for key in keys or KEYS}

    return run
