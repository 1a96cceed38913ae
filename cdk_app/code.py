"""The files of a code folder that ship, and a copy of exactly those.

One list serves three: what goes into the asset, what its version is computed from, and what the synthesis cache looks
at. Hidden files and bytecode are never in it, so a stray `__pycache__` changes nothing.
"""

from __future__ import annotations

import shutil
from pathlib import Path


def shipped(folder: Path) -> tuple[Path, ...]:
    """Files of `folder`, relative to it and sorted."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: code folder not found")
    found = (
        p.relative_to(folder) for p in folder.rglob("*") if _ships(p.relative_to(folder)) and not _is_folder(p, folder)
    )
    return tuple(sorted(found))


def stage(folder: Path, into: Path, *, generated: dict[str, str] | None = None) -> Path:
    """Copies what ships into the new folder `into`, adds `generated` files, and gives `into`."""
    into.mkdir(parents=True)
    for path in shipped(folder):
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, into / path)
    for name, text in (generated or {}).items():
        (into / name).write_text(text, encoding="utf-8")
    return into


def _ships(path: Path) -> bool:
    return path.suffix != ".pyc" and not any(p.startswith(".") or p == "__pycache__" for p in path.parts)


def _is_folder(path: Path, root: Path) -> bool:
    """True for a folder. A link is followed to a file inside the code folder, and refused when it leads elsewhere."""
    if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(root.resolve())):
        raise ValueError(f"{path}: this link does not lead to a file inside {root.name}; copy the file instead")
    return path.is_dir()
