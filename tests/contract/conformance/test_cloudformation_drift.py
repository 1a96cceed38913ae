"""CloudFormation: drift is found property by property, and a drift-aware change set takes it back."""

from __future__ import annotations

import json

import pytest

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused
from tests.contract.conformance.stacks import HANDLE, Stack

FREE = "nothing: a log group that stays empty"
API = "API reference [V]"
GUIDE = "User Guide, Using drift-aware change sets [V]"


@pytest.fixture
def stack(aws: Target) -> Stack:
    made = Stack(aws)
    made.run({"Log": made.log(1)}, "CREATE")
    return made


def by_hand(stack: Stack, days: int) -> None:
    stack.aws.client("logs").put_retention_policy(logGroupName=f"/{stack.name}", retentionInDays=days)


def detected(stack: Stack) -> dict:
    wanted = stack.client.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]
    status = stack.client.describe_stack_drift_detection_status

    def finished() -> object:
        found = status(StackDriftDetectionId=wanted)
        return found["DetectionStatus"] != "DETECTION_IN_PROGRESS" and found

    found: dict = stack.aws.until(finished)
    return found


@success("cloudformation:DetectStackDrift", source=f"{API}, DetectStackDrift")
@success("cloudformation:DescribeStackDriftDetectionStatus", source=f"{API}, DescribeStackDriftDetectionStatus")
@success("cloudformation:DescribeStackResourceDrifts", source=f"{API}, DescribeStackResourceDrifts")
@success("cloudformation:DetectStackResourceDrift", source=f"{API}, DetectStackResourceDrift")
@real(FREE)
def test_a_change_by_hand_is_found(stack: Stack) -> None:
    assert detected(stack)["StackDriftStatus"] == "IN_SYNC"
    by_hand(stack, 5)
    found = detected(stack)
    assert (found["StackDriftStatus"], found["DriftedStackResourceCount"]) == ("DRIFTED", 1)
    [drift] = stack.client.describe_stack_resource_drifts(StackName=stack.name)["StackResourceDrifts"]
    [difference] = drift["PropertyDifferences"]
    expected = ("/RetentionInDays", "1", "5", "NOT_EQUAL")
    assert expected == tuple(
        difference[key] for key in ("PropertyPath", "ExpectedValue", "ActualValue", "DifferenceType")
    )
    arguments = {"StackName": stack.name, "LogicalResourceId": "Log"}
    one = stack.client.detect_stack_resource_drift(**arguments)["StackResourceDrift"]
    assert one["StackResourceDriftStatus"] == "MODIFIED"
    stack.aws.client("logs").delete_log_group(logGroupName=f"/{stack.name}")
    assert (
        stack.client.detect_stack_resource_drift(**arguments)["StackResourceDrift"]["StackResourceDriftStatus"]
        == "DELETED"
    )


@refusal("cloudformation:DetectStackDrift", "ValidationError", source="public reports of the message [S]")
@refusal("cloudformation:DetectStackResourceDrift", "ValidationError", source=f"{API}")
@refusal("cloudformation:DescribeStackResourceDrifts", "ValidationError", source=f"{API}")
@refusal("cloudformation:DescribeStackDriftDetectionStatus", "ValidationError", source=f"{API}")
@state("cloudformation:DetectStackDrift", "DETECTION_IN_PROGRESS", source=f"{API}, DetectionStatus")
@real(FREE)
def test_one_detection_at_a_time(stack: Stack) -> None:
    client, nobody = stack.client, f"{stack.name}-x"
    stack.aws.slower(5)
    wanted = client.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]
    told = refused(client.detect_stack_drift, "ValidationError", StackName=stack.name)
    found = client.describe_stack_drift_detection_status(StackDriftDetectionId=wanted)
    assert found["DetectionStatus"] == "DETECTION_IN_PROGRESS"
    assert "already in progress" in told
    refused(client.detect_stack_drift, "ValidationError", StackName=nobody)
    refused(client.detect_stack_resource_drift, "ValidationError", StackName=nobody, LogicalResourceId="Log")
    refused(client.describe_stack_resource_drifts, "ValidationError", StackName=nobody)
    unknown = "00000000-0000-0000-0000-000000000000"
    refused(client.describe_stack_drift_detection_status, "ValidationError", StackDriftDetectionId=unknown)


@success("cloudformation:CreateChangeSet", source=GUIDE)
@success("cloudformation:DescribeChangeSet", source=GUIDE)
@success("cloudformation:ExecuteChangeSet", source=GUIDE)
@real(FREE)
def test_a_drift_aware_change_set_takes_it_back(stack: Stack) -> None:
    by_hand(stack, 5)
    made = stack.change_set({"Log": stack.log(1)}, DeploymentMode="REVERT_DRIFT")
    found = stack.described(made["ChangeSetId"], IncludePropertyValues=True)
    assert found["StackDriftStatus"] == "DRIFTED"
    [change] = [c["ResourceChange"] for c in found["Changes"]]
    assert (change["Action"], change["ResourceDriftStatus"]) == ("Modify", "MODIFIED")
    days = {
        side: int(json.loads(change[side])["Properties"]["RetentionInDays"])
        for side in ("BeforeContext", "AfterContext", "PreviousDeploymentContext")
    }
    assert days == {"BeforeContext": 5, "AfterContext": 1, "PreviousDeploymentContext": 1}
    assert stack.execute(made) == "UPDATE_COMPLETE"
    assert stack.retention() == 1


@success("cloudformation:ExecuteChangeSet", source=GUIDE)
@real(FREE)
def test_a_repair_that_fails_leaves_what_was_there(stack: Stack) -> None:
    by_hand(stack, 5)
    resources = {"Log": stack.log(1), "Handle": HANDLE, "Fails": stack.failing("Log")}
    assert stack.run(resources, DeploymentMode="REVERT_DRIFT") == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.retention() == 5


@success("cloudformation:CreateChangeSet", source=GUIDE)
@real(FREE)
def test_what_is_gone_is_made_again(stack: Stack) -> None:
    stack.aws.client("logs").delete_log_group(logGroupName=f"/{stack.name}")
    made = stack.change_set({"Log": stack.log(1)}, DeploymentMode="REVERT_DRIFT")
    assert [c["ResourceChange"]["Action"] for c in made["Changes"]] == ["Add"]
    assert stack.execute(made) == "UPDATE_COMPLETE"
    assert stack.retention() == 1


@refusal("cloudformation:CreateChangeSet", "ValidationError", source=f"{API}, DeploymentMode")
@real(FREE)
def test_drift_is_taken_back_by_updates_only(stack: Stack) -> None:
    other = Stack(stack.aws, "o")
    wrong = other.request({"Handle": HANDLE}, "CREATE", DeploymentMode="REVERT_DRIFT")
    refused(other.client.create_change_set, "ValidationError", **wrong)
