"""A function's process: what it sees, how it is killed and counted, functions from images."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded.conftest import Aws
from tests.embedded.queued import ACCOUNT, execution_role, function, mapping, package, queue, received, told

URI = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/synth@sha256:{'0' * 64}"


@pytest.fixture
def into(aws: Aws) -> str:
    return queue(aws, "told")


def invoke(aws: Aws, name: str, event: object = None) -> Any:
    return json.load(aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))["Payload"])


SEES = """
import sys

def handler(event, context):
    found = []
    for name in ("boto3", "ministack", "local_aws", "yaml", "main"):
        try:
            __import__(name)
        except ImportError:
            continue
        found.append(name)
    os.makedirs(os.environ["MERIDIAN_CACHE"], exist_ok=True)
    return {"found": found, "env": dict(os.environ), "path": sys.path}
"""


def test_a_function_sees_its_package_and_its_variables_alone(aws: Aws) -> None:
    function(aws, "f", SEES, Environment={"Variables": {"MERIDIAN_CACHE": "/tmp/meridian", "MINE": "/tmpfile"}})
    seen = invoke(aws, "f")
    assert seen["found"] == ["main"]
    assert not [path for path in seen["path"] if "site-packages" in path or "dist-packages" in path]
    env = seen["env"]
    assert (
        not {"HOME", "GATEWAY_PORT", "AUTH", "PYTHONPATH", "LAMBDA_EXECUTOR", "DOCKER_HOST", "MERIDIAN_DATABASES"}
        & env.keys()
    )
    assert (env["MINE"], env["AWS_REGION"], env["AWS_LAMBDA_FUNCTION_NAME"]) == ("/tmpfile", "us-east-1", "f")
    assert env["MERIDIAN_CACHE"] == f"{env['TMPDIR']}/meridian"
    assert Path(env["MERIDIAN_CACHE"]).is_dir()
    assert env["TMPDIR"] != "/tmp"


@pytest.mark.parametrize(("variables", "virtual"), [({}, True), ({"MERIDIAN_HOME_REGION": "us-east-1"}, False)])
def test_monotonic_time_is_virtual_unless_a_function_asks_the_clock(
    aws: Aws, variables: dict[str, str], *, virtual: bool
) -> None:
    code = """
def handler(event, context):
    began = time.monotonic()
    time.sleep(0.2)
    return time.monotonic() - began
"""
    function(aws, "f", code, Environment={"Variables": variables})
    assert (invoke(aws, "f") > 60) == virtual


def test_a_function_calls_with_a_session_of_its_role(aws: Aws) -> None:
    code = """
def handler(event, context):
    return call("dynamodb", "DynamoDB_20120810.ListTables") and os.environ["AWS_ACCESS_KEY_ID"]
"""
    function(aws, "f", code, role=execution_role(aws))
    key = invoke(aws, "f")
    trail = aws.client("cloudtrail")
    asked = [{"AttributeKey": "AccessKeyId", "AttributeValue": key}]
    (event,) = aws.until(lambda: trail.lookup_events(LookupAttributes=asked)["Events"])
    who = json.loads(event["CloudTrailEvent"])["userIdentity"]
    assert who["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/function/f"
    assert who["sessionContext"]["sessionIssuer"]["arn"] == f"arn:aws:iam::{ACCOUNT}:role/function"


def test_each_invocation_has_the_lines_that_it_wrote(aws: Aws) -> None:
    function(aws, "f", "def handler(event, context):\n    print(f'line {event}')\n    print('end', end='')\n")
    for number in range(3):
        answer = aws.client("lambda").invoke(FunctionName="f", Payload=str(number), LogType="Tail")
        assert base64.b64decode(answer["LogResult"]).decode().splitlines() == [f"line {number}", "end"]


# ---- killed -------------------------------------------------------------------------------------------------------------

WRITES = """
def handler(event, context):
    for number in range(4):
        call("dynamodb", "DynamoDB_20120810.ListTables")
        tell(number)
    return "done"
