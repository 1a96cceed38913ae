"""A topology at a commit to a bundle, and back. What comes out is what went in, or nothing: `BundleRefused`.

A bundle holds the manifest and the document. Folders that the document names are archives of their own, named by the hash of
their content, so that the same code is uploaded and fetched once. The document is loaded as any other.
"""

from __future__ import annotations

import hashlib
import posixpath
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from reconciler.load import loader, manifest
from reconciler.model import archive
from reconciler.model.archive import CODE, BadArchive, Limits
from reconciler.model.bundle import Bundle, BundleRefused, Commit, Packed
from reconciler.model.topology import Topology

DOCUMENT_BYTES = 256 * 1024
MANIFEST_BYTES = 64 * 1024
BUNDLE = Limits(packed=MANIFEST_BYTES + DOCUMENT_BYTES, unpacked=MANIFEST_BYTES + DOCUMENT_BYTES, files=2)
_MANIFEST = "manifest.json"


def pack(
    topology: Topology,
    *,
    commit: Commit,
    rollback: bool = False,
    beside: Sequence[Topology] = (),
    shipped: Callable[[Path], Sequence[Path]],
) -> Packed:
    """`beside` are topologies of the same file, whose folders it needs, too; `shipped` lists the files of a folder that ship."""
    document = (topology.root / topology.source).read_bytes()
    if len(document) > DOCUMENT_BYTES:
        message = (
            f"{topology.source} has {len(document)} bytes; a bundle takes {DOCUMENT_BYTES}: one file per topology helps"
        )
        raise BundleRefused(message, code="TooLarge")
    code: dict[str, str] = {}
    archives: dict[str, bytes] = {}
    for folder in folders((topology, *beside)):
        code[folder], data = _pack_code(topology.root, folder, shipped)
        archives[code[folder]] = data
    fields = manifest.made(
        topology.name, topology.source, commit, rollback=rollback, code=code, document_sha256=_hash(document)
    )
    bundle, text = manifest.parsed(fields), manifest.text(fields)
    return Packed(bundle=bundle, data=archive.packed({_MANIFEST: text, topology.source: document}), code=archives)


def folders(topologies: Sequence[Topology]) -> tuple[str, ...]:
    """Folders that the documents name, none of them inside another."""
    named = {t.api.code for t in topologies} | {t.database.migrations for t in topologies if t.database.migrations}
    for name in named:
        if ".." in name.split("/"):
            raise BundleRefused(f"the folder {name!r} is named with ..; write where it is, from the repository's root")
    found = sorted({posixpath.normpath(name) for name in named})
    return tuple(f for f in found if not any(f != g and (g == "." or f.startswith(f"{g}/")) for g in found))


def _pack_code(root: Path, folder: str, shipped: Callable[[Path], Sequence[Path]]) -> tuple[str, bytes]:
    try:
        files = {path.as_posix(): (root / folder / path).read_bytes() for path in shipped(root / folder)}
    except ValueError as error:
        raise BundleRefused(str(error)) from error
    data = archive.packed(files)
    size = sum(map(len, files.values()))
    if len(files) > CODE.files or size > CODE.unpacked or len(data) > CODE.packed:
        message = (
            f"{folder} has {len(files)} files of {size} bytes, {len(data)} packed; Lambda takes {CODE.unpacked} bytes, "
            f"{CODE.packed} packed, and a bundle {CODE.files} files"
        )
        raise BundleRefused(message, code="TooLarge")
    for name in files:
        if wrong := archive.unsafe(name):
            raise BundleRefused(f"{folder} holds the file {name[:80]!r}, whose name {wrong}; rename it")
    return archive.content_hash({name: _hash(content) for name, content in files.items()}), data


def unpack(data: bytes, code: Callable[[str], Path], into: Path, *, version: str = "") -> tuple[Bundle, Topology]:
    """Verify a bundle and lay it out in the folder `into`. `code` gives a folder, verified by `unpack_code`, for a hash."""
    bundle, document = verified(data, version=version)
    lay_out(bundle, document, code, into)
    return bundle, declared(bundle, into)


def verified(data: bytes, *, version: str = "") -> tuple[Bundle, bytes]:
    """The bundle and its document, when they are what the digest says."""
    held = dict(_members(data, BUNDLE, "the bundle"))
    if len(held.get(_MANIFEST, b"")) > MANIFEST_BYTES:
        raise BundleRefused(f"the bundle's manifest has more than {MANIFEST_BYTES} bytes", code="TooLarge")
    bundle = manifest.parsed(manifest.read(held.get(_MANIFEST, b"")), version=version)
    if held.keys() != {_MANIFEST, bundle.document}:
        names = ", ".join(sorted(held))
        raise BundleRefused(
            f"the bundle of {bundle.topology} holds {names}; {_MANIFEST} and {bundle.document} are expected"
        )
    document = held[bundle.document]
    if len(document) > DOCUMENT_BYTES or _hash(document) != bundle.document_sha256:
        message = f"{bundle.document} in the bundle of {bundle.topology} is not the document that its manifest names"
        raise BundleRefused(f"{message}; make the bundle anew with `meridian bundle`", code="WrongDigest")
    return bundle, document


def lay_out(bundle: Bundle, document: bytes, code: Callable[[str], Path], into: Path) -> None:
    """The folder as it was in the repository, as far as the document needs it. Files of code are linked, not copied."""
    try:
        _lay_out(bundle, document, code, into)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise BundleRefused(
            f"the bundle of {bundle.topology} has a file where it needs a folder: {error.filename}"
        ) from error


def _lay_out(bundle: Bundle, document: bytes, code: Callable[[str], Path], into: Path) -> None:
    for folder, digest in sorted(bundle.code.items()):
        source = code(digest)
        (into / folder).mkdir(parents=True, exist_ok=True)
        for path in source.rglob("*"):
            target = into / folder / path.relative_to(source)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                _link(path, target)
    (into / bundle.document).parent.mkdir(parents=True, exist_ok=True)
    (into / bundle.document).unlink(missing_ok=True)  # it may be a link to a file of the code
    (into / bundle.document).write_bytes(document)


def declared(bundle: Bundle, folder: Path) -> Topology:
    """The topology of a bundle that is laid out there. Raises `InvalidDesiredState` with every problem of its document."""
    found = loader.load(folder / bundle.document)
    topology = next((t for t in found if t.name == bundle.topology), None)
    if topology is None:
        names = ", ".join(t.name for t in found)
        raise BundleRefused(f"the bundle of {bundle.topology} holds a document of {names}", code="WrongTopology")
    return topology


def unpack_code(data: bytes, digest: str, into: Path) -> None:
    """Unpack an archive of code into an empty folder, and verify that it holds what its name says. On a refusal the folder is
    not to be used."""
    listed: dict[str, str] = {}
    for name, content in _members(data, CODE, f"code/{digest[:12]}….zip"):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        listed[name] = _hash(content)
    if archive.content_hash(listed) != digest:
        message = f"code/{digest}.zip does not hold what its name says; `meridian bundle --upload` puts the code back"
        raise BundleRefused(message, code="WrongDigest")


def _members(data: bytes, limits: Limits, what: str) -> Iterator[tuple[str, bytes]]:
    try:
        yield from archive.members(data, limits)
    except BadArchive as error:
        raise BundleRefused(f"{what} {error}; make the bundle anew with `meridian bundle`", code=error.code) from error


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return  # folders of the document overlap
    try:
        target.hardlink_to(source)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
