"""What the reads of a stack say: only what is there, what was deleted, and pages that do not shift.

ministack answers with empty members where AWS leaves a member out, forgets resources as soon as they are gone, and counts the
pages of events from the newest one, so that an event that comes in between moves all others.
"""

import re
from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import handlers
from ministack.services.cloudformation.helpers import _error, _p

from local_aws.change_sets.change_set_xml import element
from local_aws.gateway.asgi import Answer
from local_aws.stack_calls import history

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._stack_events",
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
    "ministack.services.cloudformation.handlers._resolve_stack",
    "ministack.services.cloudformation.helpers._error",
    "ministack.services.cloudformation.helpers._p",
)

Record = dict[str, Any]
Handler = Callable[[Record], Answer]

PAGE = 100
_LEFT_OUT = "Capabilities Description LastUpdatedTime Outputs Parameters PhysicalResourceId ResourceStatusReason StackStatusReason"
_EMPTY = re.compile(rf"<({'|'.join(_LEFT_OUT.split())})></\1>".encode())
_EVENT_ID = re.compile(rb"<EventId>([^<]+)</EventId>")
_STACK_ID = re.compile(rb"<StackId>([^<]+)</StackId>")


def _without_empty(answer: Answer) -> Answer:
    return answer[0], answer[1], _EMPTY.sub(b"", answer[2])


def _stacks(stock: Handler, params: Record) -> Answer:
    """DescribeStacks names the change set of the last operation, the last operations, the role and when a stack was deleted."""
    status, headers, body = _without_empty(stock(params))
    known = {s["StackId"].encode(): s for s in cfn._stacks.values()}

    def named(found: re.Match[bytes]) -> bytes:
        return found[0] + _more(known[found[1]]).encode()

    return status, headers, _STACK_ID.sub(named, body)


def _more(stack: Record) -> str:
    last = [{k: o[k] for k in ("OperationType", "OperationId")} for o in history.last(stack["StackId"])]
    plain = "".join(element(name, stack.get(name)) for name in ("ChangeSetId", "RoleARN", "DeletionTime"))
    return plain + element("LastOperations", last) + "<RollbackConfiguration/><NotificationARNs/>"


def _resources(stock: Handler, params: Record) -> Answer:
    """ListStackResources, DescribeStackResources: during and after a deletion or a roll-back, events know best."""
    stack = handlers._resolve_stack(_p(params, "StackName"))
    if stack is None:
        return _without_empty(stock(params))
    kept = stack.get("_resources", {})
    stack["_resources"] = _with_events(stack, kept)
    try:
        return _without_empty(stock(params))
    finally:
        stack["_resources"] = kept


def _with_events(stack: Record, kept: Record) -> Record:
    """The records, with the newest event of each over it; what a creation or a whole stack deleted is listed as deleted."""
    status = stack.get("StackStatus", "")
    if "ROLLBACK" not in status and not status.startswith("DELETE_"):
        return kept
    newest = {e["LogicalResourceId"]: e for e in cfn._stack_events.get(stack["StackId"], ())}
    newest.pop(stack["StackName"], None)
    gone = {} if status.startswith("UPDATE_") else newest
    return {
        name: {**kept.get(name, {}), **_shown(newest[name])} if name in newest else kept[name] for name in kept | gone
    }


def _shown(event: Record) -> Record:
    names = (
        "LogicalResourceId",
        "PhysicalResourceId",
        "ResourceType",
        "ResourceStatus",
        "ResourceStatusReason",
        "Timestamp",
    )
    return {name: event[name] for name in names}


def _events(stock: Handler, params: Record) -> Answer:
    """DescribeStackEvents: a token says how many older events are left, which nothing that happens meanwhile changes."""
    stack, token = handlers._resolve_stack(_p(params, "StackName")), _p(params, "NextToken")
    if stack is None:
        return stock(params)
    if token and not re.fullmatch(r"events-\d+", token):
        return _error("ValidationError", "Invalid NextToken")
    everything = cfn._stack_events.get(stack["StackId"], [])
    left = int(token.rpartition("-")[2]) if token else len(everything)
    cfn._stack_events[stack["StackId"]] = everything[max(left - PAGE, 0) : left]
    try:
        status, headers, body = _without_empty(stock({k: v for k, v in params.items() if k != "NextToken"}))
    finally:
        cfn._stack_events[stack["StackId"]] = everything
    body = _EVENT_ID.sub(_with_operation(everything), body)
    if left > PAGE:
        body = body.replace(b"</StackEvents>", f"</StackEvents><NextToken>events-{left - PAGE}</NextToken>".encode())
    return status, headers, body


def _with_operation(events: list[Record]) -> Callable[[re.Match[bytes]], bytes]:
    ids = {e["EventId"].encode(): element("OperationId", e.get("OperationId")).encode() for e in events}
    return lambda found: found[0] + ids[found[1]]


def install() -> None:
    for action, read in (
        ("DescribeStacks", _stacks),
        ("ListStackResources", _resources),
        ("DescribeStackResources", _resources),
        ("DescribeStackResource", _resources),
        ("DescribeStackEvents", _events),
    ):
        stock = handlers._ACTION_HANDLERS[action]
        handlers._ACTION_HANDLERS[action] = lambda params, stock=stock, read=read: read(stock, params)
