"""Change sets as CloudFormation's: what may be created and executed when, and what each one says that it will do.

ministack parses, resolves and deploys; this module refuses what AWS refuses, replaces the list of changes by one that is
computed property by property (`planned`), and lets `DeploymentMode=REVERT_DRIFT` write the template's values back.
"""

import copy
from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation as service
from ministack.services.cloudformation import changesets as stock
from ministack.services.cloudformation import handlers, provisioners, stacks
from ministack.services.cloudformation.helpers import _error, _p, _template_body_problem

from local_aws import change_set_xml, planned, reverting
from local_aws.clock import CLOCK
from local_aws.durations import CHANGE_SET
from local_aws.schemas import recreation

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._change_sets",
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
    "ministack.services.cloudformation.handlers._capabilities_enforced",
    "ministack.services.cloudformation.handlers._resolve_stack",
    "ministack.services.cloudformation.changesets._create_change_set",
    "ministack.services.cloudformation.changesets._describe_change_set",
    "ministack.services.cloudformation.changesets._execute_change_set",
    "ministack.services.cloudformation.changesets._delete_change_set",
    "ministack.services.cloudformation.changesets._list_change_sets",
    "ministack.services.cloudformation.changesets._find_change_set",
    "ministack.services.cloudformation.helpers._template_body_problem",
    "ministack.services.cloudformation.helpers._extract_members",
    "ministack.services.cloudformation.provisioners._replacing_change",
    "ministack.services.cloudformation.stacks._replacing_change",
    "ministack.services.cloudformation.stacks._stack_tags_changed",
    "ministack.services.cloudformation.provisioners._property_recreation",
)

Params = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
# Only a stack at rest in one of these takes an update. ROLLBACK_COMPLETE can only be deleted.
UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "CREATE_FAILED",  # with DisableRollback
        "UPDATE_FAILED",
    }
)


