"""One numbered message."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """`info`: nothing to be done. `warning`: nothing is broken, and somebody has to act, or time has to pass. `error`: broken."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Entry(NamedTuple):
    number: str
    code: str
    level: Level
    meaning: str
    action: str

    @property
    def group(self) -> int:
        return int(self.number[3:5])


Row = tuple[int, str, Level, str, str]
INFO, WARNING, ERROR = Level.INFO, Level.WARNING, Level.ERROR
