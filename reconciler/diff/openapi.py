"""What a REST API's document says of each method, in the words in which `observe.live_api` gives what API Gateway made of it.

Only what decides who may call and who answers: parameters, models and responses of a proxied method are texts for readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANY = "x-amazon-apigateway-any-method"
_VERBS = frozenset({"get", "put", "post", "patch", "delete", "head", "options", ANY})
_TIMEOUT = 29_000  # API Gateway's own [V: timeoutInMillis]


def methods(document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """`GET /path` to what becomes of it."""
    return {
        f"{'ANY' if verb == ANY else verb.upper()} {path}": _method(operation)
        for path, operations in document.get("paths", {}).items()
        for verb, operation in operations.items()
        if verb in _VERBS
    }


def _method(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    integration = operation.get("x-amazon-apigateway-integration", {})
    return {
        "authorization": operation.get("x-amazon-apigateway-auth", {}).get("type", "NONE"),
        "apiKeyRequired": False,
        "type": str(integration.get("type", "")).upper(),
        "httpMethod": integration.get("httpMethod"),
        "uri": integration.get("uri"),
        "passthroughBehavior": str(integration.get("passthroughBehavior", "when_no_match")).upper(),
        "timeoutInMillis": integration.get("timeoutInMillis", _TIMEOUT),
        "credentials": integration.get("credentials"),
    }
