"""Virtual time: events in order, and whoever wants to see every moment at which something changes."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

START = datetime(2026, 1, 1, tzinfo=UTC)


class Watcher(Protocol):
    def passes(self, start: float, end: float) -> None:
        """Nothing changes between these two moments."""

    def changed(self) -> None:
        """Something did, just now."""


class Timeline:
    """Seconds since the start. What is scheduled happens while time is made to pass, and at no other moment."""

    def __init__(self) -> None:
        self.now = 0.0
        self.watchers: list[Watcher] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.now + seconds, self._count, do))

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            at, _, do = heapq.heappop(self._queue)
            self._move(at)
            do()
            self.changed()
        self._move(end)

    def next_event(self) -> float | None:
        """Seconds until something happens by itself."""
        return self._queue[0][0] - self.now if self._queue else None

    def changed(self) -> None:
        for watcher in self.watchers:
            watcher.changed()

    def _move(self, at: float) -> None:
        if at > self.now:
            for watcher in self.watchers:
                watcher.passes(self.now, at)
            self.now = at


def instant(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)
