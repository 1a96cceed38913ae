"""What wakes the reconciler: rules on the home Region's bus, and in every other Region the same rules, sending there.

A rule says which events may concern a topology, not which one: that is for `wake` to find out. Whatever is missed here is made
good by the slow resync.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from cdk_app.stacks.base import MeridianStack, arn, policy, statement, sub, trust
from cdk_app.stacks.control.storage import REVISIONS
from reconciler.model.control import FORWARD, RESYNC

TERMINAL = [
    f"{verb}_{end}"
    for verb in ("CREATE", "UPDATE", "ROLLBACK", "UPDATE_ROLLBACK", "DELETE", "IMPORT", "IMPORT_ROLLBACK")
    for end in ("COMPLETE", "FAILED")
]
"""Statuses of a stack at rest; while it works, nobody need look."""
_CALLED = ("route53", "cloudfront", "rds", "lambda", "apigateway")


def patterns() -> dict[str, dict[str, Any]]:
    """Event patterns of every Region, by the rule's logical id."""
    return {
        "Stacks": {
            "source": ["aws.cloudformation"],
            "detail-type": ["CloudFormation Stack Status Change"],
            "detail": {
                "stack-id": [
                    {"wildcard": sub("arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stack/meridian-*/*")}
                ],
                "status-details": {"status": TERMINAL},
            },
        },
        "Databases": {"source": ["aws.rds"], "detail-type": [{"prefix": "RDS "}]},
        # By somebody else's hand, or by ours: only who called tells, and `wake` looks at that.
        "Calls": {
            "source": [f"aws.{service}" for service in _CALLED],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": [f"{service}.amazonaws.com" for service in _CALLED],
                "readOnly": [False],
            },
        },
        "Alarms": {
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "detail": {"alarmName": [{"prefix": "meridian-"}]},
        },
    }


def add_rules(stack: MeridianStack, wake: lambda_.CfnFunction) -> None:
    """The home Region's: everything goes to `wake`."""
    uploaded = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [sub(REVISIONS)]},
            "object": {"key": [{"prefix": "revisions/"}, {"prefix": "heads/"}]},
        },
    }
    for logical, pattern in {"Revision": uploaded, **patterns()}.items():
        _to_wake(stack, logical, wake, event_pattern=pattern)
    _to_wake(stack, "Resync", wake, schedule_expression=f"rate({RESYNC // timedelta(minutes=1)} minutes)")


def _to_wake(stack: MeridianStack, logical: str, wake: lambda_.CfnFunction, **how: Any) -> None:
    name = f"meridian-{logical.lower()}"
    rule = events.CfnRule(
        stack,
        f"{logical}Rule",
        name=name,
        state="ENABLED",
        targets=[events.CfnRule.TargetProperty(id="wake", arn=wake.attr_arn)],
        **how,
    )
    permission = lambda_.CfnPermission(
        stack,
        f"{logical}Invoke",
        action="lambda:InvokeFunction",
        principal="events.amazonaws.com",
        function_name=wake.ref,
        source_arn=cdk.Fn.sub(arn("events", f"rule/{name}")),
    )
    rule.add_resource_dependency(permission)  # the first event may come at once


def add_forwarding(stack: MeridianStack) -> None:
    """Another Region's: everything goes to the home Region's bus."""
    home = stack.text("HomeRegion", pattern="[a-z]{2}(-[a-z]+)+-[0-9]")
    bus = arn("events", "event-bus/default", region="${HomeRegion}")
    role = iam.CfnRole(
        stack,
        "ForwardRole",
        role_name=cdk.Fn.sub(f"{FORWARD}-${{AWS::Region}}"),
        assume_role_policy_document=policy(
            {
                **trust({"Service": "events.amazonaws.com"}),
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": sub("${AWS::AccountId}")},
                    "ArnLike": {"aws:SourceArn": sub(arn("events", "rule/meridian-*"))},
                },
            }
        ),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="forward", policy_document=policy(statement("Allow", "events:PutEvents", sub(bus)))
            )
        ],
    )
    for logical, pattern in patterns().items():
        events.CfnRule(
            stack,
            f"{logical}Rule",
            name=f"meridian-{logical.lower()}",
            state="ENABLED",
            event_pattern=pattern,
            targets=[events.CfnRule.TargetProperty(id="home", arn=cdk.Fn.sub(bus), role_arn=role.attr_arn)],
        )
    stack.output("SendsTo", home)
