"""Faults that a test or a person sets: calls that fail or lag, resources that fail inside a stack."""

import itertools
import json
import random
from dataclasses import dataclass, fields
from typing import ClassVar

from ministack.core.responses import get_region


@dataclass(slots=True, kw_only=True)
class Fault:
    """One entry of POST /_meridian/faults: either `call` ("rds:DescribeDBClusters", "rds:*") or `resource` (a type)."""

    call: str | None = None
    resource: str | None = None
    region: str | None = None
    error: str | None = None
    message: str | None = None
    probability: float = 1.0
    times: int | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        if (self.call is None) == (self.resource is None):
            raise ValueError("a fault names either a call (service:Operation or service:*) or a resource type")
        if self.call is not None and ":" not in self.call:
            raise ValueError(f"call {self.call!r} must be service:Operation or service:*")

    def strikes(self, region: str) -> bool:
        """Whether it hits this time; counts the hit."""
        if self.region not in (None, region) or self.times == 0 or random.random() >= self.probability:
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True, kw_only=True)
class HalfApplied:
    """One operation of a stack stops when `after` resources are done, and rolls back; with `rollback: "fails"`, not even that."""

    stack: str
    after: int
    region: str | None = None
    rollback: str | None = None
    times: int = 1
    call: ClassVar[None] = None
    resource: ClassVar[None] = None

    def __post_init__(self) -> None:
        if not isinstance(self.after, int) or self.after < 0 or self.rollback not in (None, "fails"):
            raise ValueError(
                'a half-applied stack has `after`, the number of resources done, and at most `rollback: "fails"`'
            )


FAULTS: list[Fault | HalfApplied] = []


def half_applied(stack: str) -> HalfApplied | None:
    """The fault that stops the operation that begins; counts it."""
    half = (f for f in FAULTS if isinstance(f, HalfApplied))
    found = next((f for f in half if f.stack == stack and f.region in (None, get_region()) and f.times), None)
    if found:
        found.times -= 1
    return found


def parse(entry: object) -> Fault | HalfApplied:
    if isinstance(entry, dict) and "stack" in entry:
        return HalfApplied(**entry)
    known = [field.name for field in fields(Fault)]
    if not isinstance(entry, dict) or set(entry) - set(known):
        raise ValueError(f"a fault is an object with some of {', '.join(known)}, not {entry!r}")
    return Fault(**entry)


def for_call(service: str, operation: str, region: str) -> Fault | None:
    wanted = {f"{service}:{operation}", f"{service}:*", "*:*"}
    return next((f for f in FAULTS if f.call in wanted and f.strikes(region)), None)


def fail_resource(kind: str) -> None:
    fault = next((f for f in FAULTS if f.resource == kind and f.strikes(get_region())), None)
    if fault:
        raise ValueError(fault.error or f"{kind} failed by an injected fault")


# What AWS calls the common errors, per protocol family; anything else is sent as it was given.
_STATUS = {
    "ServiceUnavailable": 503,
    "InternalFailure": 500,
    "InternalError": 500,
    "AccessDenied": 403,
    "Throttling": 400,
    "SlowDown": 503,
}
_JSON_NAMES = {
    "Throttling": "ThrottlingException",
    "AccessDenied": "AccessDeniedException",
    "ServiceUnavailable": "ServiceUnavailableException",
}
_REQUEST_IDS = itertools.count(1)


def response(fault: Fault, protocol: str, operation: str) -> tuple[int, dict[str, str], bytes]:
    """The error in the form that boto3 parses for this protocol."""
    code = fault.error or "InternalFailure"
    message = fault.message or {
        "Throttling": "Rate exceeded",
        "AccessDenied": f"User is not authorized to perform: {operation}",
    }.get(code, f"{code} (injected fault)")
    if protocol == "s3" and code == "Throttling":
        code = "SlowDown"  # S3's own word for it, with a status that a HEAD can carry
    status, request_id = _STATUS.get(code, 400), f"fault-{next(_REQUEST_IDS)}"
    if protocol in ("json", "rest-json", "smithy-rpc-v2-cbor"):
        return _structured_error(_JSON_NAMES.get(code, code), message, status, protocol)
    body = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    if protocol == "ec2":
        xml = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    elif protocol == "s3":
        xml = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    else:
        xml = f"<ErrorResponse>{body}<RequestId>{request_id}</RequestId></ErrorResponse>"
    return status, {"content-type": "text/xml"}, xml.encode()


def _structured_error(code: str, message: str, status: int, protocol: str) -> tuple[int, dict[str, str], bytes]:
    error = {"__type": code, "message": message}
    if protocol == "smithy-rpc-v2-cbor":
        body = bytes([0xA0 + len(error)]) + b"".join(_cbor_text(k) + _cbor_text(v) for k, v in error.items())
        return status, {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, body
    kind = "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"
    return status, {"content-type": kind, "x-amzn-errortype": code}, json.dumps(error).encode()


def _cbor_text(text: str) -> bytes:
    raw = text.encode()
    return b"\x79" + len(raw).to_bytes(2, "big") + raw
