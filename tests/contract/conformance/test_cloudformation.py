"""CloudFormation: stacks made, changed and deleted without change sets; what their reads say."""

from __future__ import annotations

import json

import pytest

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import SPEED, Target, refused
from tests.contract.conformance.stacks import HANDLE, Stack

FREE = "nothing: a log group that stays empty"
API = "API reference [V]"
ALLOW = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


@pytest.fixture
def stack(aws: Target) -> Stack:
    return Stack(aws)


@success("cloudformation:CreateStack", source=f"{API}, CreateStack")
@success("cloudformation:DescribeStacks", source=f"{API}, DescribeStacks")
@success("cloudformation:DescribeStackEvents", source=f"{API}, DescribeStackEvents")
@success("cloudformation:ListStackResources", source=f"{API}, ListStackResources")
@success("cloudformation:GetTemplate", source=f"{API}, GetTemplate")
@success("cloudformation:UpdateStack", source=f"{API}, UpdateStack")
@success("cloudformation:DeleteStack", source=f"{API}, DeleteStack")
@success("cloudformation:ListStacks", source=f"{API}, ListStacks")
@real(FREE)
def test_the_life_of_a_stack(stack: Stack) -> None:
    made = stack.client.create_stack(**stack.arguments({"Log": stack.log(1)}))
    assert stack.settled() == "CREATE_COMPLETE"
    assert stack.statuses() == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert stack.statuses("Log") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    [listed] = stack.client.list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    assert (listed["PhysicalResourceId"], listed["ResourceStatus"]) == (f"/{stack.name}", "CREATE_COMPLETE")
    assert stack.client.get_template(StackName=stack.name)["TemplateBody"]["Resources"] == {"Log": stack.log(1)}
    stack.client.update_stack(**stack.arguments({"Log": stack.log(3)}))
    assert stack.settled() == "UPDATE_COMPLETE"
    assert stack.retention() == 3
    stack.client.delete_stack(StackName=stack.name)
    assert stack.settled(made["StackId"]) == "DELETE_COMPLETE"
    assert stack.stack(made["StackId"])["DeletionTime"]
    assert stack.retention() is None
    pages = stack.client.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    assert made["StackId"] in {s["StackId"] for page in pages for s in page["StackSummaries"]}


@refusal("cloudformation:DescribeStacks", "ValidationError", source=f"{API}: a deleted stack by its id only")
@refusal("cloudformation:DescribeStackEvents", "ValidationError", source=f"{API}: a deleted stack by its id only")
@refusal("cloudformation:ListStackResources", "ValidationError", source=f"{API}: a deleted stack by its id only")
@refusal("cloudformation:GetTemplate", "ValidationError", source=f"{API}: a deleted stack by its id only")
@refusal("cloudformation:UpdateStack", "ValidationError", source="recorded in localstack's tests [S]")
@real(FREE)
def test_a_stack_that_is_not_there(stack: Stack) -> None:
    stack.client.create_stack(**stack.arguments({"Handle": HANDLE}))
    stack.settled()
    identity = stack.stack()["StackId"]
    stack.client.delete_stack(StackName=stack.name)
    stack.settled(identity)
    client = stack.client
    for read in (
        client.describe_stacks,
        client.describe_stack_events,
        client.list_stack_resources,
        client.get_template,
    ):
        assert "does not exist" in refused(read, "ValidationError", StackName=stack.name)
        read(StackName=identity)
    refused(client.update_stack, "ValidationError", **stack.arguments({"Handle": HANDLE}))
    client.delete_stack(StackName=stack.name)  # nothing to do, and no error


@refusal("cloudformation:CreateStack", "AlreadyExistsException", source="botocore's model [V]")
@refusal("cloudformation:CreateStack", "ValidationError", source="quotas [V]; words from public reports [S]")
@refusal("cloudformation:CreateStack", "InsufficientCapabilitiesException", source=f"{API}, Capabilities")
@real(FREE)
def test_creations_that_are_refused(stack: Stack) -> None:
    stack.client.create_stack(**stack.arguments({"Handle": HANDLE}))
    refused(stack.client.create_stack, "AlreadyExistsException", **stack.arguments({"Handle": HANDLE}))
    other = {"StackName": f"{stack.name}-x"}
    many = {f"H{i}": HANDLE for i in range(501)}
    told = refused(stack.client.create_stack, "ValidationError", **(stack.arguments(many) | other))
    assert "Number of resources, 501, is greater than maximum allowed, 500" in told
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    wanted = stack.arguments({"Role": role}) | other
    assert "CAPABILITY_IAM" in refused(stack.client.create_stack, "InsufficientCapabilitiesException", **wanted)
    parameters = {"Parameters": {"P": {"Type": "String"}}}
    wanted = stack.arguments({"Handle": HANDLE}, template=parameters) | other
    assert "must have values" in refused(stack.client.create_stack, "ValidationError", **wanted)
    long = stack.arguments({"Log": stack.log(Metadata={"m": "x" * 52_000})}) | other
    assert "51200" in refused(stack.client.create_stack, "ValidationError", **long)


@refusal(
    "cloudformation:CreateStack", "TokenAlreadyExistsException", source="botocore's model [V]; that it is per stack [K]"
)
@real(FREE)
def test_the_same_token_is_the_same_request(stack: Stack) -> None:
    request = stack.arguments({"Handle": HANDLE}, ClientRequestToken="one")
    first = stack.client.create_stack(**request)
    assert stack.client.create_stack(**request)["StackId"] == first["StackId"]
    other = stack.arguments({"Other": HANDLE}, ClientRequestToken="one")
    refused(stack.client.create_stack, "TokenAlreadyExistsException", **other)


