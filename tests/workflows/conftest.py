"""A repository with the worked example in it, and a hub where something happens to it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.aws.synthesis import default_cache
from tests.workflows.hub import ROOT, Hub

WORKFLOWS = ROOT / ".github" / "workflows"
CALLERS = ROOT / "starter" / ".github" / "workflows"


@dataclass(frozen=True)
class Repository:
    folder: Path

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        done = subprocess.run(
            ["git", "-C", str(self.folder), *who, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    @property
    def document(self) -> Path:
        return self.folder / "desired_state" / "orders.yaml"

    def commit(self, old: str = "", new: str = "") -> str:
        """With the document changed, if something is given."""
        if old:
            text = self.document.read_text()
            assert old in text, old
            self.document.write_text(text.replace(old, new))
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "origin"
    shutil.copytree(ROOT / "desired_state", folder / "desired_state")
    shutil.copytree(ROOT / "handlers" / "api", folder / "handlers" / "api")
    made = Repository(folder)
    made.git("init", "-q", "-b", "main")
    made.git("config", "uploadpack.allowAnySHA1InWant", "true")
    made.commit()
    return made


def pull_request(sha: str, *, fork: bool = False, **more: Any) -> dict[str, Any]:
    source = "stranger/apis" if fork else "acme/apis"
    head = {"sha": sha, "ref": "change", "repo": {"full_name": source, "fork": fork}}
    base = {"sha": sha, "ref": "main", "repo": {"full_name": "acme/apis"}}
    request = {"number": 7, "head": head, "base": base, "user": {"login": "alice"}, **more}
    return {
        "action": "synchronize",
        "number": 7,
        "pull_request": request,
        "repository": {"full_name": "acme/apis"},
    }


@pytest.fixture
def hub(tmp_path: Path, repository: Repository) -> Callable[..., Hub]:
    """Makes a hub with an event in it, at the repository's head."""

    def make(event: str = "push", payload: dict[str, Any] | None = None, **more: Any) -> Hub:
        base = tmp_path / f"hub-{len(list(tmp_path.iterdir()))}"
        base.mkdir()
        sha = repository.git("rev-parse", "HEAD")
        world = {"MERIDIAN_CACHE": str(default_cache()), **more.pop("world", {})}
        return Hub(
            base=base, origin=repository.folder, event=event, payload=payload or {}, sha=sha, world=world, **more
        )

    return make


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Stand-ins for commands that build or publish: each writes down how it was called."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("make", "docker", "gh"):
        (folder / name).write_text(f'#!/bin/bash\necho "{name} $*" >> "{folder}/calls"\n')
        (folder / name).chmod(0o755)
    (folder / "calls").touch()
    return folder