"""


@pytest.mark.parametrize(("when", "effects"), [("before", [0, 1]), ("after", [0, 1, 2])])
@pytest.mark.parametrize("enforced", [False, True], ids=["", "with IAM"])
def test_a_function_dies_at_the_mutating_call_that_was_chosen(
    request: pytest.FixtureRequest, when: str, effects: list[int], *, enforced: bool
) -> None:
    aws = request.getfixturevalue("world").aws if enforced else request.getfixturevalue("aws")
    into = queue(aws, "told")
    role = execution_role(aws, "sqs:*", "dynamodb:ListTables")
    function(aws, "f", WRITES, role=role)
    function(aws, "other", WRITES, role=role)
    aws.control("calls", {})
    assert aws.control("faults", {"faults": [{"kill": "f", "call": 3, "when": when}]})[0] == 200
    assert invoke(aws, "other") == "done"
    assert told(aws, into, 4) == [0, 1, 2, 3]
    assert "errorMessage" in invoke(aws, "f")
    assert list(received(aws, into)) == effects
    assert invoke(aws, "f") == "done"  # the fault is spent
    counts = aws.control("calls")[1]["functions"]
    assert counts == {"f": {"total": 14, "mutating": 7}, "other": {"total": 8, "mutating": 4}}


def test_a_killed_functions_message_comes_back(aws: Aws, into: str) -> None:
    queue(aws, "work", VisibilityTimeout=60)
    function(aws, "f", WRITES)
    mapping(aws, "f", "work")
    aws.control("faults", {"faults": [{"kill": "f", "call": 2}]})
    aws.client("sqs").send_message(
        QueueUrl=aws.client("sqs").get_queue_url(QueueName="work")["QueueUrl"], MessageBody="go"
    )
    assert sorted(told(aws, into, 5)) == [0, 0, 1, 2, 3]


# ---- from images --------------------------------------------------------------------------------------------------------


def from_image(aws: Aws, **more: Any) -> Any:
    client = aws.client("lambda")
    execution_role(aws)
    aws.passes(20)
    aws.go()
    wanted = {"FunctionName": "i", "PackageType": "Image", "Code": {"ImageUri": URI}, "Timeout": 20}
    client.create_function(**wanted | more, Role=execution_role(aws))
    aws.until(lambda: client.get_function_configuration(FunctionName="i")["State"] == "Active")


def test_an_image_runs_its_own_python(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "inside.py").write_text(
        "import os, sys, yaml\ndef handler(event, context):\n"
        "    return [event, os.environ['MINE'], os.environ['AWS_SESSION_TOKEN'] != '', sys.executable, 'AUTH' in os.environ]\n"
    )
    image = {"uri": URI, "python": sys.executable, "handler": "inside.handler", "path": [str(tmp_path)]}
    assert aws.control("images", image) == (200, {"uri": URI})
    from_image(aws, Environment={"Variables": {"MINE": "mine"}})
    assert invoke(aws, "i", {"a": 1}) == [{"a": 1}, "mine", True, sys.executable, False]


RUNTIME = """
import json, os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as asked:
        name, event = asked.headers["Lambda-Runtime-Aws-Request-Id"], json.load(asked)
    answer = json.dumps({"got": event, "endpoint": os.environ["AWS_ENDPOINT_URL"]}).encode()
    urllib.request.urlopen(f"{api}/{name}/response", answer).close()
"""


def test_an_image_with_a_command_speaks_the_runtime_api(aws: Aws) -> None:
    assert aws.control("images", {"uri": URI, "command": [sys.executable, "-c", RUNTIME]})[0] == 200
    from_image(aws)
    assert invoke(aws, "i", 7) == {"got": 7, "endpoint": aws.url}
    assert invoke(aws, "i", 8)["got"] == 8


def test_an_image_that_is_not_there_is_refused(aws: Aws) -> None:
    unknown = {"Code": {"ImageUri": "111111111111.dkr.ecr.us-east-1.amazonaws.com/none:1"}}
    with pytest.raises(ClientError, match=r"Source image .*/none:1 does not exist"):
        from_image(aws, **unknown)
    with pytest.raises(ClientError, match="Please don't provide Handler or Runtime"):
        from_image(aws, Runtime="python3.13", Handler="main.handler")
    properties = {"Role": execution_role(aws), "PackageType": "Image", **unknown}
    assert aws.deploy("s", {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}) == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"uri": "", "command": ["/bin/sh"]}, "uri '' must be the image's URI"),
        ({"uri": URI}, "an image has either a command, or python and handler"),
        ({"uri": URI, "command": ["sh"]}, "'sh' must be the absolute path of a program"),
        ({"uri": URI, "command": "sh"}, "command 'sh' must be a list of texts"),
        ({"uri": URI, "python": sys.executable}, "an image has either a command, or python and handler"),
        ({"uri": URI, "commands": []}, "'commands' is not allowed here"),
    ],
)
def test_what_is_no_image_is_said(aws: Aws, body: dict[str, Any], said: str) -> None:
    status, answer = aws.control("images", body)
    assert (status, said in answer["error"]) == (400, True), answer


def test_packages_still_run_beside_images(aws: Aws) -> None:
    function(aws, "z", "def handler(event, context):\n    return 'zip'\n", Code={"ZipFile": package("handler = len\n")})
    client = aws.client("lambda")
    client.update_function_code(FunctionName="z", ZipFile=package("def handler(event, context):\n    return 'other'\n"))
    aws.until(lambda: client.get_function_configuration(FunctionName="z")["LastUpdateStatus"] == "Successful")
    assert invoke(aws, "z") == "other"
