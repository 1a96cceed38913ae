"""Archives: the same bytes for the same files, and nothing strange comes out of one."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.archive import BadArchive, Limits, members, packed, stored

FILES = {"template.json": b"{}", "asset.1/sub/app.py": b"x = 1\n"}
SMALL = Limits(packed=100_000, unpacked=5000, files=3)


def made(*entries: str | tuple[str, bytes], mode: int = 0, flags: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")  # of two files with the same name, which is the point
        for each in entries:
            name, content = (each, b"x") if isinstance(each, str) else each
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = method
            entry.flag_bits |= flags
            archive.writestr(entry, content)
    return out.getvalue()


def test_what_was_packed_comes_back_and_order_does_not_matter() -> None:
    data = packed(FILES)
    assert dict(members(data, SMALL)) == FILES
    assert packed(dict(reversed(FILES.items()))) == data


def test_what_is_stored_is_the_same_whatever_compresses(monkeypatch: pytest.MonkeyPatch) -> None:
    data = stored(FILES)
    assert dict(members(data, SMALL)) == FILES
    assert stored(dict(reversed(FILES.items()))) == data
    monkeypatch.setattr("zlib.compressobj", None)
    monkeypatch.setattr("sys.platform", "win32")
    assert stored(FILES) == data


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../up", "a/../../up", "a//b", "./a", "a/./b", "a\\b", "folder/", "", "x" * 501, "y" * 256, "a\nb",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(BadArchive, match="whose name "):
        list(members(made(name), SMALL))


@pytest.mark.parametrize(
    ("data", "why", "code"),
    [
        (b"", "no zip that can be read", "BadArchive"),
        (b"PK\x05\x06", "no zip that can be read", "BadArchive"),
        (b"no zip" * 10, "does not end with its directory", "BadArchive"),
        (packed(FILES)[:-30], "does not end", "BadArchive"),
        (packed(FILES) + b"more", "does not end", "BadArchive"),
        (packed(FILES).replace(b"asset.1/sub", b"asset.1\\sub"), "whose name", "BadArchive"),
        (made("a", "a"), "two files of the same name", "BadArchive"),
        (made("a", "a/b"), "below what is a file itself", "BadArchive"),
        (made("link", mode=stat.S_IFLNK | 0o777), "a link or a device", "BadArchive"),
        (made("device", mode=stat.S_IFCHR), "a link or a device", "BadArchive"),
        (made("a", method=zipfile.ZIP_BZIP2), "packed in a way that is not taken", "BadArchive"),
        (made(*"abcd"), "4 files", "TooLarge"),
        (made(("bomb", bytes(5001))), "more than 5000 bytes", "TooLarge"),
        (made(("half", bytes(3000)), ("other half", bytes(3000))), "more than 5000 bytes", "TooLarge"),
        (bytes(200_000), "100000 is the most", "TooLarge"),
    ],
)
def test_a_strange_archive_is_refused(data: bytes, why: str, code: str) -> None:
    with pytest.raises(BadArchive, match=why) as refused:
        list(members(data, SMALL))
    assert refused.value.code == code


def test_a_damaged_file_is_refused() -> None:
    data = bytearray(made(("a", b"something"), method=zipfile.ZIP_STORED))
    data[data.index(b"something")] ^= 1
    with pytest.raises(BadArchive, match="no zip that can be read"):
        list(members(bytes(data), SMALL))


def test_a_directory_that_lies_about_sizes_gains_nothing() -> None:
    """The declared size says 10 bytes; what unpacks is a thousand times that."""
    data = bytearray(made(("bomb", bytes(10_000))))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + offset
        data[place : place + 4] = struct.pack("<L", 10)
    with pytest.raises(BadArchive):
        list(members(bytes(data), SMALL))


def test_a_directory_of_a_million_entries_is_refused_before_it_is_read() -> None:
    data = bytearray(made("a"))
    data[-10:-6] = struct.pack("<L", 100_000_000)
    with pytest.raises(BadArchive, match="3 files are the most"):
        list(members(bytes(data), SMALL))


@given(
    st.binary(max_size=300)
    | st.builds(lambda cut, more: made(("a", b"12345"))[:cut] + more, st.integers(0, 110), st.binary())
)
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(BadArchive):
        assert sum(len(content) for _, content in members(data, SMALL)) <= SMALL.unpacked
