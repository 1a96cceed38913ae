"""Which stack operations are under way, and how ministack's handlers are called from them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ministack.services.cloudformation import stacks as stock

from local_aws import states

_tasks: dict[str, asyncio.Task[Any]] = {}  # stack id -> the operation under way
_stock_needs_thread = stock._runs_on_worker_thread
_stock_run_reentrant = stock.run_reentrant


def in_progress() -> list[str]:
    """The names of the stacks that are being worked on."""
    return sorted(stack_id.split("/")[1] for stack_id in _tasks)


def of(stack_id: str) -> asyncio.Task[Any] | None:
    """The operation under way on this stack, unless it is the one that asks."""
    task = _tasks.get(stack_id)
    return None if task is asyncio.current_task() else task


@asynccontextmanager
async def operation(stack_id: str) -> AsyncIterator[None]:
    """Marks the current task as the operation of this stack; operations nest (a roll-back inside an update)."""
    outer, task = _tasks.get(stack_id), asyncio.current_task()
    assert task is not None, "a stack operation runs in a task"
    _tasks[stack_id] = task
    try:
        yield
    finally:
        if outer is not task and _tasks.get(stack_id) is task:
            _tasks.pop(stack_id)
        states.changed()


async def cancel_all() -> None:
    """Give up whatever runs, and wait until it has stopped."""
    tasks = list(_tasks.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def call(kind: str, function: Callable[..., Any], *args: Any) -> Any:
    """Types that wait for somebody else (custom resources, wait conditions) get a thread, as in ministack."""
    if _stock_needs_thread(kind):
        return await _stock_run_reentrant(function, *args)
    return function(*args)
