"""What the stand-in of GitHub remembers: one repository with its commits, pull requests, comments, issues and deployments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ACTIONS = "github-actions[bot]"


@dataclass(kw_only=True)
class Comment:
    id: int
    number: int
    author: str
    body: str
    edits: int = 0


@dataclass(kw_only=True)
class Issue:
    number: int
    author: str
    title: str
    body: str = ""
    labels: list[str] = field(default_factory=list)
    state: str = "open"
    reason: str | None = None
    edits: int = 0
    pull_request: bool = False


@dataclass(kw_only=True)
class Deployment:
    id: int
    sha: str
    task: str
    environment: str
    description: str
    payload: Any
    transient: bool
    production: bool
    author: str
    statuses: list[dict[str, Any]] = field(default_factory=list)
    """Oldest first."""

    @property
    def states(self) -> list[str]:
        return [status["state"] for status in self.statuses]

    @property
    def state(self) -> str | None:
        """The latest one."""
        return self.states[-1] if self.statuses else None


@dataclass(kw_only=True)
class World:
    repository: str
    commits: set[str] = field(default_factory=set)
    refs: set[str] = field(default_factory=lambda: {"main"})
    comments: list[Comment] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    """Pull requests are issues, too."""
    labels: set[str] = field(default_factory=lambda: {"bug"})
    deployments: list[Deployment] = field(default_factory=list)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By commit, oldest first."""
    environments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Name to protection rules."""
    has_issues: bool = True
    last: int = 1000

    def next(self) -> int:
        self.last += 1
        return self.last

    def issue(self, number: int) -> Issue | None:
        return next((i for i in self.issues if i.number == number), None)

    def latest(self, sha: str) -> dict[str, str]:
        """State of each context at a commit."""
        return {status["context"].lower(): status["state"] for status in self.statuses.get(sha, ())}


def user(login: str) -> dict[str, Any]:
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login, "id": sum(login.encode()), "type": kind, "url": f"https://example.invalid/users/{login}"}
