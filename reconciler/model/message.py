"""What stands in the queue: the key of a topology and why it is to be looked at. Facts are read, never sent."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9-]{1,20}")
_DUE = re.compile(r"[0-9T:.Z+-]{1,40}")
_REASON = 200


class Malformed(ValueError):
    """A body that nobody of ours has written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    topology: str
    reason: str
    due: str | None = None
    """Of a timer's message: which timer; the status remembers the one that counts."""
    routine: bool = False
    """Nothing happened that is known of: it is time for a look."""

    def body(self) -> str:
        found = {"topology": self.topology, "reason": self.reason[:_REASON]}
        more = {"due": self.due, "routine": self.routine}
        return json.dumps(found | {name: value for name, value in more.items() if value})

    @staticmethod
    def read(body: Any) -> Message:
        try:
            found = json.loads(body)
        except (ValueError, TypeError, RecursionError) as error:
            raise Malformed("no JSON") from error
        if not isinstance(found, dict) or not _is(_NAME, found.get("topology")):
            raise Malformed("no topology of that form")
        due, reason = found.get("due"), found.get("reason", "")
        if not (due is None or _is(_DUE, due)) or not isinstance(reason, str):
            raise Malformed("due or reason are not as they must be")
        routine = found.get("routine") is True  # anything else is taken for an event: that costs a whole look
        return Message(topology=found["topology"], reason=reason[:_REASON], due=due, routine=routine)


def is_name(text: str) -> bool:
    return _is(_NAME, text)


def _is(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))
