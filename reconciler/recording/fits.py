"""Whether a value can stand in a field, by the field's annotation: what makes a record of unknown origin safe to plan from."""

from __future__ import annotations

import types
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints


@cache
def hints(kind: Hashable) -> Mapping[str, Any]:
    """Field to the type it was annotated with."""
    return get_type_hints(kind)


def dataclasses_in(*annotations: Any) -> set[type[Any]]:
    """Those that a value of these annotations can be, or hold."""
    found: set[type[Any]] = set()
    left = list(annotations)
    while left:
        hint = left.pop()
        left += get_args(hint)
        if isinstance(hint, type) and is_dataclass(hint) and hint not in found:
            found.add(hint)
            left += hints(hint).values()
    return found


def fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    origin, of = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return any(fits(value, part) for part in of)
    if origin is tuple:
        return isinstance(value, tuple) and _tuple(value, of)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        keys, values = of
        return isinstance(value, Mapping) and all(fits(k, keys) and fits(v, values) for k, v in value.items())
    if isinstance(origin, type) and issubclass(origin, Sequence):
        listed = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
        return listed and all(fits(v, of[0]) for v in value)
    return _plain(value, hint)


def _tuple(value: tuple[Any, ...], of: tuple[Any, ...]) -> bool:
    if of[-1:] == (Ellipsis,):
        return all(fits(v, of[0]) for v in value)
    return len(value) == len(of) and all(map(fits, value, of))


def _plain(value: Any, hint: Any) -> bool:
    if hint in {int, float}:
        return isinstance(value, (int, float) if hint is float else int) and not isinstance(value, bool)
    if issubclass(hint, Enum):
        return isinstance(value, str) and value in {str(member.value) for member in hint}
    if hint is datetime:  # all of ours know their zone, and those that do not cannot be compared with them
        return isinstance(value, datetime) and value.tzinfo is not None
    return isinstance(value, hint)
