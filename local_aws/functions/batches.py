"""What a function is given of a queue, and what its answer says of the messages: those that it has not done come back.

[V: Lambda Developer Guide, "Using Lambda with Amazon SQS", the event; "Implementing partial batch responses": success and failure
conditions]
"""

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

PATCHED: tuple[str, ...] = ("ministack.services.lambda_svc._sqs_message_attributes_to_camel_case",)

Record = dict[str, Any]
NAME = "ReportBatchItemFailures"


def failures(mapping: dict[str, Any], answer: Any, ids: set[str]) -> set[str]:
    """All of them for an answer that is wrong; none for one that names none."""
    if NAME not in (mapping.get("FunctionResponseTypes") or []):
        return set()
    try:
        found = json.loads(answer) if isinstance(answer, str | bytes) and answer else answer
    except ValueError:
        return ids
    if not isinstance(found, dict):
        return set() if not found else ids
    named = [_named(item) for item in found.get("batchItemFailures") or []]
    return {str(name) for name in named} if all(name in ids for name in named) else ids


def _named(item: Any) -> Any:
    return item.get("itemIdentifier") if isinstance(item, dict) else None


def as_given(message: Record, source: str) -> Record:
    """A message as a function gets it [V]."""
    told = {
        "ApproximateReceiveCount": str(message["receive_count"]),
        "SentTimestamp": str(int(message["sent_at"] * 1000)),
        "SenderId": (message.get("sys") or {}).get("SenderId") or get_account_id(),
        "ApproximateFirstReceiveTimestamp": str(int(message["first_receive_at"] * 1000)),
    }
    more = {"MessageGroupId": "group_id", "MessageDeduplicationId": "dedup_id", "SequenceNumber": "seq"}
    told |= {name: str(message[key]) for name, key in more.items() if message.get(key) is not None}
    told |= {
        name: (message.get("sys") or {})[name] for name in ("AWSTraceHeader",) if name in (message.get("sys") or {})
    }
    return {
        "messageId": message["id"],
        "receiptHandle": message["receipt_handle"],
        "body": message["body"],
        "attributes": told,
        "messageAttributes": lambda_svc._sqs_message_attributes_to_camel_case(message.get("message_attributes") or {}),
        "md5OfBody": message["md5_body"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source,
        "awsRegion": get_region(),
    }


def install() -> None:
    """Nothing is replaced: the module is listed for its names."""
