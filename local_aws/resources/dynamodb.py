"""DynamoDB: a stack's table takes a while; settings that ministack drops: time to live, point-in-time recovery, encryption."""

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from local_aws import durations, states
from local_aws.gateway.wire import json_object
from local_aws.resources.wrap import Properties, after, around, boolean


def _table(name: str, now: Properties, before: Properties | None) -> None:
    expiry = now.get("TimeToLiveSpecification")
    if expiry and expiry != (before or {}).get("TimeToLiveSpecification"):
        dynamodb._update_ttl(
            {"TableName": name, "TimeToLiveSpecification": {**expiry, "Enabled": boolean(expiry.get("Enabled"))}}
        )
    recovery = now.get("PointInTimeRecoverySpecification")
    if recovery:
        enabled = boolean(recovery.get("PointInTimeRecoveryEnabled"))
        dynamodb._update_continuous_backups(
            {"TableName": name, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}}
        )
    encryption = now.get("SSESpecification")
    if encryption:
        wanted = {**encryption, "Enabled": boolean(encryption.get("SSEEnabled"))}
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(wanted)
    if before is None:
        states.hold(dynamodb._tables[name], "TableStatus", "CREATING", "ACTIVE", durations.TABLE)


async def _handle(stock: Any, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> Any:
    """Reads and writes of items find no table until it is active."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    tables = (dynamodb._tables.get(name) for name in _tables_of(body)) if operation in _OF_ITEMS else ()
    if any(table and table["TableStatus"] == "CREATING" for table in tables):
        return error_response_json("ResourceNotFoundException", "Requested resource not found", 400)
    return await stock(method, path, headers, body, *rest)


_OF_ITEMS = {"DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactWriteItems", "UpdateItem"}


def _tables_of(body: bytes) -> set[str]:
    asked = json_object(body)
    parts = [part for entry in asked.get("TransactItems") or [asked] for part in (entry, *entry.values())]
    names = {str(part.get("TableName", "")) for part in parts if isinstance(part, dict)}
    return {name.rpartition("/")[2] for name in names}  # an ARN is a name, too


def install() -> None:
    around(dynamodb, "handle_request", _handle)
    after("AWS::DynamoDB::Table", _table)
    states.settles("AWS::DynamoDB::Table", dynamodb._tables.get, lambda table: table["TableStatus"] == "ACTIVE")
