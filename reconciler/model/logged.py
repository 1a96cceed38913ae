"""One line of the log, in one shape for everything that logs: which of the numbered messages, about which topology, revision, run
and lease, and what it measures. How it is written, `reconciler.logs` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.model import messages


class Unit(StrEnum):
    COUNT = "Count"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Texts of strangers come in here only cut, and never where a code stands."""

    event: str
    """What kind of line it is: `pass`, `calls`, `drift`, `lease`, `timer`, `message`, `notice`, `record`, `wake` or `synth`."""
    code: str
    topology: str | None = None
    revision: str | None = None
    generation: int | None = None
    run: str | None = None
    """The key of the pass's record, as `meridian replay` takes it."""
    token: int | None = None
    """Of the lease. Two lines with the same one are of the same holder."""
    more: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, tuple[float, Unit]] = field(default_factory=dict)
    dimension: tuple[str, str] | None = None
    """Of the metrics: its name and value. A series is paid for by each value, so there are few."""
    at: datetime | None = None
    """When it was measured; without it, nothing was."""

    @property
    def level(self) -> str:
        return str(messages.entry(self.code).level)

    def fields(self) -> dict[str, Any]:
        """In the order in which one reads; what is not known of them is null."""
        return {
            "level": self.level,
            "event": self.event,
            "code": self.code,
            "number": messages.number(self.code),
            "topology": self.topology,
            "revision": self.revision,
            "generation": self.generation,
            "run": self.run,
            "token": self.token,
            **self.more,
        }
