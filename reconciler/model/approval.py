"""A person's word for one plan, by its fingerprint: kept beside the status in table `meridian-state`, or given with a run.

Who wrote it is what AWS says of the caller. It goes by the fingerprint alone: whatever else is planned later is not covered.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    fingerprint: str
    by: str
    at: str
    """RFC 3339."""
    expires: datetime
    """By then the plan has to have begun; one that has goes on to its end."""
    reason: str
    revoked: str = ""
    """Who took it back; then it ends at once what goes on by it."""

    def holds(self, fingerprint: str, at: datetime) -> bool:
        return not self.revoked and self.fingerprint == fingerprint and at < self.expires

    def state(self, fingerprint: str, at: datetime) -> str:
        """In a word, for people, given the fingerprint of the plan as it is now."""
        if self.revoked:
            return "revoked"
        if at >= self.expires:
            return "expired"
        return "valid" if self.fingerprint == fingerprint else "other-plan"

    def document(self) -> dict[str, Any]:
        return {
            "fingerprint": self.fingerprint,
            "by": self.by,
            "at": self.at,
            "expires": self.expires.isoformat(),
            "reason": self.reason,
            "revoked": self.revoked,
        }

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None) -> Approval | None:
        """What the table holds. Something that makes no sense approves nothing."""
        try:
            return None if document is None else cls._read(document)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Approval:
        expires = datetime.fromisoformat(document["expires"])
        words = {name: document[name] for name in ("fingerprint", "by", "at", "reason")}
        revoked = document.get("revoked", "")
        texts = all(isinstance(word, str) for word in (*words.values(), revoked))
        if not texts or expires.tzinfo is None or not FINGERPRINT.fullmatch(words["fingerprint"]):
            raise ValueError("no approval")
        return cls(**words, expires=expires, revoked=revoked)


FINISHING = "finishing"
"""In the place of what was declared: of a step that is left aside once a plan is done. Later commits do not ask again,
unless they want that Region back."""


def place(hazard: str, step: str) -> str:
    """Under what name `Motion.approved` remembers that this hazard of this step was approved."""
    return f"{hazard}@{step}"


def carried(before: Mapping[str, str], plan: Mapping[str, str]) -> dict[str, str]:
    """What is remembered from now on: of steps, what the plan says; it judged what was remembered before."""
    return {**{name: value for name, value in before.items() if "@" not in name}, **plan}


def finishing(approved: Mapping[str, str], steps: Collection[str]) -> dict[str, str]:
    """What stays of a plan's approvals when only what finishes aside is left: those of these steps."""
    left = {name: value for name, value in approved.items() if name.partition("@")[2] in steps}
    return {name: f"{FINISHING} {value.partition(' ')[2]}" for name, value in left.items()}
