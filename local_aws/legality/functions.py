"""Lambda: a function needs its role; a version that CloudFront has replicated cannot go."""

import re
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import error_response_json
from ministack.services import cloudfront, ec2, lambda_svc

from local_aws.iam import trust
from local_aws.legality.guard import Refused, on_call, on_stack
from local_aws.resources.wrap import Properties, around

PATCHED: tuple[str, ...] = (
    "ministack.services.lambda_svc._create_function",
    "ministack.services.lambda_svc._delete_function",
    "ministack.services.lambda_svc._update_config",
    "ministack.services.ec2._subnets",
    "ministack.services.ec2._security_groups",
    "ministack.services.cloudfront._distributions",
)

Record = dict[str, Any]


def check_function(role_arn: str, vpc: Record) -> None:
    """CreateFunction: the role must exist and Lambda must be allowed to assume it; subnets and groups must exist."""
    check_role(role_arn)
    _check_network(vpc)


def check_role(role_arn: str) -> None:
    """CreateFunction, UpdateFunctionConfiguration [S: aws/aws-sdk-js, issue 3498; also when the role is too new]."""
    if not trust.assumable(role_arn, "lambda.amazonaws.com"):
        raise Refused(
            "InvalidParameterValueException",
            f"The role defined for the function cannot be assumed by Lambda. ({role_arn})",
        )


def _check_network(vpc: Record) -> None:
    for key, store in (("SubnetIds", ec2._subnets), ("SecurityGroupIds", ec2._security_groups)):
        unknown = [item for item in vpc.get(key) or [] if item not in store]
        if unknown:
            kind = "subnet" if key == "SubnetIds" else "security group"
            raise Refused(
                "InvalidParameterValueException",
                f"Error occurred while DescribeNetwork. The {kind} ID '{unknown[0]}' does not exist",
            )


_CHANGES = re.compile(r"/2015-03-31/functions/([^/]+)/(code|configuration|versions)")


async def _handle(stock: Any, method: str, path: str, *rest: Any, **options: Any) -> Any:
    """UpdateFunctionCode, UpdateFunctionConfiguration, PublishVersion: one change at a time. Guarded here and not at the
    functions behind, because a stack calls several of them for one update."""
    found = _CHANGES.fullmatch(unquote(path))
    function = lambda_svc._functions.get(found[1].rsplit(":", 1)[-1]) if found and method in ("PUT", "POST") else None
    if function and function["config"].get("LastUpdateStatus") == "InProgress":
        arn = function["config"]["FunctionArn"]
        message = f"The operation cannot be performed at this time. An update is in progress for resource: {arn}"
        return error_response_json("ResourceConflictException", message, 409)
    return await stock(method, path, *rest, **options)


def replicated(name: str, version: str | None) -> None:
    """DeleteFunction: a version associated with a distribution has replicas (aws-facts §6.2, I12)."""
    for record in cloudfront._distributions.values():
        pattern = f":function:{name}:{version}<" if version else f":function:{name}:"
        if pattern in record["config_xml"]:
            raise Refused(
                "InvalidParameterValueException",
                f"Lambda was unable to delete {name}:{version or '$LATEST'} because it is a replicated function. Please see "
                "our documentation for Deleting Lambda@Edge Functions and Replicas.",
            )


def _check_stack_version(physical_id: str, _properties: Properties) -> None:
    name, _, version = physical_id.rpartition(":")
    replicated(name.rsplit(":", 1)[-1], version)


def _check_delete(name: str, *rest: Any, **_: Any) -> None:
    qualifier = next((str(item) for item in rest if isinstance(item, str)), None)
    replicated(name.rsplit(":", 1)[-1], qualifier)


def install() -> None:
    around(lambda_svc, "handle_request", _handle)
    on_call(
        lambda_svc,
        "_create_function",
        lambda request: check_function(request.get("Role", ""), request.get("VpcConfig") or {}),
        error_response_json,
    )
    on_call(
        lambda_svc,
        "_update_config",
        lambda _, request: check_role(request["Role"]) if request.get("Role") else None,
        error_response_json,
    )
    on_call(lambda_svc, "_delete_function", _check_delete, error_response_json)
    on_stack(
        "AWS::Lambda::Function",
        put=lambda now, _: check_function(now.get("Role", ""), now.get("VpcConfig") or {}),
        delete=lambda name, _: replicated(name, None),
    )
    on_stack("AWS::Lambda::Version", delete=_check_stack_version)
