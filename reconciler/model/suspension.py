"""What a person wants left alone for now: a whole topology, or some of its Regions, until they say `resume`.

Kept beside the status in table `meridian-state`, not in the file: it holds at once, in an incident, without a commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    reason: str
    by: str
    at: str
    """RFC 3339."""
    regions: tuple[str, ...] = ()
    """Those that are left alone; empty: all of the topology."""

    def __str__(self) -> str:
        return f"suspended by {self.by} at {self.at}: {self.reason}"

    @property
    def whole(self) -> bool:
        return not self.regions

    def document(self) -> dict[str, Any]:
        return {"reason": self.reason, "by": self.by, "at": self.at, "regions": list(self.regions)}

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None) -> Suspension | None:
        """What the table holds. Something that makes no sense suspends everything: whoever wrote it wanted things left alone."""
        if document is None:
            return None
        try:
            regions = document.get("regions", ())
            words = (str(document[k]) for k in ("reason", "by", "at"))
            reason, by, at = words
            return cls(reason=reason, by=by, at=at, regions=tuple(map(str, regions)))
        except (KeyError, TypeError, AttributeError):
            return cls(reason="the record of the suspension is unreadable", by="somebody", at="some time")

    def also(self, region: str | None) -> tuple[str, ...]:
        """Regions that are left alone once this one is, too; without one, all are."""
        return () if region is None or self.whole else tuple(sorted({*self.regions, region}))

    def without(self, region: str | None) -> Suspension | None:
        """What is left of it once this Region, or all, goes on."""
        left = tuple(r for r in self.regions if r != region)
        return replace(self, regions=left) if region is not None and left else None
