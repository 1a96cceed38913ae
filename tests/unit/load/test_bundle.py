"""Bundles: what comes out is what went in, whatever somebody did to it on the way."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from cdk_app.code import shipped
from reconciler.load import bundle as bundles
from reconciler.load import load, manifest
from reconciler.model import archive
from reconciler.model.bundle import BundleRefused
from reconciler.model.errors import InvalidDesiredState
from tests.fakes.bundles import commit, packed, repository


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


@pytest.mark.parametrize(("data", "code"), [(b"no zip", "BadArchive"), (bytes(400_000), "TooLarge")])
def test_what_is_no_archive_is_refused_by_its_name(data: bytes, code: str) -> None:
    with pytest.raises(BundleRefused, match=r"^the bundle (is no|has).*make the bundle anew") as refused:
        bundles.verified(data)
    assert refused.value.code == code
