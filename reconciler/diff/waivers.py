"""`drift.ignore`: findings that the document wants nobody to act on, for a reason, and as a rule for a while.

What is waived is no drift, is not healed, and is not written over by a deployment either: it counts as somebody's hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.model.change import Finding, Waived
from reconciler.model.redaction import iso_time
from reconciler.model.topology import Ignore

Told = Callable[[Iterable[Finding]], tuple[Finding, ...]]


@dataclass(slots=True)
class Waivers:
    """The entries of one document at one moment, and what they came to waive."""

    entries: tuple[Ignore, ...]
    at: datetime
    found: list[Waived] = field(default_factory=list)

    def judged(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Those that no entry waives; one whose time is over waives nothing."""
        left: list[Finding] = []
        for finding in findings:
            entry = next((e for e in self.entries if matches(e.path, finding.path) and self._holds(e)), None)
            if entry is None:
                left.append(finding)
            else:
                self.found.append(Waived(finding=replace(finding, reason=_why(entry)), ignore=entry))
        return tuple(left)

    def waived(self, told: Told) -> tuple[Waived, ...]:
        findings = told(w.finding for w in self.found)
        return tuple(replace(w, finding=f) for w, f in zip(self.found, findings, strict=True))

    @property
    def unused(self) -> tuple[Ignore, ...]:
        used = [w.ignore for w in self.found]
        return tuple(e for e in self.entries if e not in used)

    def _holds(self, entry: Ignore) -> bool:
        return entry.expires is None or entry.expires > self.at


def matches(pattern: str, path: str) -> bool:
    """Segment by segment; `*` is any one of them."""
    wanted, found = pattern.split("/"), path.split("/")
    return len(wanted) == len(found) and all(w in ("*", f) for w, f in zip(wanted, found, strict=True))


def _why(entry: Ignore) -> str:
    until = f" until {iso_time(entry.expires)}" if entry.expires else ""
    return f"waived by drift.ignore{until} ({entry.reason}): remove that entry to have it put right"
