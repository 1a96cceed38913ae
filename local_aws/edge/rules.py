"""What CloudFront lets a function at the edge do to an origin request; anything else is a 502 for the client.

[V: CloudFront Developer Guide, "Restrictions on edge functions" (headers), "Lambda@Edge event structure" (fields); aws-facts §6.2]
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

Request = Mapping[str, Any]

HIDDEN = re.compile(
    r"connection|expect|keep-alive|proxy-.*|trailer|upgrade|x-accel-.*|x-amz-cf-.*|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip"
    r"|x-amzn-(auth|cf-billing|cf-id|cf-xff|errortype|fle-profile|header-count|header-order|lambda-integration-tag|requestid)"
)
"""Headers that no function sees, and none may add."""
READ_ONLY = frozenset(
    {
        "accept-encoding",
        "content-length",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "transfer-encoding",
        "via",
    }
)
"""Headers that an origin-request function sees and must leave as they are."""
BODY_BYTES = 1_048_576
"""So much of a body is shown to an origin-request function, and may be answered."""
LONGEST = 8192
"""Characters of path and query together, which have to be fewer."""
_CUSTOM = {"domainName", "port", "protocol", "path", "sslProtocols", "readTimeout", "keepaliveTimeout", "customHeaders"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def problems(given: Request, answer: object) -> Iterator[str]:
    """What is wrong with a function's answer to the request that it was given; nothing for one that CloudFront carries out."""
    if not isinstance(answer, dict):
        yield "the answer is no object"
    elif "status" in answer:
        yield from _response(answer)
    else:
        yield from _request(given, answer)


def _response(answer: Request) -> Iterator[str]:
    status = str(answer["status"])
    if not re.fullmatch(r"[2-5]\d\d", status):
        yield f"status {status} is none"
    yield from _headers(answer.get("headers") or {}, {})
    body = answer.get("body") or ""
    if answer.get("bodyEncoding", "text") not in ("text", "base64") or not isinstance(body, str):
        yield "the body is neither text nor base64"
    elif len(body) > BODY_BYTES:
        yield "the body is longer than 1 MB"


def _request(given: Request, answer: Request) -> Iterator[str]:
    headers = answer.get("headers")
    if not isinstance(headers, dict):
        yield "there are no headers"
        return
    yield from _headers(headers, given["headers"])
    changed = [n for n in sorted(READ_ONLY) if _values(headers, n) != _values(given["headers"], n)]
    if changed:
        yield f"read-only header {', '.join(changed)} was changed"
    uri, query = answer.get("uri"), answer.get("querystring", "")
    if not isinstance(uri, str) or not re.fullmatch(r"/[!-~]*", uri) or "?" in uri:
        yield f"uri {uri!r} is no path"
    elif not isinstance(query, str) or not re.fullmatch(r"[!-~]*", query):
        yield "the query is no text as it goes into a request line"
    elif len(uri) + len(query) >= LONGEST:
        yield f"path and query have {len(uri) + len(query)} characters"
    if answer.get("method", given["method"]) != given["method"]:
        yield "the method cannot be changed"
    yield from _origin(answer.get("origin"), headers)
    yield from _body(answer.get("body") or {})


def _headers(headers: object, given: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(headers, dict):
        yield "headers are no object"
        return
    for name, values in headers.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name) or name != name.lower():
            yield f"{name!r} is no header's name in lower case"
        elif not isinstance(values, list) or not all(_is_value(name, v) for v in values):
            yield f"header {name} has no list of keys and values, or a key of another name"
        elif HIDDEN.fullmatch(name) and name not in given:
            yield f"header {name} cannot be added"


def _is_value(name: str, item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("value"), str):
        return False
    plain = not re.search(r"[\r\n\0]", item["value"])
    return plain and str(item.get("key", name)).lower() == name


def _values(headers: Mapping[str, Any], name: str) -> list[str]:
    return [str(item.get("value")) for item in headers.get(name) or [] if isinstance(item, dict)]


def _origin(origin: object, headers: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(origin, dict) or set(origin) not in ({"custom"}, {"s3"}):
        yield "the origin is not exactly one of custom and s3"
        return
    custom = origin.get("custom")
    if custom is None:
        return
    if not isinstance(custom, dict) or set(custom) != _CUSTOM:
        yield "a custom origin has not all its fields, or others"
        return
    yield from (f"origin: {wrong}" for wrong in _custom(custom))
    repeated = sorted(set(map(str.lower, custom["customHeaders"] or {})) & set(headers))
    if repeated:
        yield f"custom header {', '.join(repeated)} is a header of the request, too"


def _custom(custom: Mapping[str, Any]) -> Iterator[str]:
    name, port, path = custom["domainName"], custom["port"], custom["path"]
    if not isinstance(name, str) or len(name) > 253 or not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name):
        yield f"domainName {name!r} is no name"
    if isinstance(port, bool) or not isinstance(port, int) or not (port in (80, 443) or 1024 <= port <= 65535):
        yield f"port {port!r}"
    if custom["protocol"] not in ("http", "https"):
        yield f"protocol {custom['protocol']!r}"
    if not isinstance(path, str) or len(path) > 255 or (path and (not path.startswith("/") or path.endswith("/"))):
        yield f"path {path!r} does not begin with / or ends with it"
    for field, least, most in (("readTimeout", 1, 120), ("keepaliveTimeout", 1, 120)):
        if not isinstance(custom[field], int) or not least <= custom[field] <= most:
            yield f"{field} {custom[field]!r}"
    if not isinstance(custom["customHeaders"], dict):
        yield "customHeaders are no object"


def _body(body: object) -> Iterator[str]:
    if not isinstance(body, dict) or body.get("action", "read-only") not in ("read-only", "replace"):
        yield "the body is neither read-only nor replaced"
    elif body.get("action") == "replace" and body.get("encoding") == "base64":
        try:
            base64.b64decode(body.get("data") or "", validate=True)
        except (ValueError, binascii.Error):
            yield "the new body is no base64"
