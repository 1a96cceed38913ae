"""Stack operations as CloudFormation runs them: in dependency order, in parallel, each resource at its own pace.

ministack provisions a stack's resources one after another and within milliseconds. `install` puts these operations in
place of its own: the resource handlers stay ministack's (and ours, see `resources/`), what changes is the order, the
time, the events and what is left alone (a resource whose definition resolves to what it already has is not touched, as
on AWS). Rolling back stays ministack's code, made to take time.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import changesets, handlers
from ministack.services.cloudformation import stacks as stock

from local_aws import durations, states
from local_aws.clock import CLOCK
from local_aws.stacks import calls, reads, running
from local_aws.stacks.delete import delete_resource, delete_stack, shows_deleting
from local_aws.stacks.deploy import deploy
from local_aws.stacks.operation import STACK
from local_aws.stacks.running import cancel_all, in_progress

__all__ = ["cancel_all", "in_progress", "install", "shows_deleting"]
PATCHED = reads.PATCHED


async def _with_time(function: Callable[..., Any], kind: str, *args: Any) -> Any:
    """Stands in for `run_reentrant` inside ministack's roll-back: the same call, and then as long as it takes."""
    if function is stock._delete_resource:
        physical_id, properties, stack_name, logical_id = args
        return await delete_resource(kind, physical_id, properties, stack_name, logical_id)
    physical_id, _, properties, *_ = args
    result = await calls.make(
        kind, "UPDATE", properties, lambda: running.call(kind, function, kind, *args), physical_id
    )
    await CLOCK.sleep(durations.in_stack(kind, "UPDATE"))
    await states.settle(kind, result[0])
    return result


def _tracked(function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def tracked(stack_name: str, stack_id: str, *args: Any, **options: Any) -> None:
        async with running.operation(stack_id):
            await function(stack_name, stack_id, *args, **options)

    return tracked


def _keeping_what_stays(function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A creation's roll-back that cannot delete a resource leaves it in the stack, ROLLBACK_FAILED: DeleteStack tries again [V,
    User Guide, stack status codes]. ministack lets go of it."""

    async def roll_back(stack_name: str, stack_id: str, stack: dict, *args: Any, **options: Any) -> None:
        made = dict(stack.get("_resources") or {})
        await function(stack_name, stack_id, stack, *args, **options)
        if stack["StackStatus"] == "ROLLBACK_FAILED":
            stack["_resources"] |= {
                name: made[name] | {"ResourceStatus": "DELETE_FAILED"} for name in stack["_rollback_failed"]
            }

    return roll_back


def _ending(function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A mistake of the server ends an operation as one of AWS's does, instead of leaving it under way for ever."""

    async def ended(stack_name: str, stack_id: str, *args: Any, **options: Any) -> None:
        try:
            await function(stack_name, stack_id, *args, **options)
        except Exception:
            stock.logger.exception("the operation on %s broke off", stack_name)
            stack = cfn._stacks[stack_name]
            status = stack["StackStatus"].removesuffix("_IN_PROGRESS").removesuffix("_COMPLETE_CLEANUP") + "_FAILED"
            stack.update(StackStatus=status, StackStatusReason="Internal Failure")
            stock._add_event(stack_id, stack_name, stack_name, STACK, status, "Internal Failure", stack_id)

    return ended


def install() -> None:
    stock._runs_on_worker_thread = lambda _kind: True
    stock.run_reentrant = _with_time
    replacements = {
        "_deploy_stack_async": _ending(deploy),
        "_delete_stack_async": _ending(delete_stack),
        "_roll_back_operation": _ending(_tracked(_keeping_what_stays(stock._roll_back_operation))),
        "_continue_update_rollback_async": _ending(_tracked(stock._continue_update_rollback_async)),
    }
    for module in (stock, changesets, handlers):
        for name, function in replacements.items():
            if hasattr(module, name):
                setattr(module, name, function)
    reads.install()
