"""What table `meridian-state` holds of a topology for a pass: the last status document, and what is suspended. One query."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model.facts import Answer
from reconciler.model.observed import Unknown

TABLE = "meridian-state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    status: Mapping[str, Any] | None = None
    suspension: Mapping[str, Any] | None = None
    resumed: Mapping[str, Any] | None = None
    """The latest `resume`: who, when, why."""
    suspension_text: str | None = None
    """As it stands there, for whoever writes over it."""


def query(dynamodb: Any, name: str) -> Recorded:
    """Raises what boto3 raises. The lease's item comes along, and is nobody's business here."""
    asked = {
        "TableName": TABLE,
        "ConsistentRead": True,
        "KeyConditionExpression": "pk = :topology",
        "ExpressionAttributeValues": {":topology": {"S": f"topology#{name}"}},
    }
    pages = dynamodb.get_paginator("query").paginate(**asked)
    items = {item["sk"]["S"]: item for page in pages for item in page["Items"]}
    return Recorded(
        status=json.loads(items["status"]["body"]["S"]) if "status" in items else None,
        suspension=_suspension(items["suspend"]) if "suspend" in items else None,
        resumed=_suspension(items["resumed"]) if "resumed" in items else None,
        suspension_text=items.get("suspend", {}).get("body", {}).get("S"),
    )


def read_recorded(clients: Clients, name: str, home_region: str) -> Recorded:
    """Nothing while there is no table. Raises `ReconcilerError`."""
    try:
        return query(clients.reader("dynamodb", home_region), name)
    except failures.AwsError as error:
        if failures.absent(error):
            return Recorded()
        raise failures.translated(error, f"dynamodb:Query on {TABLE}", home_region) from error


def answers(found: Recorded | Unknown) -> tuple[Answer, Answer]:
    """Status and suspension as facts."""
    return (found, found) if isinstance(found, Unknown) else (found.status, found.suspension)


def _suspension(item: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        body = json.loads(item["body"]["S"])
    except (KeyError, ValueError):
        return {}  # the model takes it for a suspension of everything
    return body if isinstance(body, dict) else {}
