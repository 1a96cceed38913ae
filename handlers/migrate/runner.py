"""The migrations runner: one function per Region, asked by the reconciler, never by clients.

    {"action": "status"}                                        how things stand; waits for nobody
    {"action": "prepare", "user": …, "password": …}             makes the roles, with the master's password
    {"action": "migrate", "migrations": [{name, sha256, sql}], "attempt": …}  carries out what is not applied yet

Every answer has a `state`. A Region that does not write says `reader` and does nothing. All of it may be asked again at any time,
also while an earlier invocation still runs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import access
import ledger
import prepare
import rds

MIGRATOR_SECONDS = 900
"""The function's own limit, for whoever has no context to ask."""
MARGIN_SECONDS = 15
"""Kept back, so that a migration that takes too long is ended by us, rolled back and written down, and not by Lambda."""

State = dict[str, Any]


def handler(event: Mapping[str, Any], context: Any) -> State:
    started = time.perf_counter()
    answer = respond(event, os.environ, seconds=_seconds(context))
    line = {
        "action": event.get("action"),
        "state": answer["state"],
        "ms": round((time.perf_counter() - started) * 1000),
        **{name: answer[name] for name in ("failed", "message") if answer.get(name)},
    }
    print(json.dumps(line))  # noqa: T201  # standard output is the log
    return answer


def respond(event: Mapping[str, Any], environment: Mapping[str, str], *, seconds: float) -> State:
    match event.get("action"):
        case "status":
            return _at_the_writer(environment, ledger.status, called="status")
        case "migrate":
            asked, app = [ledger.Migration(**given) for given in event["migrations"]], environment["APP_USER"]
            attempt = str(event.get("attempt") or "")

            def act(link: rds.Link) -> State:
                return ledger.migrate(link, asked, app, seconds, attempt)

            return _at_the_writer(environment, act, called="migrate")
        case "prepare":
            return _prepare(environment, access.Master(user=event["user"], password=event["password"]))
        case action:
            raise ValueError(f"action {action!r}: there is status, prepare, migrate")


def _at_the_writer(environment: Mapping[str, str], act: Callable[[rds.Link], State], *, called: str) -> State:
    found = access.find_writer(environment)
    return found.answer() if isinstance(found, access.Elsewhere) else _done(found, act, called=called)


def _done(link: rds.Link, act: Callable[[rds.Link], State], *, called: str) -> State:
    try:
        return act(link)
    except rds.DatabaseError as error:
        if rds.sqlstate(error).startswith(("57P", "08")):  # the session was ended
            return {"state": "unreachable", "message": access.words(error)}
        return {"state": "failed", "failed": {"name": called, "message": access.words(error)}}
    except rds.BROKEN as error:
        return {"state": "unreachable", "message": access.words(error)}
    finally:
        link.close()


def _prepare(environment: Mapping[str, str], master: access.Master) -> State:
    """What is prepared stays so, and is found without the master; see `prepare`."""
    app = environment["APP_USER"]

    def known(link: rds.Link) -> State:
        return {"state": "prepared" if prepare.is_done(link, app) else "unprepared"}

    def make(link: rds.Link) -> State:
        prepare.carry_out(link, environment["DB_NAME"], environment["DB_USER"], app)
        return {"state": "prepared"}

    answer = _at_the_writer(environment, known, called="prepare")
    if answer["state"] != "unprepared":
        return answer
    found = access.find_writer(environment, master)
    if isinstance(found, rds.Link):
        return _done(found, make, called="prepare")
    if found.state == "unprepared":
        return {"state": "unreachable", "message": f"{master.user} cannot log in: {found.message}"}
    return found.answer()


def _seconds(context: Any) -> float:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return (MIGRATOR_SECONDS if left is None else left() / 1000) - MARGIN_SECONDS
