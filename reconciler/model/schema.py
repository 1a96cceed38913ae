"""What the migrations' function of a Region says of the database's schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["ready", "unprepared", "reader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the last attempt ended: the migration, the database's words, and whose attempt it was."""

    name: str
    message: str
    attempt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """`unprepared`: the role that migrates is not there yet. `reader`: this Region does not write. Else what is in the ledger."""

    state: State
    applied: Mapping[str, str] = field(default_factory=dict)
    """Name to SHA-256."""
    running: bool = False
    failed: Failure | None = None
