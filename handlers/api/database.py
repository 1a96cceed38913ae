"""The Region's database, whatever its role is just now.

Which Region writes is not configured; it moves while this runs. The function knows both endpoints of its own cluster: if the
cluster's leads to a database that is not in recovery, this Region writes; else the reader's is used, and Aurora forwards what
changes rows. The role is looked at again after 30 s, and at once when something says that it has changed: a write refused as
read-only, a session ended by the server, a connection that broke. Then the connection is dropped, the role found again, and the
statement sent again, as often as the request's time allows. That is safe because every statement in `sql.py` may be sent twice.

There is one connection per execution environment, which serves one request at a time. Each statement is a transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import rds
import sql

LOOK_AGAIN_SECONDS = 30.0
CONNECT_SECONDS = 1.0
STATEMENT_SECONDS = 3.0
PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Before the second try, the third and so on; then the last one for ever."""
SETTINGS = {
    "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
    "timezone": "UTC",
}
_PASSES = ("25006", "08", "28", "40", "53", "57P")
"""SQLSTATEs, or how they begin, that another try may get past: read-only, connection, log-in, conflict, resources, shutdown."""
_TOO_SLOW = "57014"

Rows = list[list[Any]]


class Unavailable(Exception):
    """No database that could take the statement was found in the request's time."""


@dataclass(kw_only=True)
class Session:
    """A connection, the role of the database behind it, and when that was looked at."""

    link: rds.Link
    writes: bool
    looked: float
    prepared: dict[str, Any] = field(default_factory=dict)

    def run(self, statement: str, parameters: Mapping[str, Any], *, deadline: float) -> Rows:
        """Prepared once for each connection: one way there and back instead of three."""
        self.link.socket.settimeout(_seconds(deadline, STATEMENT_SECONDS))
        if not parameters:
            return list(self.link.connection.run(statement) or ())
        if statement not in self.prepared:
            self.prepared[statement] = self.link.connection.prepare(statement)
        return list(self.prepared[statement].run(**parameters) or ())


class Database:
    """Holds the one session. `environment` is the function's."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._session: Session | None = None
        self.seconds = 0.0

    @property
    def role(self) -> str | None:
        return None if self._session is None else "writer" if self._session.writes else "reader"

    def run(self, statement: str, *, deadline: float, **parameters: Any) -> Rows:
        """Rows of the statement. `deadline` is a value of `time.perf_counter`; after it, `Unavailable`."""
        began = time.perf_counter()
        try:
            return self._persist(lambda: self._ready(deadline).run(statement, parameters, deadline=deadline), deadline)
        finally:
            self.seconds += time.perf_counter() - began

    def drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.link.close()

    def _persist(self, act: Callable[[], Rows], deadline: float) -> Rows:
        tries = 0
        while True:
            try:
                return act()
            except rds.DatabaseError as error:
                state = rds.sqlstate(error)
                if state == _TOO_SLOW:
                    raise Unavailable("the statement took too long") from error
                if not state.startswith(_PASSES):
                    raise
                reason = f"{state} {rds.message(error)}"
            except rds.BROKEN as error:
                reason = str(error) or type(error).__name__
            self.drop()
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            tries += 1
            if time.perf_counter() + pause >= deadline:
                raise Unavailable(reason)
            time.sleep(pause)

    def _ready(self, deadline: float) -> Session:
        session = self._session
        if session is None:
            session = self._writer(deadline) or self._reader(deadline)
        # By `monotonic`, as all caches: how long something counts. A deadline is a measurement, and goes by `perf_counter`.
        elif time.monotonic() - session.looked >= LOOK_AGAIN_SECONDS:
            session = self._looked_again(session, deadline)
        self._session = session
        return session

    def _looked_again(self, session: Session, deadline: float) -> Session:
        """A reader also asks at the writer's endpoint: a reader's connection stays a reader's when its Region begins to write."""
        if not session.writes and (writer := self._writer(deadline)):
            self.drop()
            return writer
        writes = not _in_recovery(session, deadline)
        if session.writes and not writes:
            raise rds.InterfaceError("this Region does not write any more")
        session.writes, session.looked = writes, time.monotonic()
        return session

    def _writer(self, deadline: float) -> Session | None:
        try:
            session = self._connected("DB_WRITER", deadline)
        except (rds.DatabaseError, *rds.BROKEN):
            return None  # where the Region does not write, nobody answers under this name
        if session.writes:
            return session
        session.link.close()
        return None

    def _reader(self, deadline: float) -> Session:
        session = self._connected("DB_READER", deadline)
        if not session.writes:
            session.run(sql.FORWARD_WITH_SESSION_CONSISTENCY, {}, deadline=deadline)
        return session

    def _connected(self, endpoint: str, deadline: float) -> Session:
        known = self._environment
        place = rds.Place(host=known[endpoint], database=known["DB_NAME"], user=known["DB_USER"], application="api")
        timeout = _seconds(deadline, CONNECT_SECONDS)
        link = rds.connect(place, SETTINGS, region=known["AWS_REGION"], credentials=known, timeout=timeout)
        session = Session(link=link, writes=False, looked=time.monotonic())
        try:
            session.writes = not _in_recovery(session, deadline)
        except BaseException:
            link.close()
            raise
        return session


def _in_recovery(session: Session, deadline: float) -> bool:
    return bool(session.run(sql.IN_RECOVERY, {}, deadline=deadline)[0][0])


def _seconds(deadline: float, most: float) -> float:
    """What is left until `deadline`, and never nothing: a socket without a timeout waits for ever."""
    return max(0.05, min(most, deadline - time.perf_counter()))
