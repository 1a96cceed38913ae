"""Lambda: what a function must have, one change at a time, and what it may reserve.

Versions that run at the edge: see `edge_functions`.
"""

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import error_response_json
from ministack.services import ec2, iam, lambda_svc

from local_aws.iam import trust
from local_aws.legality import function_settings
from local_aws.legality.function_settings import INVALID
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties, around

PATCHED: tuple[str, ...] = (
    "ministack.services.ec2._security_groups",
    "ministack.services.ec2._subnets",
    "ministack.services.iam._roles",
    "ministack.services.lambda_svc._create_function",
    "ministack.services.lambda_svc._get_policy",
    "ministack.services.lambda_svc._put_function_concurrency",
    "ministack.services.lambda_svc._update_config",
)

Record = dict[str, Any]
CONCURRENCY, LEAST_UNRESERVED = 1000, 100
_TO_JOIN = (
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface",
)  # fmt: skip
_JOINING_POLICIES = ("AWSLambdaVPCAccessExecutionRole", "AdministratorAccess", "PowerUserAccess")


def check_function(config: Record, *, new: bool) -> None:
    """CreateFunction, UpdateFunctionConfiguration: `config` has what the request has, in the API's names."""
    if new or "Role" in config:
        _role(config.get("Role") or "")
    _network(config.get("VpcConfig") or {})
    function_settings.check(config)
    if (config.get("VpcConfig") or {}).get("SubnetIds"):
        _may_join(config.get("Role") or "")


def _role(role_arn: str) -> None:
    """The role must exist, be seen, and trust Lambda [V: Lambda troubleshooting; S: aws/aws-sdk-js, issue 3498]."""
    if not trust.assumable(role_arn, "lambda.amazonaws.com"):
        raise Refused(INVALID, f"The role defined for the function cannot be assumed by Lambda. ({role_arn})")


def _network(vpc: Record) -> None:
    """Subnets and groups must exist, and come together [V: VpcConfig]."""
    for key, store in (("SubnetIds", ec2._subnets), ("SecurityGroupIds", ec2._security_groups)):
        unknown = [item for item in vpc.get(key) or [] if item not in store]
        if unknown:
            kind = "subnet" if key == "SubnetIds" else "security group"
            raise Refused(INVALID, f"Error occurred while DescribeNetwork. The {kind} ID '{unknown[0]}' does not exist")
    if bool(vpc.get("SubnetIds")) != bool(vpc.get("SecurityGroupIds")):
        raise Refused(INVALID, "SubnetIds and SecurityIds must coexist or be both empty list.")


def _may_join(role_arn: str) -> None:
    """A function joins a network as its own role [V: Lambda VPC; several public reports]."""
    name = role_arn.rsplit("/", 1)[-1]
    attached = [str(item) for item in (iam._roles.get(name) or {}).get("AttachedPolicies") or []]
    if any(policy in item for policy in _JOINING_POLICIES for item in attached):
        return
    for action in _TO_JOIN:
        if not trust.may(role_arn, action, "*"):
            raise Refused(
                INVALID,
                f"The provided execution role does not have permissions to call {action.removeprefix('ec2:')} on EC2",
            )


# ---- one change at a time --------------------------------------------------------------------------------------------------

_CHANGES = re.compile(r"/(?:2015-03-31|2017-10-31)/functions/([^/]+)/(code|configuration|versions)")


async def _handle(stock: Any, method: str, path: str, headers: Record, body: bytes, *rest: Any, **options: Any) -> Any:
    """UpdateFunctionCode, UpdateFunctionConfiguration, PublishVersion: ResourceConflictException while another change is
    under way. Guarded here and not at the functions behind, because a stack calls several of them for one update. Invoke."""
    found = _CHANGES.fullmatch(unquote(path))
    function = lambda_svc._functions.get(found[1].rsplit(":", 1)[-1]) if found and method in ("PUT", "POST") else None
    try:
        if found and function:
            _at_rest(function["config"])
            _expected(function["config"], found[2], json.loads(body or b"{}"))
        if method == "POST" and path.endswith("/invocations"):
            _is_json(body)
    except Refused as refusal:
        return error_response_json(refusal.code, refusal.message, refusal.status)
    return await stock(method, path, headers, body, *rest, **options)


