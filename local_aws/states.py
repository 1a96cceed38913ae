"""States in between: what a service shows while a change is under way, and how a stack waits for it.

A service module says `hold(record, "Status", "modifying", "available", seconds)`; the record shows the busy value until the
virtual time is over. A module also registers how a stack knows that a resource has settled (`settles`). Waiting is by
notice, not by polling: whatever may change a state calls `changed`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from local_aws.clock import CLOCK, Timer

Record = dict[str, Any]

_held: dict[tuple[int, str], Timer] = {}  # by the record's identity: its timer keeps the record alive
_waiting: list[asyncio.Future[None]] = []
_SETTLED: dict[str, tuple[Callable[[str], Record | None], Callable[[Record], bool]]] = {}
_LOOKERS: list[Callable[[], None]] = []


def hold(
    record: Record, field: str, busy: str, final: str, seconds: float, then: Callable[[], None] | None = None
) -> None:
    """Show `busy` for virtual seconds, then `final`. A later hold of the same field supersedes this one."""
    release(record, field)
    record[field] = busy

    def finish() -> None:
        _held.pop((id(record), field), None)
        record[field] = final
        if then:
            then()
        changed()

    _held[id(record), field] = CLOCK.later(seconds, finish)


def release(record: Record, field: str) -> None:
    """The field no longer changes by itself."""
    if timer := _held.pop((id(record), field), None):
        timer.cancel()


def held(record: Record, field: str) -> bool:
    return (id(record), field) in _held


def settles(resource_type: str, find: Callable[[str], Record | None], settled: Callable[[Record], bool]) -> None:
    """A stack waits until the record that `find(physical id)` gives is `settled`, which may raise ValueError when it failed."""
    _SETTLED[resource_type] = (find, settled)


async def settle(resource_type: str, physical_id: str) -> None:
    if resource_type not in _SETTLED:
        return
    find, settled = _SETTLED[resource_type]

    def over() -> bool:
        record = find(physical_id)
        if record is None:
            raise ValueError(f"{physical_id} was deleted while the stack waited for it")
        return settled(record)

    await until(over)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        notice: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        _waiting.append(notice)
        await notice


def on_change(look: Callable[[], None]) -> None:
    """`look` runs whenever something may have changed, before those who wait are woken."""
    _LOOKERS.append(look)


def changed() -> None:
    """Wake whoever waits for a state; each looks for itself."""
    for look in _LOOKERS:
        look()
    if _waiting:
        CLOCK.in_loop(_wake)


def _wake() -> None:
    waiting, _waiting[:] = list(_waiting), []
    for notice in waiting:
        if not notice.done():
            notice.set_result(None)


def clear() -> None:
    _waiting.clear()
    _held.clear()
