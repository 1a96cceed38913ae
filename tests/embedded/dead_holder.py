"""Who was killed still holds the lease: as if nobody had come for as long as that lasts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

KEY = {"pk": {"S": "topology#orders"}, "sk": {"S": "lease"}}


def lease_runs_out(dynamodb: Any) -> None:
    """Nothing, where there is no table or nobody holds it. That a lease is waited for other tests show."""
    nobody = dynamodb.exceptions.ConditionalCheckFailedException
    with suppress(dynamodb.exceptions.ResourceNotFoundException, nobody):
        dynamodb.update_item(
            TableName="meridian-state",
            Key=KEY,
            UpdateExpression="SET #until = :past",
            ConditionExpression="attribute_exists(holder)",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":past": {"N": "0"}},
        )
