"""What one run remembers from pass to pass, only so that it stops where trying again is no use.

A command keeps it in memory. Hosted passes are processes of their own: each writes it with the status, bound to what was desired
then, and the next one goes on with it. A run is over when it comes to a result that stays; what then happens is another run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.detection import Detection
from reconciler.model.stacks import StackKind, StackRef


@dataclass(slots=True)
class Run:
    """`patience`: seconds of AWS's clock that a pass may wait for a change set that it has just created."""

    patience: float = 0
    threads: int = 16
    """Requests of a wave that are made at the same time; 1: one after another, in the wave's order."""
    executed: set[StackRef] = field(default_factory=set)
    """Stacks that this run began to deploy: one of them failing is a failure of this run."""
    recovered: set[StackRef] = field(default_factory=set)
    """Stacks that this run began to recover: one of them getting stuck again is a failure of this run."""
    begun: set[StackRef] = field(default_factory=set)
    """Those on which the latest pass began one."""
    troubles: Counter[str] = field(default_factory=Counter)
    """Step to how often in a row it met a problem that trying again may cure."""
    deletions: Counter[StackRef] = field(default_factory=Counter)
    """Stacks to how often this run began to delete them, as no longer desired."""
    attempt: str = ""
    """What this run's attempts to migrate are called: a failure of one is a failure of this run."""
    detections: dict[StackRef, Detection] = field(default_factory=dict)
    """What change sets that the latest pass made for repairs told of drift that nobody knew of."""
    finished: set[str] = field(default_factory=set)
    """Steps that the latest pass found to be done, which only a record tells the next one."""
    put_away: set[str] = field(default_factory=set)
    """Change sets that turned out to be of no use: made once more, since a run before this one may have left them."""

    def document(self, digest: str) -> dict[str, Any]:
        """`digest`: what is desired; for anything else a new run begins."""
        return {
            "digest": digest,
            "executed": sorted(map(_text, self.executed)),
            "recovered": sorted(map(_text, self.recovered)),
            "troubles": {step: n for step, n in sorted(self.troubles.items()) if n},
            "deletions": dict(sorted((_text(ref), n) for ref, n in self.deletions.items())),
            "attempt": self.attempt,
            "putAway": sorted(self.put_away),
        }

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None, digest: str) -> Run:
        """The run to go on with; a new one where the status holds none for this digest, or nothing that makes sense."""
        found = (document or {}).get("run")
        if not isinstance(found, Mapping) or found.get("digest") != digest:
            return cls()
        try:
            return cls(
                executed={_ref(text) for text in found.get("executed", ())},
                recovered={_ref(text) for text in found.get("recovered", ())},
                troubles=Counter({str(step): int(n) for step, n in found.get("troubles", {}).items()}),
                deletions=Counter({_ref(text): int(n) for text, n in found.get("deletions", {}).items()}),
                attempt=str(found.get("attempt", "")),
                put_away=set(map(str, found.get("putAway", ()))),
            )
        except (AttributeError, TypeError, ValueError):  # whoever may write to the table wrote something else there
            return cls()


def _text(ref: StackRef) -> str:
    return f"{ref.kind}@{ref.region}"


def _ref(text: str) -> StackRef:
    kind, _, region = str(text).partition("@")
    return StackRef(StackKind(kind), region)
