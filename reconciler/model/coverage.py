"""The coverage ledger: for all that can drift, how it is checked, or why it is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Way(StrEnum):
    READ = "read"
    """Compared with what AWS says of it."""
    CHANGE_SET = "change-set"
    """Compared by CloudFormation, in a drift-aware change set of some time ago."""
    PROBE = "probe"
    """What serving itself shows: gates, health, who writes."""
    UNCHECKED = "unchecked"
    SETTING = "setting"
    """Nothing on AWS that could drift; it counts for nothing."""


CHECKED = (Way.READ, Way.CHANGE_SET, Way.PROBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One property, or all of a resource that is checked (or not) for one reason. `values`: how many it declares."""

    path: str
    way: Way
    values: int = 1
    why: str = ""
    """Why it is not checked, or cannot drift."""
    checkable: bool = True
    """False: nothing that looks could ever compare it."""
    at: datetime | None = None
    """When the change set looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchecked:
    """A property that was not compared, and why."""

    path: str
    why: str
    values: int = 1
    checkable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`fields`: values that are declared and can drift; `checked`: those that were compared."""

    fields: int
    checked: int
    unchecked: tuple[Unchecked, ...] = ()
    ledger: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Coverage:
        ledger = tuple(entries)
        left = tuple(
            Unchecked(path=e.path, why=e.why, values=e.values, checkable=e.checkable)
            for e in ledger
            if e.way is Way.UNCHECKED
        )
        checked = sum(e.values for e in ledger if e.way in CHECKED)
        return cls(fields=checked + sum(u.values for u in left), checked=checked, unchecked=left, ledger=ledger)

    @property
    def ways(self) -> Mapping[Way, int]:
        """Values by the way in which they are checked."""
        found: Counter[Way] = Counter()
        for entry in self.ledger:
            found[entry.way] += entry.values
        return {way: found[way] for way in Way if way is not Way.SETTING}

    @property
    def percent(self) -> float:
        """Rounded down: what is not whole never reads 100."""
        return 100.0 if not self.fields else int(1000 * self.checked / self.fields) / 10

    @property
    def oldest(self) -> datetime | None:
        """When the oldest change set looked that something here rests on."""
        return min((e.at for e in self.ledger if e.at is not None), default=None)
