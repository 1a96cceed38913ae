"""Failed operations end as on AWS, say why, and there is a way out of each."""

from typing import Any

import pytest

from tests.embedded.test_changesets import Stack, log_group, refused

CAUSE = "AWS::SSM::Parameter failed by an injected fault"


def parameter(value: str) -> dict[str, Any]:
    properties = {"Name": "/p", "Type": "String", "Value": value}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, "DependsOn": "Log"}


def body(days: int = 7, value: str = "a") -> dict[str, Any]:
    return {"Resources": {"Log": log_group("/l", days), "Parameter": parameter(value)}}


@pytest.fixture
def stack(aws: Any) -> Stack:
    return Stack(aws)


def fault(stack: Stack, *resources: str, times: int = 1) -> None:
    stack.aws.control("faults", {"faults": [{"resource": name, "times": times} for name in resources]})


def events(stack: Stack, name: str | None = None) -> list[tuple[str, str, str]]:
    """Oldest first: logical id, status, reason."""
    found = stack.client.describe_stack_events(StackName=name or stack.name)["StackEvents"]
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", "")) for e in found][::-1]


def retention(stack: Stack) -> int | None:
    groups = stack.aws.client("logs").describe_log_groups(logGroupNamePrefix="/l")["logGroups"]
    return groups[0]["retentionInDays"] if groups else None


def test_a_failed_creation_is_rolled_back_and_says_what_failed_first(stack: Stack) -> None:
    fault(stack, "AWS::SSM::Parameter")
    assert stack.run(body(), "CREATE") == "ROLLBACK_COMPLETE"
    failed = [(name, reason) for name, status, reason in events(stack) if status == "CREATE_FAILED"]
    assert failed == [("Parameter", CAUSE)]
    assert retention(stack) is None
    statuses = [status for name, status, _ in events(stack) if name == "s"]
    assert statuses[-2:] == ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]


def test_resources_in_flight_are_cancelled_not_failed(stack: Stack) -> None:
    database = {
        "Type": "AWS::RDS::GlobalCluster",
        "Properties": {"GlobalClusterIdentifier": "g", "Engine": "aurora-postgresql"},
    }
    resources = {"Slow": database, "Log": log_group("/l"), "Parameter": parameter("a")}
    fault(stack, "AWS::SSM::Parameter")
    assert stack.run({"Resources": resources}, "CREATE") == "ROLLBACK_COMPLETE"
    failed = {name: reason for name, status, reason in events(stack) if status == "CREATE_FAILED"}
    assert failed == {"Parameter": CAUSE, "Slow": "Resource creation cancelled"}


def test_a_failed_update_puts_the_old_values_back(stack: Stack) -> None:
    stack.run(body(7, "a"), "CREATE")
    fault(stack, "AWS::SSM::Parameter")
    assert stack.run(body(14, "b")) == "UPDATE_ROLLBACK_COMPLETE"
    assert retention(stack) == 7
    assert ("Parameter", "UPDATE_FAILED", CAUSE) in events(stack)
    assert stack.run(body(14, "b")) == "UPDATE_COMPLETE"
    assert retention(stack) == 14


def failed_rollback(stack: Stack) -> str:
    stack.run(body(7, "a"), "CREATE")
    fault(stack, "AWS::SSM::Parameter", "AWS::Logs::LogGroup/rollback")
    return stack.run(body(14, "b"))


def test_a_rollback_that_fails_leaves_only_two_ways(stack: Stack) -> None:
    assert failed_rollback(stack) == "UPDATE_ROLLBACK_FAILED"
    assert "UPDATE_ROLLBACK_FAILED state and can not be updated" in refused("ValidationError", stack.create, body(30))
    [failed] = [name for name, status, _ in events(stack) if status == "UPDATE_FAILED" and name == "Log"]
    assert failed == "Log"


