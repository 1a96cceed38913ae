"""The journal of one topology in memory, as table `meridian-state` keeps it: a lease with its token, and the status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reconciler.model.errors import LeaseHeld, LeaseLost, StaleTimer
from reconciler.model.turn import Turn
from tests.hosted.stage import KilledError, Stage

LENGTH, MARGIN, GRACE = 60.0, 25.0, 5.0


@dataclass
class Table:
    """One item `lease` and one item `status`."""

    holder: Lease | None = None
    token: int = 0
    due: str | None = None
    dirty: bool = False
    status: str | None = None
    steals: int = 0


@dataclass(eq=False)
class Lease:
    """Its holder renews it as long as it runs; `silent_since`: when it last could."""

    stage: Stage
    table: Table
    token: int
    stolen: bool = False
    due: str | None = None
    dirty: bool = False
    released: bool = False
    silent_since: float | None = None

    @property
    def until(self) -> float:
        return (self.stage.now if self.silent_since is None else self.silent_since) + LENGTH

    @property
    def asked(self) -> bool:
        return self.table.dirty

    def thaw(self) -> None:
        """Able to renew again, if nobody took it meanwhile."""
        if self.table.holder is self:
            self.silent_since = None

    def check(self) -> None:
        if self.table.holder is not self or self.stage.now >= self.until - MARGIN:
            raise LeaseLost("taken over")

    def working_on(self, step: str) -> None:
        pass


class Journal:
    """Of one process. `takes`: how long a write takes, and where the process may freeze or die."""

    def __init__(self, stage: Stage, table: Table, takes: Callable[[], None]) -> None:
        self.stage, self.table, self.takes = stage, table, takes
        self.held: Lease | None = None

    def recorded(self, _topology: object) -> Mapping[str, Any] | None:
        self.takes()
        return json.loads(self.table.status) if self.table.status else None

    def record(self, _topology: object, status: Mapping[str, Any]) -> None:
        self.takes()
        if self.held is None or self.table.holder is not self.held:
            raise LeaseLost("taken over")
        self.table.status = json.dumps(status)

    def forget(self, _topology: object) -> None:
        self.table.status = None

    @contextmanager
    def lease(self, _topology: object, turn: Turn | None = None) -> Iterator[Lease]:
        self.takes()
        lease = self.held = self._take(turn)
        try:
            yield lease
        except KilledError:
            lease.silent_since = self.stage.now
            raise
        except BaseException:
            self._release(lease)
            raise
        self._release(lease)

    def _take(self, turn: Turn | None) -> Lease:
        table = self.table
        if turn and turn.due and table.due and turn.due != table.due:
            raise StaleTimer(turn.due)
        if table.holder and self.stage.now <= table.holder.until + GRACE:
            error = LeaseHeld("held")
            if turn:
                error.marked = bool(turn.due) or not table.dirty
                table.dirty = table.dirty or not turn.due
                table.due = turn.retry if error.marked else table.due
            raise error
        table.steals += table.holder is not None
        table.token += 1
        table.holder = Lease(self.stage, table, table.token, stolen=table.holder is not None)
        table.dirty = False
        return table.holder

    def _release(self, lease: Lease) -> None:
        self.takes()
        if self.table.holder is lease:
            self.table.holder, lease.released, lease.dirty = None, True, self.table.dirty
            self.table.dirty = False
            self.table.due = lease.due or self.table.due
