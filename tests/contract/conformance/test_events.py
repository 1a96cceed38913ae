"""EventBridge: rules of the default bus, their targets, and what matches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused

API = "EventBridge API reference [V]"
COST = "a few requests: less than a cent"


@pytest.fixture
def events(aws: Target) -> Any:
    return aws.client("events")


@pytest.fixture
def rule(aws: Target, events: Any) -> str:
    """A rule for what this test says, without targets."""
    name = aws.name("rule")
    tags = [{"Key": key, "Value": value} for key, value in aws.tags.items()]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [aws.name()]}), Tags=tags)
    aws.later(events.delete_rule, Name=name)
    return name


@success("events:PutRule", source=API)
@success("events:PutTargets", source=API)
@success("events:PutEvents", source=API)
@real(COST)
def test_what_matches_a_rule_reaches_its_target(aws: Target, events: Any, rule: str) -> None:
    sqs, name = aws.client("sqs"), aws.name("queue")
    arn = f"arn:aws:sqs:us-east-1:{aws.account()}:{name}"
    admitted = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [admitted]})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy}, tags=aws.tags)["QueueUrl"]
    aws.later(sqs.delete_queue, QueueUrl=url)
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    aws.later(events.remove_targets, Rule=rule, Ids=["queue"])

    def told() -> list[Any]:
        for source in (aws.name("other"), aws.name()):
            entry = {"Source": source, "DetailType": "Test", "Detail": json.dumps({"source": source})}
            assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages") or []
        return [json.loads(message["Body"]) for message in found]

    found = aws.until(told)  # a new rule takes a while to work
    assert {(event["source"], event["detail"]["source"]) for event in found} == {(aws.name(), aws.name())}


@success("events:PutEvents", source=f"{API}: NotAuthorizedForSourceException")
@real("nothing")
def test_nobody_speaks_for_an_aws_service(events: Any) -> None:
    answer = events.put_events(Entries=[{"Source": "aws.s3", "DetailType": "Object Created", "Detail": "{}"}])
    assert (answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]) == (1, "NotAuthorizedForSourceException")


@refusal("events:PutRule", "ValidationException", source=f"{API}; words K")
@refusal("events:PutRule", "InvalidEventPatternException", source=API)
@refusal("events:PutTargets", "ResourceNotFoundException", source=API)
@refusal(
    "events:PutTargets",
    "ValidationException",
    source="EventBridge User Guide, event buses in other Regions: RoleArn [V]",
)
@real("nothing")
def test_a_rule_and_its_target_are_refused_when_they_cannot_work(aws: Target, events: Any, rule: str) -> None:
    refused(events.put_rule, "ValidationException", Name=rule, ScheduleExpression="every day")
    refused(events.put_rule, "InvalidEventPatternException", Name=rule, EventPattern="{")
    target = {"Id": "t", "Arn": f"arn:aws:sqs:us-east-1:{aws.account()}:q"}
    refused(events.put_targets, "ResourceNotFoundException", Rule=aws.name("none"), Targets=[target])
    bus = f"arn:aws:events:eu-west-1:{aws.account()}:event-bus/default"
    refused(events.put_targets, "ValidationException", Rule=rule, Targets=[{"Id": "t", "Arn": bus}])
