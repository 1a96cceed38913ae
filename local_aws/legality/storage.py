"""S3 and KMS: a bucket must be empty before it can go."""

from ministack.services import s3

from local_aws.legality.guard import Refused, on_stack

PATCHED: tuple[str, ...] = ("ministack.services.s3._buckets", "ministack.services.s3._object_versions")


def check_empty(name: str) -> None:
    """DeleteBucket: BucketNotEmpty, object versions and delete markers included."""
    objects = (s3._buckets.get(name) or {}).get("objects") or {}
    versions = [key for key, kept in s3._object_versions.items() if key[0] == name and kept]
    if objects or versions:
        raise Refused(
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty"
            + (". You must delete all versions in the bucket." if versions else ""),
            409,
        )


def install() -> None:
    on_stack("AWS::S3::Bucket", delete=lambda name, _: check_empty(name))
