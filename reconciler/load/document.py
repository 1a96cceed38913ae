"""A parsed YAML document: plain data, and where in the file each of its parts stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.model.errors import Problem

Path = tuple[str | int, ...]
"""Keys and list positions that lead to a value: `("spec", "regions", 1, "cidr")`."""

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Spot:
    """Line and column in a file, both from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, where its key does (the same for a list item), and how a plain scalar was written."""

    key: Spot
    value: Spot
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a path of one document; `at_key` when the name is to blame and not the value."""

    path: Path
    code: str
    message: str
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    file: str
    data: Any
    places: dict[Path, Place]

    def problem(self, finding: Finding) -> Problem:
        """The finding, placed. A value that is not written out (a default) stands at the nearest key above it."""
        spot = next(self._spots(finding))
        return Problem(self.file, spot.line, spot.column, dotted(finding.path), finding.code, finding.message)

    def written(self, path: Path) -> str | None:
        place = self.places.get(path)
        return place.written if place else None

    def _spots(self, finding: Finding) -> Iterator[Spot]:
        if place := self.places.get(finding.path):
            yield place.key if finding.at_key else place.value
        for length in range(len(finding.path) - 1, -1, -1):
            if place := self.places.get(finding.path[:length]):
                yield place.key
        yield Spot()


def dotted(path: Path) -> str:
    """`("spec", "regions", 1, "cidr")` as `spec.regions[1].cidr`; an odd key is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w-]{1,60}", part, re.ASCII) else shown(part)
            text += f".{name}" if text else name
    return text


def shown(value: Any) -> str:
    """A value as it appears in a message: one line, bounded, and safe to print."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return text if len(text) <= _SHOWN else f'{text[: _SHOWN - 2]}…"'
