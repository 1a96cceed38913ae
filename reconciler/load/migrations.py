"""The schema migrations: the files of the folder that the document names, and the rules about them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.load import folders
from reconciler.load.document import Finding, shown
from reconciler.load.view import Rule, View
from reconciler.model.topology import Migration

_FIELD = ("spec", "database", "migrations")
_NAME = re.compile(r"\d{4}_[a-z0-9_]{1,60}\.sql")
LARGEST = 200_000
"""Bytes of all migrations, as JSON strings: they travel to their function in one event; Lambda takes 256 KB [V Lambda quotas]."""


def read(root: Path, folder: str | None) -> tuple[Migration, ...]:
    """Every migration of a folder that the rules have passed, in the order of their numbers."""
    return tuple(
        Migration(name=path.name, sql=path.read_text(encoding="utf-8"))
        for path in (_files(root / folder) if folder is not None else ())
    )


def migrations_are_sound(view: View) -> Iterator[Finding]:
    name = view.get(*_FIELD)
    if name is None or folders.problem(name, view.root):
        return
    found = _files(view.root / name)
    for path in found:
        if not _NAME.fullmatch(path.name):
            message = f"{shown(path.name)} in {name} is not named as migrations are: 0007_what_it_does.sql"
            yield Finding(_FIELD, "MigrationName", message)
    numbers = [path.name[:4] for path in found]
    for number in sorted({n for n in numbers if numbers.count(n) > 1}):
        yield Finding(_FIELD, "MigrationNumber", f"{name} has more than one migration with the number {number}")
    yield from _contents(name, found)


def _contents(name: str, found: tuple[Path, ...]) -> Iterator[Finding]:
    size = 0
    for path in found:
        try:
            size += len(json.dumps(path.read_text(encoding="utf-8"), ensure_ascii=False).encode())
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            yield Finding(_FIELD, "MigrationUnreadable", f"{shown(path.name)} in {name} cannot be read: {reason}")
    if size > LARGEST:
        message = f"the migrations in {name} are {size} bytes together; {LARGEST} is the most: load data by other means"
        yield Finding(_FIELD, "MigrationsTooLarge", message)


def _files(folder: Path) -> tuple[Path, ...]:
    """What else lies there, such as a README, is no migration."""
    return tuple(sorted(path for path in folder.iterdir() if path.suffix == ".sql"))


RULES: tuple[Rule, ...] = (migrations_are_sound,)
