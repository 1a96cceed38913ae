"""The handlers of a stack's resources do only what the stack's role, or without one the caller, is allowed (see `permissions`)."""

from collections.abc import Callable, Iterator
from typing import Any

from ministack.core import iam_actions
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import sts
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws.gateway import trail
from local_aws.iam import permissions, reference
from local_aws.iam.calls import Check, denied
from local_aws.iam.service_role import PRINCIPAL
from local_aws.registry import schemas

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS",
    "ministack.services.sts._sessions",
)

Properties = dict[str, Any]
# As AWS's SDK spells the services in its messages.
_SPELT = {"acm": "Acm", "cloudfront": "CloudFront", "cloudwatch": "CloudWatch", "dynamodb": "DynamoDb", "apigateway": "ApiGateway",
          "events": "EventBridge", "logs": "CloudWatchLogs", "route53": "Route53", "secretsmanager": "SecretsManager"}  # fmt: skip
# Types that take a name and get one from CloudFormation where the template gives none.
_NAMED_BY_CLOUDFORMATION = {"AWS::IAM::Role", "AWS::Lambda::Function"}
_ACTIONS = {"create": "CREATE", "update": "UPSERT", "delete": "DELETE"}


def check(kind: str, verb: str, properties: Properties, physical_id: str, made_up: str = "") -> None:
    """ValueError, in the words of a resource handler, for the first thing that is not allowed. `made_up`: how the name begins that
    CloudFormation gives to what has none; it does so before it calls the handler [V: "Name type": stack, logical id, random]."""
    access_key = trail.CALLER.get()
    if not access_key:
        return
    for one in _checks(kind, verb, properties, physical_id or made_up):
        refusal = denied(access_key, one, one.action.partition(":")[0])
        if refusal is not None:
            raise ValueError(_reason(one, refusal))


def _checks(kind: str, verb: str, properties: Properties, physical_id: str) -> Iterator[Check]:
    context = {**_tags(verb, properties), **_records(kind, verb, properties), **_through_cloudformation()}
    for action in permissions.needed(kind, verb, properties):
        if action == "iam:PassRole":
            yield from _passed(kind, properties, context)
            continue
        if action == "iam:CreateServiceLinkedRole":
            yield _linked(kind)
            continue
        scope = {"account": get_account_id(), "region": get_region()}
        for arn in permissions.arns(kind, action, properties, physical_id, **scope):
            yield Check(action=action, resource=arn, context=context)


def _passed(kind: str, properties: Properties, context: Properties) -> Iterator[Check]:
    service = schemas.service_of(kind)
    for role in permissions.roles(properties):
        to = {"iam:PassedToService": f"{service}.amazonaws.com"}
        yield Check(action="iam:PassRole", resource=role, context={**context, **to})


def _linked(kind: str) -> Check:
    """A service's own role, named after it [V: IAM User Guide, service-linked role permissions]."""
    service = f"{schemas.service_of(kind)}.amazonaws.com"
    role = f"arn:aws:iam::{get_account_id()}:role/aws-service-role/{service}/{reference.ANY}"
    return Check(action="iam:CreateServiceLinkedRole", resource=role, context={"iam:AWSServiceName": service})


def _tags(verb: str, properties: Properties) -> Properties:
    tags = properties.get("Tags") if verb == "create" else None
    if isinstance(tags, dict):
        tags = [{"Key": k, "Value": v} for k, v in tags.items()]
    pairs = {str(tag["Key"]): tag["Value"] for tag in tags or []}
    keys = {"aws:TagKeys": list(pairs)} if pairs else {}
    return {**{f"aws:RequestTag/{k}": v for k, v in pairs.items()}, **keys}


def _records(kind: str, verb: str, properties: Properties) -> Properties:
    """The condition keys of ChangeResourceRecordSets."""
    if kind != "AWS::Route53::RecordSet":
        return {}
    prefix = "route53:ChangeResourceRecordSets"
    name = str(properties.get("Name", "")).rstrip(".").lower().replace("*", "\\052")
    return {
        f"{prefix}NormalizedRecordNames": [name],
        f"{prefix}RecordTypes": [str(properties.get("Type"))],
        f"{prefix}Actions": [_ACTIONS[verb]],
    }


def _through_cloudformation() -> Properties:
    """A caller's own rights, used by CloudFormation on its behalf [V: global condition keys, aws:CalledVia, aws:ViaAWSService]."""
    own = not (sts._sessions.get(trail.CALLER.get()) or {}).get("ForStacksWith")
    return {"aws:CalledVia": [PRINCIPAL], "aws:ViaAWSService": "true"} if own else {}


def _reason(one: Check, refusal: Any) -> str:
    service = one.action.partition(":")[0]
    if isinstance(refusal, evaluator.AuthError):
        message = refusal.message
    else:
        explicit = refusal.decision == "Deny"
        message = iam_actions.identity_denial_message(one.action, refusal.principal_arn, one.resource, explicit)
    told = (
        f"{message} (Service: {_SPELT.get(service, service.capitalize())}, Status Code: 403, Request ID: {new_uuid()}) "
        "(SDK Attempt Count: 1)"
    )
    return f'Resource handler returned message: "{told}" (HandlerErrorCode: AccessDenied)'


def _guard(kind: str, handlers: dict[str, Callable[..., Any]]) -> None:
    stock = dict(handlers)

    def create(logical_id: str, properties: Properties, stack_name: str, *rest: Any) -> Any:
        made_up = f"{stack_name}-{logical_id}-{reference.ANY}" if kind in _NAMED_BY_CLOUDFORMATION else ""
        check(kind, "create", properties, "", made_up)
        return stock["create"](logical_id, properties, stack_name, *rest)

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        check(kind, "update", new, physical_id)
        return stock["update"](physical_id, old, new, *rest)

    def delete(physical_id: str, properties: Properties, *rest: Any) -> Any:
        check(kind, "delete", properties, physical_id)
        return stock["delete"](physical_id, properties, *rest)

    handlers.update({k: v for k, v in {"create": create, "update": update, "delete": delete}.items() if k in stock})


def install() -> None:
    for kind, handlers in _RESOURCE_HANDLERS.items():
        if schemas.facts(kind).permissions:
            _guard(kind, handlers)
