"""What the observer keeps of earlier snapshots: the invariants speak of what may never change back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What earlier snapshots showed."""

    serving_since: datetime | None = None
    origin_known: bool = False
    deployed: frozenset[str] = frozenset()
    """Distributions that were Deployed once."""
    had_writer: bool = False
    published: frozenset[str] = frozenset()
    """Regions that had a latency record."""
    gates: Mapping[str, str] = field(default_factory=dict)
    """Region to the health check of its records, when last seen."""
    joined: frozenset[str] = frozenset()
    """Regions that were members of the global cluster."""
    linked: frozenset[tuple[str, str]] = frozenset()
    identities: Mapping[tuple[str, str], str] = field(default_factory=dict)
