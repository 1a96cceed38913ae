"""The revision bucket, on moto; its conditional writes on the embedded AWS are in the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from reconciler.aws.clients import Clients
from reconciler.aws.revisions import BucketMissing, RevisionBucket
from reconciler.load.bundle import Packed
from reconciler.model.bundle import BundleRefused, Head
from reconciler.model.control import revision_bucket
from tests.fakes.bundles import AT, packed, repository

NAME = revision_bucket("111111111111", "us-east-1")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=NAME)
        client.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def bucket(s3: Any) -> RevisionBucket:
    return RevisionBucket(Clients(), NAME, "us-east-1")


@pytest.fixture
def bundle(tmp_path: Path) -> Packed:
    return packed(repository(tmp_path))


def keys(s3: Any) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=NAME).get("Contents", ())]


def test_what_was_uploaded_is_read_by_name_and_by_version(s3: Any, bucket: RevisionBucket, bundle: Packed) -> None:
    ((digest, data),) = bundle.code.items()
    first = bucket.upload(bundle, None)
    assert keys(s3) == [f"code/{digest}.zip", "revisions/orders.zip"]
    assert bucket.code(digest) == data
    newer = replace(bundle, data=b"newer", bundle=replace(bundle.bundle, generation=6))
    second = bucket.upload(newer, bucket.described("orders"))
    assert first != second
    assert (bucket.latest("orders").data, bucket.latest("orders").version) == (b"newer", second)
    assert bucket.version("orders", first).data == bundle.data
    assert bucket.names() == ("orders",)


def test_what_is_not_there(bucket: RevisionBucket) -> None:
    assert bucket.names() == ()
    assert bucket.latest("orders") is None
    assert bucket.described("orders") is None
    assert bucket.code("0" * 64) is None
    assert bucket.head("orders") is None


def test_the_metadata_say_what_an_upload_may_follow(bucket: RevisionBucket, bundle: Packed) -> None:
    bucket.upload(bundle, None)
    seen = bucket.described("orders")
    assert (seen.accepted.digest, seen.accepted.repository, seen.folder) == (
        bundle.bundle.digest,
        "github.com/acme/apis",
        "desired_state",
    )
    back = replace(bundle, bundle=replace(bundle.bundle, generation=3, rollback=True))
    bucket.upload(back, seen)
    after = bucket.described("orders").accepted
    assert (after.generation, after.mark, after.rollback) == (3, 5, True)


def test_of_two_uploads_at_once_one_is_told(bucket: RevisionBucket, bundle: Packed) -> None:
    bucket.upload(bundle, None)
    seen = bucket.described("orders")
    with pytest.raises(BundleRefused, match="another upload of orders was faster"):
        bucket.upload(bundle, None)
    bucket.upload(replace(bundle, data=b"theirs"), seen)
    with pytest.raises(BundleRefused, match="another upload of orders was faster"):
        bucket.upload(replace(bundle, data=b"ours"), seen)
    assert bucket.latest("orders").data == b"theirs"


def test_code_is_written_once_and_before_the_bundle(s3: Any, bucket: RevisionBucket, bundle: Packed) -> None:
    bucket.upload(bundle, None)
    ((digest, _),) = bundle.code.items()
    bucket.upload(replace(bundle, code={digest: b"other bytes of the same content"}), bucket.described("orders"))
    versions = s3.list_object_versions(Bucket=NAME, Prefix="code/")["Versions"]
    assert len(versions) == 1
    broken = replace(bundle, code={"1" * 64: None})  # cannot be sent
    with pytest.raises(Exception, match="Body"):
        bucket.upload(broken, bucket.described("orders"))
    assert len(s3.list_object_versions(Bucket=NAME, Prefix="revisions/")["Versions"]) == 2


def test_a_bundle_that_was_withdrawn_is_gone_but_its_versions_are_kept(bucket: RevisionBucket, bundle: Packed) -> None:
    version = bucket.upload(bundle, None)
    bucket.announce("orders", Head(commit="f" * 40, generation=9, since=AT))
    bucket.withdraw("orders")
    bucket.withdraw("orders")
    assert (bucket.latest("orders"), bucket.described("orders"), bucket.head("orders")) == (None, None, None)
    assert bucket.names() == ()
    assert bucket.version("orders", version).data == bundle.data
    assert bucket.upload(bundle, None)


def test_where_the_head_is(s3: Any, bucket: RevisionBucket) -> None:
    head = Head(commit="f" * 40, generation=9, since=AT)
    bucket.announce("orders", head)
    assert bucket.head("orders") == head
    for garbage in (
        b"",
        b"{}",
        b"[]",
        b'{"commit": 1, "generation": "x", "since": "never"}',
        b'"' + b"x" * 9000 + b'"',
    ):
        s3.put_object(Bucket=NAME, Key="heads/orders.json", Body=garbage)
        assert bucket.head("orders") is None


def test_an_object_that_is_too_big_is_not_read_to_its_end(s3: Any, bucket: RevisionBucket) -> None:
    s3.put_object(Bucket=NAME, Key="revisions/orders.zip", Body=bytes(1_000_000))
    assert len(bucket.latest("orders").data) == 320 * 1024 + 1


def test_without_a_control_plane_the_way_out_is_said(s3: Any, bundle: Packed) -> None:
    elsewhere = RevisionBucket(Clients(), revision_bucket("222222222222", "us-east-1"), "us-east-1")
    for call in (elsewhere.names, lambda: elsewhere.latest("orders"), lambda: elsewhere.upload(bundle, None)):
        with pytest.raises(BucketMissing, match="`meridian bootstrap` makes it"):
            call()
    elsewhere.withdraw("orders")
