"""What was applied, what failed, and carrying out what is asked.

`meridian.ledger` has a row per migration, written in the transaction of the migration itself: either both are there or neither. A
failure is rolled back and its message written down in a transaction after it, so that who did not hear the answer can ask. One
runner at a time: a session's advisory lock, which the server gives back when the session ends, however it ends.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import access
import rds
from pg8000.native import identifier

LOCK = 0x6D657265
_TABLE = """
CREATE SCHEMA IF NOT EXISTS meridian;
CREATE TABLE IF NOT EXISTS meridian.ledger (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz,         -- null: never
    message text,                   -- of the last failure; null: none since
    attempt text                    -- whose that failure was
);
"""
_APPLIED = "SELECT name, sha256 FROM meridian.ledger WHERE applied_at IS NOT NULL ORDER BY name"
_FAILED = "SELECT name, message, attempt FROM meridian.ledger WHERE message IS NOT NULL ORDER BY name LIMIT 1"
_RUNNING = f"""
SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE locktype = 'advisory' AND classid = 0 AND objid = {LOCK} AND objsubid = 1 AND granted AND datname = current_database())
"""  # noqa: S608  # a number of ours
_NOTE_APPLIED = """
INSERT INTO meridian.ledger (name, sha256, applied_at) VALUES (:name, :sha256, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET sha256 = EXCLUDED.sha256, applied_at = EXCLUDED.applied_at, message = NULL
"""
_NOTE_FAILED = """
INSERT INTO meridian.ledger (name, sha256, message, attempt) VALUES (:name, :sha256, :message, :attempt)
ON CONFLICT (name) DO UPDATE SET message = EXCLUDED.message, attempt = EXCLUDED.attempt
"""
_FORGET_FAILURE = "UPDATE meridian.ledger SET message = NULL WHERE name = :name AND message IS NOT NULL"


@dataclass(frozen=True, kw_only=True)
class Migration:
    name: str
    sha256: str
    sql: str


class Failed(Exception):
    """A migration cannot be applied; the message says why and what to do."""


def status(link: rds.Link) -> dict[str, Any]:
    run = link.connection.run
    if run("SELECT to_regclass('meridian.ledger')")[0][0] is None:
        return {"state": "ready", "running": run(_RUNNING)[0][0], "applied": [], "failed": None}
    failed = run(_FAILED)
    return {
        "state": "ready",
        "running": run(_RUNNING)[0][0],
        "applied": _applied(link),
        "failed": dict(zip(("name", "message", "attempt"), failed[0], strict=True)) if failed else None,
    }


def migrate(link: rds.Link, asked: Sequence[Migration], app: str, seconds: float, attempt: str = "") -> dict[str, Any]:
    """Applies in the order asked for, until one fails. `seconds` are for all of them together; `attempt` tells whoever asked
    a failure of this time from an older one."""
    deadline = time.perf_counter() + seconds
    link.socket.settimeout(seconds + 5)
    run = link.connection.run
    if not run(f"SELECT pg_try_advisory_lock({LOCK})")[0][0]:
        return {"state": "busy"}
    answer = _carried_out(link, asked, app, deadline, attempt)
    # Its session's end gives it back, too, but the server may take a moment to see that, and whoever asks next would find it busy.
    run(f"SELECT pg_advisory_unlock({LOCK})")
    return answer


def _carried_out(link: rds.Link, asked: Sequence[Migration], app: str, deadline: float, attempt: str) -> dict[str, Any]:
    run = link.connection.run
    run(_TABLE)
    # What is there already is not touched by default privileges; all that a migration makes is.
    run(f"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {identifier(app)}")
    before = {entry["name"]: entry["sha256"] for entry in _applied(link)}
    for migration in asked:
        try:
            _check(migration, before.get(migration.name))
            if migration.name not in before:
                _apply(link, migration, deadline)
        except Failed as failure:
            noted = {"name": migration.name, "sha256": migration.sha256, "message": str(failure), "attempt": attempt}
            run(_NOTE_FAILED, **noted)
            return {"state": "failed", "failed": {"name": migration.name, "message": str(failure)}}
        run(_FORGET_FAILURE, name=migration.name)
    return {"state": "done", "applied": _applied(link)}


def _applied(link: rds.Link) -> list[dict[str, str]]:
    return [{"name": name, "sha256": sha256} for name, sha256 in link.connection.run(_APPLIED)]


def _check(migration: Migration, applied: str | None) -> None:
    if hashlib.sha256(migration.sql.encode()).hexdigest() != migration.sha256:
        raise Failed("its text does not have the sha256 that came with it: it was damaged on the way; ask again")
    if applied not in (None, migration.sha256):
        raise Failed(
            f"changed after it was applied (sha256 {applied} then, {migration.sha256} now): put the file back as it was, "
            "and the change into a new migration"
        )


def _apply(link: rds.Link, migration: Migration, deadline: float) -> None:
    """One transaction for the migration and its row."""
    run = link.connection.run
    run("BEGIN")
    try:
        _transact(link, migration, milliseconds=int((deadline - time.perf_counter()) * 1000))
    except rds.DatabaseError as error:
        run("ROLLBACK")
        raise Failed(_explained(error)) from error
    except Failed:
        run("ROLLBACK")
        raise


def _transact(link: rds.Link, migration: Migration, *, milliseconds: int) -> None:
    run = link.connection.run
    if milliseconds <= 0:
        raise Failed("no time was left for it: ask again")
    run(f"SET LOCAL statement_timeout = {milliseconds}")
    began = run("SELECT pg_current_xact_id()::text")
    run(migration.sql)
    if run("SELECT pg_current_xact_id()::text") != began:
        raise Failed(
            "it ended its transaction, so that a part of it may stay: take BEGIN, COMMIT and ROLLBACK out of the file"
        )
    run("RESET ROLE")  # a migration may act as another role; the ledger is ours
    run(_NOTE_APPLIED, name=migration.name, sha256=migration.sha256)
    run("COMMIT")


def _explained(error: rds.DatabaseError) -> str:
    match rds.sqlstate(error):
        case "55P03":
            return (
                f"{access.words(error)}: another session held a table longer than {access.SETTINGS['lock_timeout']}; it was "
                "rolled back, so that requests do not wait behind it: ask again, or end that session"
            )
        case "57014":
            return f"{access.words(error)}: it took longer than the runner may: carry it out in smaller parts"
        case _:
            return access.words(error)
