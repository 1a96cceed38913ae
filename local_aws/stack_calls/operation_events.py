"""DescribeEvents: the events of operations, by stack, change set or operation.

Each operation has one STACK_EVENT that says how it goes; status changes are PROGRESS_EVENTs, failures of resources
PROVISIONING_ERRORs, what pre-deployment validation found VALIDATION_ERRORs [V botocore, EventType; User Guide]. Which
status changes are events of which type beyond that, and the order (newest first here), is not documented [K].
"""

from collections.abc import Iterator
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import changesets as stock
from ministack.services.cloudformation.helpers import _page, _xml

from local_aws.change_sets.change_set_xml import element
from local_aws.refused import Refused
from local_aws.stack_calls import history
from local_aws.stack_calls.refusals import Answer, Params, given, invalid, refusing, the_stack

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._stack_events",
    "ministack.services.cloudformation.changesets._find_change_set",
    "ministack.services.cloudformation.helpers._page",
    "ministack.services.cloudformation.helpers._xml",
)

Record = dict[str, Any]
_OF_OPERATION = ("OperationId", "OperationType", "OperationStatus", "StackId")
_OF_EVENT = (
    "EventId",
    "LogicalResourceId",
    "PhysicalResourceId",
    "ResourceType",
    "Timestamp",
    "ResourceStatus",
    "ResourceStatusReason",
    "ClientRequestToken",
    "DetailedStatus",
)
_STACK_ONLY = {"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"}


@refusing
def describe(params: Params) -> Answer:
    events = [event for operation in _operations(params) for event in _events(operation)]
    if given(params, "Filters.FailedEvents").lower() == "true":
        events = [event for event in events if event["EventType"].endswith("_ERROR")]
    events.sort(key=lambda event: event["Timestamp"], reverse=True)
    page, more, error = _page(events, params, "DescribeEvents")
    if error:
        refused: Answer = error
        return refused
    inner = f"<DescribeEventsResult>{element('OperationEvents', page)}{more}</DescribeEventsResult>"
    answer: Answer = _xml(200, "DescribeEventsResponse", inner)
    return answer


def _operations(params: Params) -> list[Record]:
    """One of ChangeSetName, OperationId or StackName is needed [V]; a change set's bare name needs its stack
    [S, cloudformation-cli#1116]."""
    name, change_set, wanted = (given(params, key) for key in ("StackName", "ChangeSetName", "OperationId"))
    if not (name or wanted or change_set.startswith("arn:")):
        raise invalid("One of ChangeSetName, OperationId or StackName must be specified")
    made = [operation for some in history.operations.values() for operation in some]
    if name:
        stack = the_stack(name)
        if stack is None:
            raise invalid(f"Stack [{name}] does not exist")
        made = history.operations.get(stack["StackId"], [])
    if change_set:
        identity = _change_set(change_set, name)
        made = [operation for operation in made if operation["_change_set"] == identity]
    if wanted:
        made = [operation for operation in made if operation["OperationId"] == wanted]
    return made


def _change_set(name: str, stack_name: str) -> str:
    stack = the_stack(stack_name) if stack_name else None
    _, change_set = stock._find_change_set(name, stack["StackName"] if stack else "")
    if change_set is None:
        raise Refused("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
    return str(change_set["ChangeSetId"])


def _events(operation: Record) -> Iterator[Record]:
    head = {key: operation[key] for key in _OF_OPERATION}
    times = {key: operation[key] for key in ("StartTime", "EndTime") if key in operation}
    yield {
        **head,
        **times,
        "EventId": operation["OperationId"],
        "EventType": "STACK_EVENT",
        "Timestamp": operation.get("EndTime", operation["StartTime"]),
    }
    for event in cfn._stack_events.get(operation["StackId"], ()):
        if event.get("OperationId") == operation["OperationId"] and event["ResourceStatus"] not in _STACK_ONLY:
            failed = event["ResourceStatus"].endswith("_FAILED")
            kind = "PROVISIONING_ERROR" if failed else "PROGRESS_EVENT"
            yield {**head, "EventType": kind, **{key: event[key] for key in _OF_EVENT if event.get(key)}}
    for finding in operation["_findings"]:
        yield {**head, "EventType": "VALIDATION_ERROR", **finding}
