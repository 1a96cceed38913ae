"""What the actions do that the workflows use, as far as the steps after them need it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.workflows.hub import MERIDIAN, Hub, Machine

Done = tuple[dict[str, str], dict[str, str]]
"""Outputs, and what later steps find in the environment."""
_COMMAND = '#!/bin/sh\nexport PYTHONPATH="{root}"\nexec "{python}" -m {module} "$@"\n'


@dataclass(frozen=True)
class Place:
    hub: Hub
    machine: Machine
    permissions: Mapping[str, str]
    subject: str


def hashed(workspace: Path, globs: Sequence[str]) -> str:
    found = sorted(path for glob in globs for path in workspace.glob(glob))
    assert found, f"hashFiles({', '.join(globs)}) finds nothing"
    return hashlib.sha256(b"".join(path.read_bytes() for path in found)).hexdigest()


def _checkout(place: Place, given: Mapping[str, str]) -> Done:
    assert given.pop("persist-credentials", "") == "false", "the token would lie in .git/config"
    assert "contents" in place.permissions, "a private repository cannot be checked out without contents: read"
    depth, path = given.pop("fetch-depth", "1"), place.machine.workspace / given.pop("path", ".")
    repository = given.pop("repository", place.hub.repository)
    if repository == MERIDIAN:
        assert given == {"ref": place.hub.job_context()["workflow_sha"]}
        _meridian(place.hub.root, path)
        return {}, {}
    assert repository == place.hub.repository
    assert not given
    shallow = [] if depth == "0" else ["--depth", depth]
    _git("clone", "-q", "--no-checkout", *shallow, f"file://{place.hub.origin}", str(path))
    _git("-C", str(path), "fetch", "-q", *shallow, "origin", place.hub.sha)
    _git("-C", str(path), "checkout", "-q", place.hub.sha)
    return {}, {}


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "advice.detachedHead=false", *arguments], check=True, capture_output=True)


def _meridian(root: Path, path: Path) -> None:
    """Of Meridian, what its set-up looks at; its code runs from where it is."""
    path.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(root / name, path)
    shutil.copytree(root / "requirements", path / "requirements")


def _setup_python(place: Place, given: Mapping[str, str]) -> Done:
    assert set(given) == {"python-version"}, given
    return {"python-version": given["python-version"] + ".0"}, {}


def _cache(place: Place, given: Mapping[str, str]) -> Done:
    """A hit: what `make setup` made once, and no more than its command."""
    assert set(given) == {"path", "key"}, given
    (folder,) = (line for line in given["path"].split() if line.endswith(".venv"))
    binaries = place.machine.workspace / folder / "bin"
    binaries.mkdir(parents=True)
    (binaries.parent / ".done").touch()
    for name, module in (("meridian", "reconciler.cli.main"), ("python", "")):
        text = _COMMAND.format(root=place.hub.root, python=sys.executable, module=module)
        (binaries / name).write_text(text if module else text.replace("-m  ", ""))
        if name == "meridian" and place.hub.meridian:
            shutil.copy(place.hub.meridian, binaries / name)
        (binaries / name).chmod(0o755)
    return {"cache-hit": "true"}, {}


def _credentials(place: Place, given: Mapping[str, str]) -> Done:
    assert place.permissions.get("id-token") == "write", "without id-token: write, GitHub gives no token"
    assert set(given) <= {"role-to-assume", "role-duration-seconds", "aws-region"}, given
    role = given["role-to-assume"]
    place.hub.roles.append(role.rpartition("/")[2])
    keys = place.hub.keys(role, place.subject, int(given.get("role-duration-seconds", "3600")))
    return {}, {**keys, "AWS_REGION": given["aws-region"], "AWS_DEFAULT_REGION": given["aws-region"]}


def _upload(place: Place, given: Mapping[str, str]) -> Done:
    assert set(given) <= {"name", "path", "if-no-files-found"}, given
    name, workspace = given["name"], place.machine.workspace
    assert name not in place.hub.artifacts, f"a run cannot have two artifacts {name}"
    found = [f for p in workspace.glob(given["path"]) for f in ([p] if p.is_file() else p.rglob("*")) if f.is_file()]
    assert found or given.get("if-no-files-found") == "ignore", f"{given['path']} holds nothing"
    if found:
        into = place.hub.base / "artifacts" / name
        into.mkdir(parents=True)
        for file in found:
            shutil.copy2(file, into)
        place.hub.artifacts[name] = sorted(file.name for file in found)
    return {}, {}


def _download(place: Place, given: Mapping[str, str]) -> Done:
    assert set(given) == {"path", "merge-multiple"}, given
    for name in place.hub.artifacts:
        shutil.copytree(
            place.hub.base / "artifacts" / name, place.machine.workspace / given["path"], dirs_exist_ok=True
        )
    return {}, {}


KNOWN: Mapping[str, Callable[[Place, dict[str, str]], Done]] = {
    "actions/checkout": _checkout,
    "actions/setup-python": _setup_python,
    "actions/cache": _cache,
    "actions/upload-artifact": _upload,
    "actions/download-artifact": _download,
    "aws-actions/configure-aws-credentials": _credentials,
}
