"""What boto3's exceptions mean: not there, unreadable, or an error for whoever asked. The one place that knows AWS's codes."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import (
    ConnectionError as ConnectionFailed,
)
from botocore.parsers import ResponseParserError

from reconciler.model.errors import (
    AccessDenied,
    CloudUnavailable,
    CredentialsMissing,
    OperationInProgress,
    ReconcilerError,
    StalePlan,
    Throttled,
    Unanswered,
)
from reconciler.model.unknown import Unknown

AwsError = (ClientError, BotoCoreError, ResponseParserError)
"""Everything that a call through boto3 raises."""

UNREACHABLE: Final = "Unreachable"

_ABSENT = frozenset(
    {
        "404",
        "DBClusterNotFoundFault",
        "DBInstanceNotFound",
        "DBParameterGroupNotFound",
        "GlobalClusterNotFoundFault",
        "NoSuchBucket",
        "NoSuchDistribution",
        "NoSuchEntity",
        "NoSuchHealthCheck",
        "NoSuchHostedZone",
        "NoSuchKey",
        "NoSuchResponseHeadersPolicy",
        "NotFound",
        "NotFoundException",
        "ChangeSetNotFound",
        "ChangeSetNotFoundException",
        "ResourceNotFoundException",
        "TrailNotFoundException",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "Forbidden",
        "KMSAccessDenied",
        "NotAuthorized",
        "UnauthorizedOperation",
        "403",
    }
)
_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_THROTTLED = frozenset(
    {
        "KMSThrottling",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_STALE = frozenset(
    {
        "ChangeSetNotFound",
        "ChangeSetNotFoundException",
        "HealthCheckAlreadyExists",  # other settings, or a deleted one: Route 53 never forgets a CallerReference
        "HealthCheckVersionMismatch",
        "InvalidChangeSetStatus",
        "InvalidChangeSetStatusException",
        "NoSuchHealthCheck",
    }
)
_BUSY = frozenset(
    {
        "InvalidDBClusterStateFault",
        "InvalidDBInstanceState",
        "InvalidDBInstanceStateFault",
        "InvalidGlobalClusterStateFault",
        "OperationInProgressException",
        "ResourceConflictException",
    }
)
"""Something of it changes, or has to change first: states that pass, if need be by a step of a later pass."""
_NO_ANSWER = (ConnectionClosedError, ReadTimeoutError)
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)


def code(error: Exception) -> str:
    """AWS's error code, else ours: `Unreachable` for a connection that failed, `Unanswered` for one that ended without an
    answer, `Garbled` for an answer that is none."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    if isinstance(error, _NO_ANSWER):
        return "Unanswered"
    if isinstance(error, (ConnectionFailed, HTTPClientError)):
        return UNREACHABLE
    return "Garbled" if isinstance(error, ResponseParserError) else type(error).__name__


def message(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", "")) or code(error)
    return str(error)


def absent(error: Exception) -> bool:
    """AWS says that there is no such thing. CloudFormation says so of a stack in a ValidationError."""
    found = code(error)
    return found in _ABSENT or (found == "ValidationError" and "does not exist" in message(error))


def unknown(error: Exception) -> Unknown:
    return Unknown(code(error), message(error))


def translated(error: Exception, call: str, region: str) -> ReconcilerError:
    """The error to raise for a call that failed; its cause must be the error that is passed in."""
    found, text = code(error), f"{call} in {region}: {message(error)}"
    if isinstance(error, _NO_CREDENTIALS) or found in _CREDENTIALS:
        return CredentialsMissing(f"{text}; set usable AWS credentials (environment, profile or role)")
    if found in _DENIED:
        return AccessDenied(f"{text}; allow {call} in {region}")
    if found in _THROTTLED:
        return Throttled(text)
    if isinstance(error, _NO_ANSWER):
        return Unanswered(text)
    if found in {UNREACHABLE, "Garbled"} or _is_server_fault(error):
        return CloudUnavailable(text, code=found)
    if found in _STALE or (found == "ValidationError" and "does not exist" in text):
        return StalePlan(text)
    if "_IN_PROGRESS" in text or found in _BUSY:
        return OperationInProgress(text)
    if "replicated function" in text:  # CloudFront takes its copies back hours after the last use of a version
        return OperationInProgress(text, code="StillReplicated")
    return RequestRefused(text, code=found)


class RequestRefused(ReconcilerError):
    """AWS refused a request of ours for a reason that trying again cannot change; `code` is AWS's own."""


def _is_server_fault(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return False
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500


def item(error: Exception) -> dict[str, Any]:
    """The item that made a conditional write fail, where DynamoDB gives it."""
    response: Any = error.response if isinstance(error, ClientError) else {}
    return dict(response.get("Item", {}))
