"""With `--iam` every signature is verified, root's too, and a refusal has the code of the service that is asked."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import botocore.auth
import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.embedded.iam_world import ACCOUNT, Caller, World, allow, document, refused, session

# By the protocols that our services speak: the code for a wrong signature, an unknown key, an expired request.
CODES = {
    ("sts", "get_caller_identity"): ("SignatureDoesNotMatch", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ("rds", "describe_db_clusters"): ("SignatureDoesNotMatch", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ("cloudformation", "describe_stacks"): ("SignatureDoesNotMatch", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ("route53", "list_hosted_zones"): ("SignatureDoesNotMatch", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ("s3", "list_buckets"): ("SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed"),
    ("ec2", "describe_vpcs"): ("AuthFailure", "AuthFailure", "AuthFailure"),
    ("dynamodb", "list_tables"): ("InvalidSignatureException", "UnrecognizedClientException", "InvalidSignatureException"),
    ("lambda", "list_functions"): ("InvalidSignatureException", "UnrecognizedClientException", "InvalidSignatureException"),
    ("apigateway", "get_rest_apis"): ("InvalidSignatureException", "UnrecognizedClientException", "InvalidSignatureException"),
}  # fmt: skip


def call(caller: Caller, service: str, operation: str) -> Any:
    return getattr(caller.client(service), operation)()


@pytest.mark.parametrize(("service", "operation"), CODES)
def test_a_wrong_secret_and_an_unknown_key_are_refused(world: World, service: str, operation: str) -> None:
    wrong, unknown, _ = CODES[service, operation]
    call(Caller(world.aws, ACCOUNT, "test"), service, operation)
    with refused(wrong):
        call(Caller(world.aws, ACCOUNT, "tset"), service, operation)
    with refused(unknown):
        call(Caller(world.aws, "AKIAIOSFODNN7EXAMPLE", "test"), service, operation)


@pytest.mark.parametrize(("service", "operation"), CODES)
def test_a_request_that_is_too_old_is_refused_by_the_wall_clock(
    world: World, monkeypatch: pytest.MonkeyPatch, service: str, operation: str
) -> None:
    world.aws.control("clock", {"speed": 100_000})  # an hour in 36 ms: what is signed now is good all the same
    root = Caller(world.aws, ACCOUNT, "test")
    call(root, service, operation)
    then = datetime.now(timezone.utc) - timedelta(minutes=16)  # noqa: UP017
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: then.replace(tzinfo=None))
    with refused(CODES[service, operation][2]):
        call(root, service, operation)


def test_users_and_sessions_are_verified_too(world: World) -> None:
    user = world.user("ann", allow("sts:*"))
    assert user.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ann"
    with refused("SignatureDoesNotMatch"):
        Caller(world.aws, user.key, "x").client("sts").get_caller_identity()
    reader = session(user, world.role("reader", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}))
    assert reader.client("sts").get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/test"
    with refused("InvalidClientTokenId"):  # a session's key without its token is nobody's
        Caller(world.aws, reader.key, reader.secret).client("sts").get_caller_identity()
    with refused("InvalidToken"):
        Caller(world.aws, reader.key, reader.secret, "another").client("s3").list_buckets()


def test_a_session_lasts_by_the_wall_clock(world: World) -> None:
    user = world.user("ann")
    reader = session(user, world.role("reader", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}), DurationSeconds=900)
    now = rfc3339(world.aws.control("clock", {"speed": 100_000})[1]["now"])
    passed = lambda: rfc3339(world.aws.control("clock")[1]["now"]) - now > timedelta(hours=1)  # noqa: E731
    world.aws.until(passed)
    assert reader.client("sts").get_caller_identity()["Account"] == ACCOUNT


def rfc3339(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_deactivated_key_is_refused(world: World) -> None:
    user = world.user("ann")
    world.aws.client("iam").update_access_key(UserName="ann", AccessKeyId=user.key, Status="Inactive")
    with refused("InvalidClientTokenId"):
        user.client("sts").get_caller_identity()


def signed(world: World, service: str, method: str, path: str, body: bytes, **headers: str) -> Callable[..., Any]:
    """A request of root's, to be sent as it is or changed."""
    request = AWSRequest(method=method, url=f"{world.aws.url}{path}", data=body, headers=headers)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(ACCOUNT, "test"), service, "us-east-1").add_auth(request)

    def send(changed: bytes = body, **more: str) -> tuple[int, bytes]:
        final = urllib.request.Request(
            request.url, data=changed, method=method, headers={**dict(request.headers.items()), **more}
        )
        try:
            with urllib.request.urlopen(final) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    return send


