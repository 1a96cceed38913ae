"""Functions and queues of tests about events: what a function gets, it tells a queue named `told`."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.embedded.conftest import Aws

ACCOUNT = "111111111111"
ROLE = "function"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_HEAD = """
import json, os, time
from signed_call import call

def tell(what, queue="told"):
    url = os.environ["AWS_ENDPOINT_URL"] + "/111111111111/" + queue
    call("sqs", "AmazonSQS.SendMessage", QueueUrl=url, MessageBody=json.dumps(what))

"""


def package(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("main.py", _HEAD + text)
        packed.write(Path(__file__).with_name("signed_call.py"), "signed_call.py")
    return file.getvalue()


def function(aws: Aws, name: str, text: str, region: str = "us-east-1", role: str = "", **more: Any) -> str:
    """The ARN of a function whose `main.handler` is in the text; ready."""
    client = aws.client("lambda", region)
    settings = {"Runtime": "python3.13", "Handler": "main.handler", "Timeout": 20, "Code": {"ZipFile": package(text)}}
    role = role or execution_role(aws)
    made = aws.until(lambda: _created(client, FunctionName=name, Role=role, **settings | more))
    aws.until(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active")
    return str(made["FunctionArn"])


def _created(client: Any, **settings: Any) -> Any:
    """None while Lambda has not heard of the role."""
    try:
        return client.create_function(**settings)
    except client.exceptions.InvalidParameterValueException as error:
        if "cannot be assumed" not in str(error):
            raise
        return None


def execution_role(aws: Aws, *actions: str, name: str = ROLE) -> str:
    iam = aws.client("iam")
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    if actions:
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def queue(aws: Aws, name: str, region: str = "us-east-1", **attributes: Any) -> str:
    """The URL of a new queue."""
    given = {key: str(value) for key, value in attributes.items()}
    return str(aws.client("sqs", region).create_queue(QueueName=name, Attributes=given)["QueueUrl"])


def arn(name: str, region: str = "us-east-1") -> str:
    return f"arn:aws:sqs:{region}:{ACCOUNT}:{name}"


def mapping(aws: Aws, name: str, source: str, **more: Any) -> str:
    """The id of an event source mapping that works."""
    client = aws.client("lambda")
    made = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn(source), **more)
    aws.until(lambda: client.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled")
    return str(made["UUID"])


def received(aws: Aws, url: str, region: str = "us-east-1") -> Iterator[Any]:
    """What lies in a queue now; it is taken out."""
    sqs = aws.client("sqs", region)
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            yield json.loads(message["Body"])


def told(aws: Aws, url: str, number: int = 1, region: str = "us-east-1") -> list[Any]:
    """As many bodies as are awaited, and those that came with them."""
    found: list[Any] = []
    aws.until(lambda: found.extend(received(aws, url, region)) or len(found) >= number)
    return found
