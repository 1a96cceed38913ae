"""A commit on its way to Serving: how far it is, and why it does not get further.

Everything comes out of the status document, which the pass at work may have left for another commit than the one followed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from reconciler.model.bundle import Accepted
from reconciler.model.unknown import Unknown
from reconciler.report.windows import opens_at

STALE = timedelta(minutes=2)
"""So long a pass that ended before we came is given to be followed by one that knows what was done meanwhile."""
_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{12,64}")
_HAZARD = re.compile(r"[A-Za-z][A-Za-z-]{0,60}")


class Phase(StrEnum):
    QUEUED = "Queued"
    DEPLOYING = "Deploying"
    SERVING = "Serving"
    BLOCKED = "Blocked"
    SUSPENDED = "Suspended"
    FAILED = "Failed"
    REFUSED = "BundleRefused"
    SUPERSEDED = "Superseded"
    ROLLED_BACK = "RolledBack"


ENDS = frozenset(Phase) - {Phase.QUEUED, Phase.DEPLOYING}
_RESULTS = {"Blocked": Phase.BLOCKED, "Suspended": Phase.SUSPENDED, "Stalled": Phase.FAILED}


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One topology at the commit that is followed."""

    name: str
    domain: str
    regions: tuple[str, ...]
    commit: str
    generation: int
    since: datetime
    """When we began to follow it."""
    followed: timedelta
    """For how long, by the wall's clock: it is a pass of ours that is waited for, not AWS."""
    status: Mapping[str, Any] | None = None
    uploaded: Accepted | Unknown | None = None
    """The newest bundle in the revision bucket; only asked for while the status is about another commit."""
    digest: str = ""
    """Of what the commit declares, as attempts to carry it out remember it."""
    left: bool = False
    """Whoever followed it goes, and it goes on."""

    @property
    def ours(self) -> bool:
        return self.status is not None and self.status["desiredRevision"] == self.commit

    @property
    def newest(self) -> Accepted | None:
        """The bundle that is, or is about to be, in force instead of ours."""
        return self.uploaded if isinstance(self.uploaded, Accepted) else Accepted.recorded(self.status)

    @property
    def by_region(self) -> Mapping[str, Mapping[str, Any]]:
        return {r["name"]: r for r in self.status["regions"]} if self.status else {}


def phase(rollout: Rollout) -> Phase:
    if not rollout.ours or rollout.status is None:
        return _not_ours(rollout)
    result = _RESULTS.get(str(rollout.status["result"]))
    if result is not None and not awaits_window(rollout):
        return Phase.DEPLOYING if _stale(rollout) else result
    return Phase.SERVING if ready(rollout.status) else Phase.DEPLOYING


def ready(status: Mapping[str, Any]) -> bool:
    """Converged *and* serving."""
    return status["result"] == "Converged" and (condition(status, "Ready") or {}).get("status") == "True"


def condition(status: Mapping[str, Any] | None, kind: str) -> Mapping[str, Any] | None:
    return next((c for c in (status or {}).get("conditions", ()) if c["type"] == kind), None)


def replaced(rollout: Rollout) -> str:
    """By what, where another commit is in force."""
    newest = rollout.newest
    if newest is None:
        return "another commit is in force"
    if newest.generation > rollout.generation:
        return f"superseded by {newest.commit[:12]} (generation {newest.generation}), which contains it"
    return f"rolled back to {newest.commit[:12]} (generation {newest.generation})"


def why(rollout: Rollout) -> str:
    """The first reason that the last pass gave."""
    status = rollout.status or {}
    reasons = [*status.get("refusals", ()), *status.get("problems", ())]
    if reasons:
        first = reasons[0]
        place = first.get("step") or first.get("path") or ""
        return f"{first['code']}{f' at {place}' if place else ''}: {first['message']}"
    found = next((c for k in ("Blocked", "Suspended", "Stalled", "Ready") if (c := condition(status, k))), None)
    return str(found["message"]) if found else "see the status"


def awaits_window(rollout: Rollout) -> bool:
    """All that is refused may start in the next window, and does so by itself."""
    refusals = (rollout.status or {}).get("refusals", ()) if rollout.ours else ()
    return bool(opens_at((r["code"], r["message"]) for r in refusals))


def failing(rollout: Rollout) -> Mapping[str, Any] | None:
    """Why the last pass on our commit came to no end, where none before it did: then the status still tells of another commit."""
    status = rollout.status
    if status is None or rollout.ours or not rollout.digest:
        return None
    if (status.get("attempts") or {}).get("digest") != rollout.digest:
        return None
    return next((p for p in status["problems"] if p["step"] == "pass"), None)


def approvals(rollout: Rollout) -> list[dict[str, Any]]:
    """What a person would have to approve for this commit to go on: at most one plan."""
    status = rollout.status or {}
    asked = (status.get("plan") or {}).get("approval") or {}
    fingerprint = str(asked.get("fingerprint", ""))
    if phase(rollout) is not Phase.BLOCKED or not _FINGERPRINT.fullmatch(fingerprint):
        return []
    hazards = [str(h) for h in asked.get("hazards", ()) if _HAZARD.fullmatch(str(h))]
    return [{"topology": rollout.name, "fingerprint": fingerprint, "hazards": hazards}]


def _not_ours(rollout: Rollout) -> Phase:
    """A rollback that was uploaded and not picked up looks older than what is in force: so the bucket is asked first."""
    newest = rollout.newest
    if newest is None:
        return Phase.QUEUED
    if newest.commit == rollout.commit:
        return Phase.REFUSED if _refused(rollout) else _passes(rollout)
    if newest.generation > rollout.generation:
        return Phase.SUPERSEDED
    return Phase.ROLLED_BACK if max(newest.mark, _mark(rollout)) >= rollout.generation else Phase.QUEUED


def _passes(rollout: Rollout) -> Phase:
    """Whether passes on it fail so often that nobody goes on trying; what was given up before we came is tried anew."""
    status = rollout.status or {}
    if failing(rollout) is None or status["result"] != "Stalled":
        return Phase.QUEUED
    late = datetime.fromisoformat(status["attempts"]["at"]) < rollout.since and rollout.followed < STALE
    return Phase.QUEUED if late else Phase.FAILED


def _mark(rollout: Rollout) -> int:
    recorded = Accepted.recorded(rollout.status)
    return recorded.mark if recorded else 0


def _refused(rollout: Rollout) -> bool:
    """A refusal from before ours came says nothing about ours, unless it names it."""
    found = condition(rollout.status, "BundleRefused")
    if found is None or rollout.status is None:
        return False
    return rollout.commit[:12] in found["message"] or _at(rollout.status) > rollout.since


def _stale(rollout: Rollout) -> bool:
    """It ended badly before we came, and what was done about it, such as an approval, is about to be seen."""
    return rollout.status is not None and _at(rollout.status) < rollout.since and rollout.followed < STALE


def _at(status: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(status["updatedAt"])
