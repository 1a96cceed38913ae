"""Two values side by side: short ones whole, long or nested ones by the parts in which they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.redaction import names_secret
from reconciler.report.words import text_value

WIDTH = 60
PARTS = 4
_ABSENT = object()

Part = tuple[str, str, str]
"""Where below the path, desired, observed."""


def parts(path: str, desired: Any, observed: Any) -> list[Part]:
    """One part with an empty place for plain values; else the first that differ, and how many more do."""
    ours, theirs = _opened(desired), _opened(observed)
    if not _nested(ours, theirs) or names_secret(path):
        return [("", text_value(path, _number(desired), WIDTH), text_value(path, _number(observed), WIDTH))]
    try:
        found = list(_differing(ours, theirs, ""))
    except RecursionError:  # somebody's text, as deep as they like
        return [("", text_value(path, desired, WIDTH), text_value(path, observed, WIDTH))]
    shown = [(place, _shown(place or path, a), _shown(place or path, b)) for place, a, b in found[:PARTS]]
    more = len(found) - PARTS
    return [*shown, ("", f"and {more} more", "")] if more > 0 else shown


def _nested(ours: Any, theirs: Any) -> bool:
    """Both are trees of the same kind, so that a part says more than the whole."""
    return type(ours) is type(theirs) and isinstance(ours, (dict, list)) and bool(ours) and bool(theirs)


def _opened(value: Any) -> Any:
    """A policy that comes as text is looked into."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _number(value: Any) -> Any:
    """AWS writes 128.0 where we write 128."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _differing(ours: Any, theirs: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in dict.fromkeys((*ours, *theirs)):
            yield from _differing(ours.get(key, _ABSENT), theirs.get(key, _ABSENT), _join(place, key))
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from _lists(ours, theirs, place)
    elif ours != theirs:
        yield place, ours, theirs


def _lists(ours: list[Any], theirs: list[Any], place: str) -> Iterator[tuple[str, Any, Any]]:
    """Of plain values what one side has more; of others by place."""
    if any(isinstance(item, (dict, list)) for item in (*ours, *theirs)):
        for n in range(max(len(ours), len(theirs))):
            yield from _differing(_at(ours, n), _at(theirs, n), _join(place, n))
    elif ours != theirs:
        less, more = [x for x in ours if x not in theirs], [x for x in theirs if x not in ours]
        yield (place, less or _ABSENT, more or _ABSENT) if less or more else (place, ours, theirs)


def _at(items: list[Any], place: int) -> Any:
    return items[place] if place < len(items) else _ABSENT


def _join(place: str, key: object) -> str:
    return f"{place}/{key}" if place else str(key)


def _shown(path: str, value: Any) -> str:
    if value is _ABSENT:
        return "(none)"
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return text_value(path, value, WIDTH)
