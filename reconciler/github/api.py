"""What is done on GitHub: the comment of a pull request, commit statuses, the issue of a topology's drift.

Each call looks at what is there and does what is missing, so that a run that was broken off, or runs again, ends at the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from github import GithubException
from github.Commit import Commit
from github.Issue import Issue
from github.IssueComment import IssueComment

from reconciler.github.client import Client
from reconciler.github.failures import translated

_GONE = 404
_THERE = 422


def upsert_comment(client: Client, number: int, marker: str, body: str) -> str:
    """The one comment of ours that begins with the marker. Of several the newest stays. Says what was done."""
    with translated("comment on the pull request", "pull-requests: write"):
        issue = client.repository.get_issue(number)
        ours = [c for c in issue.get_comments() if _marked(client, c, marker)]
        for old in ours[:-1]:
            _unless_gone(old.delete)
        if ours and ours[-1].body.rstrip() == body.rstrip():
            return "unchanged"
        if ours and _unless_gone(lambda: ours[-1].edit(body)):
            return "edited"
        issue.create_comment(body)
        return "created"


def edit_comments(client: Client, number: int, marker: str, edited: Callable[[str], str]) -> str:
    """Those comments of ours that begin with the marker, each as `edited` has it. Says how many were changed, if any."""
    with translated("edit comments of the pull request", "pull-requests: write"):
        found = [c for c in client.repository.get_issue(number).get_comments() if _marked(client, c, marker)]
        wanted = [(c, body) for c in found if (body := edited(c.body)).rstrip() != c.body.rstrip()]
        done = sum(_unless_gone(partial(c.edit, body)) for c, body in wanted)
        return f"{done} edited" if done else ""


def commit_status(client: Client, commit: str, context: str, state: str, description: str, url: str) -> None:
    """The latest of a context counts."""
    with translated("set the status of the commit", "statuses: write"):
        of = {"sha": commit, "url": f"{client.repository.url}/commits/{commit}"}
        Commit(client.requester, {}, of, completed=True).create_status(
            state, target_url=url, description=description, context=context
        )


def upsert_issue(client: Client, marker: str, label: str, title: str, body: str) -> str:
    """The one open issue of ours that begins with the marker. Of several the oldest stays: there people have answered."""
    with translated("write the issue", "issues: write"):
        ours = list(_issues(client, marker, label))
        for double in ours[1:]:
            double.edit(state="closed", state_reason="not_planned")
        if not ours:
            _ensure_label(client, label)
            client.repository.create_issue(title, body, labels=[label])
            return "opened"
        if (ours[0].title, (ours[0].body or "").rstrip()) == (title, body.rstrip()):
            return "unchanged"
        ours[0].edit(title=title, body=body)
        return "updated"


def close_issue(client: Client, marker: str, label: str, title: str, body: str) -> str:
    """What stands in it afterwards says that it is over."""
    with translated("close the issue", "issues: write"):
        ours = list(_issues(client, marker, label))
        for issue in ours:
            issue.edit(title=title, body=body, state="closed", state_reason="completed")
        return "closed" if ours else "none"


def _marked(client: Client, comment: IssueComment, marker: str) -> bool:
    return (comment.body or "").startswith(marker) and client.wrote(comment.user)


def _issues(client: Client, marker: str, label: str) -> Iterator[Issue]:
    """Oldest first. GitHub takes pull requests for issues."""
    found = client.repository.get_issues(state="open", labels=[label], sort="created", direction="asc")
    for issue in found:
        # By the address: the field itself is missing from issues, and would be asked for one by one.
        if "/pull/" not in issue.html_url and (issue.body or "").startswith(marker) and client.wrote(issue.user):
            yield issue


def _ensure_label(client: Client, label: str) -> None:
    try:
        client.repository.get_label(label).raw_data  # noqa: B018  # asks for it
    except GithubException as error:
        if error.status != _GONE:
            raise
        try:
            client.repository.create_label(label, "d93f0b", "What was changed by hand, found by Meridian")
        except GithubException as raced:
            if raced.status != _THERE:
                raise


def _unless_gone(call: Any) -> bool:
    """False: somebody has taken it away meanwhile."""
    try:
        call()
    except GithubException as error:
        if error.status != _GONE:
            raise
        return False
    return True
