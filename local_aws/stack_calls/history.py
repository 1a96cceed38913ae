"""Operations on stacks, each with an id: what `LastOperations` and DescribeEvents tell.

An operation is whatever acts on a stack: create, update, delete, a roll-back that was asked for, one that a failure began, the
creation of a change set [V, API reference, DescribeEvents]. The call that begins one sets it for its task; the events that the
task records then belong to it. It is over when the stack says so, which `follow` sees.
"""

from contextvars import ContextVar
from typing import Any

from ministack.core.responses import new_uuid, now_iso

Record = dict[str, Any]
operations: dict[str, list[Record]] = {}  # by stack id, the oldest first
CURRENT: ContextVar[str] = ContextVar("operation", default="")

# Which operation a call begins [V botocore, OperationType].
TYPES = {
    "CreateStack": "CREATE_STACK",
    "UpdateStack": "UPDATE_STACK",
    "DeleteStack": "DELETE_STACK",
    "ContinueUpdateRollback": "CONTINUE_ROLLBACK",
    "RollbackStack": "ROLLBACK",
}
_ROLLS_BACK = ("ROLLBACK", "CONTINUE_ROLLBACK")


def new_id() -> str:
    return str(new_uuid())


def begin(stack_id: str, kind: str, operation_id: str, *, automatic: bool = False, change_set: str = "") -> Record:
    operation = {
        "OperationId": operation_id,
        "OperationType": kind,
        "OperationStatus": "IN_PROGRESS",
        "StackId": stack_id,
        "StartTime": now_iso(),
        "_automatic": automatic,
        "_change_set": change_set,
        "_findings": [],
    }
    operations.setdefault(stack_id, []).append(operation)
    return operation


def end(operation: Record, *, succeeded: bool) -> None:
    if operation["OperationStatus"] == "IN_PROGRESS":
        operation |= {"OperationStatus": "SUCCEEDED" if succeeded else "FAILED", "EndTime": now_iso()}


def current() -> Record | None:
    return find(CURRENT.get())


def keep(operation: Record | None, findings: list[Record]) -> None:
    """What validation found, with the operation that it stopped."""
    if operation:
        names = ("EventId", "LogicalResourceId", "ResourceType", "Timestamp")
        operation["_findings"] += [
            {key: value for key, value in finding.items() if key in names or key.startswith("Validation")}
            for finding in findings
            if finding.get("ValidationName")
        ]


def find(operation_id: str) -> Record | None:
    return next((o for made in operations.values() for o in made if o["OperationId"] == operation_id), None)


def follow(stack_id: str, status: str) -> None:
    """The stack takes on a status: its operation is over, or a failure begins a roll-back of its own."""
    operation = current()
    if operation is None or operation["StackId"] != stack_id:
        return
    if status.endswith("ROLLBACK_IN_PROGRESS") and operation["OperationType"] not in _ROLLS_BACK:
        end(operation, succeeded=False)
        rollback = begin(stack_id, "ROLLBACK", new_id(), automatic=True)
        CURRENT.set(rollback["OperationId"])
    elif status.endswith("_FAILED"):
        end(operation, succeeded=False)
    elif status.endswith("_COMPLETE"):
        end(operation, succeeded=True)


def last(stack_id: str) -> list[Record]:
    """The newest first: the last operation that somebody asked for, and the roll-back that its failure began.

    How many AWS lists is not documented [K]; public output shows these two (awslabs/mcp#4275 [S])."""
    found: list[Record] = []
    for operation in reversed(operations.get(stack_id, ())):
        if operation["OperationType"] == "CREATE_CHANGESET":
            continue
        found.append(operation)
        if not operation["_automatic"]:
            break
    return found
