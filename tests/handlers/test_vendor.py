"""The packages that ship are the published ones, but for what the patch says; and they are all that the service needs."""

from __future__ import annotations

import difflib
import subprocess
import sys
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest

from tests.handlers.conftest import HANDLERS

VENDOR = HANDLERS / "api" / "vendor"
BROUGHT = {d.metadata["Name"]: d for d in map(PathDistribution, VENDOR.glob("*.dist-info"))}
PATCHED = ("pg8000/__init__.py", "pg8000/converters.py", "pg8000/core.py")


def files(installed: Distribution) -> set[str]:
    """Of the package that is installed, those that ship."""
    listed = (str(path) for path in installed.files or () if path.suffix == ".py")
    return {path for path in listed if (VENDOR / path).is_file()}


@pytest.mark.parametrize("name", sorted(BROUGHT))
def test_package_is_the_published_one(name):
    installed = distribution(name)
    assert installed.version == BROUGHT[name].version
    assert files(installed)
    for path in files(installed) - set(PATCHED):
        assert (VENDOR / path).read_bytes() == Path(installed.locate_file(path)).read_bytes(), path


@pytest.mark.parametrize("name", sorted(BROUGHT))
def test_licence_is_there(name):
    (folder,) = VENDOR.glob(f"{name.lower().replace('-', '_')}-{BROUGHT[name].version}.dist-info")
    assert any(path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")) for path in folder.rglob("*"))


def test_what_is_changed_is_what_the_patch_says():
    changes = []
    for path in PATCHED:
        before = Path(distribution("pg8000").locate_file(path)).read_text().splitlines(keepends=True)
        after = (VENDOR / path).read_text().splitlines(keepends=True)
        changes += difflib.unified_diff(before, after, f"a/{path}", f"b/{path}")
    assert "".join(changes) == (VENDOR / "late-imports.patch").read_text()


def test_every_module_belongs_to_a_package_of_the_list():
    there = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*.py")}
    assert there == set().union(*(files(distribution(name)) for name in BROUGHT))
    table = (VENDOR / "README.md").read_text()
    assert all(f"| {name} | {d.version} |" in table for name, d in BROUGHT.items())


@pytest.mark.parametrize("folder", ["api", "migrate"])
def test_nothing_else_is_imported(folder, tmp_path, runner, api_folder):
    """In an interpreter without site-packages, as on Lambda but for boto3, which is not used either."""
    where = api_folder if folder == "api" else Path(runner.runner.__file__).parent
    module = "app" if folder == "api" else "runner"
    code = f"import sys; sys.path.insert(0, {str(where)!r}); import {module}, scramp.core, dateutil.parser; print({module}.handler)"
    variables = dict.fromkeys(("DB_WRITER", "DB_READER", "DB_NAME", "DB_USER", "AWS_REGION"), "x")
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-W", "error", "-c", code],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("<function handler")


def test_late_imports_come_late(api_folder):
    late = "{'scramp', 'asn1crypto', 'dateutil', 'boto3'}"
    code = f"import sys; sys.path.insert(0, {str(api_folder)!r}); import app; print(sorted({late} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-S", "-B", "-c", code], env={}, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
