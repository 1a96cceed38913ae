"""Archives: the same bytes for the same files, and nothing strange comes out of one."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from reconciler.model.archive import BadArchive, unzipped, zipped

FILES = {"template.json": b"{}", "asset.1/sub/app.py": b"x = 1\n"}
BOUNDS = {"most_files": 10, "most_bytes": 1000}


def made(*names: str, content: bytes = b"x", mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = method
            archive.writestr(entry, content)
    return out.getvalue()


def test_what_was_packed_comes_back_and_order_does_not_matter() -> None:
    data = zipped(FILES)
    assert unzipped(data, **BOUNDS) == FILES
    assert zipped(dict(reversed(FILES.items()))) == data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cannot be read"),
        (b"no zip" * 10, "does not end"),
        (zipped(FILES)[:-30], "does not end"),
        (zipped(FILES) + b"more", "does not end"),
        (zipped(FILES).replace(b"asset.1/sub", b"asset.1\\sub"), "no plain path"),
        (made("../outside"), "no plain path"),
        (made("a/../../outside"), "no plain path"),
        (made("/etc/passwd"), "no plain path"),
        (made("./a"), "no plain path"),
        (made("a//b"), "no plain path"),
        (made("folder/"), "no plain path"),
        (made("a\nb"), "no plain path"),
        (made("link", mode=stat.S_IFLNK | 0o777), "no regular file"),
        (made("a", method=zipfile.ZIP_BZIP2), "form that is not taken"),
        (made(*map(str, range(11))), "11 files"),
        (made("a", content=bytes(1001)), "more than 1000 bytes"),
        (made("a", "b", content=bytes(600)), "more than 1000 bytes"),
    ],
)
def test_a_strange_archive_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(BadArchive, match=why):
        unzipped(data, **BOUNDS)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(BadArchive, match="twice"):
        unzipped(made("a", "a"), **BOUNDS)


def test_a_damaged_file_is_refused() -> None:
    data = bytearray(made("a", content=b"something", method=zipfile.ZIP_STORED))
    data[data.index(b"something")] ^= 1
    with pytest.raises(BadArchive, match="cannot be read"):
        unzipped(bytes(data), **BOUNDS)


def test_a_size_that_is_not_true_is_not_believed() -> None:
    """A thousandfold more than its directory says."""
    data = bytearray(made("a", content=bytes(100_000)))
    for where in (data.index(b"PK\x01\x02") + 24, data.index(b"PK\x03\x04") + 22):
        data[where : where + 4] = (10).to_bytes(4, "little")
    with pytest.raises(BadArchive):
        unzipped(bytes(data), **BOUNDS)
