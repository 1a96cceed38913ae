"""The `Synthesizer` port: templates from a content-addressed cache, else from one process that runs the CDK app.

A hit reads one JSON file and imports nothing of aws_cdk. An entry is named by the fingerprint of all its inputs, written
aside and moved into place, so that a reader finds a whole entry or none; one that cannot be read is made again.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cdk_app.projection import fingerprint
from reconciler.model.errors import ReconcilerError, Source
from reconciler.model.stacks import Asset, Template
from reconciler.model.topology import Topology

_TIMEOUT = 300


class SynthesisFailed(ReconcilerError):
    """The CDK app could not make a template; the message is its last word."""

    source = Source.USER


class CachedSynthesizer:
    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_cache()

    def templates(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Template]:
        entries = {key: self._folder / _fingerprint(topology, key) for key in dict.fromkeys(keys)}
        found = {key: _read(key, entry) for key, entry in entries.items()}
        missing = [key for key, template in found.items() if template is None]
        if missing:
            self._synthesise(topology, {key: entries[key] for key in missing})
            found |= {key: _read(key, entries[key]) for key in missing}
        return {key: _present(key, template) for key, template in found.items()}

    def _synthesise(self, topology: Topology, entries: Mapping[str, Path]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=self._folder) as scratch:
            out = Path(scratch) / "assembly"
            _run(topology, tuple(entries), out)
            for key, entry in entries.items():
                _store(out, key, Path(scratch) / entry.name, entry)


def default_cache() -> Path:
    if chosen := os.environ.get("MERIDIAN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meridian"


def _fingerprint(topology: Topology, key: str) -> str:
    try:
        return fingerprint(topology, key)
    except (OSError, ValueError) as error:
        raise SynthesisFailed(f"template {key}: {error}") from error


def _read(key: str, entry: Path) -> Template | None:
    """A whole entry, or None: absent, half written by another program, or with an asset gone."""
    try:
        kept: dict[str, Any] = json.loads((entry / "template.json").read_text(encoding="utf-8"))
        assets = tuple(Asset(key=name, path=entry / folder) for name, folder in sorted(kept["assets"].items()))
        body = kept["template"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(body, dict) or not all(asset.path.exists() for asset in assets):
        return None
    return Template(key=key, body=body, assets=assets)


def _present(key: str, template: Template | None) -> Template:
    if template is None:
        raise SynthesisFailed(f"template {key}: the CDK app wrote no usable template")
    return template


def _run(topology: Topology, keys: tuple[str, ...], out: Path) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "cdk_app"],
            input=pickle.dumps((topology, keys, out)),
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SynthesisFailed(f"the CDK app did not finish: {error}") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
        raise SynthesisFailed(lines[-1])


def _store(out: Path, key: str, aside: Path, entry: Path) -> None:
    """Take one template and its assets out of the assembly, under names that need nothing else of it."""
    aside.mkdir()
    template = json.loads((out / f"{key}.template.json").read_text(encoding="utf-8"))
    files: dict[str, Any] = json.loads((out / f"{key}.assets.json").read_text(encoding="utf-8"))["files"]
    assets = {}
    for file in files.values():
        source = out / file["source"]["path"]
        if source.name == f"{key}.template.json":
            continue  # CDK lists the template as an asset of itself; we send it inline
        (destination,) = file["destinations"].values()
        _copy(source, aside / source.name)
        assets[destination["objectKey"]] = source.name
    (aside / "template.json").write_text(json.dumps({"template": template, "assets": assets}), encoding="utf-8")
    try:
        aside.rename(entry)
    except OSError:  # another process was first, or a broken entry stands there
        if _read(key, entry) is None:
            shutil.rmtree(entry, ignore_errors=True)
            aside.rename(entry)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
