"""Zip archives as values: files by name to bytes, and back. The same files give the same bytes, whoever packs them and when.

What comes back was put there by a program of ours, but is taken for hostile all the same: nobody is to be led outside the
folder that it is unpacked into, or made to unpack more than fits.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
_MODE = 0o644 << 16
_KIND = 0o170000 << 16
_REGULAR = (0, 0o100000 << 16)
_END = struct.Struct(
    "<4s4H2LH"
)  # end of the directory: signature, disks, entries twice, size, offset, length of the comment
_ENTRY = 1024  # bytes of the directory that an entry may take: 46 and its name
_ENCRYPTED = 1


class BadArchive(ValueError):
    """No archive of ours: the message says why."""


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Fixed order, times and modes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return out.getvalue()


def unzipped(data: bytes, *, most_files: int, most_bytes: int) -> dict[str, bytes]:
    """The files of an archive; `most_bytes` bounds what they have together, unpacked. Raises `BadArchive`."""
    try:
        _refuse_many(data, most_files)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > most_files:
                raise BadArchive(f"the archive has {len(entries)} files; {most_files} are allowed")
            found: dict[str, bytes] = {}
            left = most_bytes
            for entry in entries:
                _refuse_strange(entry, found)
                with archive.open(entry) as file:
                    content = file.read(left + 1)  # what it says of its size is only a claim
                left -= len(content)
                if left < 0:
                    raise BadArchive(f"the archive unpacks to more than {most_bytes} bytes")
                found[entry.filename] = content
            return found
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        if isinstance(error, BadArchive):
            raise
        raise BadArchive(f"the archive cannot be read: {error}") from error


def _refuse_many(data: bytes, most_files: int) -> None:
    """Before zipfile makes an object of each entry. Ours end with their directory."""
    signature, *_, entries, size, _, comment = _END.unpack(data[-_END.size :])
    if signature != b"PK\x05\x06" or comment:
        raise BadArchive("the archive does not end with its directory")
    if entries > most_files or size > most_files * _ENTRY:
        raise BadArchive(f"the archive has {entries} files; {most_files} are allowed")


def _refuse_strange(entry: zipfile.ZipInfo, found: Mapping[str, bytes]) -> None:
    name, path = entry.orig_filename, PurePosixPath(entry.orig_filename)
    if (
        path.is_absolute()
        or ".." in path.parts
        or "\\" in name
        or "\0" in name
        or path.as_posix() != name
        or name == "."
        or not name.isprintable()
    ):
        raise BadArchive(f"the archive holds {name!r}, which is no plain path inside it")
    if entry.external_attr & _KIND not in _REGULAR:
        raise BadArchive(f"the archive holds {name!r}, which is no regular file")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadArchive(f"the archive holds {name!r} in a form that is not taken")
    if name in found:
        raise BadArchive(f"the archive holds {name!r} twice")
