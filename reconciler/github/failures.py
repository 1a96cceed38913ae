"""Errors of GitHub and of the workflow around us as ours, with the way out in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from github import GithubException

from reconciler.model.errors import CloudUnavailable, ReconcilerError, Source

_SHOWN = 300


class NotInWorkflow(ReconcilerError):
    """A variable or file of GitHub Actions is missing, or is not what GitHub writes."""

    source = Source.USER


class GitHubRefused(ReconcilerError):
    """GitHub does not do it, and will not until somebody changes something."""

    source = Source.USER


class GitHubUnavailable(CloudUnavailable):
    """GitHub is down, out of reach, or asks to slow down."""


@contextmanager
def translated(what: str, needs: str) -> Iterator[None]:
    """`what` is done here, which takes `needs`, such as `pull-requests: write`, among the job's `permissions:`."""
    try:
        yield
    except GithubException as error:
        raise _refusal(error, what, needs) from error
    except requests.RequestException as error:
        raise GitHubUnavailable(f"GitHub cannot be reached to {what}: {type(error).__name__}") from error


def _refusal(error: GithubException, what: str, needs: str) -> ReconcilerError:
    told, status = _told(error), error.status
    limited = "rate limit" in told.lower()
    if status >= 500 or status == 429 or limited:
        return GitHubUnavailable(f"GitHub did not {what}: {status} {told}")
    match status:
        case 401:
            message, code = (
                f"GitHub knows no such token, to {what}; pass ${{{{ github.token }}}} as GITHUB_TOKEN",
                "BadToken",
            )
        case 403 | 404:
            message = f"GitHub refuses to {what}: {status} {told}; the job needs `permissions:` with `{needs}`"
            code = "PermissionMissing"
        case 410:
            message, code = (
                f"GitHub cannot {what}: issues are turned off; turn them on in the repository's settings",
                "IssuesOff",
            )
        case _:
            message, code = f"GitHub refuses to {what}: {status} {told}", "GitHubRefused"
    return GitHubRefused(message, code=code)


def _told(error: GithubException) -> str:
    """What GitHub says, bounded, on one line."""
    data: Any = error.data
    parts = [str(data.get("message", ""))] if isinstance(data, dict) else [str(data)]
    errors = data.get("errors") if isinstance(data, dict) else None
    for each in errors if isinstance(errors, list) else ():
        fields = (
            [str(each[k]) for k in ("field", "code", "message") if each.get(k)]
            if isinstance(each, dict)
            else [str(each)]
        )
        parts.append(" ".join(fields))
    text = "; ".join(filter(None, parts))
    return "".join(c if c.isprintable() else " " for c in text)[:_SHOWN]
