"""What a call needs besides its own action: every other resource it names, the right to pass a role on, and to tag what it makes.

[V] Service Authorization Reference, "dependent actions"; IAM User Guide, "Granting a user permissions to pass a role to an
AWS service".
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_region, new_uuid
from ministack.core.router import extract_access_key_id

from local_aws.gateway.wire import json_object
from local_aws.iam import reference, requests

PATCHED: tuple[str, ...] = ("ministack.app._credential_failure", "ministack.app._routing_params")

Params = dict[str, Any]
Handler = Callable[..., Awaitable[Any]]

# What a service does to tag a thing while it makes it.
_TAGGING = {
    "acm": "acm:AddTagsToCertificate",
    "cloudformation": "cloudformation:TagResource",
    "cloudwatch": "cloudwatch:TagResource",
    "dynamodb": "dynamodb:TagResource",
    "ec2": "ec2:CreateTags",
    "events": "events:TagResource",
    "iam": "iam:TagRole",
    "kms": "kms:TagResource",
    "lambda": "lambda:TagResource",
    "logs": "logs:TagResource",
    "rds": "rds:AddTagsToResource",
    "secretsmanager": "secretsmanager:TagResource",
    "sqs": "sqs:TagQueue",
    "sts": "sts:TagSession",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    action: str
    resource: str
    context: Params = field(default_factory=dict)


def checks(service: str, action: str, path: str, body: bytes, query: Params) -> Iterator[Check]:
    arns = requests.resources(action)
    context = iam_actions.request_tag_context(service, action, body, query)
    for arn in arns[1:]:
        yield Check(action=action, resource=arn, context=context)
    if service == "dynamodb":
        account = arns[0].split(":")[4] if arns and arns[0] != reference.ANY else reference.ANY
        for further, table in requests.transacted(body)[1:]:
            named = reference.resources(further, {"table": [table]}, account=account, region=get_region())
            yield Check(action=further, resource=named[0], context=context)
    tag = _TAGGING.get(action.partition(":")[0])
    if context.get("aws:TagKeys") and tag and "Tag" not in action:
        yield Check(action=tag, resource=arns[0] if arns else reference.ANY, context=context)
    for role, principal in _passed(action, path, json_object(body), query):
        yield Check(action="iam:PassRole", resource=role, context={"iam:PassedToService": principal})


def _passed(action: str, path: str, body: Params, query: Params) -> Iterator[tuple[str, str]]:
    """The roles that a call hands to a service, and the service."""
    service, _, operation = action.partition(":")
    found: list[Any] = []
    if operation in ("CreateFunction", "UpdateFunctionConfiguration"):
        found = [body.get("Role")]
    elif service == "cloudformation":
        found = list(query.get("RoleARN", ()))
    elif service == "events":
        found = [body.get("RoleArn"), *(target.get("RoleArn") for target in body.get("Targets") or [])]
    elif service == "scheduler":
        found = [(body.get("Target") or {}).get("RoleArn")]
    elif action == "apigateway:PATCH" and path == "/account":
        found = [op.get("value") for op in body.get("patchOperations", ()) if op.get("path") == "/cloudwatchRoleArn"]
    yield from ((str(role), f"{service}.amazonaws.com") for role in found if role)


def denied(access_key: str, check: Check, service: str) -> Any:
    """None, or why not: an EvalResult or an AuthError."""
    return evaluator.enforce(
        access_key, check.action, service, get_region(), resource_arn=check.resource, service_context=check.context
    )


def _checked(service: str, stock: Handler) -> Handler:
    async def handle(method: str, path: str, headers: Any, body: bytes, query: Params) -> Any:
        params = app._routing_params(method, path, headers, body, query)
        access_key = extract_access_key_id(headers, query) or ""
        action = iam_actions.extract_iam_action(service, method, path, headers, body, params) or ""
        for check in checks(service, action, path, body, params):
            refusal = denied(access_key, check, check.action.partition(":")[0])
            if refusal is not None:
                return refused(service, check, refusal, headers)
        return await stock(method, path, headers, body, query)

    return handle


def refused(service: str, check: Check, refusal: Any, headers: Any) -> Any:
    if isinstance(refusal, evaluator.AuthError):
        return app._credential_failure(service, check.action, new_uuid(), refusal, headers)
    return iam_actions.access_denied_response(
        service, check.action, refusal.principal_arn, new_uuid(), headers=headers, resource_arn=check.resource,
        explicit_deny=refusal.decision == "Deny", resource_policy_arn=refusal.resource_policy_arn,
    )  # fmt: skip


def install() -> None:
    for service, stock in list(app.SERVICE_HANDLERS.items()):
        app.SERVICE_HANDLERS[service] = _checked(service, stock)