class RefusedError(Exception):
    """The call is refused with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.answer: Answer = _error(code, message)


def refusing(handler: Callable[[Params], Answer]) -> Callable[[Params], Answer]:
    def guarded(params: Params) -> Answer:
        try:
            return handler(params)
        except RefusedError as refusal:
            return refusal.answer

    return guarded


# ---- create ----------------------------------------------------------------------------------------------------------


@refusing
def create(params: Params) -> Answer:
    stack = _stack(params)
    kind = _p(params, "ChangeSetType", "UPDATE")
    _check_request(params, kind)
    _check_stack_takes(kind, stack, _p(params, "StackName"), _p(params, "ChangeSetName"))
    placeholder = copy.copy(stack) if stack and kind == "CREATE" and _status(stack) == "REVIEW_IN_PROGRESS" else None
    answer = _stock_create(params)
    if answer[0] != 200:
        if placeholder:  # a refused request leaves the reviewed stack as it was
            service._stacks[placeholder["StackName"]] = placeholder
        return answer
    change_set = list(service._change_sets.values())[-1]
    if placeholder:
        answer = _keep_identity(answer, change_set, placeholder)
    _describe_plan(params, change_set, kind)
    change_set["_ready_at"] = CLOCK.now() + CHANGE_SET
    return answer


def _stack(params: Params) -> Record | None:
    stack: Record | None = handlers._resolve_stack(_p(params, "StackName"))
    return None if stack is None or _status(stack) == "DELETE_COMPLETE" else stack


def _status(stack: Record) -> str:
    return str(stack.get("StackStatus", ""))


def _check_request(params: Params, kind: str) -> None:
    problem = _template_body_problem(_p(params, "TemplateBody"))
    if problem:
        raise RefusedError("ValidationError", f"1 validation error detected: {problem}")
    mode = _p(params, "DeploymentMode")
    if mode not in ("", "REVERT_DRIFT"):
        raise RefusedError("ValidationError", f"Invalid DeploymentMode '{mode}'; allowed: [REVERT_DRIFT]")
    if mode and kind != "UPDATE":
        raise RefusedError("ValidationError", "DeploymentMode REVERT_DRIFT needs ChangeSetType UPDATE")


def _check_stack_takes(kind: str, stack: Record | None, name: str, change_set: str) -> None:
    """CREATE wants a name that is free or under review, UPDATE a stack at rest that can be updated."""
    if kind == "UPDATE" and stack is None:
        raise RefusedError("ValidationError", f"Stack [{name}] does not exist")
    if kind == "UPDATE" and stack and _status(stack) not in UPDATABLE:
        message = f"Stack:{stack['StackId']} is in {_status(stack)} state and can not be updated."
        raise RefusedError("ValidationError", message)
    if kind == "CREATE" and stack and _status(stack) != "REVIEW_IN_PROGRESS":
        message = f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
        raise RefusedError("ValidationError", message)


def _keep_identity(answer: Answer, change_set: Record, reviewed: Record) -> Answer:
    """A second CREATE change set is for the same stack under review; ministack makes a new stack each time."""
    made, kept = change_set["StackId"], reviewed["StackId"]
    service._stacks[reviewed["StackName"]]["StackId"] = change_set["StackId"] = kept
    service._stack_events[kept] = service._stack_events.get(kept) or service._stack_events.get(made) or []
    service._stack_events.pop(made, None)
    return answer[0], answer[1], answer[2].replace(made.encode(), kept.encode())


def _describe_plan(params: Params, change_set: Record, kind: str) -> None:
    """Replace ministack's list of changes by ours, and the state that follows from it."""
    stack = service._stacks[change_set["StackName"]]
    change_set["_stack_state"] = _state_of(stack)
    change_set["_client_token"] = _p(params, "ClientToken")
    if kind == "IMPORT" or change_set.get("ImportExistingResources"):
        return
    retag = kind == "UPDATE" and stacks._stack_tags_changed(stack, change_set["Tags"], change_set["_tags_given"])
    with stock._stack_region_context(stack, stack["StackId"]):
        live = reverting.read(stack) if _p(params, "DeploymentMode") else None
        plan = planned.plan(stack, change_set["_template"], change_set["_resolved_params"], retag=retag, live=live)
    if live is not None:
        change_set["DeploymentMode"] = "REVERT_DRIFT"
        change_set["StackDriftStatus"] = reverting.stack_status(live)
    change_set["Changes"] = [{"ResourceChange": change} for change in plan.changes]
    if plan.changes or plan.outputs_changed:
        change_set |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "StatusReason": ""}
    else:
        change_set |= {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": NO_CHANGES}


def _state_of(stack: Record) -> str:
    """What a change set is bound to: any finished operation makes it obsolete."""
    return f"{_status(stack)} {stack.get('LastUpdatedTime')}"


# ---- describe, list, delete --------------------------------------------------------------------------------------------


def find(params: Params) -> Record:
    stack = _stack(params)
    name = stack["StackName"] if stack else _p(params, "StackName")
    _, found = stock._find_change_set(_p(params, "ChangeSetName"), name)
    if not found:
        raise RefusedError("ChangeSetNotFound", f"ChangeSet [{_p(params, 'ChangeSetName')}] does not exist")
    return dict(found) | _phase(found)


def _phase(change_set: Record) -> Record:
    """A change set takes a moment to be computed; until then it can be described but not executed."""
    left = change_set.get("_ready_at", 0) - CLOCK.now()
    if left <= 0:
        return {}
    status = "CREATE_PENDING" if left > CHANGE_SET * 0.8 else "CREATE_IN_PROGRESS"
    return {"Status": status, "ExecutionStatus": "UNAVAILABLE", "StatusReason": "", "Changes": []}


@refusing
def describe(params: Params) -> Answer:
    return change_set_xml.described(find(params), params)


@refusing
def listed(params: Params) -> Answer:
    stack = _stack(params)
    if stack is None:
        raise RefusedError("ValidationError", f"Stack [{_p(params, 'StackName')}] does not exist")
    rows = [c | _phase(c) for c in service._change_sets.values() if c["StackName"] == stack["StackName"]]
    return change_set_xml.listed(rows, params)


@refusing
def delete(params: Params) -> Answer:
    _, found = stock._find_change_set(_p(params, "ChangeSetName"), _p(params, "StackName"))
    if found and found["ExecutionStatus"] == "EXECUTE_IN_PROGRESS":
        message = f"ChangeSet [{found['ChangeSetId']}] cannot be deleted while it is executed."
        raise RefusedError("InvalidChangeSetStatus", message)
    if found and _phase(found).get("Status") == "CREATE_IN_PROGRESS":
        raise RefusedError("InvalidChangeSetStatus", "Cannot delete ChangeSet in status CREATE_IN_PROGRESS")
    answer: Answer = _stock_delete(params)
    return answer


# ---- execute ---------------------------------------------------------------------------------------------------------


@refusing
def execute(params: Params) -> Answer:
    change_set = find(params)
    token = _p(params, "ClientRequestToken")
    if token and change_set.get("_executed_with") == token:
        return change_set_xml.executed()  # a retry of the same request
    _check_executable(change_set)
    stored = service._change_sets[change_set["ChangeSetId"]]
    stack = service._stacks[change_set["StackName"]]
    if stored.get("DeploymentMode") == "REVERT_DRIFT":
        with stock._stack_region_context(stack, stack["StackId"]):
            reverting.prepare(stack, stored["_template"])
    answer: Answer = _stock_execute(params | {"ChangeSetName": [stored["ChangeSetId"]]})
    if answer[0] == 200:
        stored["_executed_with"] = token
        stack["ChangeSetId"] = stored["ChangeSetId"]
    else:
        reverting.deployed_again(stack)
    return answer


def _check_executable(change_set: Record) -> None:
    name, stack = change_set["ChangeSetId"], service._stacks.get(change_set["StackName"])
    state, execution = change_set["Status"], change_set["ExecutionStatus"]
    if execution == "AVAILABLE" and (stack is None or change_set.get("_stack_state") != _state_of(stack)):
        execution = service._change_sets[name]["ExecutionStatus"] = "OBSOLETE"
    if state != "CREATE_COMPLETE":
        message = f"ChangeSet [{name}] cannot be executed in its current status of [{state}]"
        raise RefusedError("InvalidChangeSetStatus", message)
    if execution != "AVAILABLE":
        message = f"ChangeSet [{name}] cannot be executed in its current execution status of [{execution}]"
        raise RefusedError("InvalidChangeSetStatus", message)


# ---- the other operations on a stack -----------------------------------------------------------------------------------


@refusing
def create_stack(params: Params) -> Answer:
    """A name is taken until its stack is deleted, also after a failed creation and while under review."""
    stack = _stack(params)
    if stack:
        raise RefusedError("AlreadyExistsException", f"Stack [{stack['StackName']}] already exists")
    answer: Answer = _stock_create_stack(params)
    return answer


@refusing
def update_stack(params: Params) -> Answer:
    stack = _stack(params)
    if stack:
        _check_request(params, "UPDATE")
        _check_stack_takes("UPDATE", stack, stack["StackName"], "")
    answer: Answer = _stock_update_stack(params)
    return answer


# A stack that is updated or rolled back cannot be deleted; one that is being created can.
_UNDELETABLE = ("UPDATE_", "ROLLBACK_IN_PROGRESS", "REVIEW_ROLLBACK")


@refusing
def delete_stack(params: Params) -> Answer:
    stack = _stack(params)
    if stack and _status(stack).endswith("_IN_PROGRESS") and _status(stack).startswith(_UNDELETABLE):
        message = f"Stack [{stack['StackId']}] cannot be deleted while in status {_status(stack)}"
        raise RefusedError("ValidationError", message)
    if stack and _status(stack) == "DELETE_IN_PROGRESS":
        return change_set_xml.deleting()  # already under way: accepted, and nothing new begins
    answer: Answer = _stock_delete_stack(params)
    return answer


def _replacing_change(resource_type: str, old: Record, new: Record) -> bool:
    """Whether an update makes a new physical resource, by the registry's create-only paths."""
    return any(recreation(resource_type, leaf.path) == "Always" for leaf in planned.leaves(old, new))


def _resolve_parameters(template: Record, given: list[Record], previous: Record | None = None) -> Record:
    unknown = sorted({p["Key"] for p in given} - set(template.get("Parameters", {})))
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    sent = {p["Key"] for p in given}
    missing = [n for n, d in template.get("Parameters", {}).items() if n not in sent and "Default" not in d]
    if missing:
        raise ValueError(f"Parameters: [{', '.join(missing)}] must have values")
    resolved: Record = _stock_resolve_parameters(template, given, previous)
    return resolved


_stock_create = stock._create_change_set
_stock_execute = stock._execute_change_set
_stock_delete = stock._delete_change_set
_stock_create_stack = handlers._create_stack
_stock_update_stack = handlers._update_stack
_stock_delete_stack = handlers._delete_stack
_stock_resolve_parameters = handlers._resolve_parameters


def install() -> None:
    handlers._ACTION_HANDLERS.update(
        CreateChangeSet=create,
        DescribeChangeSet=describe,
        ListChangeSets=listed,
        DeleteChangeSet=delete,
        ExecuteChangeSet=execute,
        CreateStack=create_stack,
        UpdateStack=update_stack,
        DeleteStack=delete_stack,
    )
    handlers._capabilities_enforced = lambda: True
    provisioners._replacing_change = stacks._replacing_change = _replacing_change
    handlers._resolve_parameters = stock._resolve_parameters = _resolve_parameters
