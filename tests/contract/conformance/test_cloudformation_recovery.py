"""CloudFormation: operations that fail, the states that they leave a stack in, and the ways out."""

from __future__ import annotations

import time

import pytest

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import SPEED, Target, refused
from tests.contract.conformance.stacks import HANDLE, Stack
from tests.contract.conformance.test_iam import role, trusting

FREE = "nothing: an empty log group, an empty bucket"
API = "API reference [V]"
STATES = f"{API}, StackStatus"
TRUST = trusting({"Service": "cloudformation.amazonaws.com"})


@pytest.fixture
def stack(aws: Target) -> Stack:
    return Stack(aws)


def broken(stack: Stack, days: int) -> dict:
    """A log group that can be changed, and after it something that cannot be made."""
    return {"Log": stack.log(days), "Handle": HANDLE, "Fails": stack.failing("Log")}


@state("cloudformation:ExecuteChangeSet", "ROLLBACK_COMPLETE", source=STATES)
@state("cloudformation:ExecuteChangeSet", "UPDATE_ROLLBACK_COMPLETE", source=STATES)
@refusal(
    "cloudformation:CreateChangeSet", "ValidationError", source="User Guide: ROLLBACK_COMPLETE is only deleted [V]"
)
@real(FREE)
def test_what_fails_is_rolled_back(stack: Stack) -> None:
    assert stack.run(broken(stack, 1), "CREATE") == "ROLLBACK_COMPLETE"
    assert stack.statuses()[-2:] == ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    assert stack.retention() is None
    told = refused(stack.client.create_change_set, "ValidationError", **stack.request({"Log": stack.log()}))
    assert "is in ROLLBACK_COMPLETE state and can not be updated" in told
    refused(stack.client.create_change_set, "ValidationError", **stack.request({"Log": stack.log()}, "CREATE"))
    other = Stack(stack.aws, "u")
    other.run({"Log": other.log(1), "Handle": HANDLE}, "CREATE")
    assert other.run(broken(other, 3)) == "UPDATE_ROLLBACK_COMPLETE"
    assert other.retention() == 1
    assert other.statuses()[-3:] == [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    operations = [o["OperationType"] for o in other.stack()["LastOperations"]]
    assert set(operations) >= {"ROLLBACK", "UPDATE_STACK"}


@success("cloudformation:RollbackStack", source=f"{API}, RollbackStack")
@refusal("cloudformation:RollbackStack", "ValidationError", source=f"{API}, RollbackStack")
@state("cloudformation:ExecuteChangeSet", "CREATE_FAILED", source=STATES)
@state("cloudformation:ExecuteChangeSet", "UPDATE_FAILED", source=STATES)
@real(FREE)
def test_without_roll_back_the_failure_stays_until_it_is_rolled_back(stack: Stack) -> None:
    made = stack.change_set(broken(stack, 1), "CREATE")
    assert stack.execute(made, DisableRollback=True) == "CREATE_FAILED"
    assert stack.retention() == 1
    stack.client.rollback_stack(StackName=stack.name)
    assert stack.settled() in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")
    other = Stack(stack.aws, "u")
    other.run({"Log": other.log(1), "Handle": HANDLE}, "CREATE")
    refused(other.client.rollback_stack, "ValidationError", StackName=other.name)
    assert other.execute(other.change_set(broken(other, 3)), DisableRollback=True) == "UPDATE_FAILED"
    assert other.retention() == 3
    other.client.rollback_stack(StackName=other.name)
    assert other.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert other.retention() == 1


@success("cloudformation:CreateChangeSet", source=f"{API}, OnStackFailure")
@real(FREE)
def test_a_creation_can_delete_its_stack_when_it_fails(stack: Stack) -> None:
    made = stack.change_set(broken(stack, 1), "CREATE", OnStackFailure="DELETE")
    stack.client.execute_change_set(StackName=stack.name, ChangeSetName=made["ChangeSetId"])
    stack.aws.until(lambda: stack.stack(made["StackId"])["StackStatus"] == "DELETE_COMPLETE")


@success("cloudformation:ExecuteChangeSet", source=f"{API}, RetainExceptOnCreate")
@real(FREE)
def test_what_an_operation_made_goes_again_even_if_it_is_to_be_retained(stack: Stack) -> None:
    stack.run({"Handle": HANDLE}, "CREATE")
    resources = {"Log": stack.log(1, DeletionPolicy="Retain"), "Handle": HANDLE, "Fails": stack.failing("Log")}
    assert stack.execute(stack.change_set(resources), RetainExceptOnCreate=True) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.retention() is None


@success("cloudformation:CancelUpdateStack", source=f"{API}, CancelUpdateStack")
@refusal("cloudformation:CancelUpdateStack", "ValidationError", source=f"{API}, CancelUpdateStack")
@real(FREE)
def test_an_update_can_be_cancelled(stack: Stack) -> None:
    stack.run({"Log": stack.log(1), "Handle": HANDLE}, "CREATE")
    refused(stack.client.cancel_update_stack, "ValidationError", StackName=stack.name)
    stack.aws.slower(30)
    slow = {f"L{i}": stack.log(1, f"-{i}", DependsOn=f"L{i - 1}" if i else "Log") for i in range(15)}
    stack.client.update_stack(**stack.arguments({"Log": stack.log(3), "Handle": HANDLE, **slow}))
    stack.aws.until(lambda: "UPDATE_COMPLETE" in stack.statuses("Log"))
    stack.client.cancel_update_stack(StackName=stack.name)
    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.retention() == 1


# ---- roll-backs that fail: nothing of one's own makes them fail on AWS for sure -----------------------------------------------


def failed_roll_back(stack: Stack) -> str:
    stack.run({"Log": stack.log(1)}, "CREATE")
    fault = {"stack": stack.name, "after": 1, "rollback": "fails"}
    stack.aws.control("faults", {"faults": [fault]})
    return stack.run({"Log": stack.log(3), "Other": stack.log(1, "-x", DependsOn="Log")})


@success("cloudformation:ContinueUpdateRollback", source=f"{API}, ContinueUpdateRollback")
@refusal("cloudformation:ContinueUpdateRollback", "ValidationError", source=f"{API}, ContinueUpdateRollback")
@state("cloudformation:ContinueUpdateRollback", "UPDATE_ROLLBACK_FAILED", source=STATES)
@state("cloudformation:ContinueUpdateRollback", "UPDATE_ROLLBACK_IN_PROGRESS", source=STATES)
def test_a_roll_back_that_failed_can_be_continued(stack: Stack) -> None:
    assert failed_roll_back(stack) == "UPDATE_ROLLBACK_FAILED"
    refused(stack.client.create_change_set, "ValidationError", **stack.request({"Log": stack.log()}))
    skip = {"StackName": stack.name, "ResourcesToSkip": ["Other"]}
    refused(stack.client.continue_update_rollback, "ValidationError", **skip)
    stack.aws.control("clock", {"speed": 20})
    stack.client.continue_update_rollback(StackName=stack.name)
    assert stack.stack()["StackStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.retention() == 1
    refused(stack.client.continue_update_rollback, "ValidationError", StackName=stack.name)


@success("cloudformation:ContinueUpdateRollback", source=f"{API}, ResourcesToSkip")
def test_a_resource_whose_roll_back_failed_can_be_skipped(stack: Stack) -> None:
    failed_roll_back(stack)
    stack.client.continue_update_rollback(StackName=stack.name, ResourcesToSkip=["Log"])
    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.retention() == 3


# ---- deletions -----------------------------------------------------------------------------------------------------------------


def undeletable(stack: Stack) -> str:
    """A stack with a bucket that is not empty, after the deletion failed; its id."""
    name, s3 = stack.name, stack.aws.client("s3")
    resources = {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}, "Handle": HANDLE}
    assert stack.run(resources, "CREATE") == "CREATE_COMPLETE"
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    stack.aws.later(s3.delete_bucket, Bucket=name)
    stack.aws.later(s3.delete_object, Bucket=name, Key="k")
    stack.client.delete_stack(StackName=name)
    identity: str = stack.stack()["StackId"]
    assert stack.settled(identity) == "DELETE_FAILED"
    return identity


@state("cloudformation:DeleteStack", "DELETE_FAILED", source=STATES)
@refusal("cloudformation:DeleteStack", "ValidationError", source=f"{API}, RetainResources, DeletionMode")
@success("cloudformation:DeleteStack", source=f"{API}, RetainResources")
@real(FREE)
def test_what_cannot_be_deleted_can_be_retained(stack: Stack) -> None:
    other = Stack(stack.aws, "o")
    other.run({"Handle": HANDLE}, "CREATE")
    for wrong in ({"RetainResources": ["Handle"]}, {"DeletionMode": "FORCE_DELETE_STACK"}):
        refused(other.client.delete_stack, "ValidationError", StackName=other.name, **wrong)
    identity = undeletable(stack)
    stack.client.delete_stack(StackName=stack.name, RetainResources=["Bucket"])
    assert stack.settled(identity) == "DELETE_COMPLETE"
    stack.aws.client("s3").head_bucket(Bucket=stack.name)


@success("cloudformation:DeleteStack", source=f"{API}, DeletionMode")
@real(FREE)
def test_a_stack_can_be_deleted_without_what_stands_in_the_way(stack: Stack) -> None:
    identity = undeletable(stack)
    stack.client.delete_stack(StackName=stack.name, DeletionMode="FORCE_DELETE_STACK")
    assert stack.settled(identity) == "DELETE_COMPLETE"
    stack.aws.client("s3").head_bucket(Bucket=stack.name)


@success("cloudformation:ExecuteChangeSet", source=f"{API}, RoleARN: the role is the stack's from then on")
def test_the_role_of_a_stack_is_kept(stack: Stack) -> None:
    arn = f"arn:aws:iam::{stack.aws.account()}:role/{role(stack.aws, trust=TRUST)}"
    time.sleep(20 / SPEED)  # until CloudFormation has heard of it
    stack.run({"Handle": HANDLE}, "CREATE", RoleARN=arn)
    stack.run({"Handle": HANDLE, "Other": HANDLE})
    assert stack.stack()["RoleARN"] == arn
