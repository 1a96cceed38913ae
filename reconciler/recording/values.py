"""Values of ours and of boto3 as JSON, and back again as equal values; nothing else comes back, whatever the text says.

A plain dict, list, string, number or null stands for itself. What JSON has no form for is a dict with the one key `$`: a time, a
tuple, one of the listed dataclasses. A dataclass is made only of values that fit its fields, so a record that somebody wrote
by hand can be wrong, but holds no surprise. A place on this machine is never written, and comes back empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from reconciler.model.facts import Facts
from reconciler.model.issuer import PublicKey
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Revision
from reconciler.model.redaction import Redacted
from reconciler.model.stacks import Asset, Template
from reconciler.model.topology import Topology
from reconciler.recording.fits import dataclasses_in, fits, hints

TAG = "$"
_CLASSES: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in dataclasses_in(Facts, Topology, Revision, Template, PublicKey, Unknown)
}
"""What the loop is told, and all that it is made of."""


class Unreadable(ValueError):
    """Nothing that `encoded` wrote."""


def encoded(value: Any) -> Any:
    """As JSON. Raises TypeError for a value of another kind: better no record than one that says something else."""
    match value:
        case Redacted():
            return {TAG: "redacted", "of": value.digest}
        case Enum():
            return encoded(value.value)
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {TAG: "float", "of": repr(value)}
        case datetime():
            return {TAG: "time", "of": value.isoformat()}
        case timedelta():
            return {TAG: "span", "of": [value.days, value.seconds, value.microseconds]}
        case tuple():
            return {TAG: "tuple", "of": [encoded(v) for v in value]}
        case list():
            return [encoded(v) for v in value]
        case bytes():
            return {TAG: "bytes", "of": value.hex()}
        case Mapping():
            return _mapping(value)
    if _CLASSES.get(type(value).__name__) is type(value):
        return {TAG: type(value).__name__, "of": _fields(value)}
    raise TypeError(f"a record cannot hold {type(value).__name__}")


def _mapping(value: Mapping[Any, Any]) -> Any:
    """A dict that could be taken for a tag, or has other keys than text, is written as pairs."""
    if TAG not in value and all(isinstance(k, str) for k in value):
        return {str(k): encoded(v) for k, v in value.items()}
    return {TAG: "map", "of": [[encoded(k), encoded(v)] for k, v in value.items()]}


def _fields(value: Any) -> dict[str, Any]:
    found = {f.name: getattr(value, f.name) for f in fields(value)}
    return {name: encoded(v) for name, v in found.items() if not isinstance(v, PurePath)}


def decoded(node: Any) -> Any:
    """The value again. Raises `Unreadable`."""
    if isinstance(node, list):
        return [decoded(v) for v in node]
    if not isinstance(node, dict):
        return node
    if TAG not in node:
        return {k: decoded(v) for k, v in node.items()}
    kind: Any = node[TAG]
    content: Any = node.get("of")
    if set(node) != {TAG, "of"} or not isinstance(kind, str):
        raise Unreadable(f"a tag has the keys {sorted(node)}")
    try:
        return _made(_CLASSES[kind], content) if kind in _CLASSES else _TAGS[kind](content)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise error if isinstance(error, Unreadable) else Unreadable(f"{kind}: {error!r}") from error


def _made(kind: Any, content: Mapping[str, Any]) -> Any:
    given, wanted = {name: decoded(v) for name, v in content.items()}, hints(kind)
    for name, value in given.items():
        if name not in wanted:
            raise Unreadable(f"{kind.__name__} has no field {name}")
        if not fits(value, wanted[name]):
            raise Unreadable(f"{kind.__name__}.{name} cannot be a {type(value).__name__} such as this one")
    if kind is Asset:
        given["path"] = Path()
    return kind(**{name: _enum(value, wanted[name]) for name, value in given.items()})


def _enum(value: Any, hint: Any) -> Any:
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else value


def _digest(content: Any) -> Redacted:
    return Redacted.with_digest(bytes.fromhex(content).hex())


def _time(content: Any) -> datetime:
    return datetime.fromisoformat(content)


def _span(content: Any) -> timedelta:
    days, seconds, microseconds = content
    return timedelta(days=days, seconds=seconds, microseconds=microseconds)


_TAGS: Mapping[str, Callable[[Any], Any]] = {
    "redacted": _digest,
    "float": float,
    "time": _time,
    "span": _span,
    "tuple": lambda content: tuple(decoded(v) for v in content),
    "bytes": bytes.fromhex,
    "map": lambda content: {decoded(k): decoded(v) for k, v in content},
}
