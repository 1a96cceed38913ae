"""What one pass came to: its result, what was asked of AWS, when to come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from reconciler.model.bundle import Source
from reconciler.model.change import Diff
from reconciler.model.facts import Sweep
from reconciler.model.motion import Motion
from reconciler.model.observed import Observed
from reconciler.model.plan import Goal, Plan
from reconciler.model.stacks import StackRef
from reconciler.model.structure import Structure


class Result(StrEnum):
    CONVERGED = "Converged"
    PROGRESSING = "Progressing"
    WAITING = "Waiting"
    BLOCKED = "Blocked"
    STALLED = "Stalled"
    FAILED = "Failed"
    SUSPENDED = "Suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """`commit` is a Git commit or `worktree`; `generation` rises with every revision of the desired state;
    `digest` is the desired document's."""

    commit: str
    generation: int
    digest: str
    source: Source | None = None
    """Where it came from, if it came out of a bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request made in this pass. `id` is the step's."""

    id: str
    call: str
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a step cannot go on: code, where, and what to do. `retry` false: not before something changes."""

    code: str
    step: str
    message: str
    retry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    type: str
    status: str
    """`True`, `False` or `Unknown`."""
    reason: str
    message: str
    observed_generation: int
    last_transition: datetime


@dataclass(frozen=True, kw_only=True)
class Outcome:
    topology: str
    revision: Revision
    result: Result
    requeue_after: timedelta | None
    plan: Plan
    diff: Diff
    observed: Observed
    goal: Goal = Goal.CONVERGE
    regions: tuple[str, ...] = ()
    """The Regions that are to be there: those of the document; none, where all of it is destroyed."""
    motion: Motion | None = None
    """What is known of motion after this pass, kept in the status: so that a later pass can tell a commit from a hand. None:
    nothing is known, though the topology lives."""
    requests: tuple[Sent, ...] = ()
    in_flight: tuple[StackRef, ...] = ()
    """Stacks with an operation running, for whoever waits."""
    problems: tuple[Problem, ...] = ()
    foreseen: tuple[Result, tuple[Problem, ...]] | None = None
    """Result and problems as planning had them, before anything was done."""
    conditions: tuple[Condition, ...] = ()
    sweep: Sweep = Sweep.PLAN
    """How much was read."""
    detected: bool = False
    """AWS was asked for drift by change sets, too."""
    structure: Structure = field(default_factory=dict)
    """What the next look need not read of stacks."""
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What a hosted pass leaves to the next one, kept with the status."""
    api_calls: Mapping[str, int] = field(default_factory=dict)
    duration: timedelta = timedelta()

    def as_planned(self) -> Outcome:
        """What `plan` would have shown in place of this pass."""
        if self.foreseen is None:
            return self
        result, problems = self.foreseen
        return replace(self, result=result, problems=problems)
