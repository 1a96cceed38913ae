"""A client of the service: builds the events of API Gateway's REST proxy integration, and reads the answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

ITEMS = [{"sku": "mug-blue", "quantity": 2, "unitPrice": 950}]
ORDER = {"customer": "c-1", "items": ITEMS}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    content: Any


def event(
    method: str, target: str, *, headers: dict[str, str] | None = None, body: str | None = None
) -> dict[str, Any]:
    """What is empty is null, as there."""
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    return {
        "resource": url.path,
        "httpMethod": method,
        "path": url.path,
        "pathParameters": None,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()} or None,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {"requestId": "r-1", "stage": "live"},
    }


class Client:
    """Asks one execution environment. `database` is its connection."""

    def __init__(self, service: SimpleNamespace, variables: dict[str, str]) -> None:
        self.service, self.database = service, service.database.Database(variables)

    def __call__(self, method: str, target: str, content: Any = None, *, context: Any = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if content is None else json.dumps(content)
        if body is not None:
            named = {"content-type": "application/json", **named}
        return reply(self.service.app.serve(event(method, target, headers=named, body=body), context, self.database))

    def make(self, key: str, **changes: Any) -> Reply:
        return self("POST", "/orders", {**ORDER, **changes}, Idempotency_Key=key)


def reply(answer: dict[str, Any]) -> Reply:
    return Reply(answer["statusCode"], answer["headers"], json.loads(answer["body"]))
