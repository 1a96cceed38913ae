"""Workflow files, read strictly: a key that the tests do not carry out makes them fail, so that nothing is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

WORKFLOW = {"name", "on", "permissions", "concurrency", "defaults", "jobs"}
JOB = {
    "name", "if", "needs", "runs-on", "timeout-minutes", "permissions", "concurrency", "environment", "env", "outputs",
    "strategy", "steps", "uses", "with",
}  # fmt: skip
STEP = {"name", "id", "if", "uses", "with", "run", "env", "shell", "continue-on-error"}


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans, as GitHub's: `on` is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.load(path.read_text(), _Loader))  # a SafeLoader


def workflow(path: Path) -> dict[str, Any]:
    found = read(path)
    _only(found, WORKFLOW, path.name)
    for name, job in found["jobs"].items():
        _only(job, JOB, f"{path.name}, job {name}")
        steps(job.get("steps", []), f"{path.name}, job {name}")
    return found


def action(path: Path) -> dict[str, Any]:
    found = read(path)
    _only(found, {"name", "description", "inputs", "outputs", "runs"}, str(path))
    assert found["runs"]["using"] == "composite", f"{path}: only composite actions are carried out"
    steps(found["runs"]["steps"], str(path))
    return found


def steps(found: list[Mapping[str, Any]], where: str) -> None:
    for step in found:
        _only(step, STEP, where)
        assert ("run" in step) != ("uses" in step), f"{where}: {step}"


def _only(found: Mapping[str, Any], known: set[str], where: str) -> None:
    assert not (strange := set(found) - known), f"{where}: the tests cannot carry out {sorted(strange)}"
