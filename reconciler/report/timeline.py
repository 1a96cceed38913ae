"""The timeline of a rollout as the status document keeps it: when each step and each gate began and ended.

It goes on from the document before, which anybody may have written: what makes no sense there is no timeline at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.report.words import clipped, iso_time

MOST = 200
"""Steps, and gates, that are kept of a rollout: a document has to fit into one item of the table."""
LONGEST = 200
"""Characters of a text from elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedStep:
    """`began` None: it is still to come. `status`: what AWS says of its stack while it runs, or where it did not end well."""

    id: str
    action: str
    region: str | None
    began: datetime | None = None
    ended: datetime | None = None
    status: str = ""

    @property
    def runs(self) -> bool:
        return self.began is not None and self.ended is None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedGate:
    """A gate that held the rollout up: since when, and until when."""

    id: str
    name: str
    region: str | None
    detail: str
    since: datetime
    met: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Of the rollout under way, else of the last one. `ended`: all was as declared then, but for what finishes aside."""

    began: datetime
    ended: datetime | None = None
    revision: str
    generation: int
    fingerprint: str
    """Of the plan it began with."""
    steps: tuple[TimedStep, ...] = ()
    gates: tuple[TimedGate, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "began": iso_time(self.began),
            "ended": _time_or_none(self.ended),
            "revision": self.revision,
            "generation": self.generation,
            "fingerprint": self.fingerprint,
            "steps": [_step_json(s) for s in self.steps],
            "gates": [_gate_json(g) for g in self.gates],
        }


def recorded(found: Any) -> Timeline | None:
    """As a document has it; None where there is none, or none that makes sense."""
    try:
        return _read(found) if found else None
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):  # somebody else wrote into the table
        return None


def _step_json(step: TimedStep) -> dict[str, Any]:
    return {
        "id": step.id,
        "action": step.action,
        "region": step.region,
        "began": _time_or_none(step.began),
        "ended": _time_or_none(step.ended),
        "status": step.status,
    }


def _gate_json(gate: TimedGate) -> dict[str, Any]:
    return {
        "id": gate.id,
        "name": gate.name,
        "region": gate.region,
        "detail": gate.detail,
        "since": iso_time(gate.since),
        "met": _time_or_none(gate.met),
    }


def _time_or_none(at: datetime | None) -> str | None:
    return iso_time(at) if at else None


def _read(found: Mapping[str, Any]) -> Timeline:
    return Timeline(
        began=_time(found["began"]),
        ended=_maybe(found["ended"]),
        revision=_text(found["revision"]),
        generation=int(found["generation"]),
        fingerprint=_text(found["fingerprint"]),
        steps=tuple(_read_step(s) for s in _listed(found["steps"])),
        gates=tuple(_read_gate(g) for g in _listed(found["gates"])),
    )


def _read_step(found: Mapping[str, Any]) -> TimedStep:
    return TimedStep(
        id=_text(found["id"]),
        action=_text(found["action"]),
        region=_place(found["region"]),
        began=_maybe(found["began"]),
        ended=_maybe(found["ended"]),
        status=_text(found["status"]),
    )


def _read_gate(found: Mapping[str, Any]) -> TimedGate:
    return TimedGate(
        id=_text(found["id"]),
        name=_text(found["name"]),
        region=_place(found["region"]),
        detail=_text(found["detail"]),
        since=_time(found["since"]),
        met=_maybe(found["met"]),
    )


def _listed(found: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(found, list):
        raise TypeError(f"{type(found).__name__} is no list")
    return found[:MOST]


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{type(found).__name__} is no text")
    return clipped(found, LONGEST)


def _place(found: Any) -> str | None:
    return None if found is None else _text(found)


def _time(found: Any) -> datetime:
    at = datetime.fromisoformat(found)
    if at.tzinfo is None:
        raise ValueError(f"{found} has no zone")
    return at.astimezone(UTC)


def _maybe(found: Any) -> datetime | None:
    return None if found is None else _time(found)
