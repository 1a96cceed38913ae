"""The calls that act on a stack: checked, answered once per token, and each an operation with an id.

What they do stays with `changesets`, `recovery` and ministack; this stands around them.
"""

import re
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import changesets as stock
from ministack.services.cloudformation import handlers

from local_aws.stack_calls import history, limits, operation_events, policy, templates, tokens
from local_aws.stack_calls.direct import keep_deleted
from local_aws.stack_calls.refusals import Answer, Handler, Params, Record, given, invalid, refusing, status, the_stack

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.changesets._find_change_set",
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
)

# Reads that know a deleted stack by its id only [V, API reference], and what they say of its name [S].
_BY_ID_ONLY = {
    "DescribeStackEvents": "Stack [{}] does not exist",
    "DescribeStackResource": "Stack '{}' does not exist",
    "DescribeStackResources": "Stack with id {} does not exist",
    "ListStackResources": "Stack with id {} does not exist",
    "GetTemplate": "Stack with id {} does not exist",
    "ContinueUpdateRollback": "Stack [{}] does not exist",
    "RollbackStack": "Stack [{}] does not exist",
}


def acting(action: str, stock_handler: Handler) -> Handler:
    @refusing
    def handler(params: Params) -> Answer:
        asked = _checked(action, params)
        stack = _target(action, asked)
        token = given(asked, "ClientRequestToken")
        request = tokens.request(action, params, **_resolved(asked, stack))
        if stack and (before := tokens.answered(stack["StackId"], token, request)):
            return before
        if action == "CreateStack":
            keep_deleted(given(asked, "StackName"))
        return _run(action, asked, stock_handler, request)

    return handler


def _checked(action: str, params: Params) -> Params:
    limits.role(params)
    asked = limits.template(params)
    for name in ("StackPolicy", "StackPolicyDuringUpdate"):
        asked = limits.policy(asked, f"{name}Body", f"{name}URL")
        policy.check(given(asked, f"{name}Body") or "{}")
    templates.check(limits.text(asked))
    return asked


def _target(action: str, params: Params) -> Record | None:
    if action == "ExecuteChangeSet":
        found = _change_set(params)
        return cfn._stacks.get(found["StackName"]) if found else None
    return the_stack(given(params, "StackName"))


def _change_set(params: Params) -> Record | None:
    name, stack = given(params, "ChangeSetName"), the_stack(given(params, "StackName"))
    found: Record | None = stock._find_change_set(name, stack["StackName"] if stack else given(params, "StackName"))[1]
    return found


def _resolved(params: Params, stack: Record | None) -> dict[str, str]:
    """Names stand for whatever has them now: another change set of the same name is another request."""
    found = _change_set(params) if given(params, "ChangeSetName") else None
    names = {"StackName": stack["StackName"] if stack else given(params, "StackName")}
    return names | ({"ChangeSetName": found["ChangeSetId"]} if found else {})


def _run(action: str, params: Params, stock_handler: Handler, request: Any) -> Answer:
    operation_id, before = history.new_id(), dict(_target(action, params) or {})
    scope = history.CURRENT.set(operation_id)  # the task that the call begins takes it along
    try:
        answer = stock_handler(params)
    finally:
        history.CURRENT.reset(scope)
    stack = _target(action, params)
    if answer[0] != 200 or stack is None:
        return answer
    kind = _kind(action, stack)
    if kind and status(before) != "DELETE_IN_PROGRESS":
        history.begin(stack["StackId"], kind, operation_id)
    _keep_role(stack, action, params, before)
    answer = _with_id(answer, operation_id) if action in ("CreateStack", "UpdateStack", "RollbackStack") else answer
    tokens.remember(stack["StackId"], given(params, "ClientRequestToken"), request, answer)
    return answer


def _kind(action: str, stack: Record) -> str | None:
    if action == "ExecuteChangeSet":
        return "CREATE_STACK" if status(stack).startswith("CREATE") else "UPDATE_STACK"
    return history.TYPES.get(action)


def _keep_role(stack: Record, action: str, params: Params, earlier: Record) -> None:
    """The role of an operation is the stack's from then on [V, API reference, RoleARN]; a change set's, when it is executed."""
    role = given(params, "RoleARN") or earlier.get("RoleARN", "")
    if action == "ExecuteChangeSet":
        found = _change_set(params)
        role = (found or {}).get("RoleARN") or role
    if role:
        stack["RoleARN"] = role


def _with_id(answer: Answer, operation_id: str) -> Answer:
    body = re.sub(
        rb"(</StackId>)", rb"\1<OperationId>" + operation_id.encode() + rb"</OperationId>", answer[2], count=1
    )
    return answer[0], answer[1], body


def reading(action: str, stock_handler: Handler) -> Handler:
    @refusing
    def handler(params: Params) -> Answer:
        name = given(params, "StackName")
        if name and the_stack(name) is None:
            raise invalid(_BY_ID_ONLY[action].format(name))
        return stock_handler(params)

    return handler


def install() -> None:
    table = handlers._ACTION_HANDLERS
    for action in _BY_ID_ONLY:
        table[action] = reading(action, table[action])
    for action in (*history.TYPES, "ExecuteChangeSet", "CancelUpdateStack"):
        table[action] = acting(action, table[action])
    table["SetStackPolicy"] = policy.set_policy(table["SetStackPolicy"])
    table["DescribeEvents"] = operation_events.describe
    templates.install()
