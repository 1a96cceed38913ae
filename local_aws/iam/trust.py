"""Whom policies name, and what AWS services may do: assume a role that trusts them, what such a role allows, what a resource's
policy admits them to.

Roles are taken as other services see them by now (`consistency`).
"""

import re

from ministack.core import iam_evaluator as evaluator
from ministack.core.iam_evaluator import EvalContext
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from local_aws.iam import consistency

PATCHED: tuple[str, ...] = (
    "ministack.core.iam_evaluator._gather_role_policies",
    "ministack.core.iam_evaluator._permissions_boundary",
    "ministack.core.iam_evaluator._resource_policy",
    "ministack.services.iam._roles",
    "ministack.services.iam._users",
)


_PERSON = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(user|role)/(?:.*/)?([^/]+)")


def exists(principal: str) -> bool:
    """A user or role that a policy names is there, and a role is seen by now; whatever names nobody in particular is there."""
    found = _PERSON.fullmatch(principal)
    if not found:
        return True
    account, kind, name = found.groups()
    known = consistency.role(name, account) if kind == "role" else iam._users.get_scoped(account, None, name)
    return known is not None


def name_of(role_arn: str) -> str:
    return role_arn.rsplit("/", 1)[-1] if ":role/" in role_arn else ""


def assumable(role_arn: str, service: str, source_arn: str | None = None) -> bool:
    """sts:AssumeRole by a service (`lambda.amazonaws.com`), with the conditions of its trust policy [V: IAM User Guide, confused
    deputy: aws:SourceAccount, aws:SourceArn]."""
    role = consistency.role(name_of(role_arn), get_account_id())
    if role is None or role.get("Arn") != role_arn:
        return False
    return _admitted(role.get("AssumeRolePolicyDocument"), role_arn, "sts:AssumeRole", service, source_arn)


def admits(resource_arn: str, action: str, service: str, source_arn: str) -> bool:
    """Whether a resource's own policy lets a service in: queues, topics, functions."""
    found = evaluator._resource_policy(resource_arn.split(":")[2], resource_arn)
    return found is not None and _admitted(found[0], resource_arn, action, service, source_arn)


def _admitted(document: object, resource_arn: str, action: str, service: str, source_arn: str | None) -> bool:
    account = get_account_id()
    context = EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
        service_context={"aws:sourceaccount": account, "aws:sourcearn": source_arn},
    )
    return bool(evaluator.evaluate_resource_policy(document, context, service=service).decision == "Allow")


def may(role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether a role that a service has assumed allows this."""
    name, account = name_of(role_arn), get_account_id()
    context = EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/service",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )
    limits = evaluator._permissions_boundary(iam._roles, name, account)
    return bool(
        evaluator.evaluate(context, evaluator._gather_role_policies(name, account), *limits).decision == "Allow"
    )
