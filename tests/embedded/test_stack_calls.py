"""The calls that act on stacks: tokens, operations, roles, limits, and templates that break the registry."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.embedded.conftest import SPEED, Aws
from tests.embedded.test_changesets import Stack, log_group, refused, template

ROLE = "arn:aws:iam::111111111111:role/deploy"


@pytest.fixture
def stack(aws: Aws) -> Stack:
    return Stack(aws)


def described(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = stack.client.describe_stacks(StackName=stack.name)["Stacks"][0]
    return found


def events(stack: Stack, **more: Any) -> list[dict[str, Any]]:
    pages = stack.client.get_paginator("describe_events").paginate(**({"StackName": stack.name} | more))
    return [event for page in pages for event in page["OperationEvents"]]


def body(*_: Any, **resources: Any) -> str:
    return json.dumps({"Resources": resources})


# ---- templates against the registry -----------------------------------------------------------------------------------------

BROKEN = [
    ("unknown", {"Bogus": 1}, "#: extraneous key [Bogus] is not permitted"),
    ("read-only", {"Arn": "arn:x"}, "#: extraneous key [Arn] is not permitted"),
    ("of another type", {"Tags": "x"}, "#/Tags: expected type: JSONArray, found: String"),
    ("not of the enumeration", {"RetentionInDays": 8}, "#/RetentionInDays: #: 8 is not a valid enum value"),
    (
        "against the pattern",
        {"LogGroupName": "a b"},
        "#/LogGroupName: failed validation constraint for keyword [pattern]",
    ),
    ("too long", {"LogGroupName": "a" * 513}, "#/LogGroupName: expected maxLength: 512, actual: 513"),
]


@pytest.mark.parametrize(("properties", "told"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_change_set_that_breaks_the_schema_fails_and_events_say_where(
    stack: Stack, properties: Any, told: str
) -> None:
    log = log_group("/l")
    log["Properties"] |= properties
    name = stack.create({"Resources": {"Log": log}}, "CREATE")
    found = stack.describe(name)
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "validation failed: [AWS::EarlyValidation::PropertyValidation]" in found["StatusReason"]
    found = events(stack, ChangeSetName=found["ChangeSetId"], Filters={"FailedEvents": True})
    [event] = [e for e in found if e["ValidationStatusReason"] == told]
    assert event["ValidationName"] == "PROPERTY_VALIDATION"
    assert event["OperationType"] == "CREATE_CHANGESET"
    assert event["ValidationPath"].startswith("/Resources/Log/Properties")


def test_numbers_and_booleans_may_be_written_as_text(stack: Stack) -> None:
    key = {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": "true", "PendingWindowInDays": "7"}}
    resources = {"Log": log_group("/l", "7"), "Key": key}
    assert stack.run({"Resources": resources}, "CREATE") == "CREATE_COMPLETE"


def test_a_name_that_is_taken_fails_the_change_set(stack: Stack) -> None:
    stack.aws.client("logs").create_log_group(logGroupName="/l")
    found = stack.describe(stack.create({"Resources": {"Log": log_group("/l")}}, "CREATE"))
    assert found["Status"] == "FAILED"
    assert "AWS::EarlyValidation::ResourceExistenceCheck" in found["StatusReason"]


def test_what_a_change_set_imports_is_no_conflict(stack: Stack) -> None:
    stack.aws.client("logs").create_log_group(logGroupName="/l")
    log = log_group("/l", DeletionPolicy="Retain")
    name = stack.create({"Resources": {"Log": log}}, "CREATE", ImportExistingResources=True)
    assert stack.execute(name) == "CREATE_COMPLETE"


def test_without_validation_the_resource_fails_at_its_turn(stack: Stack) -> None:
    resources = {"First": log_group("/a"), "Log": log_group("/l", 8, DependsOn="First")}
    name = stack.create({"Resources": resources}, "CREATE", DisableValidation=True)
    assert stack.execute(name) == "ROLLBACK_COMPLETE"
    reasons = {e["LogicalResourceId"]: e.get("ResourceStatusReason", "") for e in failed(stack)}
    told = (
        "Properties validation failed for resource Log with message:\n#/RetentionInDays: #: 8 is not a valid enum value"
    )
    assert reasons == {"Log": told}


def failed(stack: Stack) -> list[dict[str, Any]]:
    found = stack.client.describe_stack_events(StackName=stack.name)["StackEvents"]
    return [e for e in found if e["ResourceStatus"].endswith("_FAILED") and e["LogicalResourceId"] != stack.name]


def test_what_only_an_operation_resolves_is_validated_at_the_resource_s_turn(stack: Stack) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}
    log = log_group("/l")
    log["Properties"]["LogGroupName"] = {"Fn::Sub": "${Topic} with a space"}
    assert stack.run({"Resources": {"Topic": topic, "Log": log}}, "CREATE") == "ROLLBACK_COMPLETE"
    assert (
        "#/LogGroupName: failed validation constraint for keyword [pattern]" in failed(stack)[0]["ResourceStatusReason"]
    )


def test_an_update_that_breaks_the_schema_touches_nothing(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    stack.client.update_stack(StackName="s", TemplateBody=body(Log=log_group("/one", 8), New=log_group("/two")))
    assert stack.aws.settled("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert [e["EventType"] for e in events(stack) if e["EventType"] == "VALIDATION_ERROR"] == ["VALIDATION_ERROR"]
    groups = stack.aws.client("logs").describe_log_groups()["logGroups"]
    assert [(g["logGroupName"], g["retentionInDays"]) for g in groups] == [("/one", 7)]


# ---- operations ---------------------------------------------------------------------------------------------------------------


def test_every_operation_has_an_id_and_a_failure_begins_another(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    [created] = described(stack)["LastOperations"]
    assert created["OperationType"] == "CREATE_STACK"
    stack.aws.control("faults", {"faults": [{"resource": "AWS::Logs::LogGroup", "times": 1}]})
    assert stack.run(template(14)) == "UPDATE_ROLLBACK_COMPLETE"
    rollback, update = described(stack)["LastOperations"]
    assert (rollback["OperationType"], update["OperationType"]) == ("ROLLBACK", "UPDATE_STACK")
    said = events(stack, OperationId=update["OperationId"])
    assert {e["OperationStatus"] for e in said} == {"FAILED"}
    assert [e["LogicalResourceId"] for e in said if e["EventType"] == "PROVISIONING_ERROR"] == ["Log"]
    [whole] = [e for e in events(stack, OperationId=rollback["OperationId"]) if e["EventType"] == "STACK_EVENT"]
    assert whole["OperationStatus"] == "SUCCEEDED"
    assert whole["EndTime"] >= whole["StartTime"]


def test_stack_events_name_their_operation(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    [last] = described(stack)["LastOperations"]
    found = stack.client.describe_stack_events(StackName="s")["StackEvents"]
    assert {e.get("OperationId") for e in found[:-1]} == {last["OperationId"]}


def test_calls_that_begin_an_operation_answer_with_its_id(stack: Stack) -> None:
    made = stack.client.create_stack(StackName="s", TemplateBody=body(Log=log_group("/l")))
    stack.aws.settled("s")
    assert described(stack)["LastOperations"] == [{"OperationType": "CREATE_STACK", "OperationId": made["OperationId"]}]


# ---- tokens ---------------------------------------------------------------------------------------------------------------------


def test_the_same_request_with_the_same_token_does_nothing_new(stack: Stack) -> None:
    request = {"StackName": "s", "TemplateBody": body(Log=log_group("/l")), "ClientRequestToken": "t"}
    first = stack.client.create_stack(**request)
    assert stack.client.create_stack(**request)["StackId"] == first["StackId"]
    stack.aws.settled("s")
    assert stack.client.create_stack(**request)["OperationId"] == first["OperationId"]
    other = request | {"TemplateBody": body(Log=log_group("/other"))}
    refused("TokenAlreadyExistsException", stack.client.create_stack, **other)


def test_another_change_set_of_the_same_name_is_another_request(stack: Stack) -> None:
    stack.execute(stack.create(template(), "CREATE", name="c"), ClientRequestToken="t")
    stack.client.delete_change_set(StackName="s", ChangeSetName="c")
    stack.describe(stack.create(template(14), name="c"))
    execute = {"StackName": "s", "ChangeSetName": "c", "ClientRequestToken": "t"}
    refused("TokenAlreadyExistsException", stack.client.execute_change_set, **execute)


# ---- the role of a stack ----------------------------------------------------------------------------------------------------


def test_a_stack_keeps_the_role_of_its_last_operation(stack: Stack) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for name in ("deploy", "deploy-2"):
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        stack.aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
    time.sleep(20 / SPEED)  # until CloudFormation has heard of them
    stack.execute(stack.create(template(), "CREATE", RoleARN=ROLE))
    assert described(stack)["RoleARN"] == ROLE
    stack.run(template(14))
    assert described(stack)["RoleARN"] == ROLE
    stack.run(template(30), RoleARN=f"{ROLE}-2")
    assert described(stack)["RoleARN"] == f"{ROLE}-2"


# ---- limits -----------------------------------------------------------------------------------------------------------------


def test_too_much_is_refused(stack: Stack) -> None:
    many = {f"L{i}": {"Type": "AWS::CloudFormation::WaitConditionHandle"} for i in range(501)}
    told = refused("ValidationError", stack.client.create_stack, StackName="s", TemplateBody=body(**many))
    assert told == "Template format error: Number of resources, 501, is greater than maximum allowed, 500"
    refused("ValidationError", stack.create, template(), "CREATE", name="1-begins-with-a-digit")
    refused("ValidationError", stack.create, template(), "CREATE", name="a" * 129)


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        (None, "[/Resources/Log] 'null' values are not allowed in templates"),
        (5, "Template format error: [/Resources/Log] resource definition is malformed"),
        ({"Type": 5}, "Template format error: [/Resources/Log/Type] Type must be a string"),
        ({"Type": "AWS::Logs::LogGroup", "Properties": []}, "Any Properties member must be a JSON object."),
        ({"Type": "AWS::Logs::LogGroup", "DependsOn": [5]}, "Every DependsOn value must be a string"),
        ({"Type": "AWS::Logs::LogGroup", "Condition": {}}, "Every Condition member must be a string."),
        ({"Ref": []}, "every Ref object must have a single String value."),
        ({"Fn::GetAtt": []}, "every Fn::GetAtt object requires two non-empty parameters"),
        ({"Fn::GetAtt": "Log"}, "every Fn::GetAtt object requires two non-empty parameters"),
        ({"Fn::If": []}, "Fn::If requires a list argument"),
        ({"Fn::Join": ["", 5]}, "every Fn::Join object requires two parameters"),
        ({"Fn::Split": [1]}, "every Fn::Split object requires two parameters"),
        ({"Fn::Select": [1]}, "Fn::Select requires a list argument with two elements"),
        ({"Fn::FindInMap": ["a", "b"]}, "every Fn::FindInMap object requires three parameters"),
        ({"Fn::Sub": 5}, "Fn::Sub intrinsic functions don't specify expected arguments"),
    ],
)
def test_a_malformed_template_is_refused_whichever_way_it_comes(stack: Stack, resource: Any, told: str) -> None:
    if isinstance(resource, dict) and "Type" not in resource:
        resource = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": resource}}
    text = json.dumps({"Resources": {"Log": resource}})
    s3 = stack.aws.client("s3")
    s3.create_bucket(Bucket="assets")
    s3.put_object(Bucket="assets", Key="t.json", Body=text)
    for source in ({"TemplateBody": text}, {"TemplateURL": "https://assets.s3.us-east-1.amazonaws.com/t.json"}):
        name = {"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE"}
        assert told in refused("ValidationError", stack.client.create_change_set, **name, **source)
        assert told in refused("ValidationError", stack.client.create_stack, StackName="s", **source)
        assert told in refused("ValidationError", stack.client.validate_template, **source)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"Parameters": []}, "[/Parameters] Parameters must be an object"),
        ({"Parameters": {"P": {"Type": {}}}}, "Every Parameters object must contain a Type member: P"),
        ({"Outputs": {"O": 5}}, "[/Outputs/O] output definition is malformed"),
        ({"Conditions": [1]}, "[/Conditions] Conditions must be an object"),
    ],
)
def test_a_malformed_section_is_refused(stack: Stack, section: dict[str, Any], told: str) -> None:
    text = json.dumps(section | {"Resources": {"Log": {"Type": "AWS::Logs::LogGroup"}}})
    assert told in refused("ValidationError", stack.client.create_stack, StackName="s", TemplateBody=text)


def test_properties_of_the_wrong_shape_fail_the_change_set_even_where_a_name_is_looked_for(stack: Stack) -> None:
    record = {"Name": "a.example.com", "Type": "A", "HostedZoneId": "Z0123456789EXAMPLE", "AliasTarget": 5}
    name = stack.create({"Resources": {"R": {"Type": "AWS::Route53::RecordSet", "Properties": record}}}, "CREATE")
    assert stack.describe(name)["Status"] == "FAILED"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://example.com/t.json", "TemplateURL must be a supported URL."),
        ("http://s3.amazonaws.com/assets/t.json", "TemplateURL must be a supported URL."),
        ("https://s3.us-east-1.amazonaws.com/none/t.json", "The specified bucket does not exist"),
        ("https://assets.s3.eu-west-1.amazonaws.com/none.json", "The specified key does not exist"),
    ],
)
def test_a_template_comes_from_an_object_that_exists(stack: Stack, url: str, told: str) -> None:
    s3 = stack.aws.client("s3")
    s3.create_bucket(Bucket="assets")
    s3.put_object(Bucket="assets", Key="t.json", Body=json.dumps(template()))
    arguments = {"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE"}
    assert told in refused("ValidationError", stack.client.create_change_set, **arguments, TemplateURL=url)
    for good in ("https://s3.us-east-1.amazonaws.com/assets/t.json", "https://assets.s3.amazonaws.com/t.json"):
        stack.client.create_change_set(**arguments | {"ChangeSetName": f"c{len(good)}"}, TemplateURL=good)


def test_a_deleted_stack_is_known_by_its_id_also_when_another_has_its_name(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    first = described(stack)["StackId"]
    stack.client.delete_stack(StackName="s")
    assert stack.aws.settled(first) == "DELETE_COMPLETE"
    refused("ValidationError", stack.client.describe_stack_events, StackName="s")
    stack.run(template(), "CREATE")
    assert stack.aws.stack_status(first) == "DELETE_COMPLETE"
    assert stack.aws.stack_status("s") == "CREATE_COMPLETE"
    assert stack.client.describe_stacks(StackName=first)["Stacks"][0]["DeletionTime"]
    listed = stack.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [s["StackId"] for s in listed] == [first]
