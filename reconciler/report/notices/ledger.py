"""What was told, what waits to be published, and how many were too many: kept in the status document, and bounded.

The bounds: `MOST` things of an event are told of and remembered, `LIMIT` notices wait at most, in `ROOM` bytes. A notice that could
not be published for a day is counted among those that were left out, and what it told of is in the status.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.notice import Event, Level, Notice
from reconciler.report.words import iso_time

LIMIT = 12
"""Notices in any hour: as many as somebody reads, and a summary tells of the others."""
MOST, ROOM, LONGEST = 30, 40_000, 1_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORST = (Level.ERROR, Level.WARNING, Level.INFO)
Document = Mapping[str, Any]
SummedUp = Callable[[Mapping[Event, int], str], Notice]
"""Of notices left out, by event, since some time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    converged: str = ""
    """What was last in force and serving: generation, revision, digest."""
    rollout: bool = False
    """One is under way."""
    open: Mapping[str, datetime] = field(default_factory=dict)
    """What holds and was told, by its mark, and when it was last."""
    waiting: tuple[Notice, ...] = ()
    sent: tuple[datetime, ...] = ()
    """Of the last hour."""
    left: Mapping[Event, int] = field(default_factory=dict)
    since: str = ""

    def takes(self, notices: Sequence[Notice], at: datetime, summed_up: SummedUp) -> Ledger:
        """With these to be published, as far as the hour allows; the worst first."""
        now = self._aged(at)
        free = LIMIT - len(now.sent) - len(now.waiting)
        ordered = sorted(notices, key=lambda notice: WORST.index(notice.level))
        if not now.left and len(ordered) <= free and _size((*now.waiting, *ordered)) <= ROOM:
            return replace(now, waiting=(*now.waiting, *ordered))
        kept: tuple[Notice, ...] = ()
        for notice in ordered:
            if len(kept) < free - 1 and _size((*now.waiting, *kept, notice)) <= ROOM:
                kept = (*kept, notice)
            else:
                now = now.leaves_out(notice, at)
        if free > 0 and now.left:
            kept = (*kept, summed_up(now.left, now.since))
            now = replace(now, left={}, since="")
        return replace(now, waiting=(*now.waiting, *kept))

    def settles(self, done: Collection[str], at: datetime) -> Ledger:
        """After these have been published."""
        left = tuple(notice for notice in self.waiting if notice.id not in done)
        published = len(self.waiting) - len(left)
        return replace(self, waiting=left, sent=(*self.sent, *[at] * published)[-LIMIT:])

    def _aged(self, at: datetime) -> Ledger:
        """Times that lie far ahead are no better than old ones: nothing waits for them."""
        now = replace(self, sent=tuple(moment for moment in self.sent if abs(at - moment) < HOUR))
        old = [notice for notice in self.waiting if abs(at - _time(notice.at)) >= DAY]
        for notice in old:
            now = now.leaves_out(notice, at)
        return replace(now, waiting=tuple(notice for notice in now.waiting if notice not in old))

    def leaves_out(self, notice: Notice, at: datetime) -> Ledger:
        count = notice.more if notice.event is Event.MORE else 1
        left = {**self.left, notice.event: self.left.get(notice.event, 0) + count}
        return replace(self, left=left, since=self.since or iso_time(at))

    def document(self) -> dict[str, Any]:
        return {
            "converged": self.converged,
            "rollout": self.rollout,
            "open": {mark: told.isoformat() for mark, told in self.open.items()},
            "waiting": [notice.document() for notice in self.waiting],
            "sent": [moment.isoformat() for moment in self.sent],
            "left": {str(event): count for event, count in self.left.items()},
            "since": self.since,
        }

    @classmethod
    def recorded(cls, document: Document | None) -> Ledger:
        """Nothing was told where the status holds no ledger, or none that makes sense or that we would have written."""
        found: Any = (document or {}).get("notices")
        if not isinstance(found, Mapping):
            return cls()
        try:
            ledger = cls(
                converged=str(found["converged"]),
                rollout=bool(found["rollout"]),
                open={str(mark): _time(told) for mark, told in found["open"].items()},
                waiting=tuple(map(Notice.recorded, found["waiting"])),
                sent=tuple(map(_time, found["sent"])),
                left={Event(event): int(count) for event, count in found["left"].items()},
                since=str(found["since"]),
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
            return cls()
        return ledger if ledger.bounded else cls()

    @property
    def bounded(self) -> bool:
        """A summary may come on top of `ROOM`."""
        few = len(self.open) <= MOST * len(Event) and max(len(self.waiting), len(self.sent)) <= LIMIT
        return few and _size(self.waiting) <= 2 * ROOM and len(self.converged) + len(self.since) <= LONGEST


def events_of(marks: Collection[str]) -> Counter[str]:
    return Counter(mark.partition("/")[0] for mark in marks)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def _size(notices: Sequence[Notice]) -> int:
    return sum(len(json.dumps(notice.document())) for notice in notices)
