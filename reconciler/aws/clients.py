"""boto3 clients: made late and once per service and Region, with every HTTP attempt counted.

Making clients is most of what a pass with nothing to do costs, so all come from one session, whose caches of service
models and endpoint rules they share: the first client of a service costs 10–30 ms, one for a further Region 5. The
session is that of botocore, which makes boto3's clients: boto3 itself adds transfer managers, which cost 80 ms to import.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session
from botocore.utils import parse_timestamp

from reconciler.aws.budgets import Budgets

_CONNECT, _READ = 3, 20  # seconds; a write must end within the margin of the lease (`lease.MARGIN`)
_STATE_READ = (
    5  # of DynamoDB, which answers in milliseconds or not at all: a heartbeat that hangs must leave time for another
)
_STATE = "dynamodb"
_POOL = 16  # connections that one client keeps: more than the reads it ever has at once


class Clients:
    def __init__(self, budgets: Budgets | None = None) -> None:
        self._budgets = budgets
        self._threads = threading.local()
        self._making = threading.Lock()  # a session makes one client at a time
        self._counting = threading.Lock()
        self._session: Session | None = None
        self._made: dict[tuple[str, str, bool], Any] = {}
        self._calls: Counter[str] = Counter()
        self._fences: list[tuple[Callable[[], None], str]] = []
        common: dict[str, Any] = {
            "user_agent_extra": f"meridian/{version('meridian')}",
            "connect_timeout": _CONNECT,
            "read_timeout": _READ,
            "max_pool_connections": _POOL,
        }
        # Not adaptive: its own brake slowed passes under scattered throttles by a multiple; what stays throttled is Unknown.
        self._reading = Config(**common, retries={"mode": "standard", "total_max_attempts": 4})
        # A write that failed on its way may have been carried out: whether to repeat it is for the next pass to see.
        self._writing = Config(**common, retries={"mode": "standard", "total_max_attempts": 1})

    def reader(self, service: str, region: str) -> Any:
        return self._client(service, region, writes=False)

    def writer(self, service: str, region: str) -> Any:
        return self._client(service, region, writes=True)

    def gently(self) -> None:
        """From here on this thread's requests take only what others leave of the budgets."""
        self._threads.gentle = True

    @contextmanager
    def fenced(self, check: Callable[[], None], name: str = "") -> Iterator[None]:
        """Ask this in front of every HTTP request that writes, but for those of the state, which carry their own condition: one
        step may take several, and the lease run out between them. `name` goes along as user agent, into CloudTrail: which pass
        made a call can be told ever after."""
        self._fences.append((check, name))
        try:
            yield
        finally:
            self._fences.remove((check, name))

    def calls(self) -> Mapping[str, int]:
        """HTTP attempts so far, by service."""
        with self._counting:
            return dict(self._calls)

    def _client(self, service: str, region: str, *, writes: bool) -> Any:
        key = (service, region, writes)
        if key not in self._made:
            with self._making:
                if key not in self._made:
                    self._made[key] = self._make(service, region, writes=writes)
        return self._made[key]

    def _make(self, service: str, region: str, *, writes: bool) -> Any:
        config = self._writing if writes else self._reading
        if service == _STATE:
            config = config.merge(Config(read_timeout=_STATE_READ))
        if self._session is None:
            self._session = _session()
        make: Any = self._session.create_client
        client = make(service, region_name=region, config=config)

        def count(**_: Any) -> None:
            with self._counting:
                self._calls[service] += 1

        def ask(request: Any, **_: Any) -> None:
            for check, name in tuple(self._fences):
                check()
                if name:  # no signature covers it
                    request.headers["User-Agent"] = f"{_text(request.headers['User-Agent'])} {name}"

        if writes and service != _STATE:
            client.meta.events.register_first("before-send", ask)

        def wait(**_: Any) -> None:
            if self._budgets:
                self._budgets.take(service, region, gently=getattr(self._threads, "gentle", False))

        client.meta.events.register("before-sign", wait)  # each attempt is signed anew, and none waits once it is
        client.meta.events.register("before-send", count)
        return client


def _text(header: Any) -> str:
    return header.decode() if isinstance(header, bytes) else str(header)


class _Loader(Loader):
    """Looks once at which of AWS's four hundred services there are, not again for each kind of file about a service."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        return super().list_available_services("service-2")


_loader = cache(_Loader)
"""What it has read of services is the same for all sessions of a process."""


def _session() -> Session:
    session = Session()
    session.register_component("data_loader", _loader())
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_timestamp)
    return session


def _timestamp(value: Any) -> datetime:
    """ISO 8601, as most services write, is parsed by Python itself, thirty times faster than botocore parses anything."""
    if isinstance(value, str) and "T" in value:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass  # for instance `Mon, 23 Nov 2026 ... GMT`
    return parse_timestamp(value)
