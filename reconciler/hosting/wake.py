"""What the function wake is made of: no loop, no plan, no stage. It runs at every event, mostly from a cold start."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from reconciler.hosting.plane import Plane
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
        print(json.dumps({"function": "wake", "why": reason(event), "woken": found}), flush=True)  # noqa: T201
        return found

    return told
