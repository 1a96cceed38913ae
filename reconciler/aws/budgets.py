"""How many requests of each service are made in a second: below what AWS throttles, so that the account's other users get theirs.

A request waits for its turn, before it is signed and before the lease is looked at; none ever fails for it. The numbers are AWS's
where they are published (aws-facts §10), with room below them; bursts hold what a pass over three Regions reads at once, so that a
single topology hardly ever waits. On the embedded AWS, whose buckets fill in virtual time, ours do, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

Pace = Callable[[], float]
"""How many times faster than the wall AWS's clock goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    rate: float
    burst: int
    everywhere: bool = False
    """One limit for the account, not one for each Region."""


LIMITS = {
    "route53": Limit(
        rate=5, burst=20, everywhere=True
    ),  # 5 a second by the API's guide, 10 with a burst of 50 as measured
    "cloudfront": Limit(rate=2, burst=10, everywhere=True),  # unpublished; throttled from some requests a second
    "apigateway": Limit(rate=5, burst=20),  # 10 with a burst of 40, not raisable
    "cloudformation": Limit(rate=8, burst=40),  # about 10
    "cloudtrail": Limit(rate=2, burst=2),  # LookupEvents: 2
    "rds": Limit(rate=10, burst=30),  # 10 to 20, shared by all of the account
}


class Bucket:
    def __init__(self, limit: Limit, pace: Pace, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._limit, self._pace, self._clock, self._sleep = limit, pace, clock, sleep
        self._lock = threading.Lock()
        self._left, self._seen = float(limit.burst), clock()

    def take(self) -> None:
        """Waits while the bucket is empty; who comes first goes first."""
        with self._lock:
            rate = self._fill()
            self._left -= 1
            wait = max(0.0, -self._left / rate)
        if wait:
            self._sleep(wait)

    def take_gently(self) -> None:
        """Waits until the bucket is more than half full, and takes nothing before: whoever does not wait goes first."""
        while True:
            with self._lock:
                rate = self._fill()
                lacks = self._limit.burst / 2 + 1 - self._left
                if lacks <= 0:
                    self._left -= 1
                    return
            self._sleep(lacks / rate)

    def _fill(self) -> float:
        """With what has come since; gives the rate."""
        # Never slower than on AWS: a clock that somebody nearly stopped, to look at a moment, must not stop us.
        now, rate = self._clock(), self._limit.rate * max(1.0, self._pace())
        self._left = min(self._limit.burst, self._left + (now - self._seen) * rate)
        self._seen = now
        return rate


class Budgets:
    def __init__(
        self, pace: Pace, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._pace, self._clock, self._sleep = pace, clock, sleep
        self._making = threading.Lock()
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def take(self, service: str, region: str, *, gently: bool = False) -> None:
        """`gently`: takes only what others leave, half of each bucket at most."""
        limit = LIMITS.get(service)
        if limit is None:
            return
        place = (service, "" if limit.everywhere else region)
        with self._making:
            if place not in self._buckets:
                self._buckets[place] = Bucket(limit, self._pace, self._clock, self._sleep)
        bucket = self._buckets[place]
        bucket.take_gently() if gently else bucket.take()
