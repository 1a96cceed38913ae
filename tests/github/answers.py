"""How the stand-in of GitHub carries out one call: what changes in its world, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.github.fields import STATUSES
from tests.github.world import Comment, Deployment, Issue, World, user

WHEN = "2026-03-01T00:00:00Z"


class Refused(Exception):
    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.body = status, {"message": message, **({"errors": errors} if errors else {})}


@dataclass(frozen=True, kw_only=True)
class Asked:
    world: World
    base: str
    """URL of the repository."""
    login: str
    """Whose token it is."""
    match: re.Match[str]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def number(self) -> int:
        return int(self.match[1])


Answer = tuple[int, Any]


def list_comments(asked: Asked) -> Answer:
    _commented(asked)
    return 200, [comment_json(asked, c) for c in asked.world.comments if c.number == asked.number]


def create_comment(asked: Asked) -> Answer:
    _commented(asked)
    made = Comment(id=asked.world.next(), number=asked.number, author=asked.login, body=asked.body["body"])
    asked.world.comments.append(made)
    return 201, comment_json(asked, made)


def edit_comment(asked: Asked) -> Answer:
    found = _own_comment(asked)
    found.body = asked.body["body"]
    found.edits += 1
    return 200, comment_json(asked, found)


def delete_comment(asked: Asked) -> Answer:
    asked.world.comments.remove(_own_comment(asked))
    return 204, None


def list_issues(asked: Asked) -> Answer:
    _issues_on(asked)
    state, labels = asked.query.get("state", "open"), set(filter(None, asked.query.get("labels", "").split(",")))
    found = [i for i in asked.world.issues if state in {"all", i.state} and labels <= set(i.labels)]
    if creator := asked.query.get("creator"):
        found = [i for i in found if i.author == creator]
    newest = sorted(found, key=lambda i: i.number, reverse=asked.query.get("direction", "desc") == "desc")
    return 200, [issue_json(asked, i) for i in newest]


def create_issue(asked: Asked) -> Answer:
    """A label that does not exist yet is made along with it."""
    _issues_on(asked)
    body, labels = asked.body, list(asked.body.get("labels", ()))
    asked.world.labels.update(labels)
    made = Issue(
        number=asked.world.next(), author=asked.login, title=body["title"], body=body.get("body", ""), labels=labels
    )
    asked.world.issues.append(made)
    return 201, issue_json(asked, made)


def edit_issue(asked: Asked) -> Answer:
    found = asked.world.issue(asked.number)
    if found is None:
        raise Refused(404, "Not Found")
    for name in ("title", "body", "labels", "state"):
        setattr(found, name, asked.body.get(name, getattr(found, name)))
    found.reason = asked.body.get("state_reason", "completed" if found.state == "closed" else None)
    found.edits += 1
    return 200, issue_json(asked, found)


def get_label(asked: Asked) -> Answer:
    name = unquote(asked.match[1])
    if name not in asked.world.labels:
        raise Refused(404, "Not Found")
    return 200, {"name": name, "color": "ededed", "url": f"{asked.base}/labels/{name}"}


def create_label(asked: Asked) -> Answer:
    name = asked.body["name"]
    if name in asked.world.labels:
        raise Refused(422, "Validation Failed", [{"resource": "Label", "code": "already_exists", "field": "name"}])
    asked.world.labels.add(name)
    return 201, {"name": name, "color": asked.body.get("color", "ededed"), "url": f"{asked.base}/labels/{name}"}


def create_status(asked: Asked) -> Answer:
    sha = asked.match[1]
    if sha not in asked.world.commits:
        raise Refused(422, f"No commit found for SHA: {sha}")
    made = {"context": "default", "description": None, "target_url": None, **asked.body, "id": asked.world.next()}
    made["creator"] = user(asked.login)
    known = asked.world.statuses.setdefault(sha, [])
    if sum(s["context"].lower() == made["context"].lower() for s in known) >= STATUSES:
        message = "This SHA and context has reached the maximum number of statuses."
        raise Refused(422, "Validation Failed", [{"resource": "Status", "code": "custom", "message": message}])
    known.append(made)
    return 201, made


def list_statuses(asked: Asked) -> Answer:
    return 200, asked.world.statuses.get(asked.match[1], [])[::-1]


def list_deployments(asked: Asked) -> Answer:
    wanted = {k: v for k, v in asked.query.items() if k in {"sha", "ref", "task", "environment"}}
    fields = {"sha": "sha", "ref": "sha", "task": "task", "environment": "environment"}
    found = [d for d in asked.world.deployments if all(getattr(d, fields[k]) == v for k, v in wanted.items())]
    return 200, [deployment_json(asked, d) for d in reversed(found)]


def create_deployment(asked: Asked) -> Answer:
    """Left to its defaults it merges, and wants every status of the commit to be a success: ours, too, which is pending."""
    body, world = asked.body, asked.world
    ref = body["ref"]
    if ref not in world.commits | world.refs:
        raise Refused(422, f"No ref found for: {ref}")
    contexts, states = body.get("required_contexts"), world.latest(ref)
    awaited = list(states) if contexts is None else [c.lower() for c in contexts]
    failed = sorted(c for c in awaited if states.get(c) != "success")
    if failed:
        raise Refused(409, f"Conflict: Commit status checks failed for {ref}.")
    environment = body.get("environment", "production")
    made = Deployment(
        id=world.next(),
        sha=ref,
        task=body.get("task", "deploy"),
        environment=environment,
        description=body.get("description", ""),
        payload=body.get("payload", {}),
        transient=body.get("transient_environment", False),
        production=body.get("production_environment", environment == "production"),
        author=asked.login,
    )
    world.deployments.append(made)
    return 201, deployment_json(asked, made)


def create_deployment_status(asked: Asked) -> Answer:
    found = _deployment(asked)
    body = dict(asked.body)
    body["log_url"] = body.pop("target_url", None) or body.get("log_url", "")
    made = {"description": "", "environment_url": "", **body, "id": asked.world.next(), "creator": user(asked.login)}
    found.statuses.append(made)
    if made["state"] == "success" and body.get("auto_inactive", True):
        for other in asked.world.deployments:
            same = other is not found and other.id < found.id and other.environment == found.environment
            if same and not (other.transient or other.production) and other.state != "inactive":
                other.statuses.append({"state": "inactive", "description": "", "id": asked.world.next()})
    return 201, status_json(asked, found, made)


def list_deployment_statuses(asked: Asked) -> Answer:
    found = _deployment(asked)
    return 200, [status_json(asked, found, s) for s in reversed(found.statuses)]


def get_repository(asked: Asked) -> Answer:
    return 200, {"full_name": asked.world.repository, "url": asked.base, "has_issues": asked.world.has_issues}


def comment_json(asked: Asked, comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "body": comment.body,
        "user": user(comment.author),
        "url": f"{asked.base}/issues/comments/{comment.id}",
        "html_url": f"https://example.invalid/{comment.number}#issuecomment-{comment.id}",
        "issue_url": f"{asked.base}/issues/{comment.number}",
        "created_at": WHEN,
        "updated_at": WHEN,
    }


def issue_json(asked: Asked, issue: Issue) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": issue.number,
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "state": issue.state,
        "state_reason": issue.reason,
        "user": user(issue.author),
        "labels": [{"name": name, "url": f"{asked.base}/labels/{name}"} for name in issue.labels],
        "url": f"{asked.base}/issues/{issue.number}",
        "html_url": f"https://example.invalid/{'pull' if issue.pull_request else 'issues'}/{issue.number}",
    }
    return (
        {**document, "pull_request": {"url": f"{asked.base}/pulls/{issue.number}"}} if issue.pull_request else document
    )


def deployment_json(asked: Asked, made: Deployment) -> dict[str, Any]:
    return {
        "id": made.id,
        "sha": made.sha,
        "ref": made.sha,
        "task": made.task,
        "environment": made.environment,
        "original_environment": made.environment,
        "description": made.description,
        "payload": made.payload,
        "transient_environment": made.transient,
        "production_environment": made.production,
        "creator": user(made.author),
        "url": f"{asked.base}/deployments/{made.id}",
        "statuses_url": f"{asked.base}/deployments/{made.id}/statuses",
    }


def status_json(asked: Asked, of: Deployment, status: Mapping[str, Any]) -> dict[str, Any]:
    url = f"{asked.base}/deployments/{of.id}/statuses/{status['id']}"
    return {**status, "environment": of.environment, "url": url, "deployment_url": f"{asked.base}/deployments/{of.id}"}


def _commented(asked: Asked) -> None:
    if asked.world.issue(asked.number) is None:
        raise Refused(404, "Not Found")


def _own_comment(asked: Asked) -> Comment:
    """An installation's token may edit what others wrote, a person's only what that person wrote."""
    found = next((c for c in asked.world.comments if c.id == asked.number), None)
    if found is None:
        raise Refused(404, "Not Found")
    if found.author != asked.login:
        raise Refused(403, "You cannot edit a comment of somebody else here: the stand-in takes it for a mistake.")
    return found


def _issues_on(asked: Asked) -> None:
    if not asked.world.has_issues:
        raise Refused(410, "Issues are disabled for this repo")


def _deployment(asked: Asked) -> Deployment:
    found = next((d for d in asked.world.deployments if d.id == asked.number), None)
    if found is None:
        raise Refused(404, "Not Found")
    return found


def get_environment(asked: Asked) -> Answer:
    """Whoever waits for its reviewers finds them among its rules."""
    name = unquote(asked.match[1])
    rules = asked.world.environments.get(name)
    if rules is None:
        raise Refused(404, "Not Found")
    return 200, {"name": name, "url": f"{asked.base}/environments/{name}", "protection_rules": rules}


ANSWERS: Mapping[tuple[str, str], Callable[[Asked], Answer]] = {
    ("GET", r"/issues/(\d+)/comments"): list_comments,
    ("POST", r"/issues/(\d+)/comments"): create_comment,
    ("PATCH", r"/issues/comments/(\d+)"): edit_comment,
    ("DELETE", r"/issues/comments/(\d+)"): delete_comment,
    ("GET", r"/issues"): list_issues,
    ("POST", r"/issues"): create_issue,
    ("PATCH", r"/issues/(\d+)"): edit_issue,
    ("GET", r"/labels/([^/]+)"): get_label,
    ("POST", r"/labels"): create_label,
    ("POST", r"/statuses/([0-9a-f]{40})"): create_status,
    ("GET", r"/commits/([^/]+)/statuses"): list_statuses,
    ("GET", r"/deployments"): list_deployments,
    ("POST", r"/deployments"): create_deployment,
    ("GET", r"/deployments/(\d+)/statuses"): list_deployment_statuses,
    ("POST", r"/deployments/(\d+)/statuses"): create_deployment_status,
    ("GET", r"/environments/([^/]+)"): get_environment,
    ("GET", r""): get_repository,
}
