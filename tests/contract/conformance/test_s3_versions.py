"""S3: a bucket that keeps every version, in which a writer replaces only what it has seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused

COST = "a few requests: less than a cent"
CONDITIONAL = "User guide, Prevent object overwrites with conditional writes [V]"
VERSIONS = "User guide, Using versioning [V]"


@pytest.fixture
def s3(aws: Target) -> Any:
    return aws.client("s3")


@pytest.fixture
def bucket(aws: Target, s3: Any) -> str:
    name = aws.name("versions")
    s3.create_bucket(Bucket=name)
    aws.later(s3.delete_bucket, Bucket=name)
    aws.later(_emptied, s3=s3, name=name)
    tags = [{"Key": key, "Value": value} for key, value in aws.tags.items()]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def _emptied(s3: Any, name: str) -> None:
    found = s3.list_object_versions(Bucket=name)
    for version in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
        s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])


def read(s3: Any, bucket: str, key: str = "key", **which: str) -> tuple[bytes, str]:
    found = s3.get_object(Bucket=bucket, Key=key, **which)
    return found["Body"].read(), found["VersionId"]


@success("s3:GetObject", source=VERSIONS)
@refusal("s3:GetObject", "NoSuchKey", source=VERSIONS)
@refusal("s3:GetObject", "NoSuchVersion", source="Error responses [V]")
@real(COST)
def test_every_version_stays_as_it_was(s3: Any, bucket: str) -> None:
    refused(s3.get_object, "NoSuchKey", Bucket=bucket, Key="key")
    one, two = (s3.put_object(Bucket=bucket, Key="key", Body=body)["VersionId"] for body in (b"one", b"two"))
    assert read(s3, bucket) == (b"two", two)
    assert read(s3, bucket, VersionId=one) == (b"one", one)
    other = s3.put_object(Bucket=bucket, Key="other", Body=b"x")["VersionId"]
    refused(s3.get_object, "NoSuchVersion", Bucket=bucket, Key="key", VersionId=other)


@success("s3:PutObject", source=CONDITIONAL)
@refusal("s3:PutObject", "PreconditionFailed", source=CONDITIONAL)
@refusal("s3:PutObject", "NoSuchKey", source=f"{CONDITIONAL}: If-Match on what is not there, or was deleted, is a 404")
@real(COST)
def test_a_writer_replaces_what_it_has_seen_and_nothing_else(s3: Any, bucket: str) -> None:
    put = {"Bucket": bucket, "Key": "key"}
    refused(s3.put_object, "NoSuchKey", Body=b"x", IfMatch='"0123456789abcdef0123456789abcdef"', **put)
    first = s3.put_object(Body=b"one", IfNoneMatch="*", Metadata={"generation": "1"}, **put)["ETag"]
    refused(s3.put_object, "PreconditionFailed", Body=b"two", IfNoneMatch="*", **put)
    s3.put_object(Body=b"two", IfMatch=first, Metadata={"generation": "2"}, **put)
    refused(s3.put_object, "PreconditionFailed", Body=b"three", IfMatch=first, **put)
    assert read(s3, bucket)[0] == b"two"
    assert s3.head_object(**put)["Metadata"] == {"generation": "2"}
    s3.delete_object(**put)
    refused(s3.put_object, "NoSuchKey", Body=b"three", IfMatch=first, **put)
    s3.put_object(Body=b"anew", IfNoneMatch="*", **put)
    assert read(s3, bucket)[0] == b"anew"


@success("s3:DeleteObject", source=VERSIONS)
@real(COST)
def test_what_is_deleted_is_hidden_and_its_versions_stay(s3: Any, bucket: str) -> None:
    version = s3.put_object(Bucket=bucket, Key="key", Body=b"one")["VersionId"]
    for _ in range(2):  # what is gone is deleted as well
        assert s3.delete_object(Bucket=bucket, Key="key")["DeleteMarker"] is True
    refused(s3.get_object, "NoSuchKey", Bucket=bucket, Key="key")
    refused(s3.head_object, "404", Bucket=bucket, Key="key")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert read(s3, bucket, VersionId=version)[0] == b"one"


@success("s3:ListObjectsV2", source="API reference, ListObjectsV2: in order, page by page [V]")
@real(COST)
def test_keys_are_listed_below_a_prefix_page_by_page(s3: Any, bucket: str) -> None:
    for key in ("a/3", "a/1", "b/1", "a/2"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="a/", PaginationConfig={"PageSize": 2})
    assert [[item["Key"] for item in page["Contents"]] for page in pages] == [["a/1", "a/2"], ["a/3"]]


@refusal("s3:GetObject", "NoSuchBucket", source="Error responses [V]")
@refusal("s3:DeleteObject", "NoSuchBucket", source="Error responses [V]")
@refusal("s3:ListObjectsV2", "NoSuchBucket", source="Error responses [V]")
@real("nothing")
def test_nothing_without_the_bucket(aws: Target, s3: Any) -> None:
    name = aws.name("none")
    refused(s3.get_object, "NoSuchBucket", Bucket=name, Key="key")
    refused(s3.delete_object, "NoSuchBucket", Bucket=name, Key="key")
    refused(s3.list_objects_v2, "NoSuchBucket", Bucket=name)
