"""Messages into the queue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from reconciler.aws.clients import Clients
from reconciler.aws.queue import Queue
from reconciler.model.errors import CloudUnavailable
from reconciler.model.message import Message


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def url(sqs: Any) -> str:
    return sqs.create_queue(QueueName="meridian-reconcile")["QueueUrl"]


def messages(count: int) -> list[Message]:
    return [Message(topology=f"t{i}", reason="test") for i in range(count)]


def received(sqs: Any, url: str) -> list[str]:
    found: list[str] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [Message.read(m["Body"]).topology for m in batch]
    return sorted(found)


def test_more_than_a_call_takes(sqs: Any, url: str) -> None:
    Queue(Clients(), url, "us-east-1").send(messages(23))
    assert received(sqs, url) == sorted(m.topology for m in messages(23))


def test_a_delay_is_a_quarter_of_an_hour_at_most(sqs: Any, url: str) -> None:
    Queue(Clients(), url, "us-east-1").send(messages(1), timedelta(hours=3))
    assert received(sqs, url) == []
    assert (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][
            "ApproximateNumberOfMessagesDelayed"
        ]
        == "1"
    )


def test_messages_are_spread_evenly_in_their_order(stubbed: tuple[Queue, Stubber]) -> None:
    queue, stub = stubbed
    delays = [0, 75, 150, 225, 300, 375, 450, 525, 600, 675, 750, 825]
    for batch in (delays[:10], delays[10:]):
        first = delays.index(batch[0])
        entries = [
            {"Id": str(i), "MessageBody": messages(12)[first + i].body(), "DelaySeconds": delay}
            for i, delay in enumerate(batch)
        ]
        url = "https://sqs.us-east-1.amazonaws.com/1/q"
        stub.add_response("send_message_batch", {"Successful": [], "Failed": []}, {"QueueUrl": url, "Entries": entries})
    queue.send(messages(12), over=timedelta(minutes=15))
    stub.assert_no_pending_responses()


@pytest.fixture
def stubbed(sqs: Any) -> Iterator[tuple[Queue, Stubber]]:
    clients = Clients()
    with Stubber(clients.writer("sqs", "us-east-1")) as stub:
        yield Queue(clients, "https://sqs.us-east-1.amazonaws.com/1/q", "us-east-1"), stub


def answer(stub: Stubber, sent: list[str], failed: list[str]) -> None:
    good = [{"Id": i, "MessageId": i, "MD5OfMessageBody": "x"} for i in sent if i not in failed]
    bad = [{"Id": i, "SenderFault": False, "Code": "InternalError", "Message": "again"} for i in failed]
    entries = [
        {"Id": i, "MessageBody": messages(3)[int(i)].body(), "DelaySeconds": 0} for i in sent
    ]  # only what is left is sent again
    url = "https://sqs.us-east-1.amazonaws.com/1/q"
    stub.add_response("send_message_batch", {"Successful": good, "Failed": bad}, {"QueueUrl": url, "Entries": entries})


def test_what_was_not_taken_is_sent_again_and_only_that(stubbed: tuple[Queue, Stubber]) -> None:
    queue, stub = stubbed
    answer(stub, ["0", "1", "2"], ["1", "2"])
    answer(stub, ["1", "2"], ["2"])
    answer(stub, ["2"], [])
    queue.send(messages(3))
    stub.assert_no_pending_responses()


def test_what_is_never_taken_is_an_error(stubbed: tuple[Queue, Stubber]) -> None:
    queue, stub = stubbed
    for _ in range(3):
        answer(stub, ["0"], ["0"])
    with pytest.raises(CloudUnavailable, match="did not take 1 messages: InternalError: again"):
        queue.send(messages(1))
