"""Lambda: event source mappings of SQS queues. What they deliver: `tests/embedded/test_queued_functions.py`."""

from __future__ import annotations

from typing import Any

from tests.contract.conformance import made
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "Lambda API reference [V]"
GUIDE = "Lambda Developer Guide, Using Lambda with Amazon SQS [V]"
RIGHTS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def queue(aws: Target, name: str, visibility: int) -> str:
    """The ARN of a queue."""
    sqs = aws.client("sqs")
    wanted = {"VisibilityTimeout": str(visibility)}
    url = sqs.create_queue(QueueName=aws.name(name), Attributes=wanted, tags=aws.tags)["QueueUrl"]
    aws.later(sqs.delete_queue, QueueUrl=url)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


def function(aws: Target) -> str:
    return made.function(aws, made.role(aws, "lambda.amazonaws.com", allow=RIGHTS), Timeout=20)


@success("lambda:CreateEventSourceMapping", source=API)
@success("lambda:GetEventSourceMapping", source=API)
@success("lambda:UpdateEventSourceMapping", source=API)
@success("lambda:DeleteEventSourceMapping", source=API)
@state("lambda:CreateEventSourceMapping", "Creating", source=API)
@state("lambda:UpdateEventSourceMapping", "Updating", source=API)
@state("lambda:DeleteEventSourceMapping", "Deleting", source=API)
@refusal("lambda:UpdateEventSourceMapping", "ResourceInUseException", source=API)
@refusal("lambda:DeleteEventSourceMapping", "ResourceInUseException", source=API)
@refusal("lambda:CreateEventSourceMapping", "ResourceConflictException", source=f"{API}; words: public reports [S]")
@refusal("lambda:GetEventSourceMapping", "ResourceNotFoundException", source=API)
@refusal("lambda:UpdateEventSourceMapping", "ResourceNotFoundException", source=API)
@refusal("lambda:DeleteEventSourceMapping", "ResourceNotFoundException", source=API)
@real("nothing")
def test_a_mapping_is_made_changed_and_removed(aws: Target) -> None:
    client, name, source = aws.client("lambda"), function(aws), queue(aws, "queue", 60)
    aws.slower(10)
    wanted = {"FunctionName": name, "EventSourceArn": source}
    created = aws.patiently(client.create_event_source_mapping, **wanted, BatchSize=1)
    mine = {"UUID": created["UUID"]}
    assert created["State"] == "Creating"
    refused(client.create_event_source_mapping, "ResourceConflictException", **wanted)
    refused(client.update_event_source_mapping, "ResourceInUseException", **mine, BatchSize=2)
    refused(client.delete_event_source_mapping, "ResourceInUseException", **mine)
    aws.slower(600)
    becomes(aws, mine, "Enabled")
    aws.slower(10)
    assert client.update_event_source_mapping(**mine, BatchSize=2)["State"] == "Updating"
    aws.slower(600)
    assert becomes(aws, mine, "Enabled")["BatchSize"] == 2
    assert client.delete_event_source_mapping(**mine)["State"] == "Deleting"
    aws.until(lambda: gone(aws, mine))
    refused(client.update_event_source_mapping, "ResourceNotFoundException", **mine, BatchSize=3)
    refused(client.delete_event_source_mapping, "ResourceNotFoundException", **mine)


def becomes(aws: Target, mine: dict[str, str], wanted: str) -> dict[str, Any]:
    client = aws.client("lambda")
    aws.until(lambda: client.get_event_source_mapping(**mine)["State"] == wanted)
    found: dict[str, Any] = client.get_event_source_mapping(**mine)
    return found


def gone(aws: Target, mine: dict[str, str]) -> bool:
    client = aws.client("lambda")
    try:
        client.get_event_source_mapping(**mine)
    except client.exceptions.ResourceNotFoundException:
        return True
    return False


@refusal("lambda:CreateEventSourceMapping", "InvalidParameterValueException", source=GUIDE)
@refusal("lambda:CreateEventSourceMapping", "ResourceNotFoundException", source=API)
@real("nothing")
def test_a_queue_must_hide_a_message_for_as_long_as_the_function_may_take(aws: Target) -> None:
    create, name = aws.client("lambda").create_event_source_mapping, function(aws)
    short, long = queue(aws, "short", 19), queue(aws, "long", 20)
    refused(create, "InvalidParameterValueException", FunctionName=name, EventSourceArn=short)
    refused(create, "InvalidParameterValueException", FunctionName=name, EventSourceArn=f"{long}-other")
    refused(create, "InvalidParameterValueException", FunctionName=name, EventSourceArn=long, BatchSize=11)
    refused(create, "ResourceNotFoundException", FunctionName=aws.name("none"), EventSourceArn=long)
