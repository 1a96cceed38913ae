"""Which run of which workflow this is: GitHub's variables and the file of its event. Not believed before they were checked.

Whoever opens a pull request writes a part of the event; only numbers, hashes and names of a known form are taken out of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.github.failures import NotInWorkflow

_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_NAME = re.compile(r"[a-z_]{1,50}")
LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})
_LARGEST = 32 * 1024 * 1024
_MOST = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    number: int
    head: str
    """The commit that was pushed, not the merge that is checked out."""
    fork: bool
    """It comes from another repository: its workflow has a token that may only read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a workflow."""

    repository: str
    server: str
    api: str
    event: str
    commit: str
    """The commit that it is about: of a pull request, its head."""
    url: str
    pull_request: PullRequest | None = None


def in_workflow(environment: Mapping[str, str]) -> bool:
    return environment.get("GITHUB_ACTIONS") == "true"


def this_run(environment: Mapping[str, str]) -> Run:
    """Raises `NotInWorkflow`, which names the variable."""
    server = _address(environment, "GITHUB_SERVER_URL", "https://github.com")
    repository = _checked(environment, "GITHUB_REPOSITORY", _REPOSITORY)
    number = _checked(environment, "GITHUB_RUN_ID", _NUMBER)
    attempt = _checked(environment, "GITHUB_RUN_ATTEMPT", _NUMBER, "1")
    event = _checked(environment, "GITHUB_EVENT_NAME", _NAME)
    pull_request = _pull_request(environment, repository) if event.startswith("pull_request") else None
    return Run(
        repository=repository,
        server=server,
        api=_address(environment, "GITHUB_API_URL", "https://api.github.com"),
        event=event,
        commit=pull_request.head if pull_request else _checked(environment, "GITHUB_SHA", _COMMIT),
        url=f"{server}/{repository}/actions/runs/{number}" + (f"/attempts/{attempt}" if attempt != "1" else ""),
        pull_request=pull_request,
    )


def _checked(environment: Mapping[str, str], name: str, shape: re.Pattern[str], default: str = "") -> str:
    value = environment.get(name) or default
    if not value:
        raise NotInWorkflow(f"{name} is not set: this is no workflow of GitHub Actions; `meridian plan` needs none")
    if not shape.fullmatch(value):
        raise NotInWorkflow(f"{name} is {value[:60]!r}, which GitHub does not write; leave its variables alone")
    return value


def _address(environment: Mapping[str, str], name: str, default: str) -> str:
    """HTTPS, but on this machine: a token goes there."""
    value = (environment.get(name) or default).rstrip("/")
    url = urlsplit(value)
    plain = url.scheme == "http" and url.hostname in LOCAL
    strange = not re.fullmatch(r"[A-Za-z0-9.:/\[\]_-]+", value) or not url.hostname
    if strange or not (url.scheme == "https" or plain):
        raise NotInWorkflow(f"{name} is {value[:60]!r}; an address with https is wanted")
    return value


def _pull_request(environment: Mapping[str, str], repository: str) -> PullRequest:
    document = _event(environment.get("GITHUB_EVENT_PATH", ""))
    found = document.get("pull_request")
    head = found.get("head") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(head, dict):
        raise NotInWorkflow("the event holds no pull request; run this on `pull_request`")
    number, commit, source = found.get("number"), head.get("sha"), head.get("repo")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < _MOST:
        raise NotInWorkflow(f"the event's pull request has the number {str(number)[:40]!r}")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise NotInWorkflow(f"the event's pull request has the head {str(commit)[:60]!r}, which is no commit")
    # The repository of a fork may be gone by now; then there is none.
    name = source.get("full_name") if isinstance(source, dict) else None
    ours = isinstance(name, str) and name.lower() == repository.lower()
    return PullRequest(number=number, head=commit, fork=not ours)


def _event(path: str) -> Mapping[str, Any]:
    file = Path(path)
    try:
        if not path or file.stat().st_size > _LARGEST:
            raise NotInWorkflow(f"GITHUB_EVENT_PATH names no event that could be read: {path[:200]!r}")
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise NotInWorkflow(f"GITHUB_EVENT_PATH names no event that could be read: {path[:200]!r}") from error
    if not isinstance(document, dict):
        raise NotInWorkflow("the event is no JSON object")
    return document
