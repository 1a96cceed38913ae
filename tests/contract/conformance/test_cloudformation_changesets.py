"""CloudFormation: change sets, what they say, when they may run, and what pre-deployment validation finds."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused
from tests.contract.conformance.stacks import HANDLE, Stack

FREE = "nothing: a log group that stays empty"
API = "API reference [V]"
RECORDED = "recorded from AWS in localstack's tests [S]"
EARLY = "User Guide, Validate stack deployments [V]; names from aws-cdk-cli#1032 [S]"
NO_CHANGES = "The submitted information didn't contain changes"


@pytest.fixture
def stack(aws: Target) -> Stack:
    return Stack(aws)


@success("cloudformation:CreateChangeSet", source=f"{API}, CreateChangeSet")
@success("cloudformation:DescribeChangeSet", source=f"{API}, DescribeChangeSet")
@success("cloudformation:ExecuteChangeSet", source=f"{API}, ExecuteChangeSet")
@success("cloudformation:ListChangeSets", source=f"{API}, ListChangeSets")
@state("cloudformation:CreateChangeSet", "REVIEW_IN_PROGRESS", source=f"{API}, CreateChangeSet")
@real(FREE)
def test_a_stack_is_made_and_changed_by_change_sets(stack: Stack) -> None:
    made = stack.change_set({"Log": stack.log(1)}, "CREATE")
    assert stack.stack()["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert [c["ResourceChange"]["Action"] for c in made["Changes"]] == ["Add"]
    assert stack.execute(made) == "CREATE_COMPLETE"
    change = stack.change_set({"Log": stack.log(3), "Handle": HANDLE})
    changes = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in change["Changes"]}
    assert (changes["Log"]["Action"], changes["Log"]["Replacement"]) == ("Modify", "False")
    assert changes["Handle"]["Action"] == "Add"
    values = stack.described(change["ChangeSetId"], IncludePropertyValues=True)
    [log] = [c["ResourceChange"] for c in values["Changes"] if c["ResourceChange"]["LogicalResourceId"] == "Log"]
    sides = [json.loads(log[side])["Properties"]["RetentionInDays"] for side in ("BeforeContext", "AfterContext")]
    assert [int(side) for side in sides] == [1, 3]
    summaries = stack.client.list_change_sets(StackName=stack.name)["Summaries"]
    assert change["ChangeSetId"] in {s["ChangeSetId"] for s in summaries}
    assert stack.execute(change) == "UPDATE_COMPLETE"
    assert stack.retention() == 3


@state("cloudformation:CreateChangeSet", "CREATE_PENDING", source=f"{API}, ChangeSetStatus")
@state("cloudformation:CreateChangeSet", "CREATE_IN_PROGRESS", source=f"{API}, ChangeSetStatus")
@refusal("cloudformation:ExecuteChangeSet", "InvalidChangeSetStatus", source="botocore's model [V]")
@refusal("cloudformation:DeleteChangeSet", "InvalidChangeSetStatus", source="botocore's model [V]")
def test_a_change_set_takes_a_while(stack: Stack) -> None:
    stack.aws.control("clock", {"speed": 5})
    made = stack.client.create_change_set(**stack.request({"Handle": HANDLE}, "CREATE"))["Id"]
    described = lambda: stack.client.describe_change_set(ChangeSetName=made)  # noqa: E731
    assert described()["Status"] == "CREATE_PENDING"
    assert described()["ExecutionStatus"] == "UNAVAILABLE"
    refused(stack.client.execute_change_set, "InvalidChangeSetStatus", ChangeSetName=made)
    stack.aws.until(lambda: described()["Status"] == "CREATE_IN_PROGRESS")
    refused(stack.client.delete_change_set, "InvalidChangeSetStatus", ChangeSetName=made)


@state("cloudformation:CreateChangeSet", "FAILED", source=RECORDED)
@real(FREE)
def test_a_change_set_without_changes_fails(stack: Stack) -> None:
    stack.run({"Handle": HANDLE}, "CREATE")
    same = stack.change_set({"Handle": HANDLE})
    assert (same["Status"], same["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert NO_CHANGES in same["StatusReason"]
    told = refused(stack.client.execute_change_set, "InvalidChangeSetStatus", ChangeSetName=same["ChangeSetId"])
    assert "cannot be executed in its current status of [FAILED]" in told


BROKEN: list[tuple[str, Callable[[Stack], dict], str]] = [
    ("unknown", lambda s: {"Properties": s.log()["Properties"] | {"Bogus": 1}}, "Properties"),
    ("of another type", lambda s: {"Properties": s.log()["Properties"] | {"Tags": "x"}}, "Properties/Tags"),
    ("outside the enumeration", lambda s: {"Properties": s.log(8)["Properties"]}, "Properties/RetentionInDays"),
]


@success("cloudformation:DescribeEvents", source="botocore's model [V]; types of events beyond it [K]")
@state("cloudformation:CreateChangeSet", "FAILED", source=EARLY)
@real(FREE)
@pytest.mark.parametrize(("broken", "path"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_property_that_breaks_the_schema_fails_the_change_set(
    stack: Stack, broken: Callable[[Stack], dict], path: str
) -> None:
    made = stack.change_set({"Log": stack.log() | broken(stack)}, "CREATE")
    assert made["Status"] == "FAILED"
    assert "AWS::EarlyValidation::PropertyValidation" in made["StatusReason"]
    events = stack.events(ChangeSetName=made["ChangeSetId"], Filters={"FailedEvents": True})
    found = [e for e in events if e["EventType"] == "VALIDATION_ERROR"]
    assert {e["LogicalResourceId"] for e in found} == {"Log"}
    assert any(e["ValidationPath"].startswith(f"/Resources/Log/{path}") for e in found)


@state("cloudformation:CreateChangeSet", "FAILED", source=EARLY)
@real(FREE)
def test_a_name_that_is_taken_fails_the_change_set(stack: Stack) -> None:
    logs = stack.aws.client("logs")
    logs.create_log_group(logGroupName=f"/{stack.name}", tags=stack.aws.tags)
    stack.aws.later(logs.delete_log_group, logGroupName=f"/{stack.name}")
    made = stack.change_set({"Log": stack.log()}, "CREATE")
    assert made["Status"] == "FAILED"
    assert "AWS::EarlyValidation::ResourceExistenceCheck" in made["StatusReason"]


@refusal("cloudformation:CreateChangeSet", "ValidationError", source=RECORDED)
@refusal("cloudformation:CreateChangeSet", "AlreadyExistsException", source="botocore's model [V]")
@refusal("cloudformation:CreateChangeSet", "InsufficientCapabilitiesException", source=f"{API}, Capabilities")
@real(FREE)
def test_change_sets_that_are_refused(stack: Stack) -> None:
    create = stack.client.create_change_set
    assert "does not exist" in refused(create, "ValidationError", **stack.request({"Handle": HANDLE}))
    for name in ("1x", "x" * 129, "x_y"):
        refused(create, "ValidationError", **stack.request({"Handle": HANDLE}, "CREATE", ChangeSetName=name))
    request = stack.request({"Handle": HANDLE}, "CREATE", ChangeSetName="same")
    create(**request)
    stack.described("same")
    refused(create, "AlreadyExistsException", **request)
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    refused(create, "InsufficientCapabilitiesException", **stack.request({"Role": role}, "CREATE"))
    stack.execute(stack.described("same"))
    told = refused(create, "ValidationError", **stack.request({"Handle": HANDLE}, "CREATE"))
    assert "already exists and cannot be created again with the changeSet" in told
    nowhere = stack.request({"Handle": HANDLE}) | {"TemplateURL": "https://example.com/t.json"}
    del nowhere["TemplateBody"]
    assert "must be a supported URL" in refused(create, "ValidationError", **nowhere)


@refusal("cloudformation:DescribeChangeSet", "ValidationError", source=RECORDED)
@refusal("cloudformation:DescribeChangeSet", "ChangeSetNotFound", source=RECORDED)
@refusal("cloudformation:ExecuteChangeSet", "ChangeSetNotFound", source="botocore's model [V]")
@refusal("cloudformation:DeleteChangeSet", "ValidationError", source=RECORDED)
@refusal("cloudformation:ListChangeSets", "ValidationError", source=f"{API}, ListChangeSets")
@refusal("cloudformation:DescribeEvents", "ValidationError", source="cloudformation-cli#1116 [S]")
@success("cloudformation:DeleteChangeSet", source=f"{API}, DeleteChangeSet")
@real(FREE)
def test_change_sets_that_are_not_there(stack: Stack) -> None:
    client, nobody = stack.client, f"{stack.name}-x"
    for call in (client.describe_change_set, client.delete_change_set):
        assert "does not exist" in refused(call, "ValidationError", StackName=nobody, ChangeSetName="c")
        assert "StackName must be specified" in refused(call, "ValidationError", ChangeSetName="c")
    refused(client.list_change_sets, "ValidationError", StackName=nobody)
    refused(client.describe_events, "ValidationError")
    made = stack.change_set({"Handle": HANDLE}, "CREATE")["ChangeSetId"]
    client.delete_change_set(ChangeSetName=made)
    client.delete_change_set(ChangeSetName="c1", StackName=stack.name)  # what is gone already is no error
    for call in (client.describe_change_set, client.execute_change_set):
        refused(call, "ChangeSetNotFound", ChangeSetName=made)


@refusal("cloudformation:ExecuteChangeSet", "InvalidChangeSetStatus", source=f"{API}: obsolete after another operation")
@refusal("cloudformation:ExecuteChangeSet", "TokenAlreadyExistsException", source="botocore's model [V]; words [K]")
@state("cloudformation:ExecuteChangeSet", "EXECUTE_COMPLETE", source=f"{API}, ExecutionStatus")
@real(FREE)
def test_a_change_set_is_for_the_stack_as_it_was(stack: Stack) -> None:
    stack.run({"Handle": HANDLE}, "CREATE")
    late = stack.change_set({"Handle": HANDLE, "Late": HANDLE})
    stack.client.update_stack(**stack.arguments({"Handle": HANDLE, "Other": HANDLE}))
    stack.settled()
    refused(
        stack.client.execute_change_set,
        "InvalidChangeSetStatus",
        "ChangeSetNotFound",
        ChangeSetName=late["ChangeSetId"],
    )
    third = stack.change_set({"Handle": HANDLE})
    assert stack.execute(third, ClientRequestToken="t") == "UPDATE_COMPLETE"
    done = stack.client.describe_change_set(ChangeSetName=third["ChangeSetId"])
    assert done["ExecutionStatus"] == "EXECUTE_COMPLETE"
    stack.client.execute_change_set(ChangeSetName=third["ChangeSetId"], StackName=stack.name, ClientRequestToken="t")
    fourth = stack.change_set({"Handle": HANDLE, "New": HANDLE})["ChangeSetId"]
    arguments = {"ChangeSetName": fourth, "StackName": stack.name, "ClientRequestToken": "t"}
    refused(stack.client.execute_change_set, "TokenAlreadyExistsException", **arguments)


@success("cloudformation:DescribeEvents", source="API reference, DescribeEvents [V]")
@real(FREE)
def test_operations_have_ids(stack: Stack) -> None:
    stack.run({"Log": stack.log(1)}, "CREATE")
    [last] = [o for o in stack.stack()["LastOperations"] if o["OperationType"] == "CREATE_STACK"]
    events = stack.events(OperationId=last["OperationId"])
    assert {e["OperationType"] for e in events} == {"CREATE_STACK"}
    assert {e["OperationId"] for e in stack.events(StackName=stack.name)} >= {last["OperationId"]}
    assert stack.events(OperationId=last["OperationId"], Filters={"FailedEvents": True}) == []
