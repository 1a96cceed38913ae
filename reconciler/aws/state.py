"""The `Journal` port on table `meridian-state` in the home Region: a topology's status document, its suspension and its lease.

The status is written in one transaction with a check of the lease's token: who lost the lease writes nothing more. While the
table does not exist (before the first deployment) nothing is held and nothing is kept.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler.aws.clients import Clients
from reconciler.aws.clock import loopback_endpoint
from reconciler.aws.lease import LENGTH, LENGTH_ON_LOOPBACK, Lease
from reconciler.aws.recorded import TABLE, read_recorded
from reconciler.aws.table import Condition, StateTable, Written, key
from reconciler.model.errors import LeaseHeld, LeaseLost, NotDeployed
from reconciler.model.suspension import Suspension
from reconciler.model.topology import Topology
from reconciler.model.turn import Turn

_TRIES = 5
_BODY_LIMIT = 350_000
"""Bytes of a status document; DynamoDB takes 400 KB of an item."""


class DynamoJournal:
    def __init__(self, clients: Clients, lease_seconds: float | None = None) -> None:
        self._clients = clients
        self._table = StateTable(clients)
        self._length = lease_seconds or (LENGTH_ON_LOOPBACK if loopback_endpoint() else LENGTH)
        self._me = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._held: dict[str, Lease] = {}

    def recorded(self, topology: Topology) -> Mapping[str, Any] | None:
        return read_recorded(self._clients, topology.name, topology.home_region).status

    def record(self, topology: Topology, status: Mapping[str, Any]) -> None:
        lease, item = self._lease(topology), {**key(topology.name, "status"), "body": {"S": _bounded(status)}}
        place = key(topology.name, "lease")
        self._fenced(lease, self._table.put_if(topology.home_region, item, place, lease.ours))

    def forget(self, topology: Topology) -> None:
        lease, place = self._lease(topology), key(topology.name, "lease")
        wanted = key(topology.name, "status")
        self._fenced(lease, self._table.delete_if(topology.home_region, wanted, place, lease.ours))

    @contextmanager
    def lease(self, topology: Topology, turn: Turn | None = None) -> Iterator[Lease]:
        lease = Lease(self._table, topology, self._length, self._me)
        if not lease.acquire(turn):
            yield lease
            return
        self._held[topology.name] = lease
        try:
            with self._clients.fenced(lease.check, f"meridian-lease/{topology.name}#{lease.token}"):
                yield lease
        finally:
            del self._held[topology.name]
            lease.release()

    def _lease(self, topology: Topology) -> Lease:
        """Without one that we hold, the state may be written while it is nobody's."""
        return self._held.get(topology.name) or Lease(self._table, topology, self._length, self._me)

    @staticmethod
    def _fenced(lease: Lease, written: Written) -> None:
        if written.refused is not None:
            lease.lose()
            raise LeaseLost(
                "the lease was taken over while this pass worked, so its status is not kept; its holder goes on"
            )


class Suspensions:
    """What `suspend` and `resume` change: at once, without a lease, whoever works on the topology."""

    def __init__(self, clients: Clients, home_region: str) -> None:
        self._clients, self._region = clients, home_region
        self._table = StateTable(clients)

    def change(
        self,
        name: str,
        wanted: Callable[[Suspension | None], Suspension | None],
        resumed: Suspension | None = None,
    ) -> tuple[Suspension | None, Suspension | None]:
        """What was suspended, and is now: None for nothing; `resumed` is kept if that changes anything. Raises `ReconcilerError`,
        also where there is no table yet."""
        for _ in range(_TRIES):
            found = read_recorded(self._clients, name, self._region)
            before = Suspension.recorded(found.suspension)
            after = wanted(before)
            if before == after:
                return before, after
            if self._written(name, after, found.suspension_text):
                self._keep(name, resumed)
                return before, after
        raise LeaseHeld(f"others change the suspension of {name} at the same time; look at its status, and try again")

    def _keep(self, name: str, resumed: Suspension | None) -> None:
        if resumed:
            self._table.put(self._region, {**key(name, "resumed"), "body": {"S": json.dumps(resumed.document())}})

    def _written(self, name: str, wanted: Suspension | None, text: str | None) -> bool:
        place = key(name, "suspend")
        same = Condition(expression="attribute_not_exists(#body)")
        if text is not None:
            same = Condition(expression="#body = :body", values={":body": {"S": text}})
        if wanted is None:
            written = self._table.delete(self._region, place, same)
        else:
            item = {**place, "body": {"S": json.dumps(wanted.document())}}
            written = self._table.put(self._region, item, same)
        if written.absent:
            missing = (
                f"there is no table {TABLE} in {self._region}: nothing was deployed yet, so there is nothing to suspend"
            )
            raise NotDeployed(missing)
        return written.refused is None


def _bounded(status: Mapping[str, Any]) -> str:
    """The document as text, without its oldest history where it would not fit; at last without what is only there to be drawn."""
    document, spare = dict(status), ["resources", "timeline"]
    while len((text := json.dumps(document, separators=(",", ":"))).encode()) > _BODY_LIMIT:
        if document.get("history"):
            document["history"] = list(document["history"])[:-1]
        elif spare:
            document.pop(spare.pop(), None)
        else:
            break
    return text
