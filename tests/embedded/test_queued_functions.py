"""A queue invokes a function: what it gets, how many run at once, and what comes of one that fails, dies or is slow."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded.conftest import SPEED, Aws
from tests.embedded.queued import arn, execution_role, function, mapping, queue, received, told

TELLS = """
def handler(event, context):
    tell([[r["body"], r["attributes"]["ApproximateReceiveCount"]] for r in event["Records"]])
"""


@pytest.fixture
def into(aws: Aws) -> str:
    """The queue that functions tell what they got."""
    return queue(aws, "told")


@pytest.fixture
def work(aws: Aws, into: str) -> str:
    """The queue that invokes, with its dead letters."""
    queue(aws, "dead")
    redrive = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 3})
    return queue(aws, "work", VisibilityTimeout=60, RedrivePolicy=redrive)


def send(aws: Aws, url: str, *bodies: object, **more: Any) -> None:
    for body in bodies:
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=str(body), **more)


def waiting(aws: Aws, url: str) -> tuple[int, int, int]:
    """Messages of a queue: visible, with somebody, delayed."""
    names = ("", "NotVisible", "Delayed")
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return tuple(int(found[f"ApproximateNumberOfMessages{name}"]) for name in names)  # type: ignore[return-value]


def refused(code: str, words: str, call: Any, **arguments: Any) -> None:
    with pytest.raises(ClientError, match=words) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code


def test_a_message_comes_as_aws_gives_it_and_is_gone_afterwards(aws: Aws, work: str, into: str) -> None:
    function(aws, "f", "def handler(event, context):\n    tell(event)\n")
    mapping(aws, "f", "work")
    sent = aws.client("sqs").send_message(QueueUrl=work, MessageBody="hello")
    ((record,),) = [event["Records"] for event in told(aws, into)]
    assert (record["messageId"], record["body"], record["md5OfBody"]) == (
        sent["MessageId"],
        "hello",
        sent["MD5OfMessageBody"],
    )
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == (
        "aws:sqs",
        arn("work"),
        "us-east-1",
    )
    assert record["attributes"].keys() == {
        "ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp",
    }  # fmt: skip
    aws.until(lambda: waiting(aws, work) == (0, 0, 0))


def test_invocations_run_at_once_but_no_more_than_allowed(aws: Aws, work: str, into: str) -> None:
    code = """
def handler(event, context):
    began = time.time()
    time.sleep(0.5)
    tell([began, time.time()])
"""
    function(aws, "f", code)
    mapping(aws, "f", "work", BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    send(aws, work, *range(6))
    spans = told(aws, into, 6)
    together = [sum(begin <= at <= end for begin, end in spans) for at, _ in spans]
    assert max(together) == 2


def test_a_batch_waits_for_its_window_or_until_it_is_full(aws: Aws, work: str, into: str) -> None:
    function(aws, "f", TELLS)
    mapping(aws, "f", "work", BatchSize=20, MaximumBatchingWindowInSeconds=300)
    send(aws, work, *range(15))
    assert list(received(aws, into)) == []  # half a second in all
    assert len(told(aws, into)[0]) == 15
    send(aws, work, *range(20))
    assert sorted(int(body) for body, _ in told(aws, into)[0]) == list(range(20))


def test_a_delayed_message_waits_by_the_virtual_clock(aws: Aws, work: str, into: str) -> None:
    function(aws, "f", TELLS)
    mapping(aws, "f", "work")
    aws.go(10)
    begun = time.monotonic()
    send(aws, work, "late", DelaySeconds=15)
    assert waiting(aws, work) == (0, 0, 1)
    assert told(aws, into) == [[["late", "1"]]]
    assert time.monotonic() - begun >= 1.5


def test_a_fast_clock_does_not_take_a_message_from_a_function_at_work(aws: Aws, work: str, into: str) -> None:
    function(aws, "f", "def handler(event, context):\n    time.sleep(1.5)\n    tell('done')\n")
    mapping(aws, "f", "work")
    send(aws, work, "slow")  # invisible for 60 virtual seconds: a tenth of a second here
    assert told(aws, into) == ["done"]
    aws.until(lambda: waiting(aws, work) == (0, 0, 0))
    assert list(received(aws, into)) == []


@pytest.mark.parametrize(
    "ends",
    ["raise ValueError('no')", "os.kill(os.getpid(), 9)", "time.sleep(30)"],
    ids=["it raises", "it dies", "it takes too long"],
)
def test_what_fails_comes_back_and_at_last_is_a_dead_letter(aws: Aws, work: str, into: str, ends: str) -> None:
    code = f"{TELLS}    {ends}\n"
    function(aws, "f", code, Timeout=1)
    mapping(aws, "f", "work")
    send(aws, work, "poison")
    assert told(aws, into, 3) == [[["poison", "1"]], [["poison", "2"]], [["poison", "3"]]]
    aws.until(lambda: waiting(aws, aws.client("sqs").get_queue_url(QueueName="dead")["QueueUrl"])[0] == 1)
    assert waiting(aws, work) == (0, 0, 0)


def test_a_failure_is_invisible_for_the_rest_of_its_time(aws: Aws, work: str, into: str) -> None:
    function(aws, "f", f"{TELLS}    raise ValueError('no')\n")
    mapping(aws, "f", "work")
    send(aws, work, "again")
    told(aws, into)
    aws.still()
    first = aws.client("sqs").get_queue_attributes(QueueUrl=work, AttributeNames=["All"])["Attributes"]
    assert int(first["ApproximateNumberOfMessages"]) + int(first["ApproximateNumberOfMessagesNotVisible"]) == 1
    aws.go()
    told(aws, into)


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        ("{'batchItemFailures': [{'itemIdentifier': r['messageId']} for r in records if r['body'] == '1']}", {"1"}),
        ("{'batchItemFailures': []}", set()),
        ("None", set()),
        ("{'batchItemFailures': [{'itemIdentifier': ''}]}", {"0", "1", "2"}),
        ("{'batchItemFailures': [{'itemIdentifier': 'another'}]}", {"0", "1", "2"}),
        ("{'batchItemFailures': [{'id': records[0]['messageId']}]}", {"0", "1", "2"}),
    ],
)
def test_only_what_a_batch_names_as_failed_comes_back(
    aws: Aws, work: str, into: str, answer: str, again: set[str]
) -> None:
    code = f"""
