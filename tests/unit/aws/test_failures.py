"""What AWS's error codes mean."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from reconciler.aws import failures
from reconciler.model.errors import (
    AccessDenied,
    CloudUnavailable,
    CredentialsMissing,
    OperationInProgress,
    ReconcilerError,
    Retry,
    StalePlan,
    Throttled,
    Unanswered,
)
from reconciler.model.observed import Unknown


def client_error(code: str, message: str = "words", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op"
    )


REFUSED = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (client_error("ValidationError", "Stack with id x does not exist"), True),
        (client_error("ValidationError", "1 validation error detected"), False),
        (client_error("DBClusterNotFoundFault"), True),
        (client_error("404"), True),
        (client_error("AccessDenied", "it does not exist for you"), False),
        (REFUSED, False),
    ],
)
def test_only_what_aws_says_is_absent_is_absent(error: Exception, *, expected: bool) -> None:
    assert failures.absent(error) is expected


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (NoCredentialsError(), CredentialsMissing, "CredentialsMissing"),
        (client_error("ExpiredToken"), CredentialsMissing, "CredentialsMissing"),
        (client_error("AccessDeniedException"), AccessDenied, "AccessDenied"),
        (client_error("Throttling"), Throttled, "Throttled"),
        (REFUSED, CloudUnavailable, "Unreachable"),
        (ConnectTimeoutError(endpoint_url="x"), CloudUnavailable, "Unreachable"),
        (ConnectionClosedError(endpoint_url="x"), Unanswered, "Unanswered"),
        (ReadTimeoutError(endpoint_url="x"), Unanswered, "Unanswered"),
        (client_error("InternalFailure", status=500), CloudUnavailable, "InternalFailure"),
        (ResponseParserError("invalid XML received"), CloudUnavailable, "Garbled"),
        (client_error("HealthCheckVersionMismatch"), StalePlan, "StalePlan"),
        (client_error("HealthCheckAlreadyExists"), StalePlan, "StalePlan"),
        (client_error("ValidationError", "Stack [x] does not exist"), StalePlan, "StalePlan"),
        (client_error("ValidationError", "is in UPDATE_IN_PROGRESS state"), OperationInProgress, "OperationInProgress"),
        (client_error("InvalidGlobalClusterStateFault"), OperationInProgress, "OperationInProgress"),
        (client_error("InvalidDBInstanceState"), OperationInProgress, "OperationInProgress"),
        (
            client_error("InvalidParameterValueException", "unable to delete f:1 because it is a replicated function"),
            OperationInProgress,
            "StillReplicated",
        ),
        (client_error("NoSuchBucket", "The specified bucket does not exist"), failures.RequestRefused, "NoSuchBucket"),
        (client_error("LimitExceededException"), failures.RequestRefused, "LimitExceededException"),
    ],
)
def test_errors_that_are_raised(error: Exception, kind: type[ReconcilerError], code: str) -> None:
    raised = failures.translated(error, "cloudformation:CreateChangeSet", "eu-west-1")
    assert (type(raised), raised.code) == (kind, code)
    assert "cloudformation:CreateChangeSet in eu-west-1" in raised.message


def test_what_trying_again_cannot_change_is_not_tried_again() -> None:
    refused = failures.translated(client_error("LimitExceededException"), "c", "r")
    stale = failures.translated(client_error("ChangeSetNotFound"), "c", "r")
    assert (refused.retry, stale.retry) == (Retry.NEVER, Retry.NOW)


def test_an_unreadable_value_carries_the_code_and_the_words() -> None:
    assert failures.unknown(client_error("AccessDenied", "not you")) == Unknown("AccessDenied", "not you")
    assert failures.unknown(REFUSED).code == "Unreachable"
