"""What may come next on a step."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.outcome import Problem
from reconciler.model.requests import Request


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do on this step now: AWS is at it."""

    reason: str


Move = Request | Wait | Problem
