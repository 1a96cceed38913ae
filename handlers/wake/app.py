"""The function wake: any event becomes one message for each topology that it concerns; `reconciler.waking` says which."""

from __future__ import annotations

from functools import cache
from typing import Any

from reconciler.hosting import wake

_waker = cache(wake.waker)


def handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001  # Lambda gives both
    return {"woken": list(_waker()(event))}
