"""What GitHub's REST API takes, per call: fields with their types and limits, and the permission that a token needs.

Facts of its published description, written down by hand; what is not listed is refused, which GitHub itself does not always do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BODY = 65_536
SHORT = 140
STATUSES = 1000
"""Most commit statuses of one context at one commit."""

COMMIT_STATES = ("error", "failure", "pending", "success")
DEPLOYMENT_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


@dataclass(frozen=True, kw_only=True)
class Field:
    kinds: tuple[type, ...] = (str,)
    required: bool = False
    most: int | None = None
    among: tuple[str, ...] = ()
    shape: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    resource: str
    takes: Mapping[str, Field] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """Permissions of which one is enough."""
    level: str = "read"
    also: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the query, with their shapes."""


TEXT, FLAG, NAMES = Field(), Field(kinds=(bool,)), Field(kinds=(list,))
URL = Field(shape=r"(https?://.*)?")
PAGES = {"per_page": r"\d+", "page": r"\d+"}
COMMENT = {"body": Field(required=True, most=BODY)}
ISSUE = {
    "title": Field(required=True, most=256),
    "body": Field(most=BODY),
    "labels": NAMES,
    "assignees": NAMES,
}

CALLS: Mapping[tuple[str, str], Call] = {
    ("GET", r"/issues/(\d+)/comments"): Call(
        resource="IssueComment", needs=("issues", "pull-requests"), also={**PAGES, "since": ".+"}
    ),
    ("POST", r"/issues/(\d+)/comments"): Call(
        resource="IssueComment", needs=("issues", "pull-requests"), level="write", takes=COMMENT
    ),
    ("PATCH", r"/issues/comments/(\d+)"): Call(
        resource="IssueComment", needs=("issues", "pull-requests"), level="write", takes=COMMENT
    ),
    ("DELETE", r"/issues/comments/(\d+)"): Call(
        resource="IssueComment", needs=("issues", "pull-requests"), level="write"
    ),
    ("GET", r"/issues"): Call(
        resource="Issue",
        needs=("issues",),
        also={
            **PAGES,
            "state": "open|closed|all",
            "labels": ".+",
            "creator": ".+",
            "sort": "created|updated|comments",
            "direction": "asc|desc",
        },
    ),
    ("POST", r"/issues"): Call(resource="Issue", needs=("issues",), level="write", takes=ISSUE),
    ("PATCH", r"/issues/(\d+)"): Call(
        resource="Issue",
        needs=("issues",),
        level="write",
        takes={
            **ISSUE,
            "title": Field(most=256),
            "state": Field(among=("open", "closed")),
            "state_reason": Field(among=("completed", "not_planned", "duplicate", "reopened")),
        },
    ),
    ("GET", r"/labels/([^/]+)"): Call(resource="Label", needs=("issues", "pull-requests")),
    ("POST", r"/labels"): Call(
        resource="Label",
        needs=("issues", "pull-requests"),
        level="write",
        takes={
            "name": Field(required=True, most=50),
            "color": Field(shape="[0-9a-fA-F]{6}"),
            "description": Field(most=100),
        },
    ),
    ("POST", r"/statuses/([0-9a-f]{40})"): Call(
        resource="Status",
        needs=("statuses",),
        level="write",
        takes={
            "state": Field(required=True, among=COMMIT_STATES),
            "target_url": URL,
            "description": Field(most=SHORT),
            "context": Field(most=255),
        },
    ),
    ("GET", r"/commits/([^/]+)/statuses"): Call(resource="Status", needs=("statuses",), also=PAGES),
    ("GET", r"/deployments"): Call(
        resource="Deployment",
        needs=("deployments",),
        also={**PAGES, "sha": ".+", "ref": ".+", "task": ".+", "environment": ".+"},
    ),
    ("POST", r"/deployments"): Call(
        resource="Deployment",
        needs=("deployments",),
        level="write",
        takes={
            "ref": Field(required=True),
            "task": Field(most=128),
            "auto_merge": FLAG,
            "required_contexts": Field(kinds=(list, type(None))),
            "payload": Field(kinds=(dict, str)),
            "environment": Field(most=255),
            "description": Field(most=SHORT),
            "transient_environment": FLAG,
            "production_environment": FLAG,
        },
    ),
    ("GET", r"/deployments/(\d+)/statuses"): Call(resource="DeploymentStatus", needs=("deployments",), also=PAGES),
    ("POST", r"/deployments/(\d+)/statuses"): Call(
        resource="DeploymentStatus",
        needs=("deployments",),
        level="write",
        takes={
            "state": Field(required=True, among=DEPLOYMENT_STATES),
            "target_url": URL,
            "log_url": URL,
            "description": Field(most=SHORT),
            "environment": Field(most=255),
            "environment_url": URL,
            "auto_inactive": FLAG,
        },
    ),
    ("GET", r"/environments/([^/]+)"): Call(resource="Environment", needs=("actions",)),
    ("GET", r""): Call(resource="Repository", needs=("metadata",)),
}


def wrong(call: Call, body: Any) -> dict[str, Any] | None:
    """GitHub's answer to a body that it does not take; None if it does."""
    if not isinstance(body, dict):
        return {"message": "Problems parsing JSON"} if call.takes else None
    strange = sorted(set(body) - set(call.takes))
    if strange:
        return {"message": f'Invalid request.\n\n"{strange[0]}" is not a permitted key.'}
    missing = [name for name, f in call.takes.items() if f.required and name not in body]
    if missing:
        return {"message": f'Invalid request.\n\n"{missing[0]}" wasn\'t supplied.'}
    errors = [e for name, value in body.items() if (e := _error(call, name, value))]
    return {"message": "Validation Failed", "errors": errors} if errors else None


def _error(call: Call, name: str, value: Any) -> dict[str, str] | None:
    wanted = call.takes[name]
    about = {"resource": call.resource, "field": name}
    if not isinstance(value, wanted.kinds):
        return {**about, "code": "invalid"}
    if isinstance(value, str):
        if wanted.most is not None and len(value) > wanted.most:
            told = f"{name} is too long (maximum is {wanted.most} characters)"
            return {**about, "code": "custom", "message": told}
        if wanted.among and value not in wanted.among:
            return {**about, "code": "invalid"}
        if wanted.shape and not re.fullmatch(wanted.shape, value):
            return {**about, "code": "invalid"}
    if wanted.required and not value:
        return {**about, "code": "missing_field"}
    return None