@state("cloudformation:CreateStack", "CREATE_IN_PROGRESS", source=f"{API}, StackStatus")
@state("cloudformation:UpdateStack", "UPDATE_IN_PROGRESS", source=f"{API}, StackStatus")
@state("cloudformation:UpdateStack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", source=f"{API}, StackStatus")
@state("cloudformation:DeleteStack", "DELETE_IN_PROGRESS", source=f"{API}, StackStatus")
@refusal("cloudformation:DeleteStack", "ValidationError", source="one operation per stack, public reports [S]")
@real(FREE)
def test_what_a_stack_shows_in_between(aws: Target, stack: Stack) -> None:
    stack.client.create_stack(**stack.arguments({"Handle": HANDLE}))
    assert stack.stack()["StackStatus"] in ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    stack.settled()
    identity = stack.stack()["StackId"]
    aws.slower(5)
    stack.client.update_stack(**stack.arguments({"Handle": HANDLE, "Log": stack.log()}))
    refused(stack.client.update_stack, "ValidationError", **stack.arguments({"Log": stack.log(3)}))
    assert "cannot be deleted while in status" in refused(
        stack.client.delete_stack, "ValidationError", StackName=stack.name
    )
    aws.slower(SPEED)
    stack.settled()
    between = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert stack.statuses() == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", *between]
    stack.client.delete_stack(StackName=stack.name)
    stack.settled(identity)
    assert stack.statuses(name=identity)[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


@success("cloudformation:UpdateTerminationProtection", source=f"{API}, UpdateTerminationProtection")
@refusal("cloudformation:UpdateTerminationProtection", "ValidationError", source=f"{API}")
@real(FREE)
def test_termination_protection(stack: Stack) -> None:
    stack.client.create_stack(**stack.arguments({"Handle": HANDLE}, EnableTerminationProtection=True))
    stack.settled()
    told = refused(stack.client.delete_stack, "ValidationError", StackName=stack.name)
    assert "TerminationProtection is enabled" in told
    stack.client.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    assert stack.stack()["EnableTerminationProtection"] is False
    missing = {"StackName": f"{stack.name}-x", "EnableTerminationProtection": False}
    refused(stack.client.update_termination_protection, "ValidationError", **missing)


@success("cloudformation:SetStackPolicy", source="User Guide, Prevent updates to stack resources [V]")
@success("cloudformation:GetStackPolicy", source="recorded in localstack's tests [S]")
@refusal("cloudformation:SetStackPolicy", "ValidationError", source="recorded in localstack's tests [S]")
@refusal("cloudformation:GetStackPolicy", "ValidationError", source=f"{API}, GetStackPolicy")
@real(FREE)
def test_a_stack_policy_stops_what_it_denies(stack: Stack) -> None:
    stack.client.create_stack(**stack.arguments({"Log": stack.log(1)}))
    stack.settled()
    assert "StackPolicyBody" not in stack.client.get_stack_policy(StackName=stack.name)
    deny = {"Effect": "Deny", "Action": "Update:Modify", "Principal": "*", "Resource": "LogicalResourceId/Log"}
    policy = json.dumps({"Statement": [ALLOW, deny]})
    stack.client.set_stack_policy(StackName=stack.name, StackPolicyBody=policy)
    kept = stack.client.get_stack_policy(StackName=stack.name)["StackPolicyBody"]
    assert json.loads(kept) == json.loads(policy)
    stack.client.update_stack(**stack.arguments({"Log": stack.log(3)}))
    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.retention() == 1
    for broken in ("x", json.dumps({"Statement": [ALLOW | {"Principal": "me"}]})):
        refused(stack.client.set_stack_policy, "ValidationError", StackName=stack.name, StackPolicyBody=broken)
    refused(stack.client.get_stack_policy, "ValidationError", StackName=f"{stack.name}-x")


@success("cloudformation:ValidateTemplate", source=f"{API}, ValidateTemplate")
@refusal("cloudformation:ValidateTemplate", "ValidationError", source="recorded in localstack's tests [S]")
@real("nothing")
def test_a_template_can_be_validated(aws: Target) -> None:
    client = aws.client("cloudformation")
    body = json.dumps({"Parameters": {"P": {"Type": "String"}}, "Resources": {"Handle": HANDLE}})
    assert client.validate_template(TemplateBody=body)["Parameters"][0]["ParameterKey"] == "P"
    refused(client.validate_template, "ValidationError", TemplateBody=json.dumps({"Resources": {}, "Bogus": 1}))


@success("cloudformation:DescribeStackResource", source=f"{API}, DescribeStackResource")
@success("cloudformation:DescribeStackResources", source=f"{API}, DescribeStackResources")
@refusal("cloudformation:DescribeStackResource", "ValidationError", source=f"{API}")
@refusal("cloudformation:DescribeStackResources", "ValidationError", source=f"{API}")
@real(FREE)
def test_resources_of_a_stack_one_by_one(stack: Stack) -> None:
    stack.client.create_stack(**stack.arguments({"Log": stack.log()}))
    stack.settled()
    arguments = {"StackName": stack.name, "LogicalResourceId": "Log"}
    one = stack.client.describe_stack_resource(**arguments)["StackResourceDetail"]
    [same] = stack.client.describe_stack_resources(StackName=stack.name)["StackResources"]
    assert one["PhysicalResourceId"] == same["PhysicalResourceId"] == f"/{stack.name}"
    refused(stack.client.describe_stack_resource, "ValidationError", **arguments | {"LogicalResourceId": "None"})
    refused(stack.client.describe_stack_resources, "ValidationError", StackName=f"{stack.name}-x")