def handler(event, context):
    records = event["Records"]
    seen = max(int(r["attributes"]["ApproximateReceiveCount"]) for r in records)
    tell([[r["body"], r["attributes"]["ApproximateReceiveCount"]] for r in records])
    return {answer} if seen == 1 else None
"""
    function(aws, "f", code)
    more = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "MaximumBatchingWindowInSeconds": 120}
    mapping(aws, "f", "work", BatchSize=3, **more)
    send(aws, work, 0, 1, 2)
    aws.until(lambda: waiting(aws, work) == (0, 0, 0))
    found = [tuple(pair) for batch in told(aws, into) for pair in batch]
    assert {body for body, count in found if count == "2"} == again
    assert {body for body, count in found if count == "1"} == {"0", "1", "2"}


def test_copies_come_in_any_order_when_a_test_asks_for_them(aws: Aws, work: str, into: str) -> None:
    function(aws, "f", TELLS)
    fault = {"queue": "work", "copies": 3, "shuffle": True}
    assert aws.control("faults", {"faults": [fault], "seed": 1})[0] == 200
    send(aws, work, *range(8))
    mapping(aws, "f", "work", BatchSize=1)
    bodies = [batch[0][0] for batch in told(aws, into, 24)]
    assert sorted(bodies) == sorted("01234567" * 3)
    assert bodies != sorted(bodies)
    assert bodies[:8] != list("01234567")
    aws.until(lambda: waiting(aws, work) == (0, 0, 0))


# ---- what is refused ----------------------------------------------------------------------------------------------------


def test_what_a_mapping_must_not_be(aws: Aws, work: str) -> None:
    function(aws, "f", TELLS)
    create = aws.client("lambda").create_event_source_mapping
    wanted = {"FunctionName": "f", "EventSourceArn": arn("work")}
    queue(aws, "short", VisibilityTimeout=19)
    invalid = "InvalidParameterValueException"
    refused(
        invalid,
        "timeout: 19 seconds is less than Function timeout: 20",
        create,
        FunctionName="f",
        EventSourceArn=arn("short"),
    )
    refused(invalid, "does not exist", create, FunctionName="f", EventSourceArn=arn("nowhere"))
    refused(invalid, "Maximum batch window in seconds must be greater than 0", create, **wanted, BatchSize=11)
    one = wanted | {"ScalingConfig": {"MaximumConcurrency": 1}}  # boto3 does not even send it
    assert (
        aws.deploy("one", {"M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": one}}) == "ROLLBACK_COMPLETE"
    )
    aws.still()
    made = create(**wanted)
    assert made["State"] == "Creating"
    update = aws.client("lambda").update_event_source_mapping
    refused("ResourceInUseException", "Creating", update, UUID=made["UUID"], BatchSize=2)
    refused("ResourceConflictException", made["UUID"], create, **wanted)


def test_a_stack_makes_a_mapping_that_works_and_takes_it_away(aws: Aws, work: str, into: str) -> None:
    function(aws, "f", TELLS)
    properties = {"FunctionName": "f", "EventSourceArn": arn("work"), "ScalingConfig": {"MaximumConcurrency": 2}}
    made = {"Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}}
    topic = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}
    assert aws.deploy("stack", made | topic) == "CREATE_COMPLETE"
    send(aws, work, "one")
    assert told(aws, into) == [[["one", "1"]]]
    assert aws.deploy("stack", topic) == "UPDATE_COMPLETE"
    send(aws, work, "two")
    aws.passes(30)
    assert waiting(aws, work)[0] == 1


def test_a_world_in_which_a_function_works_is_not_kept_and_reset_ends_it(aws: Aws, work: str, into: str) -> None:
    function(aws, "f", "def handler(event, context):\n    tell('began')\n    time.sleep(3)\n    tell('late')\n")
    mapping(aws, "f", "work")
    send(aws, work, "slow")
    told(aws, into)
    status, answer = aws.control("snapshot", {})
    assert (status, "functions: f" in answer["error"]) == (409, True)
    assert aws.control("reset", {})[0] == 200
    again = queue(aws, "told")
    time.sleep(3)
    assert list(received(aws, again)) == []


# ---- with IAM -----------------------------------------------------------------------------------------------------------


def test_the_execution_role_must_be_allowed_to_take_messages(world: Any) -> None:
    aws = world.aws
    into, work = queue(aws, "told"), queue(aws, "work", VisibilityTimeout=60)
    role = execution_role(aws, "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:GetQueueAttributes")
    function(aws, "f", TELLS, role=role)
    create = aws.client("lambda").create_event_source_mapping
    words = "does not have permissions to call DeleteMessage on SQS"
    refused("InvalidParameterValueException", words, create, FunctionName="f", EventSourceArn=arn("work"))
    execution_role(aws, "sqs:*")
    time.sleep(20 / SPEED)
    mapping(aws, "f", "work")
    send(aws, work, "one")
    assert told(aws, into) == [[["one", "1"]]]
    execution_role(aws, "sqs:SendMessage")
    time.sleep(20 / SPEED)
    send(aws, work, "two")
    time.sleep(0.5)
    assert waiting(aws, work) == (1, 0, 0)
