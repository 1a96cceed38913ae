"""Makes the ways out of a failed operation reachable: UPDATE_ROLLBACK_FAILED, ROLLBACK_FAILED and DELETE_FAILED.

The stack engine rolls back, cancels and continues by itself. What fails on AWS only by bad luck is asked for with a fault
on a resource type and the moment at which it strikes, after a slash:

    {"resource": "AWS::Logs::LogGroup/rollback"}   an update cannot be taken back
    {"resource": "AWS::Logs::LogGroup/delete"}     a deletion is refused
    {"stack": "s", "after": 3, "rollback": "fails"}  an operation stops after three resources, and so does its roll-back
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import handlers
from ministack.services.cloudformation import stacks as stock
from ministack.services.cloudformation.helpers import _p

from local_aws.gateway import faults

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.stacks._update_resource",
    "ministack.services.cloudformation.stacks._delete_resource",
    "ministack.services.cloudformation.stacks._revert_update",
    "ministack.services.cloudformation.handlers._continue_update_rollback",
)

_reverting: ContextVar[bool] = ContextVar("reverting", default=False)


def _update(kind: str, *args: Any) -> Any:
    if _reverting.get():
        faults.fail_resource(f"{kind}/rollback")
        _fail_once(args[3])
    return _stock_update(kind, *args)


def _delete(kind: str, *args: Any) -> Any:
    faults.fail_resource(f"{kind}/delete")
    if cfn._stacks[args[2]].get("StackStatus") == "ROLLBACK_IN_PROGRESS":
        _fail_once(args[2])
    return _stock_delete(kind, *args)


def _fail_once(stack_name: str) -> None:
    """The roll-back of a half-applied operation fails at the first thing that it takes back."""
    if cfn._stacks[stack_name].pop("_rollback_fails", False):
        raise ValueError("Internal Failure")


async def _revert(*args: Any) -> None:
    token = _reverting.set(True)
    try:
        await _stock_revert(*args)
    finally:
        _reverting.reset(token)


def _continue(params: dict[str, Any]) -> Any:
    """ContinueUpdateRollback: the status is UPDATE_ROLLBACK_IN_PROGRESS from the moment of the answer."""
    answer = _stock_continue(params)
    stack = handlers._resolve_stack(_p(params, "StackName"))
    if answer[0] == 200 and stack:
        stack["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS"
    return answer


_stock_update: Callable[..., Any] = stock._update_resource
_stock_delete: Callable[..., Any] = stock._delete_resource
_stock_revert: Callable[..., Awaitable[None]] = stock._revert_update
_stock_continue = handlers._continue_update_rollback


def install() -> None:
    stock._update_resource = _update
    stock._delete_resource = _delete
    stock._revert_update = _revert
    handlers._ACTION_HANDLERS["ContinueUpdateRollback"] = _continue
