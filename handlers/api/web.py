"""HTTP as API Gateway's proxy integration speaks it: events to requests, answers to what it takes, refusals in between."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_BODY = 64 * 1024
HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with a request: where, and what is allowed there."""

    field: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The request cannot be done; the answer says why."""

    def __init__(
        self, status: int, message: str, *, problems: Sequence[Problem] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        content: dict[str, Any] = {"message": message}
        if problems:
            content["problems"] = [{"field": p.field, "message": p.message} for p in problems]
        self.answer = Answer(status=status, content=content, headers=headers or {})


@dataclass(frozen=True, kw_only=True)
class Request:
    """`headers` have lower-case names. `deadline` is a value of `time.perf_counter` after which nobody waits any more."""

    id: str
    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    body: bytes
    deadline: float
    parameters: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""
    """Who sent it, as its token says; empty where clients need none."""


def request(event: Mapping[str, Any], *, fallback_id: str, deadline: float) -> Request:
    """What API Gateway leaves out is null in the event."""
    several = event.get("multiValueQueryStringParameters") or {
        name: [value] for name, value in (event.get("queryStringParameters") or {}).items()
    }
    return Request(
        id=str((event.get("requestContext") or {}).get("requestId") or fallback_id),
        method=event["httpMethod"],
        path=event["path"],
        query={name: tuple(values) for name, values in several.items()},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=_body(event),
        deadline=deadline,
    )


def _body(event: Mapping[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError as error:
        raise Refused(400, "the body is not what it was sent as") from error


def json_body(request: Request) -> Any:
    """The body as JSON, if it is JSON, says so, and is not too long."""
    if len(request.body) > MAX_BODY:
        raise Refused(413, f"the body is longer than {MAX_BODY} bytes")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(
            415, f"the body must be application/json, and Content-Type must say so; it says {kind or 'nothing'}"
        )
    try:
        return json.loads(request.body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is not JSON") from error


def proxied(answer: Answer, *, region: str, request_id: str) -> dict[str, Any]:
    headers = {**HEADERS, "X-Region": region, "X-Request-Id": request_id, **answer.headers}
    return {"statusCode": answer.status, "headers": headers, "body": json.dumps(answer.content)}


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
