"""What may come next on a step."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.outcome import Problem
from reconciler.model.requests import Request


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do on this step now: AWS is at it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """It is so already, which only our own record did not know."""

    reason: str


Move = Request | Wait | Done | Problem
