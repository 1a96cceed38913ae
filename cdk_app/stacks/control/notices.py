"""The topic `meridian-events`: what hosted passes tell people, apart from `meridian-alarms`, which is about the loop itself.

Whoever wants other notices than all by mail subscribes to it, with a filter policy on `kind`, `topology` and `level`. Only the role
of the function reconcile publishes: a notice that somebody else wrote would say `meridian approve` in our name.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sns as sns

from cdk_app.stacks.base import MeridianStack, arn, policy, role_arn, statement, sub, tls_statement
from reconciler.model.control import EVENTS, RECONCILE


def add_topic(stack: MeridianStack, key_arn: str) -> str:
    """Its ARN."""
    topic = sns.CfnTopic(stack, "Events", topic_name=EVENTS, kms_master_key_id=key_arn)
    here = sub(arn("sns", EVENTS))
    others = statement(
        "Deny",
        "sns:Publish",
        here,
        Sid="ByReconcileOnly",
        Principal="*",
        Condition={"StringNotEquals": {"aws:PrincipalArn": sub(role_arn(RECONCILE))}},
    )
    refused = tls_statement("sns:Publish", here)
    sns.CfnTopicPolicy(stack, "EventsPolicy", topics=[topic.ref], policy_document=policy(others, refused))
    add_mail(stack, topic, "NotifyEmail", "EventMail", "SomebodyIsTold")
    stack.output("EventsTopic", topic.ref)
    return topic.ref


def add_mail(stack: MeridianStack, topic: sns.CfnTopic, parameter: str, logical: str, condition: str) -> None:
    """A subscription for the address in the parameter, if there is one. AWS asks its owner once."""
    email = stack.text(parameter, default="")
    subscription = sns.CfnSubscription(stack, logical, topic_arn=topic.ref, protocol="email", endpoint=email)
    subscription.cfn_options.condition = cdk.CfnCondition(
        stack, condition, expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(email, ""))
    )
