"""What the semantic rules see of a document: its values, defaults filled in, except those the schema has refused."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.load.document import Document, Finding, Path


class Broken(Exception):
    """A rule asked for a value that the schema has refused. The rule is left out: the user was told already."""


@dataclass(frozen=True, slots=True)
class View:
    document: Document
    data: Any
    """The document's data with the defaults filled in."""
    broken: frozenset[Path]
    root: pathlib.Path

    def get(self, *path: str | int) -> Any:
        """The value at a path, whole and valid."""
        if any(bad[: len(path)] == path for bad in self.broken):
            raise Broken
        return self._reach(path)

    def find(self, *path: str | int) -> Any:
        """As `get`, but None for a broken value."""
        try:
            return self.get(*path)
        except Broken:
            return None

    def each(self, *path: str | int) -> Iterator[Path]:
        """The paths of a list's items, some of which may be broken."""
        for i in range(len(self._reach(path))):
            yield (*path, i)

    def _reach(self, path: Path) -> Any:
        if any(path[: len(bad)] == bad for bad in self.broken):
            raise Broken
        value = self.data
        for part in path:
            value = value[part]
        return value


Rule = Callable[[View], Iterator[Finding]]


def apply(rules: tuple[Rule, ...], view: View) -> Iterator[Finding]:
    for rule in rules:
        try:
            yield from rule(view)
        except Broken:
            continue
