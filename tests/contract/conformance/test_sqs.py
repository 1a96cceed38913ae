"""SQS: messages of a standard queue, for how long they may wait and be invisible."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused

API = "SQS API reference [V]"
COST = "a few requests: less than a cent"
NOWHERE = "AWS.SimpleQueueService.NonExistentQueue"


@pytest.fixture
def sqs(aws: Target) -> Any:
    return aws.client("sqs")


@pytest.fixture
def queue(aws: Target, sqs: Any) -> str:
    url = sqs.create_queue(QueueName=aws.name("queue"), Attributes={"VisibilityTimeout": "120"}, tags=aws.tags)[
        "QueueUrl"
    ]
    aws.later(sqs.delete_queue, QueueUrl=url)
    return str(url)


def received(aws: Target, sqs: Any, url: str) -> dict[str, Any]:
    asked = {"QueueUrl": url, "AttributeNames": ["All"], "WaitTimeSeconds": 20}
    return dict(aws.until(lambda: sqs.receive_message(**asked).get("Messages"))[0])


@success("sqs:SendMessage", source=API)
@success("sqs:ReceiveMessage", source=API)
@success("sqs:DeleteMessage", source=API)
@success("sqs:ChangeMessageVisibility", source=API)
@real(COST)
def test_a_message_is_received_until_it_is_deleted(aws: Target, sqs: Any, queue: str) -> None:
    sent = sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"topology": "orders"}), DelaySeconds=1)
    first = received(aws, sqs, queue)
    assert (first["MessageId"], first["MD5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    assert first["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    again = received(aws, sqs, queue)
    assert (again["MessageId"], again["Attributes"]["ApproximateReceiveCount"]) == (sent["MessageId"], "2")
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


@refusal("sqs:SendMessage", "InvalidParameterValue", source=f"{API}: DelaySeconds, at most 900")
@refusal("sqs:ChangeMessageVisibility", "InvalidParameterValue", source=f"{API}: at most 43,200 seconds")
@real(COST)
def test_a_wait_has_its_limits(aws: Target, sqs: Any, queue: str) -> None:
    refused(sqs.send_message, "InvalidParameterValue", QueueUrl=queue, MessageBody="late", DelaySeconds=901)
    sqs.send_message(QueueUrl=queue, MessageBody="now")
    handle = received(aws, sqs, queue)["ReceiptHandle"]
    wanted = {"QueueUrl": queue, "ReceiptHandle": handle, "VisibilityTimeout": 43201}
    refused(sqs.change_message_visibility, "InvalidParameterValue", **wanted)


@refusal("sqs:SendMessage", NOWHERE, source=API)
@refusal("sqs:ReceiveMessage", NOWHERE, source=API)
@real("nothing")
def test_a_queue_that_is_not_there_takes_and_gives_nothing(aws: Target, sqs: Any) -> None:
    url = f"https://sqs.us-east-1.amazonaws.com/{aws.account()}/{aws.name('none')}"
    refused(sqs.send_message, NOWHERE, QueueUrl=url, MessageBody="lost")
    refused(sqs.receive_message, NOWHERE, QueueUrl=url)
