"""What is kept under a key of the account's takes the right to the key, too."""

from __future__ import annotations

from tests.embedded.iam_world import World, allow, refused

BUCKET = "kept"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"


def test_publishing_to_an_encrypted_topic_takes_its_key(world: World) -> None:
    """SNS Developer Guide, key management: kms:GenerateDataKey* and kms:Decrypt [V]."""
    sns, key = world.aws.client("sns"), world.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    topic = sns.create_topic(Name="events", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    publish = allow("sns:Publish", resource=topic)
    for number, may in enumerate(((), ("kms:Decrypt",), ("kms:GenerateDataKey",))):
        more = [allow(*may, resource=key)] if may else []
        with refused("KMSAccessDenied"):
            world.assume(f"publisher{number}", publish, *more).client("sns").publish(TopicArn=topic, Message="m")
    both = world.assume("both", publish, allow("kms:Decrypt", "kms:GenerateDataKey", resource=key))
    both.client("sns").publish(TopicArn=topic, Message="m")
    with refused("AuthorizationError"):
        world.assume("nobody").client("sns").publish(TopicArn=topic, Message="m")


def test_objects_of_an_encrypted_bucket_take_its_key_through_s3(world: World) -> None:
    """S3 User Guide, SSE-KMS permissions: GetObject needs kms:Decrypt, PutObject kms:GenerateDataKey [V]."""
    s3, key = world.aws.client("s3"), world.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=BUCKET)
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=rules)
    s3.put_object(Bucket=BUCKET, Key="page", Body=b"page")
    reads = allow("s3:GetObject", "s3:PutObject", resource=OBJECTS)
    via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    reader = world.assume("reader", reads, allow("kms:Decrypt", resource=key, Condition=via)).client("s3")
    assert reader.get_object(Bucket=BUCKET, Key="page")["Body"].read() == b"page"
    with refused("AccessDenied"):
        reader.put_object(Bucket=BUCKET, Key="page", Body=b"page")
    with refused("AccessDenied"):
        world.assume("blind", reads).client("s3").get_object(Bucket=BUCKET, Key="page")
