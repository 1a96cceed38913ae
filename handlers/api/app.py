"""The sample service, in every Region the same: says where it runs, what version it is, and that it is well.

API Gateway hands over a request as an event and takes the answer as a dictionary. Each request leaves one line of JSON
in the log. Where the database is comes in the environment; nothing here uses it yet.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import identity

Answer = tuple[int, dict[str, Any]]

REGION = os.environ.get("AWS_REGION", "unknown")
VERSION = os.environ.get("VERSION", "unknown")
HEALTH_PATH = os.environ.get("HEALTH_PATH", "/health")


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    started = time.perf_counter()
    method, path = event["httpMethod"], event["path"]
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Region": REGION}
    noted: dict[str, Any] = {}
    who = identity.NOBODY if path == HEALTH_PATH else identity.check(event.get("headers") or {})
    if isinstance(who, identity.Refusal):
        status, content, noted["refused"] = who.status, {"message": who.message}, who.reason
        headers |= who.headers
    else:
        status, content = answer(method, path)
        noted |= {"sub": who.subject} if who.subject else {}
    _log(event, status, started, noted)
    if status == 405:
        headers["Allow"] = ", ".join(ROUTES[path])
    return {"statusCode": status, "headers": headers, "body": json.dumps(content)}


def answer(method: str, path: str) -> Answer:
    operations = ROUTES.get(path)
    if operations is None:
        return 404, {"message": f"there is nothing at {path}"}
    if method not in operations:
        return 405, {"message": f"{path} does not take {method}; it takes {', '.join(operations)}"}
    return operations[method]()


def health() -> Answer:
    """Shallow and local: were it to ask the writer, losing the writer's Region would take every Region out of DNS."""
    return 200, {"status": "ok", "region": REGION}


def index() -> Answer:
    return 200, {"service": "orders", "region": REGION, "version": VERSION}


ROUTES: dict[str, dict[str, Callable[[], Answer]]] = {
    "/": {"GET": index},
    HEALTH_PATH: {"GET": health},
}


def _log(event: Mapping[str, Any], status: int, started: float, noted: Mapping[str, Any]) -> None:
    context = event.get("requestContext") or {}
    line = {
        "level": "info" if status < 500 else "error",
        "request": context.get("requestId"),
        "method": event["httpMethod"],
        "path": event["path"],
        "status": status,
        "ms": round((time.perf_counter() - started) * 1000, 2),
        "region": REGION,
        "version": VERSION,
        **noted,
    }
    print(json.dumps(line))  # noqa: T201  # standard output is the log
