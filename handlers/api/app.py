"""The sample service, in every Region the same: orders in one database, served by whichever Region is near.

API Gateway hands over a request as an event and takes the answer as a dictionary. Each request leaves one line of JSON in the
log, without bodies, queries and credentials.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import identity
import orders
import rds
import web
from database import Database, Unavailable
from web import Answer, Refused, Request

REGION = os.environ.get("AWS_REGION", "unknown")
VERSION = os.environ.get("VERSION", "unknown")
HEALTH_PATH = os.environ.get("HEALTH_PATH", "/health")
SECONDS = 4.0
"""Longer nobody waits for the database in one request. A switchover may take a minute; better to say so and be asked again."""
MARGIN_SECONDS = 0.5
RETRY_AFTER = {"Retry-After": "2"}
DATABASE = Database(os.environ)

Operation = Callable[[Request, Database], Answer]


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(event, context, DATABASE)


def serve(event: Mapping[str, Any], context: Any, database: Database) -> dict[str, Any]:
    started, database.seconds = time.perf_counter(), 0.0
    request_id = str(
        (event.get("requestContext") or {}).get("requestId") or getattr(context, "aws_request_id", "unknown")
    )
    noted: dict[str, Any] = {}
    try:
        request = web.request(event, fallback_id=request_id, deadline=started + _seconds(context))
        answer = respond(request, database, noted)
    except Refused as refused:
        answer = refused.answer
    except Unavailable as unavailable:
        noted["reason"] = str(unavailable)
        answer = Answer(
            status=503, content={"message": "the database cannot be reached; try again"}, headers=RETRY_AFTER
        )
    except Exception as error:  # noqa: BLE001  # whatever it is, the client gets an answer and the log its place
        noted["reason"] = _place(error)
        answer = Answer(status=500, content={"message": "this failed, and it is not your fault"})
    _log(event, request_id, answer.status, started, database, noted)
    return web.proxied(answer, region=REGION, request_id=request_id)


def respond(request: Request, database: Database, noted: dict[str, Any]) -> Answer:
    for pattern, operations in _PATTERNS.items():
        if found := pattern.fullmatch(request.path):
            if request.method not in operations:
                allowed = ", ".join(operations)
                message = f"{request.path} does not take {request.method}; it takes {allowed}"
                raise Refused(405, message, headers={"Allow": allowed})
            subject = "" if request.path == HEALTH_PATH else admit(request, noted)
            asked = replace(request, parameters=found.groupdict(), subject=subject)
            return operations[request.method](asked, database)
    raise Refused(404, f"there is nothing at {request.path}")


def admit(request: Request, noted: dict[str, Any]) -> str:
    """Everybody, or who bears a valid token, as the desired state says: its subject. Why not is for the log only."""
    who = identity.check(request.headers)
    if isinstance(who, identity.Refusal):
        noted["refused"] = who.reason
        raise Refused(who.status, who.message, headers=who.headers)
    if who.subject:
        noted["sub"] = who.subject
    return who.subject or ""


def health(_request: Request, _database: Database) -> Answer:
    """Shallow and local: were it to ask the writer, losing the writer's Region would take every Region out of DNS."""
    return Answer(status=200, content={"status": "ok", "region": REGION})


def index(_request: Request, _database: Database) -> Answer:
    return Answer(status=200, content={"service": "orders", "region": REGION, "version": VERSION})


def create(request: Request, database: Database) -> Answer:
    return orders.create(request, database, REGION)


ROUTES: dict[str, dict[str, Operation]] = {
    "/": {"GET": index},
    "/orders": {"GET": orders.index, "POST": create},
    "/orders/{id}": {"GET": orders.read, "PATCH": orders.change},
    HEALTH_PATH: {"GET": health},
}
_PATTERNS = {
    re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))): operations
    for path, operations in ROUTES.items()
}


def _seconds(context: Any) -> float:
    """What the database may take: the function must answer before Lambda ends it."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    return SECONDS if left is None else min(SECONDS, left() / 1000 - MARGIN_SECONDS)


def _place(error: Exception) -> str:
    """Kind and line of an error, for messages may quote what the client sent. PostgreSQL's code says more than its kind."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    line = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    code = f" {rds.sqlstate(error)}" if isinstance(error, rds.DatabaseError) else ""
    return f"{type(error).__name__}{code} at {line}"


def _log(
    event: Mapping[str, Any], request_id: str, status: int, started: float, database: Database, noted: Mapping[str, Any]
) -> None:
    line = {
        "level": "info" if status < 500 else "error",
        "request": request_id,
        "method": event.get("httpMethod"),
        "path": event.get("path"),
        "status": status,
        "ms": round((time.perf_counter() - started) * 1000, 2),
        "databaseMs": round(database.seconds * 1000, 2),
        "database": database.role,
        "region": REGION,
        "version": VERSION,
        **noted,
    }
    print(json.dumps(line))  # noqa: T201  # standard output is the log
