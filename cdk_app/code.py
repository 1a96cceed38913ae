"""The files of a code folder that ship, and a copy of exactly those.

One list serves three: what goes into the asset, what its version is computed from, and what the synthesis cache looks
at. Hidden files, bytecode and the README are never in it: a stray `__pycache__` or a better text is no new version.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path


def shipped(folder: Path) -> tuple[Path, ...]:
    """Files of `folder`, relative to it and sorted."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: code folder not found")
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = filter(_ships, folders)
        here = Path(place)
        for name in (*folders, *filter(_ships, files)):
            _refuse_strange_link(here / name, folder)
        found += (here.relative_to(folder) / name for name in files if _ships(name))
    return tuple(sorted(found))


def stage(folder: Path, into: Path, *, beside: Sequence[Path] = (), generated: dict[str, str] | None = None) -> Path:
    """Copies what ships into the new folder `into`, and gives it. `beside` are files and folders of elsewhere that come to stand
    next to it under their own names; `generated` are files by name."""
    into.mkdir(parents=True)
    _copy(folder, into)
    for source in beside:
        if source.is_dir():
            _copy(source, into / source.name)
        else:
            shutil.copyfile(source, into / source.name)
    for name, text in (generated or {}).items():
        (into / name).write_text(text, encoding="utf-8")
    return into


def _copy(folder: Path, into: Path) -> None:
    for path in shipped(folder):
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, into / path)


def _ships(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(".pyc") and name not in ("__pycache__", "README.md")


def _refuse_strange_link(path: Path, folder: Path) -> None:
    """A link is followed to a file of the same folder: nothing from outside may end up in a bundle unseen."""
    if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(folder.resolve())):
        raise ValueError(f"{path}: this link does not lead to a file inside {folder.name}; copy the file instead")
