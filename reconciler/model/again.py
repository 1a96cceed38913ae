"""What a hosted pass comes back with: what is to be sent next, and what the log is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reconciler.model.logged import Line
from reconciler.model.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The message to send next: with `due`, `after` so long, or `now`. None if neither is set."""

    outcome: Outcome | None
    after: timedelta | None
    due: str
    reason: str
    now: bool = False
    result: str = ""
    """What it came to where there is no outcome and no error."""
    code: str = ""
    """Of the numbered messages, where there is no outcome."""
    redeliver: bool = False
    """Nothing could be decided: report this message as failed, so that it comes again."""
    took: timedelta | None = None
    """From the first pass of this generation, where it has just converged."""
    lines: tuple[Line, ...] = ()
    """For the log: what happened, with what was measured."""
