"""The virtual clock: it starts at wall time and runs `speed` times as fast.

Everything inside the server reads it, because `install` replaces the functions of `time` and `datetime` before ministack is
imported. Two things keep wall time: the check of request signatures (clients sign with their own clock) and the Date header.
"""

import datetime as dt
import heapq
import itertools
import logging
import threading
import time as time_module
from asyncio import AbstractEventLoop, Future, TimerHandle
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from types import SimpleNamespace

wall_time = time_module.time
wall_gmtime = time_module.gmtime
wall_strftime = time_module.strftime
wall_datetime = dt.datetime

logger = logging.getLogger("local_aws.clock")

# A polling thread of ministack never spins faster than this, whatever the speed (wall seconds).
SHORTEST_POLL = 0.05


@dataclass(order=True, slots=True)
class Timer:
    """One thing to do at a virtual moment, in the context of whoever asked for it."""

    at: float
    order: int
    context: Context = field(compare=False)
    action: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        self.action = None


class Clock:
    """Virtual time, and the timers that go by it. Timers live on the server's event loop."""

    def __init__(self) -> None:
        self.speed = 1.0
        self._wall = self._virtual = wall_time()
        self._changed = threading.Condition()
        self._loop: AbstractEventLoop | None = None
        self._loop_thread = 0
        self._timers: list[Timer] = []
        self._order = itertools.count()
        self._alarm: TimerHandle | None = None
        self._followers: list[Callable[[float, float, float], None]] = []

    def now(self) -> float:
        return self._virtual + (wall_time() - self._wall) * self.speed

    def set_speed(self, speed: float) -> None:
        """Change the speed without a jump; sleeps and timers that already run follow at once."""
        with self._changed:
            self._virtual, self._wall, self.speed = self.now(), wall_time(), speed
            self._changed.notify_all()
        for tell in self._followers:
            tell(self._virtual, self._wall, self.speed)
        self._arm()

    def follow(self, tell: Callable[[float, float, float], None]) -> None:
        """`tell(virtual time, the wall time at which it was that, speed)`, now and whenever the speed changes."""
        self._followers.append(tell)
        tell(self._virtual, self._wall, self.speed)

    # --- timers ---------------------------------------------------------------------------------------------------

    def attach(self, loop: AbstractEventLoop) -> None:
        """Timers fire on this loop; call from its thread."""
        self._loop, self._loop_thread = loop, threading.get_ident()

    def later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Run `action` after virtual seconds, with the account and Region of whoever asks. From any thread."""
        timer = Timer(self.now() + seconds, next(self._order), copy_context(), action)
        self.in_loop(lambda: self._push(timer))
        return timer

    def in_flight(self) -> list[float]:
        """The virtual seconds that are left of everything under way."""
        return [timer.at - self.now() for timer in self._timers if timer.action]

    def clear(self) -> None:
        self._timers.clear()

    async def sleep(self, seconds: float) -> None:
        assert self._loop is not None, "timers need the server's event loop"
        done: Future[None] = self._loop.create_future()
        timer = self.later(seconds, lambda: None if done.done() else done.set_result(None))
        try:
            await done
        finally:
            timer.cancel()

    def in_loop(self, action: Callable[[], None]) -> None:
        assert self._loop is not None, "timers need the server's event loop"
        if threading.get_ident() == self._loop_thread:
            action()
        else:
            self._loop.call_soon_threadsafe(action)

    def _push(self, timer: Timer) -> None:
        heapq.heappush(self._timers, timer)
        self._arm()

    def _arm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        if self._loop and self._timers:
            wait = max(0.0, self._timers[0].at - self.now()) / self.speed
            self._alarm = self._loop.call_later(wait, self._fire)

    def _fire(self) -> None:
        self._alarm = None
        while self._timers and self._timers[0].at <= self.now():
            timer = heapq.heappop(self._timers)
            if timer.action:
                try:
                    timer.context.run(timer.action)
                except Exception:
                    logger.exception("a timer failed")
        self._arm()

    # --- what ministack's threads see ----------------------------------------------------------------------------------

    def thread_sleep(self, seconds: float) -> None:
        """`time.sleep` in virtual seconds; a change of speed shortens or lengthens what is left."""
        end, floor = self.now() + seconds, time_module.monotonic() + min(seconds, SHORTEST_POLL)
        with self._changed:
            while (left := max((end - self.now()) / self.speed, floor - time_module.monotonic())) > 0:
                self._changed.wait(left)


CLOCK = Clock()


class _AnyDatetime(type(wall_datetime)):
    """Makes every real datetime an instance of the virtual class, so that isinstance keeps working."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, wall_datetime)


class VirtualDatetime(wall_datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "VirtualDatetime":
        return cls.fromtimestamp(CLOCK.now(), tz)

    @classmethod
    def utcnow(cls) -> "VirtualDatetime":
        return cls.fromtimestamp(CLOCK.now(), dt.UTC).replace(tzinfo=None)


def wall_clock_module() -> SimpleNamespace:
    """The datetime module as it was, for code that must keep wall time."""
    return SimpleNamespace(**{**vars(dt), "datetime": wall_datetime})


def install() -> None:
    """Put the virtual clock in place of the wall clock. Call before ministack is imported."""
    time_module.time = CLOCK.now
    time_module.time_ns = lambda: int(CLOCK.now() * 1e9)
    time_module.gmtime = lambda seconds=None: wall_gmtime(CLOCK.now() if seconds is None else seconds)
    time_module.strftime = lambda form, parts=None: wall_strftime(form, parts or wall_gmtime(CLOCK.now()))
    time_module.sleep = CLOCK.thread_sleep
    dt.datetime = VirtualDatetime


def rfc3339(moment: float) -> str:
    return wall_datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
