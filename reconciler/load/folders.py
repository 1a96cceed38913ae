"""Rules about the folders a document names: they exist, hold what they should, and stay inside the root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from reconciler.load import files
from reconciler.load.document import Finding, shown
from reconciler.load.view import Rule, View

_CODE = ("spec", "api", "code")
_MIGRATIONS = ("spec", "database", "migrations")
_ROOT = "the folder that holds desired_state/"


def folders_exist(view: View) -> Iterator[Finding]:
    for path in (_CODE, _MIGRATIONS):
        name = view.get(*path)
        if name is not None and (wrong := problem(name, view.root)):
            code, message = wrong
            yield Finding(path, code, f"{shown(name)} {message}")


def handler_exists(view: View) -> Iterator[Finding]:
    code, handler = view.get(*_CODE), view.get("spec", "api", "handler")
    if problem(code, view.root):
        return
    module = handler.rpartition(".")[0].replace(".", "/")
    candidates = (f"{module}.py", f"{module}/__init__.py")
    if not any((view.root / code / candidate).is_file() for candidate in candidates):
        message = f"{shown(handler)} needs the file {candidates[0]} in {code}, which is not there"
        yield Finding(("spec", "api", "handler"), "HandlerMissing", message)


def problem(name: str, root: Path) -> tuple[str, str] | None:
    if PurePosixPath(name).is_absolute():
        return "OutsideRoot", f"is absolute; write it relative to {_ROOT}"
    folder = root / name
    try:
        if not files.within(folder, root):
            return "OutsideRoot", f"leads out of {_ROOT}; code and migrations live inside it"
        if not folder.is_dir():
            return "FolderMissing", f"is no folder; paths start at {_ROOT}"
    except OSError as error:
        return "FolderMissing", f"cannot be read: {error.strerror}"
    if link := next(_escaping_links(folder, root), None):
        return "OutsideRoot", f"holds the link {link}, which leads out of {_ROOT}"
    return None


def _escaping_links(folder: Path, root: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        for name in sorted((*folders, *names)):
            path = Path(parent, name)
            if path.is_symlink() and not files.within(path, root):
                yield path.relative_to(folder).as_posix()


RULES: tuple[Rule, ...] = (folders_exist, handler_exists)
