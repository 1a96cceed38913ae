"""Which requests may have gone unanswered, and which did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.continuity.clients import Call

CUT_SEEN = timedelta(seconds=210)
"""A Region that is cut off is out of every answer by then: its checkers find it sick (3 x 10 s, and a minute of their metric),
DNS spreads that (60 s), answers live on for their TTL (10 s), the edge's router goes on with its last one (60 s)."""
ROLES_SEEN = timedelta(seconds=45)
"""After a switchover functions find the writer again at their next statement; this is for the last of the refused ones to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time in which requests may fail: all to a Region (`cut`), or writes from everywhere (`switchover`)."""

    what: str
    begins: datetime
    ends: datetime
    region: str | None = None

    def excuses(self, call: Call, nearest: str | None) -> bool:
        if call.ended < self.begins or call.begun > self.ends:
            return False
        return call.writes if self.what == "switchover" else self.region in {call.region, nearest}


def unexcused(calls: Iterable[Call], windows: Iterable[Window], near: dict[str, str]) -> list[Call]:
    """Failed requests that nothing explains. `near`: place to the Region that is cut off from it, where one was."""
    failed = [c for c in calls if not c.answered]
    return [c for c in failed if not any(w.excuses(c, near.get(c.place)) for w in windows)]


def shares(calls: Iterable[Call], begins: datetime, ends: datetime) -> dict[str, float]:
    """Share of the answered requests of a time by the Region that answered."""
    counted = Counter(c.region or "nobody" for c in calls if c.answered and begins <= c.begun < ends)
    total = sum(counted.values())
    return {region: number / total for region, number in sorted(counted.items())} if total else {}
