"""Bundles: what comes out is what went in, whatever somebody did to it on the way."""

from __future__ import annotations

import contextlib
import io
import json
import stat
import struct
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_app.code import shipped
from reconciler.load import archive, load, manifest
from reconciler.load import bundle as bundles
from reconciler.load.archive import Limits
from reconciler.model.bundle import BundleRefused
from reconciler.model.errors import InvalidDesiredState
from tests.fakes.bundles import commit, packed, repository

SMALL = Limits(packed=100_000, unpacked=5000, files=3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


def code_of(made: bundles.Packed, folder: Path):
    """Unpacks code as a receiver does."""

    def code(digest: str) -> Path:
        place = folder / digest
        if not place.exists():
            place.mkdir(parents=True)
            bundles.unpack_code(made.code[digest], digest, place)
        return place

    return code


def files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        return {name: found.read(name) for name in found.namelist()}


def test_what_comes_out_is_what_went_in(root: Path, tmp_path: Path) -> None:
    made = packed(root)
    found, topology = bundles.unpack(made.data, code_of(made, tmp_path / "code"), tmp_path / "out", version="v1")
    (before,) = load(root / "desired_state")
    assert topology == before
    assert (topology.source, topology.root) == (before.source, tmp_path / "out")
    assert found == replace(made.bundle, version="v1")
    assert (found.generation, found.author, found.document) == (5, "Ada", "desired_state/orders.yaml")
    assert shipped(topology.root / "handlers/api") == shipped(root / "handlers/api")
    assert [m.name for m in topology.migrations] == ["0001_orders.sql"]


def test_the_same_commit_gives_the_same_bytes_and_another_file_another_digest(root: Path, tmp_path: Path) -> None:
    first, again = packed(root), packed(repository(tmp_path / "elsewhere"))
    assert (first.data, first.code) == (again.data, again.code)
    (root / "handlers/api/app.py").write_text("def handler(event, context): return 1\n")
    changed = packed(root)
    assert changed.bundle.digest != first.bundle.digest
    assert changed.bundle.code != first.bundle.code


def test_what_does_not_ship_is_not_in_it(root: Path) -> None:
    before = packed(root)
    (root / "handlers/api/__pycache__").mkdir()
    (root / "handlers/api/__pycache__/app.pyc").write_bytes(b"x")
    (root / "handlers/api/.env").write_text("SECRET=1")
    assert packed(root) == before


def test_migrations_beside_the_code_are_an_archive_of_their_own(root: Path, tmp_path: Path) -> None:
    text = (root / "desired_state/orders.yaml").read_text()
    (root / "db").mkdir()
    (root / "handlers/api/migrations/0001_orders.sql").rename(root / "db/0001_orders.sql")
    (root / "desired_state/orders.yaml").write_text(text.replace("handlers/api/migrations", "./db"))
    made = packed(root)
    assert set(made.bundle.code) == {"handlers/api", "db"}
    _, topology = bundles.unpack(made.data, code_of(made, tmp_path / "code"), tmp_path / "out")
    assert [m.name for m in topology.migrations] == ["0001_orders.sql"]


def test_a_file_with_two_topologies_brings_the_folders_of_both(root: Path, tmp_path: Path) -> None:
    text = (root / "desired_state/orders.yaml").read_text()
    other = text.replace("name: orders ", "name: bills ").replace("api.example.com", "bills.example.com")
    other = other.replace("handlers/api/migrations", "null").replace("handlers/api", "bills")
    (root / "bills").mkdir()
    (root / "bills/app.py").write_text("def handler(event, context): ...\n")
    (root / "desired_state/orders.yaml").write_text(f"{text}\n---\n{other}")
    orders, bills = load(root / "desired_state")
    made = bundles.pack(bills, commit=commit(), beside=[orders], shipped=shipped)
    assert set(made.bundle.code) == {"handlers/api", "bills"}
    assert bundles.unpack(made.data, code_of(made, tmp_path / "code"), tmp_path / "out")[1] == bills


def test_a_document_that_is_wrong_is_told_by_its_lines(root: Path, tmp_path: Path) -> None:
    made = packed(root)
    held = files(made.data)
    fields = json.loads(held["manifest.json"])
    document = held[made.bundle.document].replace(b"ttlSeconds: 10", b"ttlSeconds: 1")
    changed = manifest.made(
        "orders",
        fields["document"],
        commit(),
        rollback=False,
        code=fields["code"],
        document_sha256=bundles._hash(document),
    )
    data = archive.packed({"manifest.json": manifest.text(changed), made.bundle.document: document})
    with pytest.raises(InvalidDesiredState, match=r"desired_state/orders.yaml:\d+:\d+: spec.routing.ttlSeconds"):
        bundles.unpack(data, code_of(made, tmp_path / "code"), tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"generation": 9}, "WrongDigest"),
        ({"rollback": True}, "WrongDigest"),
        ({"extra": 1}, "WrongDigest"),
        ({"digest": None}, "WrongDigest"),
        ({"schemaVersion": "2"}, "WrongSchemaVersion"),
        ({"kind": "Bundle"}, "WrongSchemaVersion"),
    ],
)
def test_a_manifest_that_was_changed_is_refused(root: Path, change: dict, code: str) -> None:
    held = files(packed(root).data)
    fields = json.loads(held["manifest.json"]) | change
    with pytest.raises(BundleRefused) as refused:
        bundles.verified(archive.packed(held | {"manifest.json": json.dumps(fields).encode()}))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        {"topology": "../x"},
        {"topology": 3},
        {"commit": "main"},
        {"generation": 0},
        {"generation": True},
        {"generation": "5"},
        {"rollback": "no"},
        {"author": "a\nb"},
        {"author": "a" * 201},
        {"document": "/etc/passwd.yaml"},
        {"document": "../orders.yaml"},
        {"document": "a/b/orders.yaml"},
        {"document": "desired_state/orders.txt"},
        {"repository": "https://user:token@github.com/a/b"},
        {"code": {}},
        {"code": {"../up": "0" * 64}},
        {"code": {"/abs": "0" * 64}},
        {"code": {"handlers/api": "../../x"}},
        {"code": ["handlers/api"]},
        {"documentSha256": "x"},
    ],
)
def test_a_manifest_with_a_good_digest_and_a_bad_field_is_refused(root: Path, change: dict) -> None:
    held = files(packed(root).data)
    fields = {k: v for k, v in json.loads(held["manifest.json"]).items() if k != "digest"} | change
    fields["digest"] = manifest._digest(fields)
    with pytest.raises(BundleRefused) as refused:
        bundles.verified(archive.packed(held | {"manifest.json": json.dumps(fields).encode()}))
    assert refused.value.code == "BadManifest"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kind": 1, "kind": 2}', "[" * 50_000, '"' + "x" * 70_000 + '"'])
def test_a_manifest_that_is_none_is_refused(root: Path, text: str) -> None:
    held = files(packed(root).data)
    with pytest.raises(BundleRefused):
        bundles.verified(archive.packed(held | {"manifest.json": text.encode()}))


def test_another_document_and_further_files_are_refused(root: Path) -> None:
    made = packed(root)
    held = files(made.data)
    with pytest.raises(BundleRefused, match="is not the document that its manifest names"):
        bundles.verified(archive.packed(held | {made.bundle.document: b"kind: other"}))
    with pytest.raises(BundleRefused, match="2 files are the most"):
        bundles.verified(archive.packed(held | {"more": b""}))
    with pytest.raises(BundleRefused, match="are expected"):
        bundles.verified(archive.packed({"manifest.json": held["manifest.json"], "desired_state/other.yaml": b""}))


def test_code_is_what_its_name_says_or_refused(root: Path, tmp_path: Path) -> None:
    made = packed(root)
    ((digest, data),) = made.code.items()
    (tmp_path / "good").mkdir()
    bundles.unpack_code(data, digest, tmp_path / "good")
    for other in (files(data) | {"more.py": b""}, {}, {"app2.py": files(data)["app.py"]}):
        into = tmp_path / f"bad{len(other)}"
        into.mkdir()
        with pytest.raises(BundleRefused, match="does not hold what its name says"):
            bundles.unpack_code(archive.packed(other), digest, into)


def test_too_big_is_refused_when_it_is_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "CODE", replace(bundles.CODE, files=1))
    with pytest.raises(BundleRefused, match="handlers/api has 2 files"):
        packed(root)
    (root / "desired_state/orders.yaml").write_text((root / "desired_state/orders.yaml").read_text() + "#" * 300_000)
    with pytest.raises(BundleRefused, match="a bundle takes 262144"):
        packed(root)


