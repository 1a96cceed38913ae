"""Annotations: lines on stdout that a workflow's runner shows at a line of a file.

A runner keeps ten of each level for a step and drops the others without a word, so the tenth says how many more there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.errors import InvalidDesiredState
from reconciler.report.github.escape import LONGEST, clean

MOST = 9
"""Of each level, before the one that counts the others."""
LEVELS = ("error", "warning", "notice")
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = {**_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """`level` is error, warning or notice. Lines and columns count from 1; without a file it stands at the run."""

    level: str
    message: str
    title: str = ""
    file: str = ""
    line: int = 0
    column: int = 0


def of_invalid(error: InvalidDesiredState) -> tuple[Annotation, ...]:
    """One for each problem, at its line."""
    return tuple(
        Annotation(
            level="error",
            file=p.file,
            line=p.line,
            column=p.column,
            title=p.code,
            message=f"{p.path}: {p.message}" if p.path else p.message,
        )
        for p in error.problems
    )


def commands(notes: Iterable[Annotation]) -> list[str]:
    """The lines to print, errors first, in the order given."""
    given = list(notes)
    return [line for level in LEVELS for line in _of_level(level, [n for n in given if n.level == level])]


def _of_level(level: str, notes: list[Annotation]) -> list[str]:
    more = len(notes) - MOST
    if more <= 0:
        return [_command(n) for n in notes]
    rest = Annotation(level=level, title="and more", message=f"and {more} more, see the summary of this run")
    return [*(_command(n) for n in notes[:MOST]), _command(rest)]


def _command(note: Annotation) -> str:
    place = (("file", note.file), ("line", note.line), ("col", note.column)) if note.file else ()
    given = [
        f"{name}={clean(str(value)).translate(_PROPERTY)}" for name, value in (*place, ("title", note.title)) if value
    ]
    message = "\n".join(clean(line) for line in note.message.splitlines())[:LONGEST].translate(_DATA)
    return f"::{note.level} {','.join(given)}::{message}" if given else f"::{note.level}::{message}"
