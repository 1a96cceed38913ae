"""The whole state of the embedded AWS, to keep it and to bring it back.

ministack keeps state in module globals: containers with lower-case names, in every `ministack.services` module. Our own modules
follow the same rule, so one scan finds everything. Records are copied with one memo, so that two names of one record stay one.
"""

import copy
import gc
import sys
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import route53

from local_aws import stacks, states
from local_aws.clock import CLOCK
from local_aws.dns import published
from local_aws.gateway import faults

ZONE_ID, ZONE_NAME = "Z0123456789EXAMPLE", "example.com."
_CONTAINERS = (AccountScopedDict, AccountRegionScopedDict, dict, list, set, deque)
# Machinery of the running process, not part of the world.
_MACHINERY = tuple(
    f"local_aws.{name}"
    for name in (
        "clock",
        "gateway.control",
        "gateway.faults",
        "gateway.stale",
        "gateway.wire",
        "stacks",
        "states",
        "world",
    )
)
_PROCESS = {
    "_warm_pool",
    "_inflight",
    "_esm_inflight",
    "_provided_code_dirs",
    "_docker_extract_dirs",
    "_ws_connections",
    "_port_counter",
}

COPIES = 5  # attempts
AT_WORK: list[Callable[[], list[str]]] = []  # who names what else is under way: functions that nobody waits for
Snapshot = dict[tuple[str, str], Any]


class Busy(Exception):
    """The world is in motion: a copy of it would not be a consistent one."""


def _modules() -> list[ModuleType]:
    return [
        module
        for name, module in list(sys.modules.items())
        if module and name.startswith(("ministack.services.", "local_aws.")) and not name.startswith(_MACHINERY)
    ]


def containers() -> Snapshot:
    return {
        (module.__name__, name): value
        for module in _modules()
        for name, value in vars(module).items()
        if isinstance(value, _CONTAINERS)
        and name == name.lower()
        and not name.startswith("__")
        and name not in _PROCESS
    }


def content(container: Any) -> Any:
    return container._data if isinstance(container, AccountScopedDict | AccountRegionScopedDict) else container


def refill(container: Any, now: Any) -> None:
    """Give a container another content; it stays the one that others hold."""
    container.clear()
    container.extend(now) if isinstance(container, list | deque) else container.update(now)


def _require_rest() -> None:
    working, left, running = stacks.in_progress(), CLOCK.in_flight(), [name for names in AT_WORK for name in names()]
    if working or left or running:
        functions = f"functions: {', '.join(running)}; " if running else ""
        raise Busy(
            f"the world is in motion (stack operations: {', '.join(working) or 'none'}; {functions}"
            f"{len(left)} changes under way, the last for {max(left, default=0):.0f} s more at speed {CLOCK.speed:g}): wait until "
            "everything has settled, or POST /_meridian/reset"
        )


def snapshot() -> Snapshot:
    _require_rest()
    return _copy(containers())


def _copy(containers: Snapshot) -> Snapshot:
    """A function that runs meanwhile (a probe's call) writes its log beside us: then again, it is no part of a change."""
    for _ in range(COPIES):
        try:
            return _deep_copy({key: content(container) for key, container in containers.items()})
        except RuntimeError as error:  # a dictionary changed its size
            last = error
    raise Busy(f"something changes all the time: {last}")


def _deep_copy(content: Snapshot) -> Snapshot:
    """Without a garbage collection in the middle: it takes longer than the copy, and nothing of that is garbage."""
    gc.disable()
    try:
        return copy.deepcopy(content)
    finally:
        gc.enable()


def restore(saved: Snapshot) -> None:
    _require_rest()
    ministack_app._reset_all_state()
    fresh = _deep_copy(saved)
    for key, container in containers().items():
        if key in fresh:
            refill(content(container), fresh[key])
    states.clear()


def reset(initial: Snapshot) -> None:
    """Back to the initial world; the caller has cancelled the stack operations, this forgets the rest."""
    CLOCK.clear()
    states.clear()
    faults.arm([])
    restore(initial)


def create() -> Snapshot:
    """The initial world: the hosted zone with its NS and SOA records, and nothing else. Returns a copy of it."""
    route53._zones[ZONE_ID] = {
        "id": ZONE_ID, "name": ZONE_NAME, "caller_reference": "meridian", "comment": "", "private": False, "vpcs": [],
    }  # fmt: skip
    route53._records[ZONE_ID] = route53._default_records(ZONE_NAME)
    route53._caller_refs["meridian"] = ZONE_ID
    published.look(after=0)
    return _copy(containers())
