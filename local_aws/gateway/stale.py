"""Reads that lag: a call is answered from the service's records as they were some virtual seconds ago.

While such a fault is set, every change of the service's records is kept. To answer, the old records stand in for the new ones
for as long as the call runs, which is one uninterrupted step of the event loop: nothing else sees them.
"""

import pickle
import re
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from ministack import app as ministack_app

from local_aws import states, world
from local_aws.clock import CLOCK
from local_aws.gateway.asgi import Send, Tap
from local_aws.gateway.wire import Call

KEPT = 1000  # versions per service
_history: dict[str, deque[tuple[float, bytes]]] = {}  # by client name, oldest first
_READS = re.compile(r"(Describe|Get|List|Head|BatchGet|Query|Scan|Lookup)")


def watch(services: set[str]) -> None:
    """Keep the versions of these services from now on, and of no others."""
    _history.clear()
    _history.update({service: deque(maxlen=KEPT) for service in services})
    _look()


def _look() -> None:
    """Runs whenever something may have changed."""
    for service, versions in _history.items():
        now = pickle.dumps({key: world.content(container) for key, container in _records(service).items()})
        if not versions or versions[-1][1] != now:
            versions.append((CLOCK.now(), now))


def _records(service: str) -> dict[tuple[str, str], Any]:
    """Every container of ministack's modules that answer for this client."""
    registered = ministack_app.SERVICE_REGISTRY.items()
    names = [entry["module"] for name, entry in registered if service in (name, *entry.get("aliases", ()))]
    prefix = f"ministack.services.{names[0] if names else service}"
    return {key: container for key, container in world.containers().items() if key[0].startswith(prefix)}


def answer(call: Call, seconds: float, take: Callable[[Send], Coroutine[Any, Any, None]]) -> Tap | None:
    """What the read said that long ago; None when the call is no read, or cannot be answered in one step."""
    if not _READS.match(call.operation) or not (versions := _history.get(call.service)):
        return None
    then = CLOCK.now() - seconds
    _, old = next((v for v in reversed(versions) if v[0] <= then), versions[0])
    live = {key: world.content(container) for key, container in _records(call.service).items()}
    kept = {key: type(content)(content) for key, content in live.items()}
    tap, running = Tap(None), None
    try:
        for key, content in pickle.loads(old).items():
            world.refill(live[key], content)
        running = take(tap)
        running.send(None)
    except StopIteration:
        return tap
    finally:
        for key, content in live.items():
            world.refill(content, kept[key])
        if running:
            running.close()
    return None


def install() -> None:
    states.on_change(_look)
