"""The schema, by way of the function that keeps it: nobody else reaches the database. What it does is in `handlers/migrate`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.aws.clients import Clients
from reconciler.aws.sending import send
from reconciler.model.errors import CloudUnavailable
from reconciler.model.requests import Migrate, PrepareDatabase
from reconciler.model.schema import Failure, Schema

INVOKE = "lambda:InvokeFunction"


def read_schema(clients: Clients, region: str, function: str) -> Schema:
    """What the ledger says. Raises `CloudUnavailable` where the database does not answer, or the function fails."""
    said = _invoked(clients.reader("lambda", region), region, function, {"action": "status"})
    if said.get("state") not in {"ready", "unprepared", "reader"}:
        raise _unavailable(region, function, said)
    failed = said.get("failed")
    try:
        return Schema(
            state=said["state"],
            applied={m["name"]: m["sha256"] for m in said.get("applied", ())},
            running=bool(said.get("running")),
            failed=Failure(name=failed["name"], message=failed["message"], attempt=failed.get("attempt") or "")
            if failed
            else None,
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise _unavailable(region, function, said) from error


def perform(clients: Clients, request: PrepareDatabase | Migrate) -> None:
    match request:
        case PrepareDatabase():
            _prepare(clients, request)
        case Migrate():
            _migrate(clients, request)


def _prepare(clients: Clients, request: PrepareDatabase) -> None:
    """The credentials go from the secret to the function and nowhere else: its network leads to no Secrets Manager."""
    secrets = clients.reader("secretsmanager", request.secret_region)
    held = send(
        "secretsmanager:GetSecretValue",
        request.secret_region,
        lambda: secrets.get_secret_value(SecretId=request.secret)["SecretString"],
    )
    payload = {"action": "prepare", **_credentials(held, request.secret)}
    said = _invoked(clients.writer("lambda", request.region), request.region, request.function, payload)
    if said.get("state") != "prepared":
        raise _unavailable(request.region, request.function, said)


def _credentials(held: str, secret: str) -> dict[str, str]:
    """Never quoted in an error: what is malformed here is still a password."""
    try:
        master = json.loads(held)
        return {"user": master["username"], "password": master["password"]}
    except (ValueError, KeyError, TypeError):
        message = f"the secret {secret} is no JSON object with username and password, as RDS writes it: restore its last version"
        raise CloudUnavailable(message, code="MasterSecret") from None


def _migrate(clients: Clients, request: Migrate) -> None:
    """Asked for, not waited for: Lambda runs it, and the ledger tells what came of it."""
    client = clients.writer("lambda", request.region)
    files = [{"name": m.name, "sha256": m.sha256, "sql": m.sql} for m in request.migrations]
    # As UTF-8: escaped, text in other letters would be three times as long, and past what an event may hold.
    payload = json.dumps(
        {"action": "migrate", "attempt": request.attempt, "migrations": files}, ensure_ascii=False
    ).encode()
    send(
        request.call,
        request.region,
        lambda: client.invoke(FunctionName=request.function, InvocationType="Event", Payload=payload),
    )


def _invoked(client: Any, region: str, function: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = send(INVOKE, region, lambda: _called(client, function, payload))
    try:
        said = json.loads(answer)
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {}


def _called(client: Any, function: str, payload: Mapping[str, Any]) -> bytes:
    answer = client.invoke(FunctionName=function, Payload=json.dumps(payload))
    content: bytes = answer["Payload"].read()
    return content


def _unavailable(region: str, function: str, said: Mapping[str, Any]) -> CloudUnavailable:
    """What a function that fails says has its error's type and message in it."""
    kind = f"{said['errorType']}: " if said.get("errorType") else ""
    words = (
        said.get("message")
        or (said.get("failed") or {}).get("message")
        or said.get("errorMessage")
        or said.get("state")
        or "nothing that makes sense"
    )
    return CloudUnavailable(f"{INVOKE} in {region}: {function} says: {kind}{words}", code="Schema")
