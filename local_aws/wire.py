"""Names the AWS call behind an HTTP request: client name, operation, whether it may change anything, and its protocol."""

import functools
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

import botocore.loaders

_CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/([^/]*)/([^/]+)/aws4")
# Where the name in the signature is not the name of the boto3 client.
_CLIENTS = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
}
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
    mutating: bool
    observer: bool  # watches the run and must not change it: outside faults and counts

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"


def identify(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Call | None:
    """The call, or None for what is no signed AWS call (control endpoints, requests to a deployed API)."""
    scope = _CREDENTIAL.search(headers.get("authorization", ""))
    if not scope or scope[2] == "execute-api":
        return None
    service = _CLIENTS.get(scope[2], scope[2])
    operation, protocol = _operation(service, method, path, query, headers, body)
    return Call(
        service=service,
        operation=operation,
        region=scope[1],
        protocol=protocol,
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
    return rest_operation(service, method, path, query)


def rest_operation(service: str, method: str, path: str, query: str) -> tuple[str, str]:
    if service == "apigateway" and path.startswith("/v2/"):
        service = "apigatewayv2"
    protocol, routes = _routes(service)
    given = set(parse_qs(query, keep_blank_values=True))
    for verb, pattern, required, name in routes:
        if verb == method and required <= given and pattern.fullmatch(path):
            return name, protocol
    return f"{method} {path}", protocol


@functools.cache
def _routes(service: str) -> tuple[str, list[tuple[str, re.Pattern[str], frozenset[str], str]]]:
    """The operations of a REST service from botocore's model, the most specific first."""
    try:
        model = botocore.loaders.Loader().load_service_model(service, "service-2")
    except botocore.exceptions.UnknownServiceError:
        return "rest-json", []
    routes = []
    for name, operation in model["operations"].items():
        uri, _, query = operation["http"]["requestUri"].partition("?")
        pattern = "".join(_segment(part) for part in re.split(r"(\{[^}]+\})", uri))
        required = frozenset(part.partition("=")[0] for part in query.split("&") if part)
        routes.append((operation["http"]["method"], re.compile(pattern.rstrip("/") + "/?"), required, name))
    routes.sort(key=lambda route: (-len(route[2]), route[1].pattern.count("["), -len(route[1].pattern)))
    protocol = model["metadata"]["protocol"]
    return ("s3" if service == "s3" else protocol), routes


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
