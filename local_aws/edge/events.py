"""The event of an origin request, as a function at the edge gets it, and what becomes of its answer.

[V: CloudFront Developer Guide, "Lambda@Edge event structure"]
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from local_aws.edge import rules

Headers = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRequest:
    """What CloudFront is about to send to an origin. `headers` by name in lower case; `uri` and `query` as in the request line."""

    method: str
    uri: str
    query: str
    headers: Headers
    body: bytes
    client: str
    host: str
    """The origin's name."""
    path: str = ""
    """The origin's path, put in front of the uri."""
    port: int = 443
    read_seconds: int = 30
    custom_headers: tuple[tuple[str, str], ...] = ()


def event(request: OriginRequest, *, distribution: str, domain: str, number: str, with_body: bool) -> dict[str, Any]:
    """One origin-request event. Of a body, the first megabyte is shown."""
    shown: dict[str, Any] = {
        "clientIp": request.client,
        "headers": _listed({n: v for n, v in request.headers.items() if not rules.HIDDEN.fullmatch(n)}),
        "method": request.method,
        "origin": {
            "custom": {
                "customHeaders": _listed(dict(request.custom_headers)),
                "domainName": request.host,
                "keepaliveTimeout": 5,
                "path": request.path,
                "port": request.port,
                "protocol": "https",
                "readTimeout": request.read_seconds,
                "sslProtocols": ["TLSv1.2"],
            }
        },
        "querystring": request.query,
        "uri": request.uri,
    }
    if with_body:
        shown["body"] = {
            "action": "read-only",
            "data": base64.b64encode(request.body[: rules.BODY_BYTES]).decode(),
            "encoding": "base64",
            "inputTruncated": len(request.body) > rules.BODY_BYTES,
        }
    config = {
        "distributionDomainName": domain,
        "distributionId": distribution,
        "eventType": "origin-request",
        "requestId": number,
    }
    return {"Records": [{"cf": {"config": config, "request": shown}}]}


def applied(request: OriginRequest, answer: Mapping[str, Any]) -> OriginRequest:
    """The request as the function left it; headers that it was not shown stay. The answer has to be one without `problems`."""
    custom = answer["origin"]["custom"]
    hidden = {n: v for n, v in request.headers.items() if rules.HIDDEN.fullmatch(n)}
    headers = {name: ", ".join(v["value"] for v in values) for name, values in answer["headers"].items() if values}
    return replace(
        request,
        uri=answer["uri"],
        query=answer.get("querystring", ""),
        headers={**hidden, **headers},
        body=_body(request, answer.get("body") or {}),
        host=custom["domainName"].lower(),
        path=custom["path"],
        port=custom["port"],
        read_seconds=custom["readTimeout"],
        custom_headers=tuple((n, v["value"]) for n, values in custom["customHeaders"].items() for v in values),
    )


def generated(answer: Mapping[str, Any]) -> tuple[int, str, dict[str, Any], bytes]:
    """Status, reason, headers and body of an answer that a function made itself."""
    text = answer.get("body") or ""
    body = base64.b64decode(text) if answer.get("bodyEncoding") == "base64" else text.encode()
    headers = {name: [v["value"] for v in values] for name, values in (answer.get("headers") or {}).items()}
    plain = {name: values[0] if len(values) == 1 else values for name, values in headers.items() if values}
    return int(answer["status"]), str(answer.get("statusDescription", "")), plain, body


def _listed(headers: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    return {name.lower(): [{"key": name.title(), "value": value}] for name, value in headers.items()}


def _body(request: OriginRequest, body: Mapping[str, Any]) -> bytes:
    """All of what the client sent, however little of it was shown, unless the function put another one in its place."""
    if body.get("action") != "replace":
        return request.body
    data = body.get("data") or ""
    return base64.b64decode(data) if body.get("encoding", "text") == "base64" else data.encode()
