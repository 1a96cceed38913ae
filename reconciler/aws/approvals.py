"""Where `meridian approve` writes: one item of table `meridian-state` for each topology, in a partition of its own.

IAM can tell partitions apart, and items of one partition not: so whoever may approve may not touch the status, the lease or
a suspension, and whoever reconciles may not approve.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.recorded import TABLE
from reconciler.aws.table import Condition, StateTable
from reconciler.model.approval import Approval
from reconciler.model.control import APPROVALS
from reconciler.model.errors import LeaseHeld, NotDeployed

_TRIES = 5


def place(name: str) -> dict[str, Any]:
    return {"pk": {"S": f"{APPROVALS}{name}"}, "sk": {"S": "approval"}}


def query(dynamodb: Any, name: str) -> Mapping[str, Any] | None:
    """Raises what boto3 raises. Something that makes no sense is as good as nothing: it approves nothing."""
    return _parsed(_text(dynamodb, name))


class Approvals:
    def __init__(self, clients: Clients, home_region: str) -> None:
        self._clients, self._region = clients, home_region
        self._table = StateTable(clients)

    def change(
        self, name: str, wanted: Callable[[Approval | None], Approval | None]
    ) -> tuple[Approval | None, Approval | None]:
        """What stood there, and stands there now. Raises `ReconcilerError`, also where there is no table yet."""
        for _ in range(_TRIES):
            text = self._read(name)
            before = Approval.recorded(_parsed(text))
            after = wanted(before)
            if after is None or after == before:
                return before, before
            if self._written(name, after, text):
                return before, after
        raise LeaseHeld(f"others change the approval of {name} at the same time; look at its status, and try again")

    def _read(self, name: str) -> str | None:
        try:
            return _text(self._clients.reader("dynamodb", self._region), name)
        except failures.AwsError as error:
            if failures.absent(error):
                return None
            raise failures.translated(error, f"dynamodb:GetItem on {TABLE}", self._region) from error

    def _written(self, name: str, wanted: Approval, text: str | None) -> bool:
        same = Condition(expression="attribute_not_exists(#body)")
        if text is not None:
            same = Condition(expression="#body = :body", values={":body": {"S": text}})
        item = {**place(name), "body": {"S": json.dumps(wanted.document())}}
        written = self._table.put(self._region, item, same)
        if written.absent:
            missing = f"there is no table {TABLE} in {self._region}: nothing was deployed yet, so nothing waits"
            raise NotDeployed(missing)
        return written.refused is None


def _text(dynamodb: Any, name: str) -> str | None:
    item = dynamodb.get_item(TableName=TABLE, Key=place(name), ConsistentRead=True).get("Item")
    return None if item is None else str(item.get("body", {}).get("S", ""))


def _parsed(text: str | None) -> Mapping[str, Any] | None:
    try:
        body = json.loads(text or "null")
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
