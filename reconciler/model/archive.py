"""Zips that are made the same way every time, and read as if somebody hostile had made them.

What stands in an archive is bounded before it is unpacked and while it is: a directory of a million entries, a member that grows
a thousandfold or a name that leads elsewhere ends the reading.
"""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
_MODE = (stat.S_IFREG | 0o644) << 16
_UNIX = 3  # who made it: it says how the mode is to be read
_END = struct.Struct("<4s4H2LH")  # end of central directory: signature, disks, entries, size, offset, comment
_LOCATOR_64 = 20
_ENTRY = 600  # bytes of a directory entry, at most: 46 and a name
_NAME, _PART = 500, 255
_CHUNK = 1 << 16
_ENCRYPTED = 1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    OverflowError,
)
"""Everything that zipfile raises at data that is no zip, or none that it can read."""


class BadArchive(Exception):
    """What breaks a limit or a rule. The message says what it does: `the bundle` or whatever its reader calls it stands before."""

    def __init__(self, why: str, code: str = "BadArchive") -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    packed: int
    unpacked: int
    files: int


CODE = Limits(packed=50 * 1024**2, unpacked=250 * 1024**2, files=10_000)
"""As Lambda takes of a function [V Lambda quotas]."""


def packed(files: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same files, as far as zlib compresses the same way: fixed order, times and modes."""
    return _zip(files, zipfile.ZIP_DEFLATED)


def stored(files: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same files, wherever they are made: nothing is compressed."""
    return _zip(files, zipfile.ZIP_STORED)


def _zip(files: Mapping[str, bytes], compression: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            entry.compress_type = compression
            archive.writestr(entry, files[name])
    return out.getvalue()


def content_hash(listed: Mapping[str, str]) -> str:
    """Of names and the hashes of contents, whatever the archive that holds them looks like."""
    return hashlib.sha256(json.dumps(dict(listed), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def members(data: bytes, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file, one after another; raises `BadArchive` at the first that breaks a limit or a rule, so whoever
    writes them down writes aside."""
    if len(data) > limits.packed:
        raise BadArchive(f"has {len(data)} bytes; {limits.packed} is the most", "TooLarge")
    try:
        _check_directory(data, limits)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from _read(archive, limits)
    except _BROKEN as error:
        raise BadArchive(f"is no zip that can be read: {error}") from error


def content(data: bytes, limits: Limits) -> str | None:
    """The hash of what an archive holds; None of what is none, or breaks a limit or a rule."""
    try:
        return content_hash({name: hashlib.sha256(held).hexdigest() for name, held in members(data, limits)})
    except BadArchive:
        return None


def unsafe(name: str) -> str | None:
    """What is wrong with a path that is to stay inside a folder, or None."""
    parts = name.split("/")
    if not name or len(name) > _NAME or not name.isprintable() or "\\" in name:
        return f"is no path of 1 to {_NAME} printable characters with / between them"
    if any(len(part.encode()) > _PART for part in parts):
        return f"has a part of more than {_PART} bytes, which no file system takes"
    if PurePosixPath(name).is_absolute() or any(part in ("", ".", "..") for part in parts):
        return "is absolute, or has an empty part, . or .. in it"
    return None


def _check_directory(data: bytes, limits: Limits) -> None:
    """Before zipfile makes an object for each entry. Ours end with their directory: no comment, nothing of ZIP64."""
    signature, *_, entries, size, _, comment = _END.unpack(data[-_END.size :])
    locator = data[-_END.size - _LOCATOR_64 : -_END.size][:4]
    if signature != b"PK\x05\x06" or comment or locator == b"PK\x06\x07":
        raise BadArchive("is no plain zip file: it does not end with its directory")
    if entries > limits.files or size > limits.files * _ENTRY:
        raise BadArchive(
            f"has {entries} files in a directory of {size} bytes; {limits.files} files are the most", "TooLarge"
        )


def _read(archive: zipfile.ZipFile, limits: Limits) -> Iterator[tuple[str, bytes]]:
    entries = archive.infolist()
    if len(entries) > limits.files:
        raise BadArchive(f"has {len(entries)} files; {limits.files} are the most", "TooLarge")
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise BadArchive("has two files of the same name")
    left = limits.unpacked
    for entry in entries:
        _check_entry(entry, names)
        content = _bounded(archive, entry, left)
        if content is None:
            raise BadArchive(f"unpacks to more than {limits.unpacked} bytes", "TooLarge")
        left -= len(content)
        yield entry.filename, content


def _check_entry(entry: zipfile.ZipInfo, names: set[str]) -> None:
    name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
    if wrong := unsafe(name) or (entry.orig_filename != name and "has a zero byte in it"):
        raise BadArchive(f"holds the file {name[:80]!r}, whose name {wrong}")
    if any(parent.as_posix() in names for parent in PurePosixPath(name).parents):
        raise BadArchive(f"holds {name[:80]!r} below what is a file itself")
    if kind not in (0, stat.S_IFREG):
        raise BadArchive(f"holds {name[:80]!r}, which is a link or a device and no file")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadArchive(f"holds {name[:80]!r}, encrypted or packed in a way that is not taken")


def _bounded(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes | None:
    """The content, or None as soon as it is more than `left`, whatever size the directory gives."""
    if entry.file_size > left:
        return None
    pieces: list[bytes] = []
    with archive.open(entry) as stream:
        while piece := stream.read(_CHUNK):
            left -= len(piece)
            if left < 0:
                return None
            pieces.append(piece)
    return b"".join(pieces)
