"""Reads side by side: each guarded, so that one that fails becomes `Unknown` in its place and blinds nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model.errors import GaveWay
from reconciler.model.observed import Unknown

T = TypeVar("T")
Absent = TypeVar("Absent")
_THREADS = 96
"""For ten Regions, which make two hundred reads, two thirds of them at once. With half as many threads, calls queue: 400 ms of
latency then cost twice what they cost at three Regions. Twice as many gained nothing more."""


class Reads:
    """A pool of guarded calls. `Clients` are made in its threads, when the first call needs them."""

    def __init__(self, clients: Clients, asked: Callable[[], bool] | None = None) -> None:
        """`asked`: these reads wait for all others, and end with `GaveWay` once it says so."""
        self._clients, self._asked = clients, asked
        gently = clients.gently if asked else None
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="read", initializer=gently)

    def start(
        self, service: str, region: str, read: Callable[[Any], T], absent: Absent
    ) -> Future[T | Absent | Unknown]:
        """Begin a read; its result is the answer, `absent` where AWS says there is no such thing, or `Unknown`."""

        def guarded() -> T | Absent | Unknown:
            if self._asked and self._asked():
                raise GaveWay("somebody asked for a pass while this sweep was reading; it is made up for later")
            try:
                return read(self._clients.reader(service, region))
            except failures.AwsError as error:
                return absent if failures.absent(error) else failures.unknown(error)

        return self._pool.submit(guarded)

    def one(
        self, service: str, region: str, read: Callable[[Any], Mapping[str, Any]]
    ) -> Future[Mapping[str, Any] | None | Unknown]:
        return self.start(service, region, read, None)

    def many(
        self, service: str, region: str, operation: str, key: str, **arguments: Any
    ) -> Future[Sequence[Mapping[str, Any]] | Unknown]:
        """Every item of a paginated listing."""

        def pages(client: Any) -> Sequence[Mapping[str, Any]]:
            return [
                item for page in client.get_paginator(operation).paginate(**arguments) for item in page.get(key, ())
            ]

        nothing: Sequence[Mapping[str, Any]] = ()
        return self.start(service, region, pages, nothing)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def done(value: T) -> Future[T]:
    """A read that needs no call."""
    future: Future[T] = Future()
    future.set_result(value)
    return future


def body(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """A response without its envelope."""
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}
