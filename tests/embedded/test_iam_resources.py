"""Policies of resources (bucket, queue, key, function), the rights of a running function, and where events may be delivered."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.embedded.iam_world import (
    ACCOUNT,
    World,
    allow,
    deny,
    document,
    refused,
    service,
)

ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/every"


def test_a_buckets_policy_lets_in_and_keeps_out(world: World) -> None:
    s3, ann = world.aws.client("s3"), world.user("ann")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="key", Body=b"1")
    with refused("AccessDenied"):
        ann.client("s3").get_object(Bucket="some-bucket", Key="key")
    objects = "arn:aws:s3:::some-bucket/*"
    s3.put_bucket_policy(
        Bucket="some-bucket", Policy=document(allow("s3:GetObject", resource=objects, Principal={"AWS": ANN}))
    )
    assert ann.client("s3").get_object(Bucket="some-bucket", Key="key")["Body"].read() == b"1"
    reader = world.assume("reader", allow("s3:*"))
    only = deny("s3:GetObject", resource=objects) | {"NotPrincipal": {"AWS": ANN}}
    s3.put_bucket_policy(Bucket="some-bucket", Policy=document(only))
    with refused("AccessDenied", "with an explicit deny in a resource-based policy"):
        reader.client("s3").get_object(Bucket="some-bucket", Key="key")
    with refused("AccessDenied", "with an explicit deny"):  # root too
        s3.get_object(Bucket="some-bucket", Key="key")
    s3.delete_bucket_policy(Bucket="some-bucket")
    assert reader.client("s3").get_object(Bucket="some-bucket", Key="key")["Body"].read() == b"1"


def test_a_key_needs_its_own_policy_to_let_a_role_in(world: World) -> None:
    kms, ann = world.aws.client("kms"), world.user("ann")
    key = kms.create_key(Policy=document(allow("kms:*", Principal={"AWS": ANN})))["KeyMetadata"]["Arn"]
    almighty = world.assume("almighty", allow("*"))
    with refused("AccessDeniedException"):
        almighty.client("kms").describe_key(KeyId=key)
    ann.client("kms").describe_key(KeyId=key)
    delegated = kms.create_key(Policy=document(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    almighty.client("kms").describe_key(KeyId=delegated["KeyMetadata"]["Arn"])


def test_a_queues_and_a_functions_policy_let_a_user_in(world: World) -> None:
    ann = world.user("ann")
    vague = allow("sqs:ReceiveMessage", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/a*"})  # names nobody
    url, arn = queue(world, allow("sqs:SendMessage", Principal={"AWS": ANN}), vague)
    ann.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    with refused("AccessDenied"):
        ann.client("sqs").receive_message(QueueUrl=url)
    function(world, "f", "return 1", world.role("runner", service("lambda")))
    with refused("AccessDeniedException", "lambda:InvokeFunction on resource: "):
        ann.client("lambda").invoke(FunctionName="f")
    world.aws.client("lambda").add_permission(
        FunctionName="f", StatementId="ann", Action="lambda:InvokeFunction", Principal=ANN
    )
    assert ann.client("lambda").invoke(FunctionName="f")["Payload"].read() == b"1"
    assert arn.endswith(":jobs")


def queue(world: World, *statements: dict[str, Any]) -> tuple[str, str]:
    sqs, arn = world.aws.client("sqs"), f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    policy = [{**s, "Resource": arn} for s in statements]
    if policy:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(*policy)})
    return url, arn


def function(world: World, name: str, body: str, role: str) -> str:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        # in place of a package of 15 MB; what is not in its package a function does not find by itself
        path = f"import sys\nsys.path.append({str(Path(boto3.__file__).parents[1])!r})\n"
        archive.writestr("main.py", f"{path}import boto3\ndef run(event, context):\n    {body}\n")
    client = world.aws.client("lambda")
    made = client.create_function(
        FunctionName=name, Runtime="python3.13", Handler="main.run", Role=role, Code={"ZipFile": out.getvalue()}, Timeout=30
    )  # fmt: skip
    world.aws.until(lambda: client.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
    return str(made["FunctionArn"])


# ---- what a running function may do ------------------------------------------------------------------------------------------


def test_a_function_can_do_what_its_role_allows_and_nothing_else(world: World) -> None:
    own = {"ArnEquals": {"lambda:SourceFunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"}}
    role = world.role("runner", service("lambda"), allow("sqs:ListQueues", Condition=own), allow("ec2:DescribeVpcs"),
                      deny("ec2:*", Condition=own))  # fmt: skip
    function(world, "f", "return getattr(boto3.client(event['s']), event['o'])(**event['a']).get('Arn', 'done')", role)

    def run(s: str, o: str, **a: Any) -> Any:
        answer = world.aws.client("lambda").invoke(FunctionName="f", Payload=json.dumps({"s": s, "o": o, "a": a}))
        return json.load(answer["Payload"])

    assert run("sts", "get_caller_identity") == f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/f"
    assert run("sqs", "list_queues") == "done"
    for refused_call in (
        run("ec2", "describe_vpcs"),
        run("s3", "list_buckets"),
        run("sqs", "create_queue", QueueName="q"),
    ):
        assert "assumed-role/runner/f is not authorized to perform: " in refused_call["errorMessage"]


# ---- events ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rule(world: World) -> str:
    world.aws.client("events").put_rule(Name="every", EventPattern='{"source": ["meridian"]}')
    return "every"


def deliver(world: World, url: str, **target: Any) -> list[str]:
    """What arrives of an event in half a second."""
    events = world.aws.client("events")
    events.put_targets(Rule="every", Targets=[{"Id": "1", **target}])
    events.put_events(Entries=[{"Source": "meridian", "DetailType": "x", "Detail": '{"n": 1}'}])
    time.sleep(0.2)
    sqs = world.aws.client("sqs")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [m["Body"] for m in found]


def test_events_reach_a_queue_only_where_its_policy_admits_the_rule(world: World, rule: str) -> None:
    url, arn = queue(world)
    assert deliver(world, url, Arn=arn) == []
    events = {"Service": "events.amazonaws.com"}
    of = lambda source: {"ArnEquals": {"aws:SourceArn": source}}  # noqa: E731
    queue(world, allow("sqs:SendMessage", Principal=events, Condition=of(RULE + "-other")))
    assert deliver(world, url, Arn=arn) == []
    queue(world, allow("sqs:SendMessage", Principal=events, Condition=of(RULE)))
    assert len(deliver(world, url, Arn=arn)) == 1


def test_events_reach_a_function_only_with_its_permission(world: World, rule: str) -> None:
    url, _ = queue(world)
    role = world.role("runner", service("lambda"), allow("sqs:SendMessage"))
    arn = function(world, "f", f"boto3.client('sqs').send_message(QueueUrl='{url}', MessageBody='ran')", role)
    assert deliver(world, url, Arn=arn) == []
    permission = {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    world.aws.client("lambda").add_permission(**permission, StatementId="rule", SourceArn=RULE)
    world.aws.client("events").put_events(Entries=[{"Source": "meridian", "DetailType": "x", "Detail": "{}"}])
    received = lambda: world.aws.client("sqs").receive_message(QueueUrl=url).get("Messages")  # noqa: E731
    assert world.aws.until(received)[0]["Body"] == "ran"


def test_events_go_on_to_another_bus_only_with_a_role_that_may(world: World, rule: str) -> None:
    url, queue_arn = queue(world, allow("sqs:SendMessage", Principal={"Service": "events.amazonaws.com"}))
    events = world.aws.client("events")
    bus = events.create_event_bus(Name="home")["EventBusArn"]
    events.put_rule(Name="home", EventBusName="home", EventPattern='{"source": ["meridian"]}')
    events.put_targets(Rule="home", EventBusName="home", Targets=[{"Id": "1", "Arn": queue_arn}])
    assert deliver(world, url, Arn=bus) == []
    carrier = world.role("carrier", service("events"), allow("events:PutEvents", resource=f"{bus}-other"))
    assert deliver(world, url, Arn=bus, RoleArn=carrier) == []
    world.grant("carrier", allow("events:PutEvents", resource=bus))
    world.propagated()
    assert len(deliver(world, url, Arn=bus, RoleArn=carrier)) == 1
