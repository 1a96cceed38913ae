"""Lambda: functions, one change at a time, versions, permissions, reserved concurrency."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.conformance import made
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "Lambda API reference [V]"
QUOTAS = "Lambda quotas [V]"


@success("lambda:CreateFunction", source=API)
@success("lambda:GetFunction", source=API)
@success("lambda:GetFunctionConfiguration", source=API)
@success("lambda:UpdateFunctionConfiguration", source=API)
@success("lambda:UpdateFunctionCode", source=API)
@success("lambda:DeleteFunction", source=API)
@refusal("lambda:CreateFunction", "ResourceConflictException", source=API)
@refusal("lambda:GetFunction", "ResourceNotFoundException", source=API)
@refusal("lambda:GetFunctionConfiguration", "ResourceNotFoundException", source=API)
@refusal("lambda:DeleteFunction", "ResourceNotFoundException", source=API)
@real("nothing")
def test_a_function_is_made_changed_and_removed(aws: Target) -> None:
    client = aws.client("lambda")
    role = made.role(aws, "lambda.amazonaws.com")
    name = made.function(aws, role)
    again = {"Runtime": "python3.13", "Handler": "main.handler", "Code": {"ZipFile": made.archive()}}
    refused(client.create_function, "ResourceConflictException", FunctionName=name, Role=role, **again)
    before = client.get_function_configuration(FunctionName=name)
    whole = client.get_function(FunctionName=name)
    assert (whole["Configuration"]["CodeSha256"], whole["Tags"]) == (before["CodeSha256"], aws.tags)
    assert "Concurrency" not in whole
    client.update_function_configuration(FunctionName=name, MemorySize=256)
    assert made.ready(aws, name)["MemorySize"] == 256
    client.update_function_code(FunctionName=name, ZipFile=made.archive("handler = None\n"))
    assert made.ready(aws, name)["CodeSha256"] != before["CodeSha256"]
    client.delete_function(FunctionName=name)
    for read in (client.get_function, client.get_function_configuration):
        refused(read, "ResourceNotFoundException", FunctionName=name)
    refused(client.delete_function, "ResourceNotFoundException", FunctionName=name)


@success("lambda:PublishVersion", source=API)
@success("lambda:ListVersionsByFunction", source=API)
@refusal("lambda:PublishVersion", "InvalidParameterValueException", source=API)
@refusal("lambda:PublishVersion", "PreconditionFailedException", source=API)
@real("nothing")
def test_a_version_is_made_only_of_something_new(aws: Target) -> None:
    client, name = aws.client("lambda"), made.function(aws)
    first = client.publish_version(FunctionName=name)
    assert first["Version"] == client.publish_version(FunctionName=name)["Version"] == "1"
    refused(client.publish_version, "InvalidParameterValueException", FunctionName=name, CodeSha256="other")
    refused(client.publish_version, "PreconditionFailedException", FunctionName=name, RevisionId="other")
    client.update_function_configuration(FunctionName=name, Description="other")
    made.ready(aws, name)
    assert client.publish_version(FunctionName=name)["Version"] == "2"
    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [one["Version"] for one in listed] == ["$LATEST", "1", "2"]


@success("lambda:Invoke", source=API)
@refusal("lambda:Invoke", "ResourceNotFoundException", source=API)
@refusal("lambda:Invoke", "InvalidRequestContentException", source=API)
@real("nothing")
def test_a_function_is_asked_and_waited_for_or_left_alone(aws: Target) -> None:
    client = aws.client("lambda")
    code = "def handler(event, context):\n    return {'got': 7 // event['by'], 'here': context.function_name}\n"
    name = made.function(aws, Code={"ZipFile": made.archive(code)})
    answer = client.invoke(FunctionName=name, Payload='{"by": 2}')
    assert (answer["StatusCode"], json.load(answer["Payload"])) == (200, {"got": 3, "here": name})
    failed = client.invoke(FunctionName=name, Payload='{"by": 0}')
    assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
    assert "division" in json.load(failed["Payload"])["errorMessage"]
    left = client.invoke(FunctionName=name, InvocationType="Event", Payload='{"by": 2}')
    assert (left["StatusCode"], left["Payload"].read()) == (202, b"")
    refused(client.invoke, "InvalidRequestContentException", FunctionName=name, Payload="{")
    refused(client.invoke, "ResourceNotFoundException", FunctionName=f"{name}-other", Payload="{}")


@success("lambda:Invoke", source="Lambda Developer Guide, life cycle of the execution environment [V]")
@real("nothing")
def test_what_runs_runs_to_its_end_while_its_function_changes(aws: Target) -> None:
    client = aws.client("lambda")
    code = "import time\n\ndef handler(event, context):\n    time.sleep(1.5)\n    return 'done'\n"
    name = made.function(aws, Code={"ZipFile": made.archive(code)}, Timeout=10)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.invoke, FunctionName=name, Payload="{}")
        time.sleep(0.7)
        client.update_function_configuration(FunctionName=name, MemorySize=256)
        assert json.load(running.result()["Payload"]) == "done"


@success("lambda:PutFunctionConcurrency", source=API)
@success("lambda:GetFunctionConcurrency", source=API)
@success("lambda:DeleteFunctionConcurrency", source=API)
@refusal("lambda:PutFunctionConcurrency", "InvalidParameterValueException", source=f"{QUOTAS}: 100 stay unreserved")
@refusal("lambda:PutFunctionConcurrency", "ResourceNotFoundException", source=API)
@real("nothing: an account that allows 1,000 concurrent executions")
def test_concurrency_is_reserved_out_of_the_accounts(aws: Target) -> None:
    client, name = aws.client("lambda"), made.function(aws)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 0
    told = refused(
        client.put_function_concurrency,
        "InvalidParameterValueException",
        FunctionName=name,
        ReservedConcurrentExecutions=10**6,
    )
    assert "below its minimum value" in told
    client.delete_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    refused(
        client.put_function_concurrency,
        "ResourceNotFoundException",
        FunctionName=aws.name("none"),
        ReservedConcurrentExecutions=1,
    )


@success("lambda:AddPermission", source=API)
@success("lambda:GetPolicy", source=API)
@success("lambda:RemovePermission", source=API)
@refusal("lambda:AddPermission", "ResourceConflictException", source=API)
@refusal("lambda:GetPolicy", "ResourceNotFoundException", source=API)
@refusal("lambda:RemovePermission", "ResourceNotFoundException", source=API)
@real("nothing")
def test_a_statement_has_its_id_once(aws: Target) -> None:
    client, name = aws.client("lambda"), made.function(aws)
    refused(client.get_policy, "ResourceNotFoundException", FunctionName=name)
    statement = {"StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    client.add_permission(FunctionName=name, **statement)
    refused(client.add_permission, "ResourceConflictException", FunctionName=name, **statement)
    assert '"Sid":"one"' in client.get_policy(FunctionName=name)["Policy"].replace(" ", "")
    client.remove_permission(FunctionName=name, StatementId="one")
    refused(client.remove_permission, "ResourceNotFoundException", FunctionName=name, StatementId="one")


UNUSABLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("too much memory", {"MemorySize": 10241}, "ValidationException", "memorySize"),
    ("too long", {"Timeout": 901}, "ValidationException", "timeout"),
    ("a retired runtime", {"Runtime": "python3.7"}, "InvalidParameterValueException", "no longer supported"),
    ("an unknown runtime", {"Runtime": "cobol1.0"}, "InvalidParameterValueException", "enum value set"),
    ("large variables", {"Environment": {"Variables": {"A": "x" * 4096}}}, "InvalidParameterValueException", "4KB"),
    (
        "Lambda's own variable",
        {"Environment": {"Variables": {"AWS_REGION": "x"}}},
        "InvalidParameterValueException",
        "reserved keys",
    ),
    (
        "subnets without groups",
        {"VpcConfig": {"SubnetIds": ["subnet-0"]}},
        "InvalidParameterValueException",
        "subnet-0",
    ),
]


@pytest.mark.parametrize(("more", "code", "told"), [one[1:] for one in UNUSABLE], ids=[one[0] for one in UNUSABLE])
@refusal("lambda:CreateFunction", "InvalidParameterValueException", source=f"{API}; {QUOTAS}; Lambda runtimes [V]")
@refusal("lambda:CreateFunction", "ValidationException", source=f"{API}; {QUOTAS}")
@refusal("lambda:UpdateFunctionConfiguration", "InvalidParameterValueException", source=API)
@refusal("lambda:UpdateFunctionConfiguration", "ValidationException", source=API)
def test_settings_that_no_function_can_have(aws: Target, more: dict[str, Any], code: str, told: str) -> None:
    client, role = aws.client("lambda"), made.role(aws, "lambda.amazonaws.com")
    name = made.function(aws, role)
    plain = {"Runtime": "python3.13", "Handler": "main.handler", "Code": {"ZipFile": made.archive()}}
    message = refused(client.create_function, code, FunctionName=aws.name("bad"), Role=role, **plain | more)
    assert told in message
    refused(client.update_function_configuration, code, FunctionName=name, **more)


@refusal("lambda:CreateFunction", "InvalidParameterValueException", source="Lambda troubleshooting [V]")
@real("nothing")
def test_a_function_needs_a_role_that_lambda_may_assume(aws: Target) -> None:
    client, role = aws.client("lambda"), made.role(aws, "ec2.amazonaws.com")
    plain = {"Runtime": "python3.13", "Handler": "main.handler", "Code": {"ZipFile": made.archive()}}
    told = refused(
        client.create_function, "InvalidParameterValueException", FunctionName=aws.name("bad"), Role=role, **plain
    )
    assert "cannot be assumed by Lambda" in told


@refusal("lambda:CreateFunction", "InvalidParameterValueException", source="widely reported, e.g. azul#5238 [S]")
@real("nothing, but it needs room for one more VPC")
def test_a_function_joins_a_network_as_its_role(aws: Target) -> None:
    _, subnet, group = made.network(aws)
    client, role = aws.client("lambda"), made.role(aws, "lambda.amazonaws.com")
    made.function(aws, role)  # from here on the role is known everywhere
    plain = {"Runtime": "python3.13", "Handler": "main.handler", "Code": {"ZipFile": made.archive()}}
    network = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    told = refused(
        client.create_function,
        "InvalidParameterValueException",
        FunctionName=aws.name("bad"),
        Role=role,
        VpcConfig=network,
        **plain,
    )
    assert "does not have permissions to call CreateNetworkInterface on EC2" in told


@state("lambda:CreateFunction", "Pending", source="Lambda function states [V]")
@state("lambda:UpdateFunctionConfiguration", "InProgress", source="Lambda function states [V]")
@state("lambda:UpdateFunctionCode", "InProgress", source="Lambda function states [V]")
@refusal("lambda:UpdateFunctionConfiguration", "ResourceConflictException", source="Lambda function states [V]")
@refusal("lambda:UpdateFunctionCode", "ResourceConflictException", source="Lambda function states [V]")
@refusal("lambda:PublishVersion", "ResourceConflictException", source="Lambda function states [V]")
def test_a_function_takes_one_change_at_a_time(aws: Target) -> None:
    client, role = aws.client("lambda"), made.role(aws, "lambda.amazonaws.com")
    made.function(aws, role, name="before")  # the role is known everywhere
    aws.control("clock", {"speed": 1})
    plain = {"Runtime": "python3.13", "Handler": "main.handler", "Code": {"ZipFile": made.archive()}}
    name = aws.name("slow")
    assert client.create_function(FunctionName=name, Role=role, **plain)["State"] == "Pending"
    told = refused(client.update_function_configuration, "ResourceConflictException", FunctionName=name, Timeout=9)
    assert "Pending" in told
    aws.control("clock", {"speed": 600})
    made.ready(aws, name)
    aws.control("clock", {"speed": 1})
    changed = client.update_function_configuration(FunctionName=name, Timeout=9)
    assert (changed["LastUpdateStatus"], client.get_function_configuration(FunctionName=name)["State"]) == (
        "InProgress",
        "Active",
    )
    for call, more in (
        (client.update_function_code, {"ZipFile": made.archive()}),
        (client.update_function_configuration, {"Timeout": 8}),
        (client.publish_version, {}),
    ):
        assert "update is in progress" in refused(call, "ResourceConflictException", FunctionName=name, **more)
    aws.control("clock", {"speed": 600})
    made.ready(aws, name)
    aws.control("clock", {"speed": 1})
    assert (
        client.update_function_code(FunctionName=name, ZipFile=made.archive("x = 1\n"))["LastUpdateStatus"]
        == "InProgress"
    )


@refusal(
    "lambda:DeleteFunction",
    "InvalidParameterValueException",
    source="Deleting Lambda@Edge functions and replicas [V]; I12",
)
@state(
    "lambda:DeleteFunction",
    "replicated for hours after its last association",
    source="Deleting replicas: within a few hours [V]",
)
def test_a_version_outlives_its_distribution_by_hours(aws: Target) -> None:
    client = aws.client("lambda")
    arn = made.edge_version(aws)
    name, _, version = arn.rpartition(":")
    distribution, etag = made.distribution(aws, DefaultCacheBehavior=made.behavior(**made.runs(arn)))
    for qualifier in ({"Qualifier": version}, {}):
        told = refused(client.delete_function, "InvalidParameterValueException", FunctionName=name, **qualifier)
        assert "replicated function" in told
    etag = made.updated(aws, distribution, etag, Enabled=False)
    made.deployed(aws, distribution, etag)
    aws.client("cloudfront").delete_distribution(Id=distribution, IfMatch=etag)
    refused(client.delete_function, "InvalidParameterValueException", FunctionName=name, Qualifier=version)
    aws.control("clock", {"speed": 20_000})

    def deleted() -> bool:
        try:
            client.delete_function(FunctionName=name, Qualifier=version)
        except client.exceptions.InvalidParameterValueException:
            return False
        return True

    aws.until(deleted, minutes=600)
    client.delete_function(FunctionName=name)
