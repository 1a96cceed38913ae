"""boto3 clients: made late and once per service and Region, with every HTTP attempt counted.

Making clients is most of what a pass with nothing to do costs, so all come from one session, whose caches of service
models and endpoint rules they share: the first client of a service costs 10–70 ms, one for a further Region 5.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import boto3
from botocore.config import Config

_CONNECT, _READ = 3, 20  # seconds; a write must end within the margin of the lease
_POOL = 16  # connections that one client keeps: more than the reads it ever has at once


class Clients:
    def __init__(self) -> None:
        self._making = threading.Lock()  # a boto3 session makes one client at a time
        self._counting = threading.Lock()
        self._session: boto3.Session | None = None
        self._made: dict[tuple[str, str, bool], Any] = {}
        self._calls: Counter[str] = Counter()
        common: dict[str, Any] = {
            "user_agent_extra": f"meridian/{version('meridian')}",
            "connect_timeout": _CONNECT,
            "read_timeout": _READ,
            "max_pool_connections": _POOL,
        }
        self._reading = Config(**common, retries={"mode": "adaptive", "total_max_attempts": 4})
        # A write that failed on its way may have been carried out: whether to repeat it is for the next pass to see.
        self._writing = Config(**common, retries={"mode": "standard", "total_max_attempts": 1})

    def reader(self, service: str, region: str) -> Any:
        return self._client(service, region, writes=False)

    def writer(self, service: str, region: str) -> Any:
        return self._client(service, region, writes=True)

    def calls(self) -> Mapping[str, int]:
        """HTTP attempts so far, by service."""
        with self._counting:
            return dict(self._calls)

    def _client(self, service: str, region: str, *, writes: bool) -> Any:
        key = (service, region, writes)
        if key not in self._made:
            with self._making:
                if key not in self._made:
                    self._made[key] = self._make(service, region, self._writing if writes else self._reading)
        return self._made[key]

    def _make(self, service: str, region: str, config: Config) -> Any:
        if self._session is None:
            self._session = boto3.Session()
        make: Any = self._session.client
        client = make(service, region_name=region, config=config)

        def count(**_: Any) -> None:
            with self._counting:
                self._calls[service] += 1

        client.meta.events.register("before-send", count)
        return client
