"""Compares two property trees and names every difference by its dotted path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.diff.resolve import UNRESOLVED
from reconciler.model.shapes import AnyOrder, Atom, Whole


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` is dotted, a dot inside a key escaped; an absent side is None."""

    path: str
    left: Any
    right: Any


def differences(left: Any, right: Any, path: str = "") -> Iterator[Difference]:
    """Where two templates' properties differ, as deep as both go: dicts by key, lists of equal length by place."""
    if isinstance(left, Mapping) and isinstance(right, Mapping) and not (_intrinsic(left) or _intrinsic(right)):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(left.get(key), right.get(key), join(path, key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for place, (a, b) in enumerate(zip(left, right, strict=True)):
            yield from differences(a, b, join(path, str(place)))
    elif left != right:
        yield Difference(path, left, right)


def deviations(declared: Any, live: Any, path: str = "") -> Iterator[Difference]:
    """Where live properties deviate from what a template declares.

    Only what the template sets is compared, AWS fills in the rest; a `Whole` mapping has nothing more, either. Numbers and
    booleans may come as text, lists of plain values and `AnyOrder` in any order. What could not be resolved is yielded with
    `UNRESOLVED` on the left: it is unchecked.
    """
    if declared is UNRESOLVED:
        yield Difference(path, UNRESOLVED, live)
    elif isinstance(live, Atom):
        yield from _as_one(declared, live, path)
    elif isinstance(declared, Mapping):
        for key, value in declared.items():
            yield from deviations(value, live.get(key) if isinstance(live, Mapping) else None, join(path, key))
        if isinstance(live, Whole):
            for key in sorted(live.keys() - declared.keys()):
                yield Difference(join(path, key), None, live[key])
    elif isinstance(declared, list):
        yield from _list_deviations(declared, live, path)
    elif plain(declared) != plain(live):
        yield Difference(path, declared, live)


def _as_one(declared: Any, live: Atom, path: str) -> Iterator[Difference]:
    parts = tuple(deviations(declared, Whole(live)))
    if parts:
        told = all(part.left is not UNRESOLVED for part in parts)
        yield Difference(path, declared if told else UNRESOLVED, live)


def _list_deviations(declared: list[Any], live: Any, path: str) -> Iterator[Difference]:
    if any(item is UNRESOLVED for item in declared):
        yield Difference(path, UNRESOLVED, live)
    elif not isinstance(live, list) or len(live) != len(declared):
        yield Difference(path, declared, live)
    elif not any(isinstance(item, (Mapping, list)) for item in declared):
        if sorted(map(plain, declared)) != sorted(map(plain, live)):
            yield Difference(path, declared, live)
    else:
        for place, (a, b) in enumerate(zip(declared, aligned(declared, live), strict=True)):
            yield from deviations(a, b, join(path, str(place)))


def aligned(declared: list[Any], live: list[Any]) -> list[Any]:
    """The live items where order tells nothing: each at the place of the declared one that it equals, the others as they come."""
    if not isinstance(live, AnyOrder):
        return live
    rest, found = list(live), {}
    for place, wanted in enumerate(declared):
        equal = next((i for i, item in enumerate(rest) if not any(deviations(wanted, item))), None)
        if equal is not None:
            found[place] = rest.pop(equal)
    return [found[place] if place in found else rest.pop(0) for place in range(len(declared))]


def leaf_paths(declared: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values that a declared tree sets, each with its dotted path: what coverage counts. A list of plain values is one."""
    if isinstance(declared, Mapping):
        for key, value in declared.items():
            yield from leaf_paths(value, join(path, key))
    elif isinstance(declared, list) and any(isinstance(item, (Mapping, list)) for item in declared):
        for place, item in enumerate(declared):
            yield from leaf_paths(item, join(path, str(place)))
    else:
        yield path, declared


def plain(value: Any) -> str:
    """One form for what AWS writes in several: 10, 10.0 and "10"; true and "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def join(path: str, key: str) -> str:
    escaped = key.replace(".", "\\.")
    return f"{path}.{escaped}" if path else escaped


def _intrinsic(node: Mapping[str, Any]) -> bool:
    return len(node) == 1 and next(iter(node)).startswith(("Fn::", "Ref"))
