"""S3: a bucket must be empty before it can go, and a key has an end."""

from ministack.services import s3

from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused

PATCHED: tuple[str, ...] = (
    "ministack.services.s3._buckets",
    "ministack.services.s3._error",
    "ministack.services.s3._object_versions",
    "ministack.services.s3._put_object",
)


def check_empty(name: str) -> None:
    """DeleteBucket: BucketNotEmpty, object versions and delete markers included [V: S3 error responses]."""
    objects = (s3._buckets.get(name) or {}).get("objects") or {}
    versions = [key for key, kept in s3._object_versions.items() if key[0] == name and kept]
    if objects or versions:
        raise Refused(
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty"
            + (". You must delete all versions in the bucket." if versions else ""),
            409,
        )


def check_key(_bucket: str, key: str, *_: object) -> None:
    """PutObject: KeyTooLongError, 1,024 bytes of UTF-8 (Object key naming guidelines [V])."""
    if len(key.encode()) > 1024:
        raise Refused("KeyTooLongError", "Your key is too long")


def install() -> None:
    on_call(s3, "_put_object", check_key, s3._error)
    on_stack("AWS::S3::Bucket", delete=lambda name, _: check_empty(name))
