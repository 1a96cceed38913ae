"""Templates in a folder, by fingerprint: one folder each, with `template.json` and the assets that the template names.

An entry is written aside and moved into place, so that a reader finds a whole entry or none; one that cannot be read is made
again. As a zip it travels: the same entry gives the same bytes, and what is unpacked is held against what an entry may be.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from reconciler.model import archive
from reconciler.model.archive import BadArchive, Limits
from reconciler.model.stacks import Asset, Template

LIMITS = Limits(packed=128 * 1024**2, unpacked=512 * 1024**2, files=20_000)
"""Of an entry: two code folders of the size that Lambda takes, 50 MB packed and 250 MB unpacked each."""
_LISTING = "template.json"


def read(key: str, entry: Path) -> Template | None:
    """A whole entry, or None: absent, half written by another program, or with an asset gone."""
    try:
        kept: dict[str, Any] = json.loads((entry / _LISTING).read_text(encoding="utf-8"))
        assets = tuple(Asset(key=name, path=entry / folder) for name, folder in sorted(kept["assets"].items()))
        body = kept["template"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(body, dict) or not all(asset.path.exists() for asset in assets):
        return None
    return Template(key=key, body=body, assets=assets)


def store(assembly: Path, key: str, aside: Path, entry: Path) -> None:
    """Take one template and its assets out of CDK's assembly, under names that need nothing else of it."""
    aside.mkdir()
    template = json.loads((assembly / f"{key}.template.json").read_text(encoding="utf-8"))
    files: dict[str, Any] = json.loads((assembly / f"{key}.assets.json").read_text(encoding="utf-8"))["files"]
    assets = {}
    for file in files.values():
        source = assembly / file["source"]["path"]
        if source.name == f"{key}.template.json":
            continue  # CDK lists the template as an asset of itself; we send it inline
        (destination,) = file["destinations"].values()
        _copy(source, aside / source.name)
        assets[destination["objectKey"]] = source.name
    (aside / _LISTING).write_text(json.dumps({"template": template, "assets": assets}), encoding="utf-8")
    _place(key, aside, entry)


def packed(entry: Path) -> bytes:
    return archive.packed(
        {path.relative_to(entry).as_posix(): path.read_bytes() for path in entry.rglob("*") if path.is_file()}
    )


def unpack(data: bytes, key: str, aside: Path, entry: Path) -> None:
    """Raises `BadArchive` for what is no entry."""
    for name, content in archive.members(data, LIMITS):
        path = aside / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:  # for instance a file where another name wants a folder
            raise BadArchive(f"holds {name!r}, which cannot be unpacked: {error.strerror}") from error
    found = read(key, aside)
    if found is None:
        raise BadArchive(
            f"holds no template with all its assets: {_LISTING} is missing, malformed, or names what is not there"
        )
    if not all(asset.path.resolve().is_relative_to(aside.resolve()) for asset in found.assets):
        raise BadArchive(f"holds a {_LISTING} that names an asset outside the archive")
    _place(key, aside, entry)


def _place(key: str, aside: Path, entry: Path) -> None:
    try:
        aside.rename(entry)
    except OSError:  # another process was first, or a broken entry stands there
        if read(key, entry) is None:
            shutil.rmtree(entry, ignore_errors=True)
            aside.rename(entry)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
