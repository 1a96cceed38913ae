"""Clients in three places, each at a steady rate: they write orders and read what somebody else wrote.

Who is not answered tries again, an order with the key it had: an order may not be lost, nor be there twice.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from tests.embedded.conftest import Aws
from tests.embedded.edge_client import LONDON, NEW_YORK, TOKYO, Client

PLACES = {"London": LONDON, "Tokyo": TOKYO, "New York": NEW_YORK}
WRITES = 0.4
"""Share of requests that write."""
TRIES_AGAIN = 0.5
"""Wall seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt: AWS's time when it began and when it ended, and what came of it. Status 0: no answer at all."""

    place: str
    begun: datetime
    ended: datetime
    writes: bool
    status: int
    region: str | None

    @property
    def answered(self) -> bool:
        return 200 <= self.status < 300


@dataclass
class Clients:
    aws: Aws
    rate: float
    """Requests per wall second of each place."""
    calls: list[Call] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    """Idempotency key to the order's id: what was acknowledged."""
    stale: list[str] = field(default_factory=list)
    """Orders that their own writer did not find."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _pause: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._works, args=(name,), daemon=True) for name in PLACES]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def pause(self) -> None:
        """While the clock runs so fast that a request would seem to take minutes."""
        self._pause.set()

    def resume(self) -> None:
        self._pause.clear()

    def _works(self, place: str) -> None:
        chaos, numbers = random.Random(place), itertools.count(1)
        client = Client(self.aws, PLACES[place])
        while not self._stop.is_set():
            begun = time.monotonic()
            if not self._pause.is_set():
                if chaos.random() < WRITES or not self.orders:
                    self._writes(client, place, f"{place.replace(' ', '-')}-{next(numbers):05d}")
                else:
                    self._asks(client, place, "GET", f"/orders/{chaos.choice(list(self.orders.values()))}")
            self._stop.wait(max(0.0, 1 / self.rate - (time.monotonic() - begun)))

    def _writes(self, client: Client, place: str, key: str) -> None:
        order = {"customer": place.replace(" ", "-"), "items": [{"sku": "tea", "quantity": 1, "unitPrice": 250}]}
        while not self._stop.is_set():
            call, body = self._asks(client, place, "POST", "/orders", json.dumps(order).encode(), Idempotency_Key=key)
            if call.answered:
                self.orders[key] = body["id"]
                return
            self._stop.wait(TRIES_AGAIN)

    def _asks(self, client: Client, place: str, method: str, path: str, body: bytes | None = None, **headers: str):
        begun = self.aws.now()
        try:
            answer = client.asks(method, path, body, Content_Type="application/json", **headers)
            status, region, content = answer.status, answer.region, answer.body
        except OSError:
            status, region, content = 0, None, b""
        call = Call(
            place=place, begun=begun, ended=self.aws.now(), writes=method != "GET", status=status, region=region
        )
        self.calls.append(call)
        return call, json.loads(content) if call.answered else {}
