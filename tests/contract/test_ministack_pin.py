"""The pin of ministack: its version, and every private name of it that the extension relies on."""

from __future__ import annotations

import ast
import functools
from importlib.metadata import version
from pathlib import Path

import pytest

from local_aws import private

ROOT = Path(__file__).parents[2] / "local_aws"
SOURCES = sorted(p for p in ROOT.rglob("*.py") if "__pycache__" not in p.parts)


def _used(path: Path) -> set[str]:
    """Private names of ministack that a source file names: imported, read as an attribute, or wrapped by `around`."""
    tree, modules, used = ast.parse(path.read_text()), {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for name in node.names:
                modules[name.asname or name.name] = f"{node.module}.{name.name}"
                used |= {f"{node.module}.{name.name}"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            used.add(f"{modules[node.value.id]}.{node.attr}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "around":
            module, name = node.args[:2]
            if isinstance(module, ast.Name) and isinstance(name, ast.Constant):
                used.add(f"{modules[module.id]}.{name.value}")
    return {name for name in used if name.rpartition(".")[2].startswith("_")}


@functools.cache
def _listed() -> set[str]:
    """What `private` lists, and what the modules with a list of their own do."""
    listed = set(private.NAMES)
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            named = (
                isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "PATCHED"
            )
            if named and isinstance(node.value, ast.Tuple):
                listed |= set(ast.literal_eval(node.value))
    return listed


def test_the_version_is_the_pinned_one() -> None:
    assert version("ministack") == private.PINNED
    requirements = (ROOT.parent / "requirements" / "run.txt").read_text()
    assert f"ministack=={private.PINNED} " in requirements


def test_every_listed_name_exists() -> None:
    assert sorted(name for name in _listed() if not private.exists(name)) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_private_name_in_use_is_listed(path: Path) -> None:
    assert sorted(_used(path) - _listed()) == []


def _mentioned(path: Path) -> set[str]:
    """Every name and text in a source file, but for the lists of private names."""
    tree = ast.parse(path.read_text())
    lists = [n for n in tree.body if isinstance(n, ast.AnnAssign | ast.Assign) and _is_list(n)]
    skipped = {id(inner) for outer in lists for inner in ast.walk(outer)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def _is_list(node: ast.AnnAssign | ast.Assign) -> bool:
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
    return any(isinstance(target, ast.Name) and target.id in ("PATCHED", "_NAMES") for target in targets)


def test_every_listed_name_is_used() -> None:
    mentioned = set().union(*map(_mentioned, SOURCES))
    assert sorted(name for name in _listed() if name.rpartition(".")[2] not in mentioned) == []


def test_a_missing_name_stops_the_start_and_is_named() -> None:
    with pytest.raises(private.MissingPrivateNameError, match=r"ministack\.services\.rds\._gone_tomorrow"):
        private.check(["ministack.services.rds._gone_tomorrow"])


def test_another_version_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "version", lambda _: "9.9.9")
    with pytest.raises(
        private.MissingPrivateNameError, match=r"ministack 9\.9\.9 is installed.* needs exactly 1\.5\.33"
    ):
        private.check()
