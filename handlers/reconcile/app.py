"""The function reconcile: each message is one pass. What becomes of a message, `reconciler.deliveries` says."""

from __future__ import annotations

from functools import cache
from typing import Any

from reconciler.hosting import passes

_deliveries = cache(passes.deliveries)


def handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001  # Lambda gives both
    return _deliveries().handle(event)
