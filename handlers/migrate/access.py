"""The way to the writer, for migrations: the cluster's endpoint leads there, if this Region writes at all.

Unlike the service this uses no forwarding, which does not take schema changes, and no second try: whoever asked asks again.
An answer `reader` may also mean that the writer is not there just now while a reader of the same Region is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rds

CONNECT_SECONDS = 8.0
SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "10s",
    # When the function is gone, so is its session soon, and the lock with it.
    "client_connection_check_interval": "5s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_NOT_ADMITTED = "28"
"""Class of SQLSTATEs of a failed log-in. RDS says 28000, "PAM authentication failed" [S: warpgate#1906], also of a role that
does not exist [K]."""


@dataclass(frozen=True, kw_only=True)
class Master:
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Master({self.user})"  # a password has no business in a traceback


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """There is no writer here, or none for us: `reader`, `unprepared` or `unreachable`."""

    state: str
    message: str = ""

    def answer(self) -> dict[str, Any]:
        return {"state": self.state, "message": self.message} if self.message else {"state": self.state}


def find_writer(environment: Mapping[str, str], master: Master | None = None) -> rds.Link | Elsewhere:
    """Asks at the writer's endpoint, then at the reader's: in a Region that does not write only that one answers."""
    found: rds.Link | Elsewhere = Elsewhere(state="unreachable")
    for endpoint in ("DB_WRITER", "DB_READER"):
        found = _connected(environment, endpoint, master)
        if isinstance(found, rds.Link) or found.state != "unreachable":
            return found
    return found


def words(error: Exception) -> str:
    if isinstance(error, rds.DatabaseError):
        return f"{rds.message(error)} ({rds.sqlstate(error)})"
    return str(error) or type(error).__name__


def _connected(environment: Mapping[str, str], endpoint: str, master: Master | None) -> rds.Link | Elsewhere:
    host = environment[endpoint]
    user = environment["DB_USER"] if master is None else master.user
    place = rds.Place(host=host, database=environment["DB_NAME"], user=user, application="migrate")
    try:
        if master is None:
            region = environment["AWS_REGION"]
            link = rds.connect(place, SETTINGS, region=region, credentials=environment, timeout=CONNECT_SECONDS)
        else:
            link = rds.connect_with_password(place, master.password, SETTINGS, timeout=CONNECT_SECONDS)
    except rds.DatabaseError as error:
        return Elsewhere(
            state="unprepared" if rds.sqlstate(error).startswith(_NOT_ADMITTED) else "unreachable", message=words(error)
        )
    except rds.BROKEN as error:
        return Elsewhere(state="unreachable", message=f"{host}: {words(error)}")
    try:
        reads = link.connection.run("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean")[
            0
        ][0]
    except (rds.DatabaseError, *rds.BROKEN) as error:
        link.close()
        return Elsewhere(state="unreachable", message=words(error))
    if reads:
        link.close()
        return Elsewhere(state="reader")
    return link
