"""Times in the document: when an entry expires, how long a window is open, whether a cron line means something."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_DAYS = {name: i for i, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
_MONTHS = {
    name: i
    for i, name in enumerate(("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1)
}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_PART = re.compile(r"(?:\*|([A-Za-z0-9]{1,3})(?:-([A-Za-z0-9]{1,3}))?)(?:/([0-9]{1,2}))?")


def expiry(text: str) -> datetime:
    """When an `expires` takes effect; a bare date counts to its end in UTC. ValueError if there is no such time."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC) + timedelta(days=1)
    except OverflowError as error:
        raise ValueError(text) from error


def duration(text: str) -> timedelta:
    """`90m`, `4h` or `1d`; the schema has checked the form."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def zone_exists(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def cron_problem(text: str) -> str | None:
    """What is wrong with a cron line of five fields, or None."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"has {len(fields)} fields; five are expected: minute, hour, day of month, month, day of week"
    for field, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        if not all(_part_is_good(part, low, high, names) for part in field.split(",")):
            also = f" or {next(iter(names))} and so on" if names else ""
            return f'has a bad {name} "{field}"; use *, {low} to {high}{also}, a-b, a list with commas, or /step'
    return None


def _part_is_good(part: str, low: int, high: int, names: dict[str, int]) -> bool:
    match = _PART.fullmatch(part)
    if not match:
        return False
    first, last, step = match.groups()
    if step is not None and int(step) == 0:
        return False
    values = [_number(text, names) for text in (first, last) if text is not None]
    return all(low <= value <= high for value in values) and values == sorted(values)


def _number(text: str, names: dict[str, int]) -> int:
    return int(text) if text.isdigit() else names.get(text.upper(), -1)
