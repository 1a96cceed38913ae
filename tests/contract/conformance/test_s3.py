"""S3: objects that name their content, put once and looked for by their head."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused

COST = "a few requests: less than a cent"


@pytest.fixture
def s3(aws: Target) -> Any:
    return aws.client("s3")


@pytest.fixture
def bucket(aws: Target, s3: Any) -> str:
    name = aws.name("bucket")
    s3.create_bucket(Bucket=name)
    aws.later(s3.delete_bucket, Bucket=name)
    aws.later(s3.delete_object, Bucket=name, Key="key")
    tags = [{"Key": key, "Value": value} for key, value in aws.tags.items()]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    return name


@success("s3:PutObject", source="API reference, PutObject [V]")
@success("s3:HeadObject", source="API reference, HeadObject; strong read-after-write consistency [V]")
@refusal("s3:HeadObject", "404", source="API reference, HeadObject: with s3:ListBucket, a key that is not there [V]")
@real(COST)
def test_an_object_is_there_as_soon_as_it_was_put(s3: Any, bucket: str) -> None:
    refused(s3.head_object, "404", Bucket=bucket, Key="key")
    for content in (b"content", b"other content"):
        etag = s3.put_object(Bucket=bucket, Key="key", Body=content)["ETag"]
        head = s3.head_object(Bucket=bucket, Key="key")
        assert (head["ContentLength"], head["ETag"]) == (len(content), etag)


@refusal("s3:HeadObject", "304", source="API reference, HeadObject, If-None-Match [V]")
@refusal("s3:HeadObject", "412", source="API reference, HeadObject, If-Match [V]")
@refusal("s3:PutObject", "PreconditionFailed", source="Conditional writes: If-None-Match [V]")
@real(COST)
def test_conditions_on_what_is_there(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"content")["ETag"]
    refused(s3.head_object, "304", Bucket=bucket, Key="key", IfNoneMatch=etag)
    refused(s3.head_object, "412", Bucket=bucket, Key="key", IfMatch='"another"')
    refused(s3.put_object, "PreconditionFailed", Bucket=bucket, Key="key", Body=b"x", IfNoneMatch="*")
    assert s3.head_object(Bucket=bucket, Key="key", IfMatch=etag)["ETag"] == etag


@refusal("s3:PutObject", "BadDigest", source="Error responses [V]")
@refusal("s3:PutObject", "InvalidDigest", source="Error responses [V]")
@refusal("s3:PutObject", "KeyTooLongError", source="Object key naming: 1,024 bytes [V]")
@real(COST)
def test_what_did_not_arrive_whole_or_cannot_be_named_is_refused(s3: Any, bucket: str) -> None:
    put = {"Bucket": bucket, "Body": b"content"}
    other = base64.b64encode(bytes(16)).decode()
    refused(s3.put_object, "BadDigest", Key="key", ContentMD5=other, **put)
    refused(s3.put_object, "InvalidDigest", Key="key", ContentMD5="no digest", **put)
    refused(s3.put_object, "KeyTooLongError", Key="é" * 513, **put)
    refused(s3.head_object, "404", Bucket=bucket, Key="key")


@refusal("s3:PutObject", "NoSuchBucket", source="Error responses [V]")
@refusal("s3:HeadObject", "404", source="API reference, HeadObject: a bucket that is not there [V]")
@real("nothing")
def test_an_object_needs_its_bucket(aws: Target, s3: Any) -> None:
    refused(s3.put_object, "NoSuchBucket", Bucket=aws.name("none"), Key="key", Body=b"x")
    refused(s3.head_object, "404", Bucket=aws.name("none"), Key="key")


@success("s3:GetObject", source="API reference, GetObject; strong read-after-write consistency [V]")
@refusal(
    "s3:GetObject", "NoSuchKey", source="API reference, GetObject: with s3:ListBucket, a key that is not there [V]"
)
@refusal("s3:GetObject", "NoSuchBucket", source="Error responses [V]")
@real(COST)
def test_an_object_is_read_whole_as_it_was_put_last(aws: Target, s3: Any, bucket: str) -> None:
    refused(s3.get_object, "NoSuchKey", Bucket=bucket, Key="key")
    refused(s3.get_object, "NoSuchBucket", Bucket=aws.name("none"), Key="key")
    for content in (b"content", b"\x1f\x8b\x00 other content"):
        s3.put_object(Bucket=bucket, Key="key", Body=content, ContentType="application/gzip")
        found = s3.get_object(Bucket=bucket, Key="key")
        assert (found["Body"].read(), found["ContentType"]) == (content, "application/gzip")


@refusal("s3:GetObject", "304", source="API reference, GetObject, If-None-Match [V]")
@refusal("s3:GetObject", "PreconditionFailed", source="API reference, GetObject, If-Match [V]")
@refusal("s3:GetObject", "InvalidRange", source="Error responses [V]")
@real(COST)
def test_reading_goes_by_conditions_too(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"content")["ETag"]
    refused(s3.get_object, "304", Bucket=bucket, Key="key", IfNoneMatch=etag)
    refused(s3.get_object, "PreconditionFailed", Bucket=bucket, Key="key", IfMatch='"another"')
    refused(s3.get_object, "InvalidRange", Bucket=bucket, Key="key", Range="bytes=7-9")
    assert s3.get_object(Bucket=bucket, Key="key", Range="bytes=2-4")["Body"].read() == b"nte"


@success("s3:GetBucketEncryption", source="API reference, GetBucketEncryption [V]")
@refusal("s3:GetBucketEncryption", "NoSuchBucket", source="Error responses [V]")
@real(COST)
def test_every_bucket_is_encrypted_and_says_with_what(aws: Target, s3: Any, bucket: str) -> None:
    """Without a word about it, with S3's own keys [V: "Setting default server-side encryption behavior", since January 2023]."""
    refused(s3.get_bucket_encryption, "NoSuchBucket", Bucket=aws.name("none"))

    def default() -> dict[str, Any]:
        (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        return dict(rule["ApplyServerSideEncryptionByDefault"])

    assert default() == {"SSEAlgorithm": "AES256"}
    key = f"arn:aws:kms:us-east-1:{aws.account()}:alias/aws/s3"
    asked = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": asked, "BucketKeyEnabled": True}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
    assert default() == asked
