"""Change sets behave as CloudFormation's: what they say, when they may run, and what is refused."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"


def log_group(name: str, days: Any = 7, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": days}, **more}


def template(days: Any = 7, **more: Any) -> dict[str, Any]:
    return {"Resources": {"Log": log_group("/one", days)}, **more}


class Stack:
    """One stack, driven by change sets."""

    def __init__(self, aws: Any, name: str = "s", region: str = "us-east-1") -> None:
        self.aws, self.name, self.client = aws, name, aws.client("cloudformation", region)
        self.count = 0

    def create(self, body: dict[str, Any], kind: str = "UPDATE", **more: Any) -> str:
        self.count += 1
        name = more.pop("name", f"c{self.count}")
        arguments = {"StackName": self.name, "ChangeSetName": name, "ChangeSetType": kind}
        more.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        self.client.create_change_set(**arguments, TemplateBody=json.dumps(body), **more)
        return str(name)

    def describe(self, name: str, *, values: bool = True) -> dict[str, Any]:
        def ready() -> Any:
            found = self.client.describe_change_set(
                StackName=self.name, ChangeSetName=name, IncludePropertyValues=values
            )
            return found if found["Status"] in ("CREATE_COMPLETE", "FAILED") else None

        found: dict[str, Any] = self.aws.until(ready)
        return found

    def plan(self, body: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        described = self.describe(self.create(body, **more))
        return [change["ResourceChange"] for change in described["Changes"]]

    def execute(self, name: str, **more: Any) -> str:
        self.describe(name)
        self.client.execute_change_set(StackName=self.name, ChangeSetName=name, **more)
        status: str = self.aws.settled(self.name)
        return status

    def run(self, body: dict[str, Any], kind: str = "UPDATE", **more: Any) -> str:
        return self.execute(self.create(body, kind, **more))


@pytest.fixture
def stack(aws: Any) -> Stack:
    return Stack(aws)


def refused(code: str, call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **more)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return str(caught.value.response["Error"]["Message"])


def values(name: str, text: str = "2") -> list[dict[str, str]]:
    return [{"ParameterKey": name, "ParameterValue": text}]


def test_a_create_change_set_makes_a_stack_under_review(stack: Stack) -> None:
    name = stack.create(template(), "CREATE")
    assert stack.aws.stack_status("s") == "REVIEW_IN_PROGRESS"
    [change] = [c["ResourceChange"] for c in stack.describe(name)["Changes"]]
    assert (change["Action"], change["LogicalResourceId"]) == ("Add", "Log")
    assert json.loads(change["AfterContext"])["Properties"]["RetentionInDays"] == 7
    assert stack.execute(name) == "CREATE_COMPLETE"


def test_a_second_create_change_set_is_for_the_same_stack(stack: Stack) -> None:
    ids = {stack.describe(stack.create(template(days), "CREATE"))["StackId"] for days in (7, 14)}
    assert len(ids) == 1
    assert len(stack.client.list_change_sets(StackName="s")["Summaries"]) == 2


def test_a_change_set_takes_a_moment_to_be_computed(stack: Stack) -> None:
    stack.aws.control("clock", {"speed": 5})
    name = stack.create(template(), "CREATE")
    found = stack.client.describe_change_set(StackName="s", ChangeSetName=name)
    assert found["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS")
    assert found["ExecutionStatus"] == "UNAVAILABLE"
    refused("InvalidChangeSetStatus", stack.client.execute_change_set, StackName="s", ChangeSetName=name)


def test_each_changed_value_has_its_path_and_both_values(stack: Stack) -> None:
    stack.run(template(7), "CREATE")
    [change] = stack.plan(template(14))
    assert (change["Action"], change["Replacement"], change["Scope"]) == ("Modify", "False", ["Properties"])
    [detail] = change["Details"]
    assert detail == {
        "Target": {
            "Attribute": "Properties",
            "Name": "RetentionInDays",
            "RequiresRecreation": "Never",
            "Path": "/Properties/RetentionInDays",
            "BeforeValue": "7",
            "AfterValue": "14",
            "AttributeChangeType": "Modify",
        },
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }
    assert json.loads(change["BeforeContext"])["Properties"]["RetentionInDays"] == 7


def test_values_are_shown_only_when_asked_for(stack: Stack) -> None:
    stack.run(template(7), "CREATE")
    [change] = stack.describe(stack.create(template(14)), values=False)["Changes"]
    assert "BeforeContext" not in change["ResourceChange"]
    assert set(change["ResourceChange"]["Details"][0]["Target"]) == {"Attribute", "Name", "RequiresRecreation"}


def test_no_changes_fails_with_the_text_of_aws_and_stays_until_it_is_deleted(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    name = stack.create(template())
    found = stack.describe(name)
    assert (found["Status"], found["ExecutionStatus"], found["StatusReason"]) == ("FAILED", "UNAVAILABLE", NO_CHANGES)
    refused("InvalidChangeSetStatus", stack.client.execute_change_set, StackName="s", ChangeSetName=name)
    stack.client.delete_change_set(StackName="s", ChangeSetName=name)
    refused("ChangeSetNotFound", stack.client.describe_change_set, StackName="s", ChangeSetName=name)


def test_a_change_of_outputs_alone_can_be_executed(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    name = stack.create(template(Outputs={"Name": {"Value": {"Ref": "Log"}}}))
    assert stack.describe(name)["Changes"] == []
    assert stack.execute(name) == "UPDATE_COMPLETE"
    outputs = stack.client.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    assert [(o["OutputKey"], o["OutputValue"]) for o in outputs] == [("Name", "/one")]


@pytest.mark.parametrize(
    ("before", "after", "replacement", "needs"),
    [
        ({"Type": "HTTPS", "FailureThreshold": 3}, {"Type": "HTTPS", "FailureThreshold": 2}, "False", "Never"),
        ({"Type": "HTTPS", "FailureThreshold": 3}, {"Type": "HTTP", "FailureThreshold": 3}, "True", "Always"),
    ],
)
def test_replacement_follows_the_registry_down_to_nested_properties(
    stack: Stack, before: dict, after: dict, replacement: str, needs: str
) -> None:
    def body(config: dict) -> dict[str, Any]:
        config = {"FullyQualifiedDomainName": "a.example.com", **config}
        return {
            "Resources": {"Probe": {"Type": "AWS::Route53::HealthCheck", "Properties": {"HealthCheckConfig": config}}}
        }

    stack.run(body(before), "CREATE")
    [change] = stack.plan(body(after))
    assert (change["Replacement"], change["Details"][0]["Target"]["RequiresRecreation"]) == (replacement, needs)


def test_a_replacement_says_what_becomes_of_the_old_resource(stack: Stack) -> None:
    stack.run({"Resources": {"Log": log_group("/one", UpdateReplacePolicy="Retain")}}, "CREATE")
    [change] = stack.plan({"Resources": {"Log": log_group("/two", UpdateReplacePolicy="Retain")}})
    assert (change["Replacement"], change["PolicyAction"]) == ("True", "ReplaceAndRetain")


@pytest.mark.parametrize(("policy", "action"), [("Delete", "Delete"), ("Retain", "Retain")])
def test_a_removal_carries_the_deletion_policy(stack: Stack, policy: str, action: str) -> None:
    body = {"Resources": {"Log": log_group("/one"), "Gone": log_group("/gone", DeletionPolicy=policy)}}
    stack.run(body, "CREATE")
    [change] = stack.plan({"Resources": {"Log": log_group("/one")}})
    assert (change["Action"], change["PolicyAction"], change["PhysicalResourceId"]) == ("Remove", action, "/gone")


def test_a_changed_parameter_marks_the_resources_that_refer_to_it(stack: Stack) -> None:
    body = {"Parameters": {"Days": {"Type": "String"}}, "Resources": {"Log": log_group("/one", {"Ref": "Days"})}}
    body["Resources"]["Other"] = log_group("/other")
    stack.run(body, "CREATE", Parameters=values("Days", "7"))
    [change] = stack.plan(body, Parameters=values("Days", "14"))
    sources = {d["ChangeSource"]: (d["Evaluation"], d.get("CausingEntity")) for d in change["Details"]}
    assert change["LogicalResourceId"] == "Log"
    assert sources == {"DirectModification": ("Dynamic", None), "ParameterReference": ("Static", "Days")}


def test_an_attribute_of_a_changed_resource_is_known_after_apply(stack: Stack) -> None:
    def body(days: int) -> dict[str, Any]:
        value = {"Fn::Join": ["", ["x", {"Fn::GetAtt": ["Log", "Arn"]}]]}
        copy = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/p", "Type": "String", "Value": value}}
        return {"Resources": {"Log": log_group("/one", days), "Copy": copy}}

    stack.run(body(7), "CREATE")
    changes = {c["LogicalResourceId"]: c for c in stack.plan(body(14))}
    [detail] = changes["Copy"]["Details"]
    assert (detail["ChangeSource"], detail["CausingEntity"], detail["Evaluation"]) == (
        "ResourceAttribute",
        "Log.Arn",
        "Dynamic",
    )
    assert detail["Target"]["AfterValue"] == "x" + UNKNOWN


def test_a_reference_to_an_unchanged_id_is_no_change(stack: Stack) -> None:
    def body(days: int) -> dict[str, Any]:
        copy = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/p", "Type": "String", "Value": {"Ref": "Log"}}}
        return {"Resources": {"Log": log_group("/one", days), "Copy": copy}}

    stack.run(body(7), "CREATE")
    assert [c["LogicalResourceId"] for c in stack.plan(body(14))] == ["Log"]


def test_a_resource_whose_condition_turns_false_is_removed(stack: Stack) -> None:
    body = template(Parameters={"On": {"Type": "String"}}, Conditions={"On": {"Fn::Equals": [{"Ref": "On"}, "yes"]}})
    body["Resources"]["Extra"] = log_group("/extra", Condition="On")
    stack.run(body, "CREATE", Parameters=values("On", "yes"))
    [change] = stack.plan(body, Parameters=values("On", "no"))
    assert (change["Action"], change["LogicalResourceId"]) == ("Remove", "Extra")


def test_a_noecho_parameter_is_not_shown(stack: Stack) -> None:
    body = template({"Ref": "Secret"}, Parameters={"Secret": {"Type": "String", "NoEcho": True}})
    found = stack.describe(stack.create(body, "CREATE", Parameters=values("Secret", "30")))
    assert found["Parameters"] == [{"ParameterKey": "Secret", "ParameterValue": "****"}]
    assert '"30"' not in found["Changes"][0]["ResourceChange"]["AfterContext"]


def test_executing_twice_is_refused_but_a_retry_with_the_same_token_is_not(stack: Stack) -> None:
    name = stack.create(template(), "CREATE")
    assert stack.execute(name, ClientRequestToken="t-1") == "CREATE_COMPLETE"
    execute = {"StackName": "s", "ChangeSetName": name}
    stack.client.execute_change_set(**execute, ClientRequestToken="t-1")
    assert stack.aws.stack_status("s") == "CREATE_COMPLETE"
    message = refused("InvalidChangeSetStatus", stack.client.execute_change_set, **execute, ClientRequestToken="t-2")
    assert "EXECUTE_COMPLETE" in message


def test_a_change_set_of_an_earlier_state_is_obsolete(stack: Stack) -> None:
    stack.run(template(7), "CREATE")
    name = stack.create(template(14))
    stack.describe(name)
    stack.client.update_stack(StackName="s", TemplateBody=json.dumps(template(30)))
    assert stack.aws.settled("s") == "UPDATE_COMPLETE"
    message = refused("InvalidChangeSetStatus", stack.client.execute_change_set, StackName="s", ChangeSetName=name)
    assert "OBSOLETE" in message


def test_a_change_set_that_is_being_computed_cannot_be_deleted(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    stack.aws.control("clock", {"speed": 5})
    name = stack.create(template(8))
    read = lambda: stack.client.describe_change_set(StackName="s", ChangeSetName=name)["Status"]  # noqa: E731
    stack.aws.until(lambda: read() == "CREATE_IN_PROGRESS")
    told = refused("InvalidChangeSetStatus", stack.client.delete_change_set, StackName="s", ChangeSetName=name)
    assert told == "Cannot delete ChangeSet in status CREATE_IN_PROGRESS"
    stack.describe(name)
    stack.client.delete_change_set(StackName="s", ChangeSetName=name)


def test_executing_one_change_set_drops_the_others(stack: Stack) -> None:
    stack.run(template(7), "CREATE")
    other = stack.create(template(14))
    stack.run(template(30))
    refused("ChangeSetNotFound", stack.client.describe_change_set, StackName="s", ChangeSetName=other)


def test_a_name_in_use_is_refused_even_with_the_same_token(stack: Stack) -> None:
    stack.create(template(), "CREATE", name="meridian-1", ClientToken="t")
    refused("AlreadyExistsException", stack.create, template(), "CREATE", name="meridian-1", ClientToken="t")


def test_update_needs_a_stack_and_create_needs_a_free_name(stack: Stack) -> None:
    assert "does not exist" in refused("ValidationError", stack.create, template())
    stack.run(template(), "CREATE")
    message = refused("ValidationError", stack.create, template(14), "CREATE")
    assert "already exists and cannot be created again" in message


def test_one_operation_per_stack_at_a_time(stack: Stack) -> None:
    stack.run(template(7), "CREATE")
    stack.aws.control("clock", {"speed": 5})
    stack.client.update_stack(StackName="s", TemplateBody=json.dumps(template(14)))
    busy = "is in UPDATE_IN_PROGRESS state and can not be updated"
    assert busy in refused("ValidationError", stack.create, template(30))
    again = {"StackName": "s", "TemplateBody": json.dumps(template(30))}
    assert busy in refused("ValidationError", stack.client.update_stack, **again)
    assert "cannot be deleted while in status" in refused("ValidationError", stack.client.delete_stack, StackName="s")


def test_a_rolled_back_creation_can_only_be_deleted(stack: Stack) -> None:
    stack.aws.control("faults", {"faults": [{"resource": "AWS::Logs::LogGroup", "times": 1}]})
    assert stack.run(template(), "CREATE") == "ROLLBACK_COMPLETE"
    assert "ROLLBACK_COMPLETE state and can not be updated" in refused("ValidationError", stack.create, template())
    refused("ValidationError", stack.create, template(), "CREATE")
    refused("AlreadyExistsException", stack.client.create_stack, StackName="s", TemplateBody=json.dumps(template()))
    stack.client.delete_stack(StackName="s")
    stack.aws.until(lambda: not stack.client.describe_stacks()["Stacks"])
    assert stack.run(template(), "CREATE") == "CREATE_COMPLETE"


def test_a_template_over_the_limit_is_refused(stack: Stack) -> None:
    big = template(Metadata={"x": "y" * 51200})
    assert "51200" in refused("ValidationError", stack.create, big, "CREATE")
    stack.run(template(), "CREATE")
    assert "51200" in refused("ValidationError", stack.create, big)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "Parameters: [Days] must have values"),
        (values("Other"), "Parameters: [Other] do not exist in the template"),
    ],
)
def test_missing_and_unknown_parameters_are_refused(stack: Stack, given: list, told: str) -> None:
    body = template({"Ref": "Days"}, Parameters={"Days": {"Type": "String"}})
    assert refused("ValidationError", stack.create, body, "CREATE", Parameters=given) == told


def test_a_parameter_can_keep_its_value(stack: Stack) -> None:
    body = template({"Ref": "Days"}, Parameters={"Days": {"Type": "String"}})
    stack.run(body, "CREATE", Parameters=values("Days", "30"))
    kept = stack.create(body, Parameters=[{"ParameterKey": "Days", "UsePreviousValue": True}])
    assert stack.describe(kept)["StatusReason"] == NO_CHANGES


def test_named_iam_resources_need_their_capability(stack: Stack) -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": policy}}
    for given in ([], ["CAPABILITY_IAM"]):
        message = refused(
            "InsufficientCapabilitiesException",
            stack.create,
            {"Resources": {"Role": role}},
            "CREATE",
            Capabilities=given,
        )
        assert "CAPABILITY_NAMED_IAM" in message
    assert stack.run({"Resources": {"Role": role}}, "CREATE") == "CREATE_COMPLETE"


def test_termination_protection_holds_a_stack(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    stack.client.update_termination_protection(StackName="s", EnableTerminationProtection=True)
    assert "TerminationProtection is enabled" in refused("ValidationError", stack.client.delete_stack, StackName="s")


def test_a_changed_stack_tag_changes_every_resource_that_takes_tags(stack: Stack) -> None:
    stack.run(template(), "CREATE", Tags=[{"Key": "revision", "Value": "1"}])
    [change] = stack.plan(template(), Tags=[{"Key": "revision", "Value": "2"}])
    assert change["Scope"] == ["Tags"]


def test_revert_drift_is_for_updates(stack: Stack) -> None:
    refused("ValidationError", stack.create, template(), "CREATE", DeploymentMode="REVERT_DRIFT")