def test_continue_update_rollback_finishes_it(stack: Stack) -> None:
    failed_rollback(stack)
    stack.aws.control("clock", {"speed": 20})
    stack.client.continue_update_rollback(StackName="s")
    assert stack.aws.stack_status("s") == "UPDATE_ROLLBACK_IN_PROGRESS"
    assert stack.aws.settled("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert retention(stack) == 7


def test_continue_update_rollback_can_skip_a_resource(stack: Stack) -> None:
    failed_rollback(stack)
    stack.client.continue_update_rollback(StackName="s", ResourcesToSkip=["Log"])
    assert stack.aws.settled("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert retention(stack) == 14


def test_continue_update_rollback_is_for_failed_rollbacks(stack: Stack) -> None:
    stack.run(body(), "CREATE")
    refused("ValidationError", stack.client.continue_update_rollback, StackName="s")


@pytest.mark.parametrize(("failures", "stays"), [(2, None), (3, 7)])
def test_what_an_update_cannot_remove_is_tried_three_times_and_then_nobodys(
    stack: Stack, failures: int, stays: int | None
) -> None:
    stack.run(body(), "CREATE")
    fault(stack, "AWS::Logs::LogGroup/delete", times=failures)
    alone = {"Parameter": {k: v for k, v in parameter("a").items() if k != "DependsOn"}}
    assert stack.run({"Resources": alone}) == "UPDATE_COMPLETE"
    [found] = stack.client.describe_stacks(StackName="s")["Stacks"]
    assert ("could not be deleted" in found.get("StackStatusReason", "")) == bool(stays)
    assert [s for name, s, _ in events(stack) if name == "Log"].count("DELETE_FAILED") == failures
    stack.client.delete_stack(StackName="s")
    stack.aws.until(lambda: not stack.client.describe_stacks()["Stacks"])
    assert retention(stack) == stays


def test_a_stack_whose_rollback_failed_can_be_deleted(stack: Stack) -> None:
    failed_rollback(stack)
    stack.client.delete_stack(StackName="s")
    stack.aws.until(lambda: not stack.client.describe_stacks()["Stacks"])
    assert retention(stack) is None


def test_a_failed_deletion_keeps_the_resource_and_can_be_tried_again(stack: Stack) -> None:
    stack.run(body(), "CREATE")
    fault(stack, "AWS::Logs::LogGroup/delete")
    stack.client.delete_stack(StackName="s")
    assert stack.aws.settled("s") == "DELETE_FAILED"
    left = stack.client.list_stack_resources(StackName="s")["StackResourceSummaries"]
    statuses = {r["LogicalResourceId"]: r["ResourceStatus"] for r in left}
    assert statuses == {"Log": "DELETE_FAILED", "Parameter": "DELETE_COMPLETE"}
    assert retention(stack) == 7
    stack.client.delete_stack(StackName="s")
    stack.aws.until(lambda: not stack.client.describe_stacks()["Stacks"])


def test_a_failed_creation_that_cannot_be_cleaned_up_is_rollback_failed(stack: Stack) -> None:
    fault(stack, "AWS::SSM::Parameter", "AWS::Logs::LogGroup/delete")
    assert stack.run(body(), "CREATE") == "ROLLBACK_FAILED"
    assert retention(stack) == 7


def test_what_a_failed_roll_back_left_goes_with_the_stack(stack: Stack) -> None:
    fault(stack, "AWS::SSM::Parameter", "AWS::Logs::LogGroup/delete")
    assert stack.run(body(), "CREATE") == "ROLLBACK_FAILED"
    left = stack.client.list_stack_resources(StackName="s")["StackResourceSummaries"]
    assert ("Log", "DELETE_FAILED") in {(each["LogicalResourceId"], each["ResourceStatus"]) for each in left}
    assert retention(stack) == 7
    stack.client.delete_stack(StackName="s")
    stack.aws.until(lambda: not stack.client.describe_stacks()["Stacks"])
    assert retention(stack) is None


# ---- half-applied ------------------------------------------------------------------------------------------------------------


def half_applied(stack: Stack, after: int, **more: Any) -> None:
    entry = {"stack": "s", "after": after, **more}
    assert stack.aws.control("faults", {"faults": [entry]})[0] == 200


def several(days: int) -> dict[str, Any]:
    names = [f"L{i}" for i in range(5)]
    waits = dict(zip(names[1:], names, strict=False))
    made = {n: log_group(f"/l/{n}", days) | ({"DependsOn": waits[n]} if n in waits else {}) for n in names}
    return {"Resources": made}


def days(stack: Stack) -> list[int]:
    groups = stack.aws.client("logs").describe_log_groups(logGroupNamePrefix="/l/")["logGroups"]
    return [g["retentionInDays"] for g in groups]


def test_an_operation_can_stop_half_way_and_what_was_done_stays_done_for_a_while(stack: Stack) -> None:
    stack.run(several(7), "CREATE")
    half_applied(stack, 3)
    name = stack.create(several(14))
    stack.describe(name)
    stack.aws.go(60)
    stack.client.execute_change_set(StackName="s", ChangeSetName=name)
    stack.aws.until(lambda: days(stack) == [14, 14, 14, 7, 7])
    stack.aws.go(2)  # what comes next is seen also on a busy machine
    looking = stack.aws.client("cloudformation", agent="observer")
    status = lambda: looking.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"]  # noqa: E731
    stack.aws.until(lambda: status() == "UPDATE_ROLLBACK_IN_PROGRESS")
    assert days(stack) == [14, 14, 14, 7, 7]
    stack.aws.go()
    assert stack.aws.settled("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert days(stack) == [7] * 5
    assert stack.run(several(14)) == "UPDATE_COMPLETE"


def test_the_roll_back_of_a_half_applied_stack_can_fail_too(stack: Stack) -> None:
    stack.run(several(7), "CREATE")
    half_applied(stack, 3, rollback="fails")
    assert stack.run(several(14)) == "UPDATE_ROLLBACK_FAILED"
    assert sorted(days(stack)) == [7, 7, 7, 7, 14]
    stack.client.continue_update_rollback(StackName="s")
    assert stack.aws.settled("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert days(stack) == [7] * 5


def test_a_half_applied_creation_leaves_what_it_cannot_take_back(stack: Stack) -> None:
    half_applied(stack, 2, rollback="fails")
    assert stack.run(several(7), "CREATE") == "ROLLBACK_FAILED"
    assert days(stack) == [7]


def test_a_half_applied_stack_of_another_region_goes_on(stack: Stack) -> None:
    half_applied(stack, 0, region="eu-west-1")
    assert stack.run(several(7), "CREATE") == "CREATE_COMPLETE"
    status, answer = stack.aws.control("faults", {"faults": [{"stack": "s", "after": 1, "rollback": "slow"}]})
    assert (status, "rollback" in answer["error"]) == (400, True)


def test_what_a_service_answers_is_the_reason_without_its_wrapping(stack: Stack) -> None:
    vpc = {"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}}
    assert stack.run(vpc, "CREATE") == "CREATE_COMPLETE"
    made = stack.client.describe_stack_resource(StackName=stack.name, LogicalResourceId="Vpc")["StackResourceDetail"]
    stack.aws.client("ec2").create_subnet(VpcId=made["PhysicalResourceId"], CidrBlock="10.0.0.0/24")
    stack.client.delete_stack(StackName=stack.name)
    assert stack.aws.settled(stack.name) == "DELETE_FAILED"
    (reason,) = [told for name, status, told in events(stack) if (name, status) == ("Vpc", "DELETE_FAILED")]
    assert reason.startswith('Resource handler returned message: "DependencyViolation: The vpc ')
    assert "<" not in reason
