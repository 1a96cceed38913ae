"""Objects that are not there, as S3 shows them to those who may not list the bucket."""

from __future__ import annotations

from tests.embedded.iam_world import World, allow, refused

BUCKET = "some-bucket"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"


def test_who_may_not_list_is_not_told_that_there_is_no_such_key(world: World) -> None:
    """API reference, GetObject and HeadObject: 404 with s3:ListBucket, else 403 [V]."""
    world.aws.client("s3").create_bucket(Bucket=BUCKET)
    reader = world.assume("reader", allow("s3:GetObject", resource=OBJECTS))
    with refused("AccessDenied"):
        reader.client("s3").get_object(Bucket=BUCKET, Key="none")
    with refused("403"):
        reader.client("s3").head_object(Bucket=BUCKET, Key="none")
    both = world.assume(
        "lister", allow("s3:GetObject", resource=OBJECTS), allow("s3:ListBucket", resource=f"arn:aws:s3:::{BUCKET}")
    )
    with refused("NoSuchKey"):
        both.client("s3").get_object(Bucket=BUCKET, Key="none")
    with refused("404"):
        both.client("s3").head_object(Bucket=BUCKET, Key="none")
