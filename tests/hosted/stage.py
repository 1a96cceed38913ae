"""Processes that run side by side on virtual time: threads of which one runs at a time, until it waits for something.

Each says how long what it does takes (`takes`), and the one whose time comes first goes on: the same seed gives the same order.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable


class KilledError(BaseException):
    """This process is gone, at once and wherever it was: nothing on the way may catch it."""


class Stage:
    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, threading.Event]] = []
        self._count = 0
        self._back = threading.Event()
        self._over = False
        self._threads: list[threading.Thread] = []
        self.failed: list[BaseException] = []

    def start(self, process: Callable[[], None]) -> None:
        turn = self._enter(0)

        def run() -> None:
            turn.wait()
            try:
                if not self._over:
                    process()
            except KilledError:
                pass
            except BaseException as error:
                self.failed.append(error)
            finally:
                self._back.set()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def takes(self, seconds: float) -> None:
        """Called by the process that runs: the others have their turn meanwhile."""
        turn = self._enter(seconds)
        self._back.set()
        turn.wait()
        if self._over:
            raise KilledError

    def run(self, until: Callable[[], bool], limit: float) -> None:
        """Until something holds, looked at whenever a process waits; an error of any process ends it."""
        while not until():
            assert self._waiting, "everybody is gone"
            at, _, turn = heapq.heappop(self._waiting)
            self.now = max(self.now, at)
            assert self.now < limit, f"not there after {limit} s"
            self._back.clear()
            turn.set()
            self._back.wait()
            if self.failed:
                raise self.failed[0]

    def end(self) -> None:
        self._over = True
        for _, _, turn in self._waiting:
            turn.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _enter(self, seconds: float) -> threading.Event:
        self._count += 1
        turn = threading.Event()
        heapq.heappush(self._waiting, (self.now + seconds, self._count, turn))
        return turn
