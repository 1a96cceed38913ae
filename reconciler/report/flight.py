"""The plan in flight as a status document tells it: what runs since when, what is waited for, what comes later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reconciler.report.timeline import TimedGate, TimedStep, recorded

Document = Mapping[str, Any]
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A gate that holds up what comes next; `since` None: the document does not say."""

    id: str
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    began: datetime | None
    done: int
    total: int
    running: tuple[TimedStep, ...]
    queued: tuple[str, ...]
    """Steps of the first open wave that have not begun."""
    waiting: tuple[Wait, ...]
    later: tuple[str, ...]
    """Steps of the wave after it."""
    usual: Mapping[str, timedelta]
    """How long each step that is left usually takes."""
    waves: tuple[tuple[str, ...], ...]
    """What is left, but for what finishes aside."""

    def eta(self, now: datetime) -> timedelta:
        """What is left of the longest running step, and the longest of each later wave. Gates come on top."""
        since = {s.id: s.began for s in self.running}

        def left(step: str) -> timedelta:
            began = since.get(step)
            usual = self.usual.get(step, timedelta())
            return usual if began is None else max(usual - (now - began), timedelta())

        return sum((max(map(left, wave), default=timedelta()) for wave in self.waves), timedelta())


def flight(document: Document) -> Flight:
    """Of an older Meridian's document, which has neither timeline nor waves, it knows only what is waited for."""
    timeline = recorded(document.get("timeline"))
    waves = [w for w in (document.get("plan") or {}).get("waves", ()) if not w["aside"]]
    steps = timeline.steps if timeline else ()
    running = tuple(s for s in steps if s.runs)
    begun = {s.id for s in running}
    first = waves[0] if waves else {"steps": (), "gates": ()}
    ended = sum(1 for s in steps if s.ended)
    return Flight(
        began=timeline.began if timeline and timeline.ended is None else None,
        done=ended,
        total=ended + len(running) + sum(1 for s in steps if s.began is None),
        running=running,
        queued=tuple(s["id"] for s in first["steps"] if s["id"] not in begun),
        waiting=() if first["steps"] else _waiting(document, timeline.gates if timeline else ()),
        later=tuple(s["id"] for s in waves[1]["steps"]) if len(waves) > 1 else (),
        usual={s["id"]: duration(s["eta"]) for w in waves for s in w["steps"]},
        waves=tuple(tuple(s["id"] for s in w["steps"]) for w in waves),
    )


def _waiting(document: Document, gates: tuple[TimedGate, ...]) -> tuple[Wait, ...]:
    since = {g.id: g.since for g in gates if g.met is None}
    named = ((_id(g), g["detail"]) for g in document.get("waitingFor", ()))
    return tuple(Wait(id=name, detail=detail, since=since.get(name)) for name, detail in named)


def _id(gate: Mapping[str, Any]) -> str:
    return f"{gate['name']}/{gate['region']}" if gate["region"] else str(gate["name"])


def duration(text: str) -> timedelta:
    """Of `PT1H5M0.5S`; nothing of anything else."""
    found = _DURATION.fullmatch(text)
    hours, minutes, seconds = found.groups() if found else (None, None, None)
    return timedelta(hours=min(int(hours or 0), 10_000), minutes=int(minutes or 0), seconds=float(seconds or 0))
