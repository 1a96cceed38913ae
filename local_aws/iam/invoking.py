"""Who may call a deployed API (execute-api), and whether the API may call its function.

A method with AWS_IAM verifies the signature, which must be made for the API's own Region and for `execute-api`; then the
API's resource policy and the caller's policies decide. A method without authorisation is open to all that the resource policy
admits: ministack does that. [V: API Gateway Developer Guide, "Control access to a REST API with API Gateway resource
policies", authorization flow]

What is verified is the request as it arrives at the Region. ministack's front notes that for requests to the gateway's own address
only; those to a Region's address, and those that the edge sends on, come another way. A signature is good for 5 minutes to either
side, by the wall clock. [V: IAM User Guide, "Troubleshoot signed requests for AWS APIs"]
"""

import re
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_evaluator as evaluator
from ministack.core.arn import execute_api_arn
from ministack.services import apigateway_v1 as gateway
from ministack.services import lambda_svc

from local_aws.iam import trust
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.app._enforce_execute_api",
    "ministack.app._execute_api_authorization_type",
    "ministack.app._handle_execute_api_request",
    "ministack.core.iam_evaluator._anonymous",
    "ministack.services.apigateway_v1._call_lambda_raw",
    "ministack.services.lambda_svc._get_func_record_for_ref_in_scope",
)

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")


async def _arrived(stock: Callable[..., Any], host: str, path: str, method: str, headers: dict[str, str], body: bytes,
                   query: Any, raw_path: str | None = None, raw_query_string: str | None = None) -> Any:  # fmt: skip
    raw = [(name.encode("latin-1", "replace"), value.encode("utf-8", "replace")) for name, value in headers.items()]
    evaluator.pin_signed_request(method, raw_path or path, query, raw)
    evaluator.pin_signed_body(body)
    return await stock(host, path, method, headers, body, query, raw_path=raw_path, raw_query_string=raw_query_string)


def _enforce(stock: Callable[..., Any], api_id: str, stage: str, method: str, path: str, headers: Any, query: Any,
             iam_action: str = "execute-api:Invoke") -> Any:  # fmt: skip
    kind = app._execute_api_authorization_type(api_id, stage, method, path)
    if evaluator._anonymous.get() or kind in (None, "NONE"):
        return None  # nothing to verify: the method itself asks for a signature or for what the resource policy says
    refusal = wrong_scope(api_id, headers.get("authorization", "")) if kind == "AWS_IAM" else None
    if refusal:
        return gateway.authentication_error_response(api_id, stage, refusal, headers, query)
    return stock(api_id, stage, method, path, headers, query, iam_action)


def wrong_scope(api_id: str, authorization: str) -> Any:
    """A signature for another Region or service, which edge signing must get right (aws-facts §6.6). The message, with the blank at
    its end, is [S: public reports of "Credential should be scoped to a valid region"]."""
    scope, home = _SCOPE.search(authorization), gateway.find_api_scope(api_id)
    if not scope or not home:
        return None
    region, service = scope.groups()
    if region != home[1]:
        return _mismatch(f"Credential should be scoped to a valid region, not '{region}'. ")
    return (
        None
        if service == "execute-api"
        else _mismatch("Credential should be scoped to correct service: 'execute-api'. ")
    )


def _mismatch(message: str) -> Any:
    return evaluator.AuthError("SignatureDoesNotMatch", message)


async def _call(stock: Callable[..., Any], reference: str, event: Any, **scope: Any) -> Any:
    """An API calls a function only when the function's policy admits the API; AWS answers 500 otherwise [V: same guide,
    "Invoke a Lambda function: resource-based policy"]."""
    _, config, name = lambda_svc._get_func_record_for_ref_in_scope(reference, **scope)
    context = event.get("requestContext") or {}
    source = execute_api_arn(
        str(scope.get("region")), str(scope.get("account_id")), str(context.get("apiId")), str(context.get("stage")),
        str(context.get("httpMethod")), str(context.get("resourcePath", "")),
    )  # fmt: skip
    function = str((config or {}).get("FunctionArn", name))
    if config and not trust.admits(function, "lambda:InvokeFunction", "apigateway.amazonaws.com", source):
        return None, f"Lambda function '{name}' may not be invoked by {source}"
    return await stock(reference, event, **scope)


def install() -> None:
    around(app, "_handle_execute_api_request", _arrived)
    around(app, "_enforce_execute_api", _enforce)
    around(gateway, "_call_lambda_raw", _call)
