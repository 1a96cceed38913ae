"""Which look a hosted pass takes, and what the status remembers of looks: pure functions of both, and of the time.

Everything that can drift is looked at as often as `drift.schedule` says. In between, a topology at rest to which nothing happened
is only glanced at: what serves is read, and as long as it is as the last whole look left it, that look still holds. A commit, or a
rollout that has something to do, goes before any schedule; one that waits may wait for days, and is swept as if it were at rest.
What a full sweep has found is seen through by full sweeps, or else the next pass, which reads less, would take it for gone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.facts import Sweep
from reconciler.model.outcome import Result, Revision

DETECTION = timedelta(hours=6)
"""At most so often AWS is asked for drift by change sets: they are writes, and take minutes."""
_UNIT = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_EPOCH = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
_OVERDUE = 3
"""Intervals of the schedule. A full sweep that has been put off for longer ends, whoever asks meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What is remembered. `glance`: what a fast sweep saw, had it come with the last whole look; empty: not all could be read."""

    looked_at: datetime | None = None
    full_at: datetime | None = None
    coverage: Mapping[str, int] | None = None
    """Of that full sweep: `fields` and `checked`."""
    detected_at: datetime | None = None
    glance: str = ""

    def document(self) -> dict[str, Any]:
        return {
            "lookedAt": _text(self.looked_at),
            "fullAt": _text(self.full_at),
            "coverage": dict(self.coverage) if self.coverage else None,
            "detectedAt": _text(self.detected_at),
            "glance": self.glance,
        }

    @classmethod
    def recorded(cls, status: Mapping[str, Any] | None) -> Looks:
        found: Any = (status or {}).get("looks")
        try:
            return cls(
                looked_at=_time(found["lookedAt"]),
                full_at=_time(found["fullAt"]),
                coverage={str(k): int(v) for k, v in found["coverage"].items()} if found["coverage"] else None,
                detected_at=_time(found["detectedAt"]),
                glance=str(found["glance"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError):  # none yet, or somebody else wrote there
            return cls()

    def after(
        self, sweep: Sweep, at: datetime, glance: str, coverage: Mapping[str, int], *, detected: bool = False
    ) -> Looks:
        """After a whole look."""
        full = sweep is Sweep.FULL
        return Looks(
            looked_at=at,
            full_at=at if full else self.full_at,
            coverage=coverage if full else self.coverage,
            detected_at=at if detected else self.detected_at,
            glance=glance,
        )

    def glanced(self, at: datetime) -> Looks:
        return replace(self, looked_at=at)

    def detection_due(self, at: datetime) -> bool:
        return self.detected_at is None or at - self.detected_at >= DETECTION


def interval(schedule: str) -> timedelta | None:
    """Of `rate(30 minutes)`; None for any other form."""
    found = _RATE.fullmatch(schedule)
    return _UNIT[found[2]] * int(found[1]) if found else None


def due(schedule: str, name: str, last: datetime | None, at: datetime) -> bool:
    """Whether a full sweep is due. Each topology has its own moments, as far apart as the schedule says, and shifted by its name:
    topologies that were deployed together are not swept together."""
    every = interval(schedule)
    if every is None:
        return False
    return last is None or _moments(name, every, at) > _moments(name, every, last)


def _moments(name: str, every: timedelta, at: datetime) -> int:
    """How many of a topology's moments have been, up to some time."""
    shift = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
    return int((at - _EPOCH) / every + shift)


def sweep_for(
    status: Mapping[str, Any] | None,
    revision: Revision,
    *,
    name: str,
    schedule: str,
    at: datetime,
    routine: bool,
) -> Sweep:
    """`routine`: the clock asks, nobody else does."""
    if status is None or _news(status, revision):
        return Sweep.PLAN
    if _condition(status, "DriftDetected") == "True":
        return Sweep.FULL
    if not routine or status.get("result") == Result.PROGRESSING:
        return Sweep.PLAN
    looks = Looks.recorded(status)
    if due(schedule, name, looks.full_at, at):
        return Sweep.FULL
    return Sweep.FAST if looks.glance and _at_rest(status, revision) else Sweep.PLAN


def may_give_way(status: Mapping[str, Any] | None, schedule: str, at: datetime) -> bool:
    """Whether a full sweep that the clock asked for may be broken off for somebody who asks: not for ever, where somebody always
    does."""
    every, last = interval(schedule), Looks.recorded(status).full_at
    return every is None or (last is not None and at - last < _OVERDUE * every)


def _news(status: Mapping[str, Any], revision: Revision) -> bool:
    kept = (status.get("desiredRevision"), status.get("generation"), status.get("desiredDigest"))
    return kept != (revision.commit, revision.generation, revision.digest)


def _at_rest(status: Mapping[str, Any], revision: Revision) -> bool:
    """The last pass left nothing to do, to wait for or to tell again, and nothing that only time changes."""
    source = revision.source
    behind = source is not None and (
        source.refused is not None or (source.head is not None and source.head.generation > source.bundle.generation)
    )
    left = ("requeueAfter", "stepsLeft", "problems", "refusals", "waitingFor", "tombstones", "suspension")
    ready = status.get("result") == Result.CONVERGED and _condition(status, "Ready") == "True"
    return ready and _condition(status, "DriftDetected") == "False" and not behind and not any(map(status.get, left))


def _condition(status: Mapping[str, Any], kind: str) -> str | None:
    found = (c for c in status.get("conditions", ()) if c.get("type") == kind)
    return next((str(c.get("status")) for c in found), None)


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
