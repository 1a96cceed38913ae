"""Change sets as CloudFormation's: what may be read, deleted and executed when; `change_set_creation` makes them.

ministack parses, resolves and deploys; we refuse what AWS refuses, replace the list of changes by one that is computed property
by property (`planned`), and let `DeploymentMode=REVERT_DRIFT` write the template's values back.
"""

from ministack.services import cloudformation as service
from ministack.services.cloudformation import changesets as stock
from ministack.services.cloudformation import handlers, provisioners, stacks

from local_aws.change_sets import change_set_xml, leaves, reverting
from local_aws.change_sets.change_set_creation import create, state_of
from local_aws.clock import CLOCK
from local_aws.durations import CHANGE_SET
from local_aws.refused import Refused
from local_aws.registry.schemas import recreation
from local_aws.stack_calls.refusals import Answer, Params, Record, given, invalid, refusing, the_stack

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._change_sets",
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
    "ministack.services.cloudformation.changesets._execute_change_set",
    "ministack.services.cloudformation.changesets._delete_change_set",
    "ministack.services.cloudformation.changesets._find_change_set",
    "ministack.services.cloudformation.provisioners._replacing_change",
    "ministack.services.cloudformation.stacks._replacing_change",
)

# ---- describe, list, delete --------------------------------------------------------------------------------------------


def find(params: Params) -> Record:
    wanted, name = given(params, "ChangeSetName"), given(params, "StackName")
    stack = the_stack(name) if name else None
    _check_named(wanted, name, stack)
    _, found = stock._find_change_set(wanted, stack["StackName"] if stack else "")
    if not found:
        raise Refused("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", 404)
    return dict(found) | _phase(found)


def _check_named(wanted: str, name: str, stack: Record | None) -> None:
    """A name needs a stack, and the stack has to exist [S, recorded from AWS in localstack's tests]."""
    if not name and not wanted.startswith("arn:"):
        raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
    if name and stack is None:
        raise invalid(f"Stack [{name}] does not exist")


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
    stack = the_stack(given(params, "StackName"))
    if stack is None:
        raise invalid(f"Stack [{given(params, 'StackName')}] does not exist")
    rows = [c | _phase(c) for c in service._change_sets.values() if c["StackName"] == stack["StackName"]]
    return change_set_xml.listed(rows, params)


@refusing
def delete(params: Params) -> Answer:
    wanted, name = given(params, "ChangeSetName"), given(params, "StackName")
    stack = the_stack(name) if name else None
    _check_named(wanted, name, stack)
    _, found = stock._find_change_set(wanted, stack["StackName"] if stack else "")
    if found and found["ExecutionStatus"] == "EXECUTE_IN_PROGRESS":
        message = f"ChangeSet [{found['ChangeSetId']}] cannot be deleted while it is executed."
        raise Refused("InvalidChangeSetStatus", message)
    if found and _phase(found).get("Status") == "CREATE_IN_PROGRESS":
        raise Refused("InvalidChangeSetStatus", "Cannot delete ChangeSet in status CREATE_IN_PROGRESS")
    answer: Answer = _stock_delete(params)
    return answer


# ---- execute ---------------------------------------------------------------------------------------------------------


@refusing
def execute(params: Params) -> Answer:
    change_set = find(params)
    _check_executable(change_set)
    stored = service._change_sets[change_set["ChangeSetId"]]
    stack = service._stacks[change_set["StackName"]]
    if stored.get("DeploymentMode") == "REVERT_DRIFT":
        with stock._stack_region_context(stack, stack["StackId"]):
            reverting.prepare(stack, stored["_template"])
    answer: Answer = _stock_execute(params | {"ChangeSetName": [stored["ChangeSetId"]]})
    if answer[0] == 200:
        stack["ChangeSetId"] = stored["ChangeSetId"]
    else:
        reverting.deployed_again(stack)
    return answer


def _check_executable(change_set: Record) -> None:
    name, stack = change_set["ChangeSetId"], service._stacks.get(change_set["StackName"])
    state, execution = change_set["Status"], change_set["ExecutionStatus"]
    if execution == "AVAILABLE" and (stack is None or change_set.get("_stack_state") != state_of(stack)):
        execution = service._change_sets[name]["ExecutionStatus"] = "OBSOLETE"
    if state != "CREATE_COMPLETE":
        message = f"ChangeSet [{name}] cannot be executed in its current status of [{state}]"
        raise Refused("InvalidChangeSetStatus", message)
    if execution != "AVAILABLE":
        message = f"ChangeSet [{name}] cannot be executed in its current execution status of [{execution}]"
        raise Refused("InvalidChangeSetStatus", message)


def _replacing_change(resource_type: str, old: Record, new: Record) -> bool:
    """Whether an update makes a new physical resource, by the registry's create-only paths."""
    return any(recreation(resource_type, leaf.path) == "Always" for leaf in leaves.leaves(old, new))


_stock_execute = stock._execute_change_set
_stock_delete = stock._delete_change_set


def install() -> None:
    handlers._ACTION_HANDLERS.update(
        CreateChangeSet=create,
        DescribeChangeSet=describe,
        ListChangeSets=listed,
        DeleteChangeSet=delete,
        ExecuteChangeSet=execute,
    )
    provisioners._replacing_change = stacks._replacing_change = _replacing_change
