"""Stack `foundation`: what every topology of the account shares in one Region.

The asset bucket is in every Region; the table that holds leases, status and journal is in the home Region only. API
Gateway writes access logs only when the account names a role for it, once per Region: that belongs to no topology, so
it is here. All of it is retained: the reconciler adopts it again when the stack is made anew.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_app.stacks.base import MeridianStack, policy, tls_statement, trust
from reconciler.model.topology import Topology

OLD_VERSION_DAYS = 90


class Foundation(MeridianStack):
    def __init__(self, scope: Construct, topology: Topology, *, artifact: str, region: str | None, home: bool) -> None:
        super().__init__(scope, topology, "foundation", artifact=artifact, region=region)
        self._assets()
        self._access_logging()
        if home:
            self._state()

    def _assets(self) -> None:
        bucket = s3.CfnBucket(
            self,
            "Assets",
            bucket_name=cdk.Fn.sub("meridian-assets-${AWS::AccountId}-${AWS::Region}"),
            bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
                server_side_encryption_configuration=[
                    s3.CfnBucket.ServerSideEncryptionRuleProperty(
                        server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                            sse_algorithm="AES256"
                        )
                    )
                ]
            ),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
            ),
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
            ),
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[
                    s3.CfnBucket.RuleProperty(
                        id="old-versions",
                        status="Enabled",
                        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                            noncurrent_days=OLD_VERSION_DAYS
                        ),
                        abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                            days_after_initiation=1
                        ),
                    )
                ]
            ),
        )
        bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        tls_only = tls_statement("s3:*", [bucket.attr_arn, f"{bucket.attr_arn}/*"])
        s3.CfnBucketPolicy(
            self, "AssetsPolicy", bucket=bucket.ref, policy_document=policy(tls_only)
        ).apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self.output("AssetBucket", bucket.ref)

    def _access_logging(self) -> None:
        role = iam.CfnRole(
            self,
            "GatewayLogRole",
            assume_role_policy_document=policy(trust({"Service": "apigateway.amazonaws.com"})),
            managed_policy_arns=[
                cdk.Fn.sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")
            ],
        )
        account = apigateway.CfnAccount(self, "GatewayAccount", cloud_watch_role_arn=role.attr_arn)
        for resource in (role, account):
            resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)

    def _state(self) -> None:
        table = dynamodb.CfnTable(
            self,
            "State",
            table_name="meridian-state",
            billing_mode="PAY_PER_REQUEST",
            attribute_definitions=[
                dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=name, attribute_type="S")
                for name in ("pk", "sk")
            ],
            key_schema=[
                dynamodb.CfnTable.KeySchemaProperty(attribute_name="pk", key_type="HASH"),
                dynamodb.CfnTable.KeySchemaProperty(attribute_name="sk", key_type="RANGE"),
            ],
            time_to_live_specification=dynamodb.CfnTable.TimeToLiveSpecificationProperty(
                attribute_name="expires", enabled=True
            ),
            point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
                point_in_time_recovery_enabled=True
            ),
            sse_specification=dynamodb.CfnTable.SSESpecificationProperty(sse_enabled=True),
            deletion_protection_enabled=True,
        )
        table.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self.output("StateTable", table.ref)
