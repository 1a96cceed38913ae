"""What a document says, taken with care: of the right type, of one line, of bounded length, without what a browser would obey.

A status document lies in a table that others can write. Whatever is not as it should be reads as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from reconciler.report.words import each_line, one_line

_NAME, _PROSE, _MANY = 160, 2_000, 1_000
_DURATION = re.compile(r"P(?:(\d{1,4})D)?T?(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:\.\d{1,6})?S)?")

Document = Mapping[str, Any]


def name(value: object, otherwise: str = "") -> str:
    """A short text; numbers are taken for one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return otherwise
    return _cut(one_line(str(value)), _NAME) or otherwise


def prose(value: object) -> str:
    return _cut(each_line(value), _PROSE) if isinstance(value, str) else ""


def part(value: object) -> Document:
    return value if isinstance(value, Mapping) else {}


def parts(value: object) -> list[Document]:
    return [p for p in _sequence(value) if isinstance(p, Mapping)]


def names(value: object) -> list[str]:
    return [found for v in _sequence(value) if (found := name(v))]


def entries(value: object) -> list[tuple[str, Any]]:
    """Of a mapping, by their names as they can be shown."""
    return [(name(k), v) for k, v in list(part(value).items())[:_MANY]]


def number(value: object) -> float | None:
    """None for what is none, and for what no drawing could show."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e12 else None


def whole(value: object) -> int:
    return int(number(value) or 0)


def moment(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo and 1970 < found.year < 9000 else None


def span(value: object) -> timedelta | None:
    """Of ISO 8601: `PT25M`."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) and len(value) < 40 else None
    if found is None:
        return None
    days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _sequence(value: object) -> Sequence[Any]:
    return value[:_MANY] if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
