"""SQS: ten messages in a call, each taken or not for itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused

API = "API reference, SendMessageBatch [V]"
COST = "a few requests: less than a cent"
SQS = "AWS.SimpleQueueService."


@pytest.fixture
def sqs(aws: Target) -> Any:
    return aws.client("sqs")


@pytest.fixture
def queue(aws: Target, sqs: Any) -> str:
    url = str(sqs.create_queue(QueueName=aws.name("batches"), tags=aws.tags)["QueueUrl"])
    aws.later(sqs.delete_queue, QueueUrl=url)
    return url


def entries(count: int) -> list[dict[str, Any]]:
    return [{"Id": str(i), "MessageBody": f"message {i}"} for i in range(count)]


@success("sqs:SendMessageBatch", source=API)
@real(COST)
def test_each_is_taken_or_not_for_itself(aws: Target, sqs: Any, queue: str) -> None:
    sent = [*entries(3), {"Id": "late", "MessageBody": "late", "DelaySeconds": 901}]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=sent)
    assert sorted(m["Id"] for m in answer["Successful"]) == ["0", "1", "2"]
    assert [(m["Id"], m["SenderFault"]) for m in answer["Failed"]] == [("late", True)]
    found: set[str] = set()

    def all_there() -> bool:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ())
        found.update(m["Body"] for m in messages)
        return len(found) == 3

    aws.until(all_there)


@refusal("sqs:SendMessageBatch", f"{SQS}TooManyEntriesInBatchRequest", source=API)
@refusal("sqs:SendMessageBatch", f"{SQS}EmptyBatchRequest", source=API)
@refusal("sqs:SendMessageBatch", f"{SQS}BatchEntryIdsNotDistinct", source=API)
@refusal("sqs:SendMessageBatch", f"{SQS}NonExistentQueue", source=API)
@real(COST)
def test_a_call_has_its_limits(aws: Target, sqs: Any, queue: str) -> None:
    send = sqs.send_message_batch
    refused(send, f"{SQS}TooManyEntriesInBatchRequest", QueueUrl=queue, Entries=entries(11))
    refused(send, f"{SQS}EmptyBatchRequest", QueueUrl=queue, Entries=[])
    refused(send, f"{SQS}BatchEntryIdsNotDistinct", QueueUrl=queue, Entries=[*entries(1), *entries(1)])
    nowhere = queue.replace("batches", "nowhere")
    refused(send, f"{SQS}NonExistentQueue", QueueUrl=nowhere, Entries=entries(1))
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
