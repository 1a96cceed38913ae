"""Stack policies: which updates they stop, and for how long one can be set aside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.test_changesets import Stack, log_group, template
from tests.embedded.test_stack_calls import body, failed


@pytest.fixture
def stack(aws: Aws) -> Stack:
    return Stack(aws)


def protect(*actions: str, **more: Any) -> str:
    allow = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": list(actions), "Principal": "*", "Resource": "LogicalResourceId/Log", **more}
    return json.dumps({"Statement": [allow, deny]})


CHANGES = [
    ("Update:Modify", {"Log": log_group("/one", 14)}, True),
    ("Update:Modify", {"Log": log_group("/two", 7)}, False),
    ("Update:Replace", {"Log": log_group("/two", 7)}, True),
    ("Update:Replace", {"Log": log_group("/one", 14)}, False),
    ("Update:Delete", {"Other": log_group("/two")}, True),
    ("Update:*", {"Log": log_group("/one", 14)}, True),
]


@pytest.mark.parametrize(("action", "resources", "stops"), CHANGES)
def test_a_stack_policy_stops_an_update(stack: Stack, action: str, resources: dict[str, Any], stops: bool) -> None:
    stack.run(template(), "CREATE")
    stack.client.set_stack_policy(StackName="s", StackPolicyBody=protect(action))
    assert stack.run({"Resources": resources}) == ("UPDATE_ROLLBACK_COMPLETE" if stops else "UPDATE_COMPLETE")
    if stops:
        told = failed(stack)[0]["ResourceStatusReason"]
        assert told.startswith("Action denied by stack policy: Statement [#2] does not allow [Update:")
        assert stack.aws.client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 7


def test_a_policy_protects_what_it_does_not_allow(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    other = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/Other"}
    stack.client.set_stack_policy(StackName="s", StackPolicyBody=json.dumps({"Statement": other}))
    assert stack.run(template(14)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Action not allowed by stack policy" in failed(stack)[0]["ResourceStatusReason"]


def test_a_policy_for_the_time_of_an_update_holds_for_that_one(stack: Stack) -> None:
    stack.run(template(), "CREATE")
    stack.client.set_stack_policy(StackName="s", StackPolicyBody=protect("Update:*"))
    during = json.dumps({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]})
    arguments = {"StackName": "s", "StackPolicyDuringUpdateBody": during}
    stack.client.update_stack(**arguments, TemplateBody=body(Log=log_group("/one", 14)))
    assert stack.aws.settled("s") == "UPDATE_COMPLETE"
    assert stack.run(template(30)) == "UPDATE_ROLLBACK_COMPLETE"
