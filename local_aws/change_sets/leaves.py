"""Two versions of a resource's properties, compared value by value."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_aws.drift.shape import same
from local_aws.registry.schemas import Path_
from local_aws.registry.validation import UNKNOWN

ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One changed value inside a resource's properties."""

    path: Path_
    before: Any
    after: Any

    @property
    def change(self) -> str:
        if self.before is ABSENT:
            return "Add"
        return "Remove" if self.after is ABSENT else "Modify"

    @property
    def unknown(self) -> bool:
        return self.after is not ABSENT and UNKNOWN in as_text(self.after)


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))


def leaves(before: Any, after: Any, path: Path_ = ()) -> Iterator[Leaf]:
    if same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from leaves(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            pair = [side[index] if index < len(side) else ABSENT for side in (before, after)]
            yield from leaves(*pair, (*path, str(index)))
    else:
        yield Leaf(path=path, before=before, after=after)


def at(value: Any, path: Path_) -> Any:
    for key in path:
        if isinstance(value, dict):
            value = value.get(key, ABSENT)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return ABSENT
    return value


def same_or_absent(one: Any, other: Any) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    return same(one, other)
