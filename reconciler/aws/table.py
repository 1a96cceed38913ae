"""Table `meridian-state` in the home Region: conditional writes of single items, each of them safe to make again.

A write says what became of it: done, refused by its condition (with the item that stands there), or no table. A heartbeat and a
status that meet are a conflict to DynamoDB, which asks for both to be repeated: that is done here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.recorded import TABLE

Item = Mapping[str, Any]
_REFUSED: Final = "ConditionalCheckFailed"
_NO_TABLE: Final = "ResourceNotFound"
_TRIES, _PAUSE = 5, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """An expression with its names and values: attributes as `#name`, values as `:name`."""

    expression: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`old`: the item as it was before an update. `refused`: the item that a condition did not hold for."""

    old: Item = field(default_factory=dict)
    refused: Item | None = None
    absent: bool = False


def key(name: str, kind: str) -> dict[str, Any]:
    return {"pk": {"S": f"topology#{name}"}, "sk": {"S": kind}}


class StateTable:
    """One at a time: of one process no two writes meet."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._writing = threading.Lock()

    def prepare(self, region: str) -> None:
        """Make the client now, so that making it costs nothing of a lease."""
        self._clients.writer("dynamodb", region)

    def update(self, region: str, wanted: Item, change: str, condition: Condition, **more: Any) -> Written:
        """UpdateItem; `more`: further values by name."""
        values = {**condition.values, **{f":{name}": value for name, value in more.items()}}
        arguments = {
            "Key": wanted,
            "UpdateExpression": change,
            "ReturnValues": "ALL_OLD",
            **_condition(Condition(expression=condition.expression, values=values), change),
        }
        return self._write(region, "update_item", arguments)

    def put(self, region: str, item: Item, condition: Condition | None = None) -> Written:
        return self._write(region, "put_item", {"Item": item, **(_condition(condition) if condition else {})})

    def delete(self, region: str, wanted: Item, condition: Condition) -> Written:
        return self._write(region, "delete_item", {"Key": wanted, **_condition(condition)})

    def put_if(self, region: str, item: Item, lease: Item, condition: Condition) -> Written:
        """Put an item while a condition holds for another one, in one transaction."""
        return self._transact(region, {"Put": {"TableName": TABLE, "Item": item}}, lease, condition)

    def delete_if(self, region: str, wanted: Item, lease: Item, condition: Condition) -> Written:
        return self._transact(region, {"Delete": {"TableName": TABLE, "Key": wanted}}, lease, condition)

    def _transact(self, region: str, write: Item, lease: Item, condition: Condition) -> Written:
        check = {"TableName": TABLE, "Key": lease, **_condition(condition)}
        return self._write(region, "transact_write_items", {"TransactItems": [{"ConditionCheck": check}, write]})

    def _write(self, region: str, operation: str, arguments: Mapping[str, Any]) -> Written:
        client = self._clients.writer("dynamodb", region)
        named = {} if operation == "transact_write_items" else {"TableName": TABLE}
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._writing:
                    answer = getattr(client, operation)(**named, **arguments)
                return Written(old=answer.get("Attributes", {}))
            except failures.AwsError as error:
                if tries_left and _conflict(error):
                    time.sleep(_PAUSE)
                    continue
                if (refused := _refused(error)) is not None:
                    return Written(refused=refused)
                if failures.absent(error) or any(r.get("Code", "").startswith(_NO_TABLE) for r in _reasons(error)):
                    return Written(absent=True)
                raise failures.translated(error, f"dynamodb:{operation} on {TABLE}", region) from error
        raise AssertionError("unreachable")


def _condition(condition: Condition, change: str = "") -> dict[str, Any]:
    """Every attribute goes by a placeholder: DynamoDB reserves hundreds of words."""
    words = f"{condition.expression} {change}".replace("(", " ").replace(")", " ").replace(",", " ").split()
    return {
        "ConditionExpression": condition.expression,
        "ExpressionAttributeNames": {w: w.removeprefix("#") for w in words if w.startswith("#")},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **({"ExpressionAttributeValues": dict(condition.values)} if condition.values else {}),
    }


def _reasons(error: Exception) -> list[Mapping[str, Any]]:
    response: Any = error.response if isinstance(error, ClientError) else {}
    return list(response.get("CancellationReasons", ()))


def _refused(error: Exception) -> Item | None:
    if failures.code(error) == f"{_REFUSED}Exception":
        return failures.item(error)
    return next((dict(r.get("Item", {})) for r in _reasons(error) if r.get("Code") == _REFUSED), None)


def _conflict(error: Exception) -> bool:
    """Another write of the same item at the same moment: neither was carried out, or only the other one."""
    met = {r.get("Code") for r in _reasons(error)} - {"None", None}
    return met == {"TransactionConflict"} or failures.code(error) == "TransactionConflictException"
