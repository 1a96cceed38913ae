"""PATH to texts: which files are read, and what is refused before a parser sees it.

A file that is too big is not read at all; a file, or a link, that leads out of the folder holding `desired_state/` is
not followed.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.errors import Problem

MAX_BYTES = 1024 * 1024

_SUFFIXES = (".yaml", ".yml")
_UNPRINTABLE = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # as YAML has it


@dataclass(frozen=True, slots=True)
class Text:
    """One readable file; `file` is its name relative to the root, as messages show it."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Texts:
    """What PATH holds. `root` is the folder that holds `desired_state/`."""

    root: Path
    texts: tuple[Text, ...]
    problems: tuple[Problem, ...]


class _Unusable(Exception):
    def __init__(self, code: str, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.column = code, message, line, column


def read(path: Path) -> Texts:
    """The YAML files at PATH: one file, or every *.yaml and *.yml directly in a folder, by name."""
    there = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, and hide where they lead
    folder = there if there.is_dir() else there.parent
    root = folder.parent
    texts: list[Text] = []
    problems: list[Problem] = []
    try:
        for file in _listed(there):
            name = file.relative_to(root).as_posix()
            try:
                texts.append(Text(name, _text(file, root)))
            except _Unusable as bad:
                problems.append(Problem(name, bad.line, bad.column, "", bad.code, bad.message))
    except _Unusable as bad:
        problems.append(Problem(str(path), bad.line, bad.column, "", bad.code, bad.message))
    return Texts(root, tuple(texts), tuple(problems))


def within(path: Path, root: Path) -> bool:
    """Whether a path, links followed, ends inside the root. A circle of links ends nowhere."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _listed(there: Path) -> list[Path]:
    if not there.is_dir():
        if not os.path.lexists(there):
            raise _Unusable("NotFound", "no such file or folder")
        return [there]
    try:
        files = sorted(file for file in there.iterdir() if file.suffix in _SUFFIXES and not file.name.startswith("."))
    except OSError as error:
        raise _Unusable("Unreadable", f"cannot be read: {_reason(error)}") from error
    if not files:
        raise _Unusable("NoDocument", "the folder has no *.yaml or *.yml file; an empty folder never means delete all")
    return files


def _text(file: Path, root: Path) -> str:
    if not within(file, root):
        raise _Unusable("OutsideRoot", f"a link that leads out of {root.name or root}/; put the file itself here")
    try:
        if not file.is_file():
            raise _Unusable("NotAFile", "not a regular file")
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1) if file.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise _Unusable("Unreadable", f"cannot be read: {_reason(error)}") from error
    if content is None or len(content) > MAX_BYTES:
        raise _Unusable("TooLarge", f"larger than {MAX_BYTES // 1024} KiB; a topology takes a few")
    return _decoded(content)


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place(content[: error.start].decode("utf-8-sig", "replace"))
        raise _Unusable("NotUtf8", "not UTF-8 text; save the file as UTF-8", line, column) from error
    if bad := _UNPRINTABLE.search(text):
        message = f"the control character U+{ord(bad[0]):04X} is not allowed in YAML"
        raise _Unusable("MalformedYaml", message, *_place(text[: bad.start()]))
    return text


def _place(before: str) -> tuple[int, int]:
    line = before.count("\n") + 1
    return line, len(before) - (before.rfind("\n") + 1) + 1


def _reason(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
