"""From one document to the next: what began, what ended, and what has gone on for so long that it is told again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.model.notice import Event
from reconciler.model.outcome import Result
from reconciler.report.notices.ledger import DAY, MOST, Ledger, events_of
from reconciler.report.notices.matters import Beside, Matter, condition, inconclusive, matters

Document = Mapping[str, Any]
_REMINDED = frozenset({Event.STALLED, Event.PAGE})
_LASTING = frozenset({str(Event.STALLED), str(Event.ROLLED_BACK)})
"""Over only once it is known what came of trying again."""
_TROUBLE = (*sorted(_LASTING), str(Event.PAGE))
_UNDERWAY = frozenset({str(Result.PROGRESSING), str(Result.WAITING)})
_ENDS = frozenset({str(Result.CONVERGED), str(Result.BLOCKED), str(Result.SUSPENDED)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one notice is to tell. `over`: events that were told of and have ended."""

    event: Event
    matters: Sequence[Matter] = ()
    more: int = 0
    over: Sequence[str] = ()
    reminder: bool = False


def turned(
    before: Document, document: Document, ledger: Ledger, at: datetime, beside: Beside
) -> tuple[list[Turn], Ledger]:
    """What is to be told, and the ledger once it is; at most one turn for each event."""
    here = matters(document, at, beside)
    turns = list(_begun(here, ledger, at))
    ended = set() if inconclusive(document) else _ended(here, ledger, document)
    if beside.waivers is None:
        ended = {mark for mark in ended if _event(mark) != Event.WAIVER}
    told = {m.mark: at for turn in turns for m in turn.matters}
    left = {mark: since for mark, since in ledger.open.items() if mark not in ended}
    turns += _over(ended, here, before, document, ledger)
    return turns, replace(_converging(ledger, document), open={**left, **told})


def _begun(here: Sequence[Matter], ledger: Ledger, at: datetime) -> Iterator[Turn]:
    """Of more than can be remembered the others are counted, and told of when there is room."""
    for event in dict.fromkeys(matter.event for matter in here):
        group = list({m.mark: m for m in here if m.event is event}.values())
        room = MOST - events_of(ledger.open)[str(event)]
        new = [m for m in group if m.mark not in ledger.open]
        fresh = new[: max(room, 0)]
        old = [m for m in group if m.mark in ledger.open and abs(at - ledger.open[m.mark]) >= DAY]
        again = old if event in _REMINDED else []
        if fresh or again:
            more = len(new) - len(fresh)
            yield Turn(event=event, matters=(*fresh, *again), more=more, reminder=not fresh)


def _ended(here: Sequence[Matter], ledger: Ledger, document: Document) -> set[str]:
    marks, events = {m.mark for m in here}, {str(m.event) for m in here}
    gone = set(ledger.open) - marks
    lasting = set() if document.get("result") in _ENDS else set(_LASTING)
    # It may just be making the change set that the next pass refuses as it did the one before.
    if document.get("result") == Result.PROGRESSING:
        lasting.add(str(Event.REFUSED))
    return {mark for mark in gone if _event(mark) not in lasting - events}


def _over(
    ended: set[str], here: Sequence[Matter], before: Document, document: Document, ledger: Ledger
) -> Iterator[Turn]:
    held = {str(m.event) for m in here}
    events = {_event(mark) for mark in ended} - held
    converged = document.get("result") == Result.CONVERGED
    over = [e for e in _TROUBLE if e in events and (converged or e not in _LASTING)]
    if str(Event.SUSPENDED) in events:
        yield Turn(event=Event.RESUMED)
    if _converges(before, document, ledger):
        yield Turn(event=Event.CONVERGED, over=over)
    elif over:
        yield Turn(event=Event.RECOVERED, over=over)


def _converges(before: Document, document: Document, ledger: Ledger) -> bool:
    """At the end of a rollout, or at a revision that is new; not where a command brought it about, before somebody's eyes."""
    mark = _serving(document)
    known = mark in (ledger.converged, _serving(before))
    return bool(mark) and (ledger.rollout or not known)


def _converging(ledger: Ledger, document: Document) -> Ledger:
    mark = _serving(document)
    if mark:
        return replace(ledger, converged=mark, rollout=False)
    drifts = condition(document, "DriftDetected") is not None
    begun = document.get("result") in _UNDERWAY and bool(document.get("stepsLeft")) and not drifts
    return replace(ledger, rollout=ledger.rollout or begun)


def _serving(document: Document) -> str:
    """What is in force, if it is converged and serves."""
    if document.get("result") != Result.CONVERGED or condition(document, "Ready") is None:
        return ""
    return "/".join(str(document.get(name)) for name in ("generation", "desiredRevision", "desiredDigest"))


def _event(mark: str) -> str:
    return mark.partition("/")[0]
