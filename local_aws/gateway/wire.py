"""Names the AWS call behind an HTTP request: client name, operation, whether it may change anything, and its protocol."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel

from local_aws import models

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([^/]*)/([^/]+)/aws4")
# Where the name in the signature is not the name of the boto3 client.
_CLIENTS = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
}
_SIGNED = {client: name for name, client in _CLIENTS.items()} | {"apigatewayv2": "apigateway"}
_READS = re.compile(
    r"(Describe|Get|List|Head|BatchGet|Query|Scan|Select|Lookup|Test|Filter|Search|Estimate|Validate|Detect|Admin?Get|TransactGet"
    r"|Receive|AssumeRole|Decrypt|Check|StartQuery|Simulate)"
)
# What the contract does not count as mutating, beside writes to the state table: bookkeeping that AWS would not notice.
_BOOKKEEPING = {"PutMetricData", "PutLogEvents", "CreateLogStream"}
STATE_TABLE = b'"meridian-state"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    service: str
    operation: str
    region: str
    protocol: str
    path: str
    access_key: str
    mutating: bool
    observer: bool  # watches the run and must not change it: outside quotas, faults and counts

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def reads(self) -> bool:
        return _READS.match(self.operation) is not None


def signing_name(service: str) -> str:
    """What a signature, CloudTrail and EventBridge call the service of a boto3 client."""
    return _SIGNED.get(service, service)


def identify(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Call | None:
    """The call, or None for what is no signed AWS call (control endpoints, requests to a deployed API)."""
    scope = _CREDENTIAL.search(headers.get("authorization", ""))
    if not scope or scope[3] == "execute-api":
        return None
    service = _CLIENTS.get(scope[3], scope[3])
    if service == "apigateway" and path.startswith("/v2/"):
        service = "apigatewayv2"
    operation, protocol = _operation(service, method, path, query, headers, body)
    return Call(
        service=service,
        operation=operation,
        region=scope[2],
        protocol=protocol,
        path=path,
        access_key=scope[1],
        mutating=_mutating(service, operation, body),
        observer="observer" in headers.get("user-agent", "").lower(),
    )


def _mutating(service: str, operation: str, body: bytes) -> bool:
    if _READS.match(operation) or operation in _BOOKKEEPING:
        return False
    return not (service == "dynamodb" and STATE_TABLE in body)


def _operation(
    service: str, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> tuple[str, str]:
    if target := headers.get("x-amz-target"):
        return target.rsplit(".", 1)[-1], "json"
    if cbor := re.match(r"/service/[^/]+/operation/(\w+)", path):
        return cbor[1], "smithy-rpc-v2-cbor"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        actions = parse_qs(body.decode("utf-8", "replace")).get("Action")
        if actions:
            return actions[0], "ec2" if service == "ec2" else "query"
    return rest_operation(service, method, path, query, headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """What a request for one REST operation must have."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]  # name and value; an empty value may be anything
    headers: frozenset[str]
    deprecated: bool

    def leads(self, method: str, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> bool:
        return (
            self.method == method
            and all(name in query and (not value or value in query[name]) for name, value in self.query)
            and self.headers <= headers.keys()
            and self.path.fullmatch(path) is not None
        )

    @property
    def order(self) -> tuple[int, int, bool, int]:
        """The most specific first; an operation that another one has replaced comes after it."""
        asked = len(self.query) + len(self.headers)
        return -asked, self.path.pattern.count("["), self.deprecated, -len(self.path.pattern)


def rest_operation(
    service: str, method: str, path: str, query: str, headers: dict[str, str] | None = None
) -> tuple[str, str]:
    """The operation and the protocol; `VERB path` for what is none."""
    protocol, routes = _routes(service)
    given = parse_qs(query, keep_blank_values=True)
    found = (route.operation for route in routes if route.leads(method, path, given, headers or {}))
    return next(found, f"{method} {path}"), protocol


@functools.cache
def _routes(service: str) -> tuple[str, list[_Route]]:
    """The operations of a REST service from botocore's model."""
    model = models.service(service)
    if model is None:
        return "rest-json", []
    routes = [_route(model.operation_model(name)) for name in model.operation_names]
    return ("s3" if service == "s3" else model.metadata["protocol"]), sorted(routes, key=lambda route: route.order)


def _route(operation: OperationModel) -> _Route:
    uri, _, fixed = operation.http["requestUri"].partition("?")
    pattern = "".join(_segment(part) for part in re.split(r"(\{[^}]+\})", uri))
    given = operation.input_shape
    required = [given.members[member].serialization for member in given.required_members] if given else []
    query = {(key, value) for key, _, value in (part.partition("=") for part in fixed.split("&") if part)}
    query |= {(place["name"], "") for place in required if place.get("location") == "querystring"}
    return _Route(
        operation=operation.name,
        method=operation.http["method"],
        path=re.compile(pattern.rstrip("/") + "/?"),
        query=frozenset(query),
        headers=frozenset(place["name"].lower() for place in required if place.get("location") == "header"),
        deprecated=operation.deprecated,
    )


def _segment(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return "[^?]+" if part.endswith("+}") else "[^/?]+"


def as_json(body: bytes) -> dict:
    """The JSON object of a control request; ValueError says what is wrong with it."""
    try:
        value = json.loads(body or b"{}")
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 (the caller answers 400)
    return value


def json_object(body: bytes) -> dict:
    """The JSON object of a call; an empty one for whatever is none."""
    try:
        return as_json(body)
    except ValueError:
        return {}


def single(query: Mapping[str, Any]) -> dict[str, Any]:
    """The first value of each name: some of ministack's handlers get lists, others plain values."""
    return {name: value[0] if isinstance(value, list) else value for name, value in query.items()}
