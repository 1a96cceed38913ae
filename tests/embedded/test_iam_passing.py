"""Handing a role to a service takes iam:PassRole, by call and by stack."""

from __future__ import annotations

from tests.embedded.iam_world import ACCOUNT, World, allow, refused, service
from tests.embedded.test_iam_roles import empty
from tests.embedded.test_iam_stacks import deploy, reasons


def test_passing_a_role_to_a_service_takes_the_right_to(world: World) -> None:
    runner = world.role(
        "runner", {"Service": ["lambda.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com"]}
    )
    who = world.assume("who", allow("lambda:*", "events:*", "scheduler:*"))
    function = {
        "FunctionName": "f",
        "Runtime": "python3.13",
        "Handler": "a.b",
        "Code": {"ZipFile": empty()},
        "Role": runner,
    }
    target = {"Arn": f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/default", "Id": "1", "RoleArn": runner}
    schedule = {"Name": "s", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    schedule["Target"] = {k: v for k, v in target.items() if k != "Id"}
    world.aws.client("events").put_rule(Name="r", EventPattern='{"source": ["x"]}')
    calls = {
        "lambda": lambda c: c.client("lambda").create_function(**function),
        "events": lambda c: c.client("events").put_targets(Rule="r", Targets=[target]),
        "scheduler": lambda c: c.client("scheduler").create_schedule(**schedule),
    }  # fmt: skip
    for name, call in calls.items():
        with refused("AccessDeniedException", f"iam:PassRole on resource: {runner}"):
            call(who)
        for passed_to in ("ec2", name):
            only = {"StringEquals": {"iam:PassedToService": f"{passed_to}.amazonaws.com"}}
            world.grant("who", allow("lambda:*", "events:*", "scheduler:*"), allow("iam:PassRole", Condition=only))
            world.propagated()
            if passed_to == name:
                call(who)
            else:
                with refused("AccessDeniedException", "iam:PassRole"):
                    call(who)


def test_a_stack_passes_roles_with_its_own_rights(world: World) -> None:
    log_role = world.role("gateway", service("apigateway"))
    account = {"Account": {"Type": "AWS::ApiGateway::Account", "Properties": {"CloudWatchRoleArn": log_role}}}
    caller = world.assume("caller", allow("cloudformation:*", "apigateway:*", "iam:GetRole"))
    assert deploy(caller, "app-one", account) == "ROLLBACK_COMPLETE"
    assert f"iam:PassRole on resource: {log_role}" in reasons(world, "app-one")
    only = {"StringEquals": {"iam:PassedToService": "apigateway.amazonaws.com"}}
    world.grant("caller", allow("iam:PassRole", resource=log_role, Condition=only), name="passing")
    world.propagated()
    assert deploy(caller, "app-two", account) == "CREATE_COMPLETE"
