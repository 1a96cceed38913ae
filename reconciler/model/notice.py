"""A notice: what people are told by mail, chat or pager, and how a subscriber tells two copies of one from two notices.

Whatever strangers wrote is on one line and cut by the time it is in here; bounds are SNS's, with room to spare.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

SUBJECT, LINE, WAY, REVISION, ITEMS = 99, 300, 320, 64, 5
"""Characters, and things in one notice. SNS takes a subject of less than 100 printable ASCII characters [V SNS, Publish] and 256 KB
of message: these make 100 KB at most, in five copies of four bytes a character."""
_MACHINES = ("sqs", "lambda", "http", "https", "firehose")


class Level(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Event(StrEnum):
    """What a notice is about; `kind` among the attributes that subscribers filter by."""

    CONVERGED = "converged"
    RECOVERED = "recovered"
    REFUSED = "refused"
    HELD = "held"
    PAGE = "page"
    STALLED = "stalled"
    ROLLED_BACK = "rolled-back"
    APPROVAL = "approval"
    WINDOW = "window"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    WAIVER = "waiver"
    INTERRUPTED = "interrupted"
    MORE = "more"

    @property
    def level(self) -> Level:
        return _LEVELS.get(self, Level.WARNING)


_LEVELS: Mapping[Event, Level] = {
    Event.CONVERGED: Level.INFO,
    Event.RECOVERED: Level.INFO,
    Event.SUSPENDED: Level.INFO,
    Event.RESUMED: Level.INFO,
    Event.REFUSED: Level.ERROR,
    Event.PAGE: Level.ERROR,
    Event.STALLED: Level.ERROR,
    Event.ROLLED_BACK: Level.ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that it tells of. `ways`: what can be done about it."""

    line: str
    ways: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    id: str
    """The same in every copy of it: delivery is at least once."""
    event: Event
    level: Level
    topology: str
    at: str
    subject: str
    headline: str
    revision: str
    generation: int
    items: Sequence[Item] = field(default_factory=tuple)
    more: int = 0
    """Things that it tells of and that are not among the items."""
    todo: Sequence[str] = ()
    """What to do now, a line each."""
    reminder: bool = False

    @property
    def text(self) -> str:
        """For people: the first line says it all."""
        lines = [self.headline, ""]
        for item in self.items:
            lines += [f"- {item.line}", *(f"    {way}" for way in item.ways)]
        lines += [f"- and {self.more} more"] if self.more else []
        lines += ["", *self.todo] if self.items else self.todo
        return "\n".join([*lines, "", f"{self.event} of {self.topology} at {self.at}, notice {self.id}"])

    def document(self) -> dict[str, Any]:
        """For machines, and for the status, where it waits until it is published."""
        return {
            "schemaVersion": "1",
            "kind": "Notice",
            "id": self.id,
            "event": str(self.event),
            "level": str(self.level),
            "topology": self.topology,
            "at": self.at,
            "revision": self.revision,
            "generation": self.generation,
            "subject": self.subject,
            "headline": self.headline,
            "items": [{"line": item.line, "ways": list(item.ways)} for item in self.items],
            "more": self.more,
            "todo": list(self.todo),
            "reminder": self.reminder,
        }

    @classmethod
    def recorded(cls, document: Any) -> Notice:
        """Raises `KeyError`, `TypeError` or `ValueError` for what is none."""
        return cls(
            id=str(document["id"]),
            event=Event(document["event"]),
            level=Level(document["level"]),
            topology=str(document["topology"]),
            at=_with_zone(str(document["at"])),
            subject=str(document["subject"]),
            headline=str(document["headline"]),
            revision=str(document["revision"]),
            generation=int(document["generation"]),
            items=tuple(Item(line=str(i["line"]), ways=tuple(map(str, i["ways"]))) for i in document["items"]),
            more=int(document["more"]),
            todo=tuple(map(str, document["todo"])),
            reminder=bool(document["reminder"]),
        )

    @property
    def attributes(self) -> Mapping[str, str]:
        """What a subscription's filter policy can ask for."""
        named = {"kind": str(self.event), "topology": self.topology, "level": str(self.level)}
        return {**named, "id": self.id}

    @property
    def message(self) -> str:
        """What SNS takes with MessageStructure `json`: text for people (mail, chat), the document for machines."""
        document = json.dumps(self.document(), ensure_ascii=False)
        return json.dumps({"default": self.text, **dict.fromkeys(_MACHINES, document)}, ensure_ascii=False)


def _with_zone(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(text)
    return text
