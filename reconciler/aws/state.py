"""The `Journal` port on table `meridian-state` in the home Region: a topology's status document and its lease.

The lease goes by wall time. Its holder renews it from a thread; one that stopped renewing is taken over when the lease
has run out. While the table does not exist (before the first deployment) nothing is held.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.clock import loopback_endpoint
from reconciler.aws.read_global import TABLE
from reconciler.model.errors import LeaseHeld, LeaseLost, ReconcilerError
from reconciler.model.topology import Topology

_LEASE, _LEASE_ON_LOOPBACK = 60.0, 3.0
_BODY_LIMIT = 350_000
"""Bytes of a status document; DynamoDB takes 400 KB of an item."""


class Lease:
    """Ours while `check` returns. Without a table it is never lost."""

    def __init__(self) -> None:
        self._lost = threading.Event()
        self.until = float("inf")

    def check(self) -> None:
        """Call before every write: raises `LeaseLost` once somebody else may be writing."""
        if self._lost.is_set() or time.time() >= self.until:
            raise LeaseLost("the lease ran out or was taken over while this pass worked; whoever holds it goes on")

    def lose(self) -> None:
        self._lost.set()


class DynamoJournal:
    def __init__(self, clients: Clients, lease_seconds: float | None = None) -> None:
        self._clients = clients
        self._length = lease_seconds or (_LEASE_ON_LOOPBACK if loopback_endpoint() else _LEASE)
        self._me = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"

    def record(self, topology: Topology, status: Mapping[str, Any]) -> None:
        item = {**_key(topology, "status"), "body": {"S": _bounded(status)}}
        self._write(topology, "put_item", Item=item)

    def forget(self, topology: Topology) -> None:
        self._write(topology, "delete_item", Key=_key(topology, "status"))

    @contextmanager
    def lease(self, topology: Topology) -> Iterator[Lease]:
        lease = Lease()
        if not self._acquire(topology, lease):
            yield lease
            return
        stop = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(topology, lease, stop), name="lease", daemon=True)
        renewal.start()
        try:
            yield lease
        finally:
            stop.set()
            renewal.join(timeout=self._length)
            self._release(topology)

    def _acquire(self, topology: Topology, lease: Lease) -> bool:
        """True: held. False: there is no table. A holder that renews while we watch is alive: `LeaseHeld`."""
        watched: str | None = None
        self._clients.writer("dynamodb", topology.home_region)  # made now, so that making it costs nothing of the lease
        while True:
            until = time.time() + self._length
            taken = self._write(
                topology,
                "put_item",
                Item=self._item(topology, until),
                # Ours already: an attempt that seemed to fail was carried out.
                ConditionExpression="attribute_not_exists(pk) OR #until < :now OR holder = :me",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues={":now": {"N": repr(time.time())}, ":me": {"S": self._me}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            if taken.absent:
                return False
            if taken.refused is None:
                lease.until = until
                return True
            seen = taken.refused.get("until", {}).get("N", "")
            if watched is not None and seen != watched:
                holder = taken.refused.get("holder", {}).get("S", "another process")
                raise LeaseHeld(f"{holder} works on {topology.name} and is alive; wait for it to end")
            watched = seen
            time.sleep(self._length / 6)

    def _renew(self, topology: Topology, lease: Lease, stop: threading.Event) -> None:
        while not stop.wait(self._length / 3):
            until = time.time() + self._length
            try:
                answer = self._write(
                    topology,
                    "put_item",
                    Item=self._item(topology, until),
                    ConditionExpression="holder = :me",
                    ExpressionAttributeValues={":me": {"S": self._me}},
                )
            except ReconcilerError:
                continue  # the next try may succeed; `check` fails when the lease has run out
            if answer.absent or answer.refused is not None:
                lease.lose()
                return
            lease.until = until

    def _release(self, topology: Topology) -> None:
        try:
            self._write(
                topology,
                "delete_item",
                Key=_key(topology, "lease"),
                ConditionExpression="holder = :me",
                ExpressionAttributeValues={":me": {"S": self._me}},
            )
        except ReconcilerError:
            return  # it runs out by itself

    def _item(self, topology: Topology, until: float) -> dict[str, Any]:
        return {
            **_key(topology, "lease"),
            "holder": {"S": self._me},
            "until": {"N": repr(until)},
        }

    def _write(self, topology: Topology, operation: str, **arguments: Any) -> _Answer:
        region = topology.home_region
        client = self._clients.writer("dynamodb", region)
        try:
            getattr(client, operation)(TableName=TABLE, **arguments)
        except failures.AwsError as error:
            if failures.code(error) == "ConditionalCheckFailedException":
                return _Answer(refused=failures.item(error))
            if failures.absent(error):
                return _Answer(absent=True)
            raise failures.translated(error, f"dynamodb:{operation} on {TABLE}", region) from error
        return _Answer()


class _Answer:
    """What became of a write: done, refused by its condition (with the item that stands there), or no table."""

    def __init__(self, *, refused: Mapping[str, Any] | None = None, absent: bool = False) -> None:
        self.refused = refused
        self.absent = absent


def _key(topology: Topology, kind: str) -> dict[str, Any]:
    return {"pk": {"S": f"topology#{topology.name}"}, "sk": {"S": kind}}


def _bounded(status: Mapping[str, Any]) -> str:
    """The document as text, without its oldest history where it would not fit."""
    document = dict(status)
    while len((text := json.dumps(document, separators=(",", ":"))).encode()) > _BODY_LIMIT and document.get("history"):
        document["history"] = list(document["history"])[:-1]
    return text
