"""CreateChangeSet: what a request has to be, which stack takes it, and what the change set then says."""

import copy

from ministack.services import cloudformation as service
from ministack.services.cloudformation import changesets as stock
from ministack.services.cloudformation import stacks
from ministack.services.cloudformation.helpers import _p

from local_aws.change_sets import early, planned, reverting
from local_aws.clock import CLOCK
from local_aws.durations import CHANGE_SET
from local_aws.stack_calls import history, limits, templates
from local_aws.stack_calls.direct import check_size, check_updatable, keep_deleted
from local_aws.stack_calls.refusals import Answer, Params, Record, given, invalid, refusing, status, the_stack

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._change_sets",
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.changesets._create_change_set",
    "ministack.services.cloudformation.stacks._stack_tags_changed",
)

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


@refusing
def create(params: Params) -> Answer:
    """A name in use is refused, also to a retry with the same ClientToken: stricter than AWS documents."""
    stack, kind = the_stack(given(params, "StackName")), _p(params, "ChangeSetType", "UPDATE")
    asked = _checked(params, kind)
    _check_stack_takes(kind, stack, given(params, "StackName"), given(params, "ChangeSetName"))
    answer, change_set = _created(asked, stack, kind)
    if change_set is None:
        return answer
    change_set["RoleARN"] = given(params, "RoleARN")
    _describe_plan(params, change_set, kind)
    change_set["_ready_at"] = CLOCK.now() + CHANGE_SET
    return answer


def _checked(params: Params, kind: str) -> Params:
    limits.change_set_name(params)
    limits.description(params)
    limits.role(params)
    asked = limits.template(params)
    check_size(asked)
    templates.check(limits.text(asked))
    mode = _p(params, "DeploymentMode")
    if mode not in ("", "REVERT_DRIFT"):
        raise invalid(f"Invalid DeploymentMode '{mode}'; allowed: [REVERT_DRIFT]")
    if mode and kind != "UPDATE":
        raise invalid("DeploymentMode REVERT_DRIFT needs ChangeSetType UPDATE")
    return asked


def _check_stack_takes(kind: str, stack: Record | None, name: str, change_set: str) -> None:
    """CREATE wants a name that is free or under review, UPDATE a stack at rest that can be updated."""
    if kind == "UPDATE":
        if stack is None or status(stack) == "DELETE_COMPLETE":
            raise invalid(f"Stack [{name}] does not exist")
        check_updatable(stack)
    if kind == "CREATE" and stack and status(stack) != "REVIEW_IN_PROGRESS":
        raise invalid(f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}].")


def _created(params: Params, stack: Record | None, kind: str) -> tuple[Answer, Record | None]:
    placeholder = copy.copy(stack) if stack and kind == "CREATE" else None
    kept = None if stack else keep_deleted(given(params, "StackName"))
    answer: Answer = _stock_create(params)
    if answer[0] != 200:
        if placeholder:  # a refused request leaves the reviewed stack as it was
            service._stacks[placeholder["StackName"]] = placeholder
        if kept:
            service._stacks[kept["StackName"]] = service._stacks.pop(kept["StackId"])
        return answer, None
    change_set = list(service._change_sets.values())[-1]
    if placeholder:
        answer = _keep_identity(answer, change_set, placeholder)
    if kind == "CREATE":
        service._stacks[change_set["StackName"]]["StackStatusReason"] = "User Initiated"
    return answer, change_set


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
    change_set["_stack_state"] = state_of(stack)
    if kind == "IMPORT" or change_set.get("ImportExistingResources"):
        return
    retag = kind == "UPDATE" and stacks._stack_tags_changed(stack, change_set["Tags"], change_set["_tags_given"])
    with stock._stack_region_context(stack, stack["StackId"]):
        live = reverting.read(stack) if _p(params, "DeploymentMode") else None
        template, values = change_set["_template"], change_set["_resolved_params"]
        plan = planned.plan(stack, template, values, retag=retag, live=live)
        found = [] if change_set["_disable_validation"] else early.findings(stack, template, values)
    if live is not None:
        change_set["DeploymentMode"] = "REVERT_DRIFT"
        change_set["StackDriftStatus"] = reverting.stack_status(live)
    change_set["Changes"] = [{"ResourceChange": change} for change in plan.changes]
    reason = early.reason(found) if found else "" if plan.changes or plan.outputs_changed else NO_CHANGES
    _note(change_set, found, reason)


def _note(change_set: Record, found: list[early.Finding], reason: str) -> None:
    """Its state, and the operation that DescribeEvents tells of."""
    if found:
        change_set["Changes"] = []  # what a change set shows that failed validation is not documented [K]
    change_set |= {
        "Status": "FAILED" if reason else "CREATE_COMPLETE",
        "ExecutionStatus": "UNAVAILABLE" if reason else "AVAILABLE",
        "StatusReason": reason,
    }
    made_by = history.begin(
        change_set["StackId"], "CREATE_CHANGESET", history.new_id(), change_set=change_set["ChangeSetId"]
    )
    history.keep(made_by, [early.record(finding) for finding in found])
    history.end(made_by, succeeded=not reason)


def state_of(stack: Record) -> str:
    """What a change set is bound to: any finished operation makes it obsolete."""
    return f"{status(stack)} {stack.get('LastUpdatedTime')}"


_stock_create = stock._create_change_set
