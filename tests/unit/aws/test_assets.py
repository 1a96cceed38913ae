"""Zips of code folders: the same bytes for the same content, on any machine."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from reconciler.aws.assets import EmptyAsset, content, zipped
from reconciler.model.stacks import Asset


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_times_modes_and_order_do_not_matter(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"a.py": "1", "sub/b.py": "2", "z": "3"})
    two = write(tmp_path / "two", {"z": "3", "sub/b.py": "2", "a.py": "1"})
    os.utime(two / "a.py", (1, 1))
    (two / "z").chmod(0o755)
    assert zipped(one) == zipped(two)
    assert zipfile.ZipFile(io.BytesIO(zipped(one))).namelist() == ["a.py", "sub/b.py", "z"]


def test_content_matters(tmp_path: Path) -> None:
    folder = write(tmp_path / "code", {"a.py": "1"})
    before = zipped(folder)
    (folder / "a.py").write_text("2")
    assert zipped(folder) != before


def test_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"layer.zip": "bytes"})
    assert content(Asset(key="k", path=tmp_path / "layer.zip")) == b"bytes"


def test_an_empty_asset_is_refused(tmp_path: Path) -> None:
    (tmp_path / "code" / "only-a-folder").mkdir(parents=True)
    write(tmp_path, {"empty.zip": ""})
    for name in ("code", "empty.zip"):
        with pytest.raises(EmptyAsset, match=name):
            content(Asset(key="k", path=tmp_path / name))
