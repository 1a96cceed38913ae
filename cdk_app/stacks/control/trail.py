"""The trail without which EventBridge hears of no API call; made only where `bootstrap` found none.

Of every Region, for databases and functions are changed where they are, and of writes alone. The first copy of management events
costs nothing but its storage.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_s3 as s3

from cdk_app.stacks.base import MeridianStack, arn, statement, sub
from cdk_app.stacks.control.storage import private, tls_only

TRAIL = "meridian"
DAYS = 90


def add_trail(stack: MeridianStack) -> None:
    wanted = stack.text("MakeTrail", pattern="yes|no", default="no")
    make = cdk.CfnCondition(stack, "TrailIsMissing", expression=cdk.Fn.condition_equals(wanted, "yes"))
    bucket = s3.CfnBucket(
        stack,
        "TrailBucket",
        bucket_name=cdk.Fn.sub("meridian-trail-${AWS::AccountId}-${AWS::Region}"),
        bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
            server_side_encryption_configuration=[
                s3.CfnBucket.ServerSideEncryptionRuleProperty(
                    server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                        sse_algorithm="AES256"
                    )
                )
            ]
        ),
        **private(),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
            rules=[
                s3.CfnBucket.RuleProperty(
                    id="old",
                    status="Enabled",
                    expiration_in_days=DAYS,
                    noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(noncurrent_days=1),
                )
            ]
        ),
    )
    bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    writer = {"Principal": {"Service": "cloudtrail.amazonaws.com"}}
    ours = {"aws:SourceArn": sub(arn("cloudtrail", f"trail/{TRAIL}"))}
    admitted = tls_only(
        stack,
        "TrailBucketPolicy",
        bucket,
        statement("Allow", "s3:GetBucketAcl", bucket.attr_arn, Condition={"StringEquals": ours}, **writer),
        statement(
            "Allow",
            "s3:PutObject",
            cdk.Fn.join("", [bucket.attr_arn, "/AWSLogs/", cdk.Aws.ACCOUNT_ID, "/*"]),
            Condition={"StringEquals": {**ours, "s3:x-amz-acl": "bucket-owner-full-control"}},
            **writer,
        ),
    )
    trail = cloudtrail.CfnTrail(
        stack,
        "Trail",
        trail_name=TRAIL,
        s3_bucket_name=bucket.ref,
        is_logging=True,
        is_multi_region_trail=True,
        include_global_service_events=True,
        enable_log_file_validation=True,
        event_selectors=[
            cloudtrail.CfnTrail.EventSelectorProperty(read_write_type="WriteOnly", include_management_events=True)
        ],
    )
    trail.add_resource_dependency(admitted)
    for resource in (bucket, admitted, trail):
        resource.cfn_options.condition = make
