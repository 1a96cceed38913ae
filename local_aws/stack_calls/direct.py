"""CreateStack, UpdateStack and DeleteStack: when a stack takes them, and what parameters have to be there."""

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import changesets as stock
from ministack.services.cloudformation import handlers
from ministack.services.cloudformation.helpers import _template_body_problem

from local_aws.change_sets import change_set_xml
from local_aws.refused import Refused
from local_aws.stack_calls.refusals import (
    Answer,
    Params,
    Record,
    given,
    invalid,
    refusing,
    status,
    the_stack,
    violated,
)

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
    "ministack.services.cloudformation.handlers._capabilities_enforced",
    "ministack.services.cloudformation.helpers._template_body_problem",
)

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


def check_size(params: Params) -> None:
    """51,200 bytes of a template inside the request [V quotas]."""
    problem = _template_body_problem(given(params, "TemplateBody"))
    if problem:
        raise violated(problem)


def check_updatable(stack: Record) -> None:
    """One operation per stack, and only from a state that takes an update."""
    if status(stack) not in UPDATABLE:
        raise invalid(f"Stack:{stack['StackId']} is in {status(stack)} state and can not be updated.")


def keep_deleted(name: str) -> Record | None:
    """A deleted stack stays known by its id when another one takes its name [V, DescribeStacks: for 90 days]."""
    held: Record | None = cfn._stacks.get(name)
    if held is None or status(held) != "DELETE_COMPLETE" or held["StackName"] != name:
        return None
    cfn._stacks[held["StackId"]] = cfn._stacks.pop(name)
    return held


@refusing
def create_stack(params: Params) -> Answer:
    """A name is taken until its stack is deleted, also after a failed creation and while under review.

    AWS lets CreateStack take over a stack under review [S, recorded in localstack's tests]; refusing it is stricter."""
    stack = the_stack(given(params, "StackName"))
    if stack:
        raise Refused("AlreadyExistsException", f"Stack [{stack['StackName']}] already exists")
    answer: Answer = _stock_create_stack(params)
    return answer


@refusing
def update_stack(params: Params) -> Answer:
    stack = the_stack(given(params, "StackName"))
    if stack:
        check_size(params)
        check_updatable(stack)
        stack["_policy_during"] = given(params, "StackPolicyDuringUpdateBody")
    answer: Answer = _stock_update_stack(params)
    return answer


# A stack that is updated or rolled back cannot be deleted; one that is being created can.
_UNDELETABLE = ("UPDATE_", "ROLLBACK_IN_PROGRESS", "REVIEW_ROLLBACK")


@refusing
def delete_stack(params: Params) -> Answer:
    stack = the_stack(given(params, "StackName"))
    if stack and status(stack).endswith("_IN_PROGRESS") and status(stack).startswith(_UNDELETABLE):
        message = f"Stack [{stack['StackId']}] cannot be deleted while in status {status(stack)}"
        raise invalid(message)
    if stack and status(stack) == "DELETE_IN_PROGRESS":
        return change_set_xml.deleting()  # already under way: accepted, and nothing new begins
    answer: Answer = _stock_delete_stack(params)
    return answer


def _resolve_parameters(template: Record, passed: list[Record], previous: Record | None = None) -> Record:
    """Every parameter without a default is given, and none that the template lacks."""
    unknown = sorted({p["Key"] for p in passed} - set(template.get("Parameters", {})))
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    sent = {p["Key"] for p in passed}
    missing = [n for n, d in template.get("Parameters", {}).items() if n not in sent and "Default" not in d]
    if missing:
        raise ValueError(f"Parameters: [{', '.join(missing)}] must have values")
    resolved: Record = _stock_resolve_parameters(template, passed, previous)
    return resolved


_stock_create_stack = handlers._create_stack
_stock_update_stack = handlers._update_stack
_stock_delete_stack = handlers._delete_stack
_stock_resolve_parameters = handlers._resolve_parameters


def install() -> None:
    handlers._ACTION_HANDLERS.update(CreateStack=create_stack, UpdateStack=update_stack, DeleteStack=delete_stack)
    handlers._capabilities_enforced = lambda: True
    handlers._resolve_parameters = stock._resolve_parameters = _resolve_parameters
