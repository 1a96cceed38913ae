"""SNS: what is published reaches whoever subscribed, in the form that their protocol gets, and what Publish does not take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused
from tests.contract.conformance.test_kms import key

API = "API reference, Publish [V]"
STRICTER = "API reference, Publish: a subject is shorter than 100 characters, long said to be ASCII [V]"
COST = "a few requests: less than a cent"


@pytest.fixture
def sns(aws: Target) -> Any:
    return aws.client("sns")


@pytest.fixture
def topic(aws: Target, sns: Any) -> str:
    tags = [{"Key": name, "Value": value} for name, value in aws.tags.items()]
    arn = str(sns.create_topic(Name=aws.name("events"), Tags=tags)["TopicArn"])
    aws.later(sns.delete_topic, TopicArn=arn)
    return arn


def reader(aws: Target, sns: Any, topic: str, **attributes: str) -> str:
    """The URL of a queue that is subscribed."""
    sqs = aws.client("sqs")
    url = str(sqs.create_queue(QueueName=aws.name("events"), tags=aws.tags)["QueueUrl"])
    aws.later(sqs.delete_queue, QueueUrl=url)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    only = {"Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, **only}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return url


def attribute(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


@success("sns:Publish", source=API)
@real(COST)
def test_each_protocol_has_its_own_form_and_a_filter_chooses(aws: Target, sns: Any, topic: str) -> None:
    url = reader(aws, sns, topic, FilterPolicy=json.dumps({"level": ["error"]}))
    for level in ("info", "error"):
        sns.publish(
            TopicArn=topic,
            Subject=f"[meridian] {level}",
            Message=json.dumps({"default": "for people", "sqs": f'{{"for": "machines", "level": "{level}"}}'}),
            MessageStructure="json",
            MessageAttributes={"level": attribute(level)},
        )
    found: list[dict[str, Any]] = []

    def there() -> bool:
        messages = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
        found.extend(json.loads(m["Body"]) for m in messages)
        return bool(found)

    aws.until(there)
    (one,) = found
    assert (one["Subject"], json.loads(one["Message"])) == ("[meridian] error", {"for": "machines", "level": "error"})
    assert one["MessageAttributes"]["level"]["Value"] == "error"


@refusal("sns:Publish", "NotFound", source=API)
@refusal("sns:Publish", "InvalidParameter", source=API)
@refusal("sns:Publish", "ParameterValueInvalid", source=API)
@real(COST)
def test_what_it_does_not_take(sns: Any, topic: str) -> None:
    said = {"TopicArn": topic, "Message": "m"}
    for subject in ("two\nlines", "x" * 101, "\x1b[31m"):
        refused(sns.publish, "InvalidParameter", **said, Subject=subject)
    structured = {"TopicArn": topic, "MessageStructure": "json"}
    for message in ("no json", '{"sqs": "no default"}', '{"default": 1}'):
        refused(sns.publish, "InvalidParameter", **structured, Message=message)
    refused(sns.publish, "InvalidParameter", TopicArn=topic, Message="x" * (256 * 1024 + 1))
    refused(sns.publish, "InvalidParameter", TopicArn="no-arn", Message="m")
    refused(sns.publish, "NotFound", TopicArn=f"{topic}-of-nobody", Message="m")
    empty = {"level": attribute("")}
    refused(sns.publish, "ParameterValueInvalid", "InvalidParameterValue", **said, MessageAttributes=empty)


@refusal("sns:Publish", "InvalidParameter", source=STRICTER)
def test_subjects_are_held_to_what_was_ever_said_of_them(sns: Any, topic: str) -> None:
    for subject in ("x" * 100, "é", " leading"):
        refused(sns.publish, "InvalidParameter", TopicArn=topic, Message="m", Subject=subject)


@refusal("sns:Publish", "KMSDisabled", source=API)
@refusal("sns:Publish", "KMSInvalidState", source=API)
@real("1 USD a month for as long as the key lives: it is removed after 7 days, of which none is charged")
def test_a_topic_is_as_good_as_its_key(aws: Target, sns: Any, topic: str) -> None:
    kms, name = aws.client("kms"), key(aws)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=name)
    sns.publish(TopicArn=topic, Message="m")
    kms.disable_key(KeyId=name)
    aws.until(lambda: refused(sns.publish, "KMSDisabled", TopicArn=topic, Message="m"))
    kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
    aws.until(lambda: refused(sns.publish, "KMSInvalidState", TopicArn=topic, Message="m"))
