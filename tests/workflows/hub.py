"""One repository on GitHub with an event in it: what a runner knows of the world, and where it works."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MERIDIAN = "OWNER/meridian"
"""Where the reusable workflows are called from, as in the starter."""
_LEVELS = {"none": 0, "read": 1, "write": 2}
Keys = Callable[[str, str, int], Mapping[str, str]]
"""Credentials of the role with this ARN, for a token of GitHub's with this subject, for so many seconds."""


def any_keys(_role: str, _subject: str, _seconds: int) -> Mapping[str, str]:
    """Where nobody asks who is calling."""
    return {"AWS_ACCESS_KEY_ID": "111111111111", "AWS_SECRET_ACCESS_KEY": "any", "AWS_SESSION_TOKEN": "any"}


def allowed(asked: Mapping[str, str] | None, cap: Mapping[str, str] | None) -> Mapping[str, str]:
    """GitHub does not start a workflow whose called jobs ask for more than the caller has."""
    given = dict(asked or {})
    over = {k: v for k, v in given.items() if cap is not None and _LEVELS[v] > _LEVELS[cap.get(k, "none")]}
    assert not over, f"the caller does not grant {over}"
    return given


@dataclass(frozen=True)
class Machine:
    """A fresh runner."""

    base: Path

    @property
    def workspace(self) -> Path:
        return self.base / "workspace"

    @property
    def temp(self) -> Path:
        return self.base / "temp"

    def file(self, name: str, text: str = "") -> Path:
        path = self.temp / f"{uuid.uuid4().hex[:8]}-{name}"
        path.write_text(text)
        return path


@dataclass
class Hub:
    base: Path
    """Where everything of this test lies."""
    origin: Path
    """The repository, as it is on GitHub."""
    event: str
    payload: Mapping[str, Any]
    sha: str
    ref: str = "refs/heads/main"
    repository: str = "acme/apis"
    variables: Mapping[str, str] = field(default_factory=dict)
    world: Mapping[str, str] = field(default_factory=dict)
    """What this machine adds to the environment: where AWS and GitHub are."""
    token: Callable[[Mapping[str, str]], str] = lambda _permissions: "none"
    keys: Keys = any_keys
    tools: Path | None = None
    """Commands that stand in for those of the runner's."""
    meridian: Path | None = None
    """What stands in for the command itself, where a test is about the workflow around it."""
    cancelled: Callable[[], bool] = lambda: False
    """Whether somebody has cancelled the run by now."""
    root: Path = ROOT
    reviewed: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    artifacts: dict[str, list[str]] = field(default_factory=dict)

    def machine(self) -> Machine:
        made = Machine(self.base / f"machine-{uuid.uuid4().hex[:8]}")
        made.workspace.mkdir(parents=True)
        made.temp.mkdir()
        (made.base / "home").mkdir()
        (made.temp / "event.json").write_text(json.dumps(self.payload))
        (made.base / "bin").mkdir()
        (made.base / "bin" / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (made.base / "bin" / "python3").chmod(0o755)
        return made

    def github(self, token: str = "") -> Mapping[str, Any]:
        kind = "tag" if self.ref.startswith("refs/tags/") else "branch"
        return {
            "event": self.payload,
            "event_name": self.event,
            "ref": self.ref,
            "ref_type": kind,
            "repository": self.repository,
            "sha": self.sha,
            "token": token,
        }

    def job_context(self) -> Mapping[str, str]:
        return {"workflow_repository": MERIDIAN, "workflow_sha": "c" * 40}

    def called(self, uses: str) -> Path:
        """The file of a reusable workflow: Meridian's own, by commit."""
        path, _, commit = uses.partition("@")
        assert path.startswith(f"{MERIDIAN}/.github/workflows/"), uses
        assert len(commit) == 40, f"{uses} is not pinned"
        return self.root / path.removeprefix(f"{MERIDIAN}/")

    def subject(self, environment: str | None) -> str:
        """Of GitHub's token for this job."""
        if environment:
            what = f"environment:{environment}"
        else:
            what = "pull_request" if self.event == "pull_request" else f"ref:{self.ref}"
        return f"repo:{self.repository}:{what}"

    def environment(self, machine: Machine) -> dict[str, str]:
        tools = f"{self.tools}:" if self.tools else ""
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "alice",
            "GITHUB_API_URL": "http://127.0.0.1:9",
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_EVENT_PATH": str(machine.temp / "event.json"),
            "GITHUB_REF": self.ref,
            "GITHUB_REF_NAME": self.ref.split("/", 2)[2],
            "GITHUB_REF_TYPE": str(self.github()["ref_type"]),
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": "77",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": self.sha,
            "GITHUB_WORKSPACE": str(machine.workspace),
            "HOME": str(machine.base / "home"),
            "LANG": "C.UTF-8",
            "PATH": f"{tools}{machine.base / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(machine.temp),
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.world,
        }
