"""An error as the service would send it: its own code for it, in the form that boto3 parses for its protocol."""

import itertools
import json
from collections.abc import Mapping
from xml.sax.saxutils import escape

from local_aws.gateway.asgi import Answer
from local_aws.gateway.wire import Call

# Throttling in the words of those services that do not say `Throttling` (query, XML) or `ThrottlingException` (JSON, CBOR).
# botocore's retry handlers know all of them [V botocore, retries/standard.py].
_THROTTLED: Mapping[str, tuple[str, str]] = {
    "apigateway": ("TooManyRequestsException", "Too Many Requests"),
    "apigatewayv2": ("TooManyRequestsException", "Too Many Requests"),
    "ec2": ("RequestLimitExceeded", "Request limit exceeded."),
    "lambda": ("TooManyRequestsException", "Rate exceeded"),
    "s3": ("SlowDown", "Please reduce your request rate."),
}
_STRUCTURED = ("json", "rest-json", "smithy-rpc-v2-cbor")
_STRUCTURED_NAMES = {
    "Throttling": "ThrottlingException",
    "AccessDenied": "AccessDeniedException",
    "ServiceUnavailable": "ServiceUnavailableException",
}
_STATUS = {
    "ServiceUnavailable": 503,
    "InternalFailure": 500,
    "InternalError": 500,
    "AccessDenied": 403,
    "SlowDown": 503,
    "RequestLimitExceeded": 503,
    "TooManyRequestsException": 429,
}
_REQUEST_IDS = itertools.count(1)


def of(code: str, message: str | None, call: Call) -> Answer:
    """Throttling, AccessDenied and ServiceUnavailable become what this service calls them; other codes are sent as they are."""
    usual = {
        "Throttling": "Rate exceeded",
        "AccessDenied": f"User is not authorized to perform: {call.name}",
        "ServiceUnavailable": "Service is unavailable. Please try again later.",
    }
    shown, said = code, usual.get(code, code)
    if code == "Throttling" and call.service in _THROTTLED:
        shown, said = _THROTTLED[call.service]
    status = _STATUS.get(code, _STATUS.get(shown, 400))
    if call.protocol in _STRUCTURED:
        return _structured(_STRUCTURED_NAMES.get(shown, shown), message or said, status, call.protocol)
    return status, {"content-type": "text/xml"}, _xml(shown, message or said, call.protocol).encode()


def _xml(code: str, message: str, protocol: str) -> str:
    request = f"embedded-{next(_REQUEST_IDS)}"
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if protocol == "ec2":
        return f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{request}</RequestID></Response>"
    if protocol == "s3":
        return f"<Error>{error}<RequestId>{request}</RequestId></Error>"
    return f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>{request}</RequestId></ErrorResponse>"


def _structured(code: str, message: str, status: int, protocol: str) -> Answer:
    error = {"__type": code, "message": message}
    if protocol == "smithy-rpc-v2-cbor":
        body = bytes([0xA0 + len(error)]) + b"".join(_cbor_text(k) + _cbor_text(v) for k, v in error.items())
        return status, {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, body
    kind = "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"
    return status, {"content-type": kind, "x-amzn-errortype": code}, json.dumps(error).encode()


def _cbor_text(text: str) -> bytes:
    raw = text.encode()
    return b"\x79" + len(raw).to_bytes(2, "big") + raw
