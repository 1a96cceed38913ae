"""The `Synthesizer` port: templates from a content-addressed cache, else from one process that runs the CDK app.

A hit reads one JSON file and imports nothing of aws_cdk. An entry is named by the fingerprint of all its inputs. Whoever can get
an entry in another way than by synthesis, as the functions do, gives his own `Maker`.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cdk_app.projection import fingerprint
from reconciler.aws import entries
from reconciler.model.errors import ReconcilerError, Source
from reconciler.model.stacks import Template
from reconciler.model.topology import Topology

_TIMEOUT = 300

Maker = Callable[[Topology, Mapping[str, Path], Path], None]
"""Makes the entries of the given keys, at the given places. The last path is an empty folder for what is not ready yet, on the
same file system; it goes away afterwards. An entry that it leaves out is reported. Raises `ReconcilerError`."""


class SynthesisFailed(ReconcilerError):
    """The CDK app could not make a template; the message is its last word."""

    source = Source.USER


def synthesise(topology: Topology, places: Mapping[str, Path], scratch: Path) -> None:
    """The maker on this machine: the CDK app, in a process of its own."""
    _run(topology, tuple(places), scratch / "assembly")
    for key, entry in places.items():
        entries.store(scratch / "assembly", key, scratch / entry.name, entry)


class CachedSynthesizer:
    def __init__(self, folder: Path | None = None, make: Maker = synthesise) -> None:
        self._folder = folder or default_cache()
        self._make = make

    def templates(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Template]:
        places = self.places(topology, keys)
        found = {key: entries.read(key, entry) for key, entry in places.items()}
        missing = [key for key, template in found.items() if template is None]
        if missing:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="new-", dir=self._folder) as scratch:
                self._make(topology, {key: places[key] for key in missing}, Path(scratch))
            found |= {key: entries.read(key, places[key]) for key in missing}
        return {key: _present(key, template) for key, template in found.items()}

    def places(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Path]:
        """Where the entry of each key is, or will be; its name is the fingerprint."""
        return {key: self._folder / template_fingerprint(topology, key) for key in dict.fromkeys(keys)}


def default_cache() -> Path:
    if chosen := os.environ.get("MERIDIAN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meridian"


def template_fingerprint(topology: Topology, key: str) -> str:
    try:
        return fingerprint(topology, key)
    except (OSError, ValueError) as error:
        raise SynthesisFailed(f"template {key}: {error}") from error


def _present(key: str, template: Template | None) -> Template:
    if template is None:
        raise SynthesisFailed(f"template {key}: the CDK app wrote no usable template")
    return template


def _run(topology: Topology, keys: tuple[str, ...], out: Path) -> None:
    # In Lambda the way to our modules is in this process only; `-P` keeps the working folder out of it.
    way = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "cdk_app"],
            input=pickle.dumps((topology, keys, out)),
            env={**os.environ, "PYTHONPATH": way},
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SynthesisFailed(f"the CDK app did not finish: {error}") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
        raise SynthesisFailed(lines[-1])
