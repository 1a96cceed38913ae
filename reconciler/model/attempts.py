"""What hosted passes remember of attempts that failed: how often the same one, and so when the next may be, or none.

An attempt's fingerprint is what was desired, what was planned, and what failed and why, without the words that differ each
time. What cannot be cured by waiting is given up after `K` equal failures, what may pass by itself after `PATIENT` in a row,
and then the topology is Stalled: it is looked at, and nothing is done, until something is seen to have changed. What cannot be
seen, as a right that was granted, is tried out now and then. Between failures the wait grows by itself, with full jitter:
`chance` comes in as a value.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

K, PATIENT = 5, 20
SOONEST, LATEST = timedelta(seconds=5), timedelta(minutes=15)
TRY_OUT, REBUILD = timedelta(minutes=25), timedelta(hours=6)
"""A request that was refused costs one call to make again; a deployment that failed takes an hour, and databases with it."""
_KEPT = 16
_SEEN = frozenset({"DeploymentFailed", "DeletionFailed", "ChangeSetFailed", "NothingToChange"})
"""Failures of a stack: its state tells whether anybody did something about it."""
_FLEETING = re.compile(
    r"arn:\S+|[0-9a-f]{8}-[0-9a-f-]{27,}|\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b|\d{4}-\d\d-\d\d[T ][\d:.]+\S*|\d+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Cause:
    """Why an attempt failed. `passes`: it may be over without anybody's doing."""

    code: str
    step: str
    message: str
    passes: bool

    @property
    def normal(self) -> tuple[str, str, str]:
        """Without ids, times and numbers."""
        return self.code, self.step, _FLEETING.sub("#", self.message.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    counts: Mapping[str, int] = field(default_factory=dict)
    """Fingerprint of a failure that waiting does not cure, to how often it was met; the newest last."""
    passing: Mapping[str, int] = field(default_factory=dict)
    """The same for those that may pass by themselves, in a row: forgotten as soon as a pass meets none."""
    cause: Cause | None = None
    """The latest failure's first."""
    times: int = 0
    """How often it was met, by then."""
    situation: str = ""
    """What could be seen when it was met: desired, planned, and the stacks that failed."""
    at: str = ""
    digest: str = ""

    @property
    def stalled(self) -> bool:
        """Never for being asked to slow down: that is what the growing wait does."""
        if self.cause is None or self.cause.code == "Throttled":
            return False
        return self.times >= (PATIENT if self.cause.passes else K)

    def failed(self, digest: str, plan: str, causes: tuple[Cause, ...], situation: str, at: datetime) -> Attempts:
        """After one more attempt that failed. Among several causes, one that does not pass decides."""
        known = self if self.digest == digest else Attempts()
        causes = tuple(sorted(causes, key=lambda c: (c.passes, c)))
        text = json.dumps([digest, plan, [c.normal for c in causes]])
        mark = hashlib.sha256(text.encode()).hexdigest()[:16]
        before = known.passing if causes[0].passes else known.counts
        times = before.get(mark, 0) + 1
        kept = dict([*((m, n) for m, n in before.items() if m != mark), (mark, times)][-_KEPT:])
        changed = {"passing": kept} if causes[0].passes else {"counts": kept}
        return replace(
            known, digest=digest, cause=causes[0], times=times, situation=situation, at=at.isoformat(), **changed
        )

    def went_well(self) -> Attempts:
        """After a pass without a failure, though not at its end yet: what may come back after hours is remembered."""
        return replace(self, passing={}, cause=None, times=0, situation="", at="")

    def holds(self, situation: str, at: datetime) -> bool:
        """Nothing is to be tried: it would fail as before, for all that can be seen."""
        if not self.stalled or self.cause is None or situation != self.situation:
            return False
        return at - datetime.fromisoformat(self.at) < (REBUILD if self.cause.code in _SEEN else TRY_OUT)

    def delay(self, chance: float) -> timedelta:
        """`chance`: at least 0, below 1. Never at once; twice as long at most each time."""
        ceiling: timedelta = min(LATEST, SOONEST * 2 ** min(self.times, 10))
        return SOONEST + chance * (ceiling - SOONEST)

    def document(self) -> dict[str, Any]:
        cause = self.cause
        return {
            "digest": self.digest,
            "counts": dict(self.counts),
            "passing": dict(self.passing),
            "times": self.times,
            "situation": self.situation,
            "at": self.at,
            "cause": cause
            and {"code": cause.code, "step": cause.step, "message": cause.message, "passes": cause.passes},
        }

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None) -> Attempts:
        """None were made where the status holds none, or nothing that makes sense."""
        found = (document or {}).get("attempts")
        if not isinstance(found, Mapping):
            return cls()
        try:
            cause = found.get("cause")
            made = cls(
                digest=str(found.get("digest", "")),
                counts={str(m): int(n) for m, n in found.get("counts", {}).items()},
                passing={str(m): int(n) for m, n in found.get("passing", {}).items()},
                times=int(found.get("times", 0)),
                situation=str(found.get("situation", "")),
                at=str(found.get("at", "")),
                cause=cause
                and Cause(
                    code=str(cause["code"]),
                    step=str(cause["step"]),
                    message=str(cause["message"]),
                    passes=bool(cause["passes"]),
                ),
            )
            aware = not made.cause or datetime.fromisoformat(made.at).tzinfo is not None
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()
        return made if aware else cls()
