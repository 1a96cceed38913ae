"""A function runs with a session of its execution role, which says which function it is for.

[V] Lambda Developer Guide, "Working with Lambda execution environment credentials": lambda:SourceFunctionArn. Lambda renews a
function's credentials; here they last, as a process does, far longer than on AWS.
"""

from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

from local_aws.arns import account_of
from local_aws.clock import wall_time
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = ("ministack.services.sts._sessions",)
LIFETIME = 30 * 86400.0


def _credentials(stock: Callable[..., Any], config: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = stock(config)
    arn = str(config.get("FunctionArn", ""))
    unqualified = ":".join(arn.split(":")[:7])
    sts._sessions[found["AWS_ACCESS_KEY_ID"]] |= {
        "SourceFunctionArn": unqualified,
        "AccountId": account_of(arn),
        "PrincipalType": "AssumedRole",
        "Expiration": wall_time() + LIFETIME,  # a database takes no token of a session without one
    }
    return found


def install() -> None:
    around(lambda_runtime, "execution_credentials", _credentials)
    lambda_svc.execution_credentials = lambda_runtime.execution_credentials
