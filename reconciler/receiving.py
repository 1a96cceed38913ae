"""From the name of a topology to what is desired of it: the newest bundle that may be used, verified and laid out.

A newest bundle that is refused changes nothing: the one before stays in force, which S3 keeps as it was, and the status says why.
Code and laid-out bundles are kept in a folder, by content; each is made aside and moved into place.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from reconciler.load import bundle as bundles
from reconciler.model.bundle import Accepted, Bundle, BundleRefused, Head, Refusal, Source, Stored
from reconciler.model.errors import InvalidDesiredState
from reconciler.model.topology import Topology

KEPT_BYTES = 300 * 1024**2
"""Of code, and of bundles; a function has 512 MB for all its files [V Lambda quotas], and what both hold is stored once."""
_TOLD = 20


class Revisions(Protocol):
    """The revision bucket, as far as a reader needs it. Each raises `ReconcilerError` where AWS does not answer."""

    def latest(self, name: str) -> Stored | None: ...
    def version(self, name: str, version: str) -> Stored | None: ...
    def code(self, digest: str) -> bytes | None: ...
    def head(self, name: str) -> Head | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    topology: Topology
    source: Source


@dataclass(frozen=True, kw_only=True)
class Receiver:
    revisions: Revisions
    cache: Path
    account: str
    home_region: str

    def receive(self, name: str, status: Mapping[str, Any] | None) -> Received | Refusal | None:
        """What is desired, given the topology's status document; a `Refusal` if there is no bundle that may be used, None if there
        is none at all: the topology is unknown, or was withdrawn."""
        newest = self.revisions.latest(name)
        if newest is None:
            return None
        before = Accepted.recorded(status)
        found = self._used(name, newest, before)
        refused: Refusal | None = None
        if isinstance(found, Refusal):
            if before is None or before.version in ("", newest.version):
                return found
            refused, kept = found, self.revisions.version(name, before.version)
            found = self._used(name, kept, before) if kept else found
            if isinstance(found, Refusal):
                return replace(refused, message=f"{refused.message}; the one before is of no use either")
        topology, bundle = found
        source = Source(bundle=bundle, refused=refused, head=self.revisions.head(name), before=before)
        return Received(topology=topology, source=source)

    def very(self, name: str, version: str) -> tuple[Topology, Bundle]:
        """That version of the bundle, or the newest for an empty one, whatever was accepted. Raises `BundleRefused` or
        `InvalidDesiredState`."""
        stored = self.revisions.version(name, version) if version else self.revisions.latest(name)
        if stored is None:
            raise BundleRefused(f"{name} has no bundle of version {version or 'any'}", code="NoSuchVersion")
        return self._read(name, stored)

    def _used(self, name: str, stored: Stored, before: Accepted | None) -> tuple[Topology, Bundle] | Refusal:
        try:
            topology, bundle = self._read(name, stored)
        except (BundleRefused, InvalidDesiredState) as error:
            return Refusal(code=error.code, message=_told(error), version=stored.version)
        return (before.takes(bundle) if before else None) or (topology, bundle)

    def _read(self, name: str, stored: Stored) -> tuple[Topology, Bundle]:
        bundle, document = bundles.verified(stored.data, version=stored.version)
        if bundle.topology != name:
            raise BundleRefused(f"the bundle of {name} is one of {bundle.topology}", code="WrongTopology")
        folder = self.cache / "bundles" / bundle.digest.removeprefix("sha256:")
        _made(folder, lambda aside: bundles.lay_out(bundle, document, self._code, aside))
        topology = bundles.declared(bundle, folder)
        if (topology.account, topology.home_region) != (self.account, self.home_region):
            message = (
                f"{bundle.document} is for account {topology.account} with home Region {topology.home_region}; this control plane "
                f"is that of {self.account} in {self.home_region}"
            )
            raise BundleRefused(message, code="WrongAccount")
        return topology, bundle

    def _code(self, digest: str) -> Path:
        folder = self.cache / "code" / digest
        if not folder.is_dir():
            data = self.revisions.code(digest)
            if data is None:
                message = f"code/{digest}.zip is not in the revision bucket; `meridian bundle --upload` puts it there"
                raise BundleRefused(message, code="CodeMissing")
            _made(folder, lambda aside: bundles.unpack_code(data, digest, aside))
        return folder


def _told(error: Exception) -> str:
    """Of a document that is wrong all over, as much as a status can hold."""
    lines = str(error).splitlines()
    more = [f"and {len(lines) - _TOLD} more"] if len(lines) > _TOLD else []
    return "\n".join(line[:500] for line in [*lines[:_TOLD], *more])


def _made(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a new folder aside and move it into place, unless somebody has done that; then see that the place does not overflow."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as scratch:
        aside = Path(scratch) / folder.name
        aside.mkdir()
        fill(aside)
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first
                raise
    _trim(folder.parent, spare=folder)


def _trim(place: Path, spare: Path) -> None:
    """Remove the oldest folders, as long as all together are too big."""
    left = KEPT_BYTES - _size(spare)
    for folder in sorted((f for f in place.iterdir() if f != spare), key=_age):
        left -= _size(folder)
        if left < 0 and not folder.name.startswith("new-"):
            shutil.rmtree(folder, ignore_errors=True)


def _age(folder: Path) -> float:
    with suppress(OSError):
        return -folder.stat().st_mtime
    return 0


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
