"""What calls a person: messages nobody could deal with, a loop that stands still or is never woken, a topology that needs somebody.

The functions measure without a dimension (namespace `Meridian`), so that a new topology needs no new alarm and costs no new metric;
which topology it was, the line in the log says.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from cdk_app.stacks.base import MeridianStack, arn, policy, statement, sub, tls_statement
from cdk_app.stacks.control.dashboard import add_dashboard
from cdk_app.stacks.control.notices import add_mail
from reconciler.model.control import DEAD_LETTERS, METRICS, QUEUE, RECONCILE, SYNTH, WAKE

TOPIC = "meridian-alarms"
LATE = 1800
"""Seconds. A message waits fifteen minutes of its own will."""
LOOKED_AT = 1800
"""Seconds. What lasts is measured at each look, a quarter of an hour apart: with a shorter period the alarm would come and go with
each, and send two mails."""
STOLEN = 3
"""A function that dies loses its lease to the next one; thrice in a quarter of an hour is no accident."""
FAILED = 3
"""Passes that fail in a quarter of an hour: one that meets a throttle or a lost answer is tried again, and nobody need know. A
message that nothing could be done about comes back each four minutes, so a single topology gets there."""
SLOW = 4 * 3600
"""Seconds. Creation from nothing takes two hours, most of them Aurora's; a rollout with its soaks less."""
SILENT, FEW = 3600, 2
"""Seconds, and invocations: the resync has four in that time, whatever there is to look at. One is no sign of life, as this alarm
itself wakes the function by the rule for alarms, and would end and begin anew each hour. Until the second resync after bootstrap it
is on."""
AlarmArguments = dict[str, Any]


def add_alarms(stack: MeridianStack, key_arn: str) -> None:
    topic = _topic(stack, key_arn)
    for logical, (description, settings) in _alarms().items():
        cloudwatch.CfnAlarm(
            stack,
            f"{logical}Alarm",
            alarm_name=f"meridian-control-{logical.lower()}",
            alarm_description=description,
            alarm_actions=[topic.ref],
            ok_actions=[topic.ref],
            **{"treat_missing_data": "notBreaching", **settings},
        )
    add_dashboard(stack)


def _topic(stack: MeridianStack, key_arn: str) -> sns.CfnTopic:
    topic = sns.CfnTopic(stack, "Alarms", topic_name=TOPIC, kms_master_key_id=key_arn)
    here = sub(arn("sns", TOPIC))
    by_alarms = statement(
        "Allow",
        "sns:Publish",
        here,
        Sid="Alarms",
        Principal={"Service": "cloudwatch.amazonaws.com"},
        Condition={"StringEquals": {"aws:SourceAccount": sub("${AWS::AccountId}")}},
    )
    refused = tls_statement("sns:Publish", here)
    sns.CfnTopicPolicy(stack, "AlarmsPolicy", topics=[topic.ref], policy_document=policy(by_alarms, refused))
    add_mail(stack, topic, "AlarmEmail", "AlarmMail", "SomebodyReads")
    return topic


def _alarms() -> dict[str, tuple[str, AlarmArguments]]:
    return {
        "DeadLetters": (
            "a message was given up: read it, mend the cause, then redrive the queue",
            _over(0, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", QueueName=DEAD_LETTERS),
        ),
        "OldestMessage": (
            "messages are not dealt with: reconcile does not run, or runs too slowly",
            _over(LATE, "AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", periods=3, QueueName=QUEUE),
        ),
        "Stalled": (
            "a topology is stalled: meridian status says why",
            _over(0, METRICS, "StalledTopologies", "Maximum", period=LOOKED_AT),
        ),
        "LeaseSteals": (
            "leases are taken from holders that stopped renewing them, again and again",
            _over(STOLEN - 1, METRICS, "LeaseSteals", "Sum", period=900),
        ),
        "PassErrors": (
            "passes fail again and again: the log of meridian-reconcile has the codes, meridian explain their meaning",
            _over(FAILED - 1, METRICS, "PassErrors", "Sum", period=900),
        ),
        "Refused": (
            "a plan is refused for an hour: meridian status says by which rule, and the way out",
            _over(0, METRICS, "Refusals", "Sum", period=LOOKED_AT, periods=2),
        ),
        "SlowToConverge": (
            "a commit is under way for long: meridian status says what it waits for, which may be a window",
            _over(SLOW, METRICS, "TimeUnderWay", "Maximum", period=1800),
        ),
        "Silent": (
            "the loop is not woken: look at the rule meridian-resync, its right to invoke meridian-wake, and throttles",
            _under(FEW, "AWS/Lambda", "Invocations", "Sum", period=SILENT, FunctionName=WAKE),
        ),
        **{
            f"{name.removeprefix('meridian-').capitalize()}Errors": (
                f"{name} fails",
                _over(0, "AWS/Lambda", "Errors", "Sum", period=300, FunctionName=name),
            )
            for name in (WAKE, RECONCILE, SYNTH)
        },
    }


def _over(
    threshold: int,
    namespace: str,
    metric: str,
    statistic: str,
    *,
    period: int = 60,
    periods: int = 1,
    **dimensions: str,
) -> AlarmArguments:
    return {
        "namespace": namespace,
        "metric_name": metric,
        "statistic": statistic,
        "period": period,
        "evaluation_periods": periods,
        "threshold": threshold,
        "comparison_operator": "GreaterThanThreshold",
        "dimensions": [cloudwatch.CfnAlarm.DimensionProperty(name=k, value=v) for k, v in dimensions.items()] or None,
    }


def _under(threshold: int, *metric: str, period: int, **dimensions: str) -> AlarmArguments:
    """Of a metric that is not told at all where it is nought."""
    silent = {"comparison_operator": "LessThanThreshold", "treat_missing_data": "breaching"}
    return {**_over(threshold, *metric, period=period, periods=1, **dimensions), **silent}
