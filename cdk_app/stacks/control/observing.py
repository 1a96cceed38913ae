"""What whoever looks may do, people, pull requests and the reconciler alike."""

from __future__ import annotations

from cdk_app.stacks.base import Statement, arn, role_arn, sub
from cdk_app.stacks.control.rights import REPORTS, TABLE, allow, through_s3


def observer(key: str) -> list[Statement]:
    """Everything a pass reads, and nothing that is secret: no parameter, secret, code or message. Whoever may read the status may
    read the page that is made from it; `key` opens that."""
    return [
        allow(
            [
                "acm:DescribeCertificate",
                "acm:ListTagsForCertificate",
                "apigateway:GET",
                "cloudformation:Describe*",
                "cloudformation:GetStackPolicy",
                "cloudformation:GetTemplate",
                "cloudformation:List*",
                "cloudfront:GetDistribution",
                "cloudfront:GetDistributionConfig",
                "cloudfront:GetResponseHeadersPolicy",
                "cloudfront:ListDistributions",
                "cloudfront:ListTagsForResource",
                "cloudtrail:DescribeTrails",
                "cloudtrail:GetEventSelectors",
                "cloudtrail:GetTrailStatus",
                "cloudtrail:LookupEvents",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:GetMetricData",
                "cloudwatch:ListTagsForResource",
                "ec2:Describe*",
                # Of every role, for it takes no resource: one call where each role of ours would need six.
                "iam:GetAccountAuthorizationDetails",
                "iam:ListOpenIDConnectProviders",
                "lambda:GetAccountSettings",
                "logs:Describe*",
                "rds:Describe*",
                "rds:ListTagsForResource",
                "route53:Get*",
                "route53:List*",
                "route53:TestDNSAnswer",
                "servicequotas:GetAWSDefaultServiceQuota",
                "servicequotas:GetServiceQuota",
                "tag:GetResources",
            ],
            "*",
        ),
        allow(
            ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"],
            sub(arn("kms", "key/*", region="*")),
        ),
        allow(
            [
                "lambda:GetFunction",
                "lambda:GetFunctionConfiguration",
                "lambda:GetFunctionConcurrency",
                "lambda:GetPolicy",
                "lambda:ListTags",
                "lambda:ListVersionsByFunction",
            ],
            sub(arn("lambda", "function:meridian-*", region="*")),
        ),
        allow(
            ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
            sub(role_arn("meridian-*")),
        ),
        allow("secretsmanager:DescribeSecret", sub(arn("secretsmanager", "secret:*", region="*"))),
        allow(
            [
                "s3:GetBucket*",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
            ],
            sub("arn:${AWS::Partition}:s3:::meridian-*"),
        ),
        allow(
            [
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:GetItem",
                "dynamodb:ListTagsOfResource",
                "dynamodb:Query",
            ],
            sub(TABLE),
        ),
        allow("sqs:GetQueueAttributes", sub(arn("sqs", "meridian-*"))),
        allow("s3:GetObject", sub(REPORTS)),
        through_s3(key),
    ]