def test_a_body_or_a_signed_header_that_was_changed_on_the_way_is_refused(world: World) -> None:
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    send = signed(world, "dynamodb", "POST", "/", b"{}", **target)
    assert send()[0] == 200
    assert b"InvalidSignatureException" in send(b'{"Limit": 1}')[1]
    assert b"InvalidSignatureException" in send(**{"X-amz-target": "DynamoDB_20120810.DescribeLimits"})[1]


def test_the_hash_of_a_body_that_a_request_claims_is_not_believed(world: World) -> None:
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    send = signed(world, "dynamodb", "POST", "/", b"{}", **target, **{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert send()[0] == 400
    world.aws.client("s3").create_bucket(Bucket="some-bucket")
    send = signed(world, "s3", "PUT", "/some-bucket/key", b"one")  # with the hash of its body in a signed header
    assert send()[0] == 200
    status, answer = send(b"two")
    assert status == 400
    assert b"XAmzContentSHA256Mismatch" in answer
    assert world.aws.client("s3").get_object(Bucket="some-bucket", Key="key")["Body"].read() == b"one"


def test_who_has_no_credentials_gets_nothing(world: World) -> None:
    nobody = {"region_name": "us-east-1", "endpoint_url": world.aws.url, "config": Config(signature_version=UNSIGNED)}
    world.aws.client("s3").create_bucket(Bucket="some-bucket")
    world.aws.client("s3").put_object(Bucket="some-bucket", Key="key", Body=b"one")
    s3 = boto3.client("s3", **nobody)
    for refused_call in (
        lambda: s3.get_object(Bucket="some-bucket", Key="key"),
        lambda: s3.put_object(Bucket="some-bucket", Key="key", Body=b"two"),
        lambda: s3.list_objects_v2(Bucket="some-bucket"),
        lambda: s3.delete_bucket(Bucket="some-bucket"),
        s3.list_buckets,
    ):
        with refused("AccessDenied"):
            refused_call()
    with refused("MissingAuthenticationToken"):
        boto3.client("rds", **nobody).describe_db_clusters()
    everybody = allow("s3:GetObject", resource="arn:aws:s3:::some-bucket/*", Principal="*")
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
    world.aws.client("s3").put_public_access_block(Bucket="some-bucket", PublicAccessBlockConfiguration=block)
    world.aws.client("s3").put_bucket_policy(Bucket="some-bucket", Policy=document(everybody))
    assert boto3.client("s3", **nobody).get_object(Bucket="some-bucket", Key="key")["Body"].read() == b"one"


def test_a_presigned_address_is_good_for_what_was_signed(world: World) -> None:
    s3 = world.aws.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="key", Body=b"one")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "some-bucket", "Key": "key"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"one"
    for changed in (url.replace("/key?", "/other?"), url.replace("Signature=", "Signature=0")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(changed)


def test_control_endpoints_need_no_signature(world: World) -> None:
    assert world.aws.control("clock", {"speed": 600})[0] == 200


def test_any_credentials_do_without_the_option(aws: Any) -> None:
    assert Caller(aws, ACCOUNT, "whatever").client("rds").describe_db_clusters()["DBClusters"] == []
