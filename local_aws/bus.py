"""What AWS's own services tell EventBridge: one event on the default bus of an account's Region."""

import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge


def tell(
    account: str, region: str, source: str, detail_type: str, detail: dict[str, Any] | str, *resources: str
) -> None:
    """`source` is the service's, as `rds`; the detail is an object, or its text."""
    entry = {
        "Source": f"aws.{source}",
        "DetailType": detail_type,
        "Detail": detail if isinstance(detail, str) else json.dumps(detail),
        "Resources": list(resources),
    }
    with request_scope(account, region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
