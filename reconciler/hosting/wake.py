"""What the function wake is made of: no loop, no plan, no stage. It runs at every event, mostly from a cold start."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from reconciler.hosting.plane import Plane
from reconciler.logs import say
from reconciler.model.logged import Line, Unit
from reconciler.model.message import Message
from reconciler.waking import Names, Waker, reason


def waker() -> Callable[[Any], Names]:
    """What the function wake does with an event."""
    plane = Plane.here()
    own = frozenset(filter(None, os.environ.get("MERIDIAN_OWN_ROLES", "").split(",")))

    def send(messages: Sequence[Message], over: timedelta) -> None:
        plane.queue.send(messages, over=over)

    wake = Waker(names=plane.bucket.names, send=send, seconds=time.monotonic, own=own).wake

    def told(event: Any) -> Names:
        found = wake(event)
        say(woke(event, found, plane.clock.now()))
        return found

    return told


def woke(event: Any, found: Names, at: datetime) -> Line:
    return Line(
        event="wake",
        code="Woken" if found else "NobodyConcerned",
        topology=found[0] if len(found) == 1 else None,
        more={"why": reason(event), "woken": found},
        metrics={"TopologiesWoken": (float(len(found)), Unit.COUNT)},
        at=at,
    )
