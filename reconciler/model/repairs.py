"""What we wrote back and found again: the memory that ends a fight which no repair can win.

Drift that returns after each repair has a cause that a repair does not reach: another manager of the same thing, a default of
AWS's, another way of writing the same value. So has a deployed change that shows as a change once more. Part of `Motion`, hence of
the status document; of values it keeps hashes. A repair counts once it was carried out, and only what is seen after it ended
counts as a return.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

ROUNDS = 2
"""Repairs after which it has to stay away."""
CALM = timedelta(hours=1)
"""So long in sync, and it is history."""
_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One difference as a pass sees it. `place`: the stack or gate that it is on. `mark`: what a change of that place moves (its
    last change, its version), so that a look from before is known as such. `settled`: the place's last operation succeeded."""

    key: str
    place: str
    desired: str
    observed: str
    mark: str
    settled: bool = True
    lag: timedelta = timedelta()
    """How long a repair may take to show, where nothing but its time marks it: `mark` is then the time of the look."""

    def after(self, sent: str) -> bool:
        """Whether this look saw what came of a repair that was sent at that mark."""
        if not self.lag or not sent:
            return sent != self.mark
        return datetime.fromisoformat(self.mark) - datetime.fromisoformat(sent) >= self.lag


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """`sent`: the mark at our latest repair, until it is seen what came of it; None: nothing is awaited. An empty one says that
    AWS had nothing to repair. `calm`: since when it is in sync."""

    place: str
    desired: str
    observed: str
    returns: int = 0
    sent: str | None = None
    calm: str = ""

    def seen(self, sight: Sight) -> Repair | None:
        """The same again, come back or just not gone yet; None for another value, or another wish: that is another story."""
        if (sight.desired, sight.observed) != (self.desired, self.observed):
            return None
        back = sight.settled and self.sent is not None and sight.after(self.sent)
        return replace(self, returns=self.returns + back, sent=None if back else self.sent, calm="")

    def absent(self, at: datetime) -> Repair | None:
        """In sync; None once that has lasted."""
        if not self.calm:
            return replace(self, calm=at.isoformat())
        return None if at - datetime.fromisoformat(self.calm) >= CALM else self


@dataclass(frozen=True, slots=True)
class Repairs:
    """By the difference's key."""

    of: Mapping[str, Repair] = field(default_factory=dict)

    @classmethod
    def recorded(cls, found: Mapping[str, Any]) -> Repairs:
        """Raises ValueError, TypeError or AttributeError where somebody else wrote there."""
        return cls({key: _read(entry) for key, entry in found.items()})

    def document(self) -> dict[str, Any]:
        newest = list(self.of.items())[-_MOST:]
        return {
            key: {
                "place": r.place,
                "desired": r.desired,
                "observed": r.observed,
                "returns": r.returns,
                "sent": r.sent,
                "calm": r.calm,
            }
            for key, r in newest
        }

    def returns(self, key: str) -> int:
        """How often this came back after a repair."""
        found = self.of.get(key)
        return found.returns if found else 0

    def in_vain(self, key: str) -> bool:
        return self.returns(key) >= ROUNDS

    def seen(self, sights: Iterable[Sight], judged: frozenset[str], at: datetime) -> Repairs:
        """After a look. `judged`: the places of which it can be told what is in sync; of others nothing is concluded."""
        there = {s.key: s for s in sights}
        after: dict[str, Repair] = {}
        for key, repair in self.of.items():
            left: Repair | None = repair
            if key in there:
                left = repair.seen(there[key])
            elif repair.place in judged:
                left = repair.absent(at)
            if left is not None:
                after[key] = left
        return Repairs(after)

    def sent(self, sights: Iterable[Sight], *, nothing: bool = False) -> Repairs:
        """After repairs of these were carried out. `nothing`: AWS saw nothing to repair, so nothing will have moved."""
        after = dict(self.of)
        for sight in sights:
            old = after.pop(sight.key, None)
            kept = old or Repair(place=sight.place, desired=sight.desired, observed=sight.observed)
            mark = kept.sent if sight.lag and kept.sent else sight.mark  # asked once more before it could show
            after[sight.key] = replace(kept, sent="" if nothing else mark, calm="")
        return Repairs(after)


def _read(entry: Mapping[str, Any]) -> Repair:
    texts = {name: entry[name] for name in ("place", "desired", "observed", "calm")}
    sent, returns = entry["sent"], entry["returns"]
    if not all(isinstance(t, str) for t in (*texts.values(), sent or "")) or not isinstance(returns, int):
        raise TypeError("no repair")
    if texts["calm"] and datetime.fromisoformat(texts["calm"]).tzinfo is None:
        raise ValueError(texts["calm"])
    return Repair(sent=sent, returns=returns, **texts)
