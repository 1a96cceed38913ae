"""The key, the revision bucket and the queue.

Bucket and key are retained: what was desired, and what was done about it, outlives the control plane. Made anew, it adopts both by
import: only that key opens what lies in the bucket.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from cdk_app.stacks.base import MeridianStack, arn, policy, statement, sub, tls_statement
from reconciler.model.control import DEAD_LETTERS, QUEUE, revision_bucket

REVISIONS = revision_bucket("${AWS::AccountId}", "${AWS::Region}")
ALIAS = "alias/meridian-control"
VISIBILITY = 240
"""Seconds; more than a pass may take, or two would work on one message."""
RECEIVES = 5
"""How often a message is tried before it is put aside."""
TWO_WEEKS = 1_209_600
RECORD_DAYS = 90
OLD_REVISION_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class Storage:
    key_arn: str
    bucket: str
    queue_arn: str
    queue_url: str


def add_storage(stack: MeridianStack) -> Storage:
    key = _key(stack)
    bucket = _bucket(stack, key)
    queue = _queues(stack, key)
    return Storage(key_arn=key, bucket=bucket.ref, queue_arn=queue.attr_arn, queue_url=queue.ref)


def _key(stack: MeridianStack) -> str:
    """Its ARN."""
    key = kms.CfnKey(
        stack,
        "Key",
        description="revisions, messages and alarms of meridian's control plane",
        enable_key_rotation=True,
        key_policy=policy(
            statement("Allow", "kms:*", "*", Principal={"AWS": sub(arn("iam", "root", region=""))}),
            # An alarm that may not use the topic's key is never heard.
            statement(
                "Allow",
                ["kms:Decrypt", "kms:GenerateDataKey*"],
                "*",
                Principal={"Service": "cloudwatch.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": sub("${AWS::AccountId}")}},
            ),
        ),
    )
    key.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    kms.CfnAlias(stack, "KeyAlias", alias_name=ALIAS, target_key_id=key.ref)
    return key.attr_arn


def _bucket(stack: MeridianStack, key: str) -> s3.CfnBucket:
    """EventBridge hears of every object; the rules choose."""
    bucket = s3.CfnBucket(
        stack,
        "Revisions",
        bucket_name=cdk.Fn.sub(REVISIONS),
        bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
            server_side_encryption_configuration=[
                s3.CfnBucket.ServerSideEncryptionRuleProperty(
                    bucket_key_enabled=True,
                    server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                        sse_algorithm="aws:kms", kms_master_key_id=key
                    ),
                )
            ]
        ),
        **private(),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        notification_configuration=s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        ),
        lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
            rules=[
                _expiring("runs", RECORD_DAYS),
                _expiring("reports", RECORD_DAYS),  # of a topology that lives, a quarter of an hour old at most
                *(_superseded(name) for name in ("revisions", "code", "heads", "templates")),
                s3.CfnBucket.RuleProperty(
                    id="unfinished",
                    status="Enabled",
                    abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                        days_after_initiation=1
                    ),
                ),
            ]
        ),
    )
    bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    tls_only(stack, "RevisionsPolicy", bucket)
    return bucket


def _expiring(prefix: str, days: int) -> s3.CfnBucket.RuleProperty:
    gone = s3.CfnBucket.NoncurrentVersionExpirationProperty(noncurrent_days=1)
    return s3.CfnBucket.RuleProperty(
        id=prefix,
        status="Enabled",
        prefix=f"{prefix}/",
        expiration_in_days=days,
        noncurrent_version_expiration=gone,
    )


def _superseded(prefix: str) -> s3.CfnBucket.RuleProperty:
    """The newest version is what is desired, or made from it: it never expires, though it may be written once only."""
    return s3.CfnBucket.RuleProperty(
        id=prefix,
        status="Enabled",
        prefix=f"{prefix}/",
        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
            noncurrent_days=OLD_REVISION_DAYS
        ),
    )


def private() -> dict[str, Any]:
    """Settings of a bucket that nobody outside the account reads."""
    return {
        "public_access_block_configuration": s3.CfnBucket.PublicAccessBlockConfigurationProperty(
            block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
        ),
        "ownership_controls": s3.CfnBucket.OwnershipControlsProperty(
            rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
        ),
    }


def tls_only(stack: MeridianStack, logical: str, bucket: s3.CfnBucket, *more: dict[str, Any]) -> s3.CfnBucketPolicy:
    """The bucket's policy. Not retained, unlike the bucket: it cannot be found by a name when the stack is made anew."""
    refused = tls_statement("s3:*", [bucket.attr_arn, f"{bucket.attr_arn}/*"])
    return s3.CfnBucketPolicy(stack, logical, bucket=bucket.ref, policy_document=policy(refused, *more))


def _queues(stack: MeridianStack, key: str) -> sqs.CfnQueue:
    common: dict[str, Any] = {"kms_master_key_id": key, "kms_data_key_reuse_period_seconds": 3600}
    dead = sqs.CfnQueue(
        stack,
        "DeadLetters",
        queue_name=DEAD_LETTERS,
        message_retention_period=TWO_WEEKS,
        redrive_allow_policy={
            "redrivePermission": "byQueue",
            "sourceQueueArns": [sub(arn("sqs", QUEUE))],
        },
        **common,
    )
    queue = sqs.CfnQueue(
        stack,
        "Queue",
        queue_name=QUEUE,
        visibility_timeout=VISIBILITY,
        message_retention_period=TWO_WEEKS,
        redrive_policy={"deadLetterTargetArn": dead.attr_arn, "maxReceiveCount": RECEIVES},
        **common,
    )
    refused = tls_statement("sqs:*", "*")
    sqs.CfnQueuePolicy(stack, "QueuePolicy", queues=[queue.ref, dead.ref], policy_document=policy(refused))
    return queue
