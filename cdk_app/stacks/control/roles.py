"""The roles that are no function's: who looks, who deploys on CloudFormation's behalf, who may fail over."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_app.stacks.base import MeridianStack, Statement, arn, policy, sub, trust
from cdk_app.stacks.control import rights, service_roles
from cdk_app.stacks.control.observing import observer
from reconciler.model.control import BREAK_GLASS, OBSERVER, SERVICE, SERVICE_DELETE

CLOUDFORMATION = {"Service": "cloudformation.amazonaws.com"}


def add_roles(stack: MeridianStack, key_arn: str) -> str:
    """`key_arn`: of the key that the revision bucket is encrypted with. Gives the ARN of the policy that lets one look, which other
    roles share."""
    observing = iam.CfnManagedPolicy(
        stack,
        "Observing",
        managed_policy_name="meridian-observing",
        policy_document=policy(*observer(key_arn)),
    ).ref
    people = {"AWS": sub(arn("iam", "root", region=""))}
    add_role(stack, "ObserverRole", OBSERVER, people, {"never": [rights.NO_FAILOVER]}, managed=[observing])
    add_role(stack, "BreakGlassRole", BREAK_GLASS, people, rights.break_glass())
    for logical, name, deletes in (("Service", SERVICE, False), ("ServiceDelete", SERVICE_DELETE, True)):
        never = [rights.NO_FAILOVER, *service_roles.denied(deletes=deletes)]
        allowed = {"stacks": service_roles.statements(deletes=deletes), "never": never}
        role = add_role(stack, f"{logical}Role", name, CLOUDFORMATION, allowed)
        role.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    return observing


def add_role(
    stack: cdk.Stack,
    logical: str,
    name: str,
    trusted: object,
    statements: Mapping[str, list[Statement]],
    *,
    managed: list[str] | None = None,
    how: Statement | None = None,
) -> iam.CfnRole:
    """`how` is the statement of trust where it is no plain one."""
    return iam.CfnRole(
        stack,
        logical,
        role_name=name,
        assume_role_policy_document=policy(how or trust(trusted)),
        managed_policy_arns=managed,
        policies=[
            iam.CfnRole.PolicyProperty(policy_name=key, policy_document=policy(*parts))
            for key, parts in statements.items()
        ],
    )
