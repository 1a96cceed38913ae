"""Findings as they are remembered: since when each is there, and who made it, for as long as it stays.

Part of the status document (`findings`), which also shows them. Of values it keeps what people see, and a hash to tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reconciler.model.change import Finding
from reconciler.model.redaction import digest

MOST = 100
"""Findings that are kept: more than anybody reads, and the document stays small."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """By the finding's key: (since, by, hash of what was observed)."""

    of: Mapping[str, tuple[datetime, str | None, str]] = field(default_factory=dict)

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None) -> Sightings:
        """What the status holds; nothing where it holds what nobody of ours wrote."""
        try:
            return cls({entry["key"]: _read(entry) for entry in (document or {}).get("findings", ())})
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()

    def told(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings with what is remembered of them. Whoever set another value is not known yet."""
        return tuple(map(self._told, findings))

    def _told(self, finding: Finding) -> Finding:
        since, by, observed = self.of.get(key(finding), (None, None, ""))
        same = observed == digest(finding.path, finding.observed)
        first = min((moment for moment in (since, finding.since) if moment), default=None)
        return replace(finding, since=first, by=finding.by or (by if same else None))


def key(finding: Finding) -> str:
    return f"{finding.path}#{finding.logical_id or ''}#{finding.region or ''}"


def _read(entry: Mapping[str, Any]) -> tuple[datetime, str | None, str]:
    since = datetime.fromisoformat(entry["since"])
    if since.tzinfo is None:
        raise ValueError(entry["since"])
    by, observed = entry["by"], entry["digest"]
    texts = (
        observed,
        by or "",
        *(entry[name] for name in ("key", "path", "disposition", "reason")),
        entry["region"] or "",
    )
    if (
        not all(isinstance(text, str) for text in texts)
        or entry["key"].count("#") < 2
        or entry["waived"] not in (True, False)
    ):
        raise TypeError("no finding")
    return since, by, observed