def _is_json(payload: bytes) -> None:
    """What a function is given is JSON, or nothing [V Invoke: InvalidRequestContentException; words K]."""
    try:
        json.loads(payload or b"{}")
    except ValueError as error:
        raise Refused("InvalidRequestContentException", f"Could not parse request body into json: {error}") from None


def _at_rest(config: Record) -> None:
    """ResourceConflictException while a function is being made or updated [V: Lambda function states; words K]."""
    if config.get("State") == "Pending":
        raise Refused(
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the following state: Pending",
            409,
        )
    if config.get("LastUpdateStatus") == "InProgress":
        raise Refused(
            "ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress for resource: "
            f"{config['FunctionArn']}",
            409,
        )


def _expected(config: Record, what: str, request: Record) -> None:
    """PublishVersion: only of the code and the revision that the caller has seen [V: API reference]."""
    if what != "versions":
        return
    wanted, actual = request.get("CodeSha256"), config.get("CodeSha256")
    if wanted and wanted != actual:
        raise Refused(
            INVALID,
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({actual}). Please try again with the "
            "CodeSHA256 in $LATEST.",
        )
    if request.get("RevisionId") and request["RevisionId"] != config.get("RevisionId"):
        raise Refused(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
            "the latest Revision Id",
            412,
        )


def check_concurrency(name: str, wanted: Any) -> None:
    """PutFunctionConcurrency: an account keeps at least 100 of its 1,000 unreserved [V: Lambda quotas]."""
    reserved = sum(
        int(function.get("concurrency") or 0) for other, function in lambda_svc._functions.items() if other != name
    )
    if wanted is not None and CONCURRENCY - reserved - int(wanted) < LEAST_UNRESERVED:
        raise Refused(
            INVALID,
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
            f"minimum value of [{LEAST_UNRESERVED}].",
        )


def check_policy(name: str, *_: Any, **__: Any) -> None:
    """GetPolicy: ResourceNotFoundException for a function without a statement [V: API reference]."""
    function = lambda_svc._functions.get(name.rsplit(":", 1)[-1])
    if function and not (function.get("policy") or {}).get("Statement"):
        raise Refused("ResourceNotFoundException", "The resource you requested does not exist.", 404)


def _check_update(name: str, request: Record) -> None:
    function = lambda_svc._functions.get(name)
    if function:
        role = request.get("Role") or function["config"].get("Role")
        check_function({**request, "Role": role}, new=False)


def _check_code(request: Record) -> None:
    """CreateFunction: a package of at most 50 MB in the request [V: Lambda quotas]."""
    direct = (request.get("Code") or {}).get("ZipFile")
    if direct and len(base64.b64decode(direct)) > 50 * 1024 * 1024:
        raise Refused("RequestEntityTooLargeException", "Request must be smaller than 70167211 bytes", 413)


def _check_create(request: Record) -> None:
    check_function(request, new=True)
    _check_code(request)


def _check_stack(now: Properties, _before: Properties | None) -> None:
    check_function(now, new=True)
    check_concurrency(str(now.get("FunctionName")), now.get("ReservedConcurrentExecutions"))


def install() -> None:
    around(lambda_svc, "handle_request", _handle)
    on_call(lambda_svc, "_create_function", _check_create, error_response_json)
    on_call(lambda_svc, "_update_config", _check_update, error_response_json)
    on_call(
        lambda_svc,
        "_put_function_concurrency",
        lambda name, request: check_concurrency(name, request.get("ReservedConcurrentExecutions")),
        error_response_json,
    )
    on_call(lambda_svc, "_get_policy", check_policy, error_response_json)
    on_stack("AWS::Lambda::Function", put=_check_stack)