# ---- archives ----------------------------------------------------------------------------------------------------------------


def zipped(*entries: tuple[str, bytes], mode: int = 0, flags: int = 0) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        warnings.simplefilter("ignore")  # of two files with the same name, which is the point
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.flag_bits |= flags
            made.writestr(entry, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../up", "a/../../up", "a//b", "a/./b", "a\\b", "dir/", "", "x" * 501, "y" * 256, "a\nb"]
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(BundleRefused):
        list(archive.members(zipped((name, b"x")), SMALL, "it"))


@pytest.mark.parametrize(
    "data",
    [
        zipped(("a", b"1"), ("a", b"2")),
        zipped(("a", b"1"), ("a/b", b"2")),
        zipped(("link", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777),
        zipped(("device", b""), mode=stat.S_IFCHR),
        zipped(("a", b"1"), ("b", b"2"), ("c", b"3"), ("d", b"4")),
        zipped(("bomb", bytes(5001))),
        zipped(("half", bytes(3000)), ("other half", bytes(3000))),
        zipped(("a", b"1")) + b"behind it",
        zipped(("a", b"1"))[:-30],
        b"PK\x05\x06",
        b"",
        bytes(200_000),
    ],
    ids=[
        "twice",
        "below a file",
        "link",
        "device",
        "many",
        "bomb",
        "bomb in parts",
        "tail",
        "cut",
        "end",
        "empty",
        "large",
    ],
)
def test_what_is_no_archive_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(BundleRefused):
        list(archive.members(data, SMALL, "it"))


def test_a_directory_that_lies_about_sizes_gains_nothing() -> None:
    """The declared size says 10 bytes; what unpacks is a thousand times that."""
    data = bytearray(zipped(("bomb", bytes(10_000))))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + offset
        data[place : place + 4] = struct.pack("<L", 10)
    with pytest.raises(BundleRefused):
        list(archive.members(bytes(data), SMALL, "it"))


def test_a_directory_of_a_million_entries_is_refused_before_it_is_read() -> None:
    data = bytearray(zipped(("a", b"1")))
    data[-10:-6] = struct.pack("<L", 100_000_000)
    with pytest.raises(BundleRefused, match="3 files are the most"):
        list(archive.members(bytes(data), SMALL, "it"))


@given(
    st.binary(max_size=300)
    | st.builds(lambda cut, more: zipped(("a", b"12345"))[:cut] + more, st.integers(0, 110), st.binary())
)
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(BundleRefused):
        assert sum(len(content) for _, content in archive.members(data, SMALL, "it")) <= SMALL.unpacked
