"""From a name to what is desired: the newest bundle that may be used, and what is left in force where it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler import receiving
from reconciler.model import archive
from reconciler.model.bundle import Accepted, Head, Refusal, accepted
from reconciler.model.errors import Throttled
from reconciler.receiving import Received, Receiver
from tests.fakes.bundles import AT, Bucket, packed, repository, with_version


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def receiver(bucket: Bucket, tmp_path: Path) -> Receiver:
    return Receiver(revisions=bucket, cache=tmp_path / "cache", account="111111111111", home_region="us-east-1")


def status(found: Received | Refusal | None, before: Accepted | None = None) -> dict[str, Any]:
    """What a pass on this leaves behind."""
    assert isinstance(found, Received)
    bundle = found.source.bundle
    now = before.followed(bundle) if before else accepted(bundle, bundle.generation)
    return {"bundle": now.document()}


def test_the_newest_is_taken_with_its_version_and_where_the_head_is(
    root: Path, bucket: Bucket, receiver: Receiver
) -> None:
    head = Head(commit="f" * 40, generation=9, since=AT)
    bucket.heads["orders"] = head
    bucket.put(packed(root))
    found = receiver.receive("orders", None)
    assert isinstance(found, Received)
    assert found.topology.name == "orders"
    assert found.topology.root.is_relative_to(receiver.cache)
    assert (found.source.bundle.version, found.source.refused, found.source.head) == ("v1", None, head)


def test_nothing_is_there(receiver: Receiver) -> None:
    assert receiver.receive("orders", None) is None


def test_code_is_fetched_once_for_all_bundles_with_it(root: Path, bucket: Bucket, receiver: Receiver) -> None:
    for generation in (5, 6, 7):
        bucket.put(packed(root, generation))
        for _ in range(2):
            assert isinstance(receiver.receive("orders", None), Received)
    assert len(bucket.fetched) == 1
    assert len(list((receiver.cache / "bundles").iterdir())) == 3


BROKEN = {
    "no zip": b"what is this",
    "empty": archive.packed({}),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_refused_newest_leaves_the_one_before_in_force(
    data: bytes, root: Path, bucket: Bucket, receiver: Receiver
) -> None:
    bucket.put(packed(root))
    before = status(receiver.receive("orders", None))
    bucket.versions["v2"] = data
    found = receiver.receive("orders", before)
    assert isinstance(found, Received)
    assert found.source.bundle.version == "v1"
    assert found.source.refused is not None
    assert found.source.refused.version == "v2"


def test_a_refused_first_one_leaves_nothing(bucket: Bucket, receiver: Receiver) -> None:
    bucket.versions["v1"] = BROKEN["no zip"]
    for known in (None, {"bundle": None}):
        found = receiver.receive("orders", known)
        assert isinstance(found, Refusal)
        assert (found.code, found.version) == ("BadArchive", "v1")


def test_what_is_wrong_with_a_document_is_told_by_its_lines(root: Path, bucket: Bucket, receiver: Receiver) -> None:
    bucket.put(packed(root))
    before = status(receiver.receive("orders", None))
    good = (root / "desired_state/orders.yaml").read_text()
    later = packed(root, 6)
    (root / "desired_state/orders.yaml").write_text(good.replace("ttlSeconds: 10", "ttlSeconds: 1"))
    bucket.versions["v2"] = _with_document(later, (root / "desired_state/orders.yaml").read_bytes())
    found = receiver.receive("orders", before)
    assert isinstance(found, Received)
    assert found.source.refused is not None
    assert found.source.refused.code == "InvalidDesiredState"
    assert "desired_state/orders.yaml:" in found.source.refused.message


def _with_document(made: Any, document: bytes) -> bytes:
    """The same bundle around another document, with a digest that fits."""
    from reconciler.load import bundle, manifest
    from tests.fakes.bundles import commit

    fields = manifest.made(
        "orders",
        made.bundle.document,
        commit(made.bundle.generation),
        rollback=False,
        code=made.bundle.code,
        document_sha256=bundle._hash(document),
    )
    return archive.packed({"manifest.json": manifest.text(fields), made.bundle.document: document})


def test_an_older_one_is_refused_and_a_rollback_is_not_undone(root: Path, bucket: Bucket, receiver: Receiver) -> None:
    bucket.put(packed(root, 5))
    at_five = status(receiver.receive("orders", None))
    bucket.put(packed(root, 4))
    found = receiver.receive("orders", at_five)
    assert isinstance(found, Received)
    assert (found.source.bundle.generation, found.source.refused and found.source.refused.code) == (
        5,
        "OlderGeneration",
    )

    bucket.put(packed(root, 3, rollback=True))
    found = receiver.receive("orders", at_five)
    assert isinstance(found, Received)
    assert (found.source.bundle.generation, found.source.refused) == (3, None)
    back = status(found, Accepted.recorded(at_five))
    again = receiver.receive("orders", back)
    assert isinstance(again, Received)
    # The very version that is in force is no older one.
    assert (again.topology, again.source.bundle) == (found.topology, found.source.bundle)

    bucket.put(packed(root, 5))  # the workflow of generation 5 runs again
    found = receiver.receive("orders", back)
    assert isinstance(found, Received)
    assert (found.source.bundle.generation, found.source.refused and found.source.refused.code) == (
        3,
        "OlderGeneration",
    )
    bucket.put(packed(root, 6))
    found = receiver.receive("orders", back)
    assert isinstance(found, Received)
    assert (found.source.bundle.generation, found.source.refused) == (6, None)


def test_code_that_is_missing_or_another_is_refused(root: Path, bucket: Bucket, receiver: Receiver) -> None:
    made = packed(root)
    bucket.put(made, code=False)
    found = receiver.receive("orders", None)
    assert isinstance(found, Refusal)
    assert found.code == "CodeMissing"
    ((digest, _),) = made.code.items()
    bucket.codes[digest] = archive.packed({"app.py": b"evil"})
    found = receiver.receive("orders", None)
    assert isinstance(found, Refusal)
    assert found.code == "WrongDigest"
    assert not (receiver.cache / "code" / digest).exists()
    bucket.codes.update(made.code)
    assert isinstance(receiver.receive("orders", None), Received)


def test_a_bundle_for_another_account_or_name_is_refused(root: Path, bucket: Bucket, receiver: Receiver) -> None:
    text = (root / "desired_state/orders.yaml").read_text()
    repository(root, text.replace('"111111111111"', '"222222222222"'))
    bucket.put(packed(root, 5))
    found = receiver.receive("orders", None)
    assert isinstance(found, Refusal)
    assert found.code == "WrongAccount"
    repository(root, text.replace("name: orders ", "name: bills "))
    bucket.put(packed(root, 6))
    found = receiver.receive("orders", None)
    assert isinstance(found, Refusal)
    assert found.code == "WrongTopology"


def test_an_aws_that_does_not_answer_is_no_refusal(
    root: Path, bucket: Bucket, receiver: Receiver, monkeypatch: Any
) -> None:
    bucket.put(packed(root))

    def throttled(digest: str) -> bytes:
        raise Throttled("s3:GetObject: slow down")

    monkeypatch.setattr(bucket, "code", throttled)
    with pytest.raises(Throttled):
        receiver.receive("orders", None)
    assert [p for p in (receiver.cache / "bundles").iterdir() if p.is_dir()] == []


def test_the_very_version_for_the_synthesis(root: Path, bucket: Bucket, receiver: Receiver) -> None:
    made = packed(root)
    bucket.put(made)
    bucket.put(packed(root, 6))
    assert receiver.very("orders", "v1")[1] == with_version(made, "v1").bundle
    assert receiver.very("orders", "")[1].generation == 6


def test_what_is_kept_is_bounded(
    root: Path, bucket: Bucket, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put(packed(root, 1))
    assert isinstance(receiver.receive("orders", None), Received)
    one = receiving._size(next((receiver.cache / "bundles").iterdir()))
    monkeypatch.setattr(receiving, "KEPT_BYTES", 3 * one)
    for generation in range(2, 9):
        bucket.put(packed(root, generation))
        found = receiver.receive("orders", None)
        assert isinstance(found, Received)
        assert found.topology.root.is_dir()
    assert len(list((receiver.cache / "bundles").iterdir())) <= 3
