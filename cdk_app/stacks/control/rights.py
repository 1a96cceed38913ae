"""What each role of the control plane may do: statements by the name of the inline policy that holds them.

Deny wins over whatever another policy, of ours or of the account's, may allow one day: those here say what must never happen.
"""

from __future__ import annotations

from cdk_app.stacks.base import Statement, arn, role_arn, statement, sub
from reconciler.model.control import APPROVALS, EVENTS, QUEUE, SERVICE, SERVICE_DELETE, SYNTH, revision_bucket

Statements = dict[str, list[Statement]]
STACKS = arn("cloudformation", "stack/meridian-*/*", region="*")
TABLE = arn("dynamodb", "table/meridian-state")
REVISIONS = "arn:${AWS::Partition}:s3:::" + revision_bucket("${AWS::AccountId}", "${AWS::Region}")
REPORTS = f"{REVISIONS}/reports/*"
ASSETS = "arn:${AWS::Partition}:s3:::meridian-assets-${AWS::AccountId}-*"
_ZONES = sub("arn:${AWS::Partition}:route53:::hostedzone/*")
_RECORDS = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
_OURS = {"StringEquals": {"aws:ResourceTag/meridian:stack": "data"}}


def allow(actions: str | list[str], resources: object, **more: object) -> Statement:
    return statement("Allow", actions, resources, **more)


def deny(actions: str | list[str], resources: object = "*", **more: object) -> Statement:
    return statement("Deny", actions, resources, **more)


def subs(*texts: str) -> list[dict[str, str]]:
    return [sub(text) for text in texts]


NO_FAILOVER = deny("rds:FailoverGlobalCluster", Sid="OnlyBreakGlass")
"""Data may be lost by it: it takes a person who says so."""


def orchestrator(key: str) -> Statements:
    """The reconciler's. What a template can describe it makes by CloudFormation alone, whose roles have the rights for that."""
    passed = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    return {
        "stacks": [
            allow(
                ["cloudformation:CreateChangeSet", "cloudformation:ContinueUpdateRollback"],
                sub(STACKS),
                Condition=_with_role(SERVICE),
            ),
            allow("cloudformation:DeleteStack", sub(STACKS), Condition=_with_role(SERVICE_DELETE)),
            # These take no role, so a condition on it would never hold.
            allow(["cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet"], sub(STACKS)),
            allow("iam:PassRole", subs(role_arn(SERVICE), role_arn(SERVICE_DELETE)), Condition=passed),
            allow(["s3:GetObject", "s3:PutObject"], sub(f"{ASSETS}/*")),
            allow("s3:ListBucket", sub(ASSETS)),
        ],
        "motion": [*_database(), *_gates(), *_functions()],
        "state": [
            # The status is written in a transaction, with a look at the lease.
            allow([f"dynamodb:{call}" for call in ("ConditionCheckItem", *_TABLE_CALLS)], sub(TABLE)),
            *reading_revisions("revisions", "code", "heads", "templates", "runs"),
            allow("s3:PutObject", subs(f"{REVISIONS}/runs/*", REPORTS)),
            allow("sns:Publish", sub(arn("sns", EVENTS))),
            allow(
                [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                ],
                sub(arn("sqs", QUEUE)),
            ),
            allow("lambda:InvokeFunction", sub(arn("lambda", f"function:{SYNTH}"))),
            use_of(key),
        ],
        "never": [NO_FAILOVER, _not_around_cloudformation(), _no_other_records(), _no_approvals()],
    }


_TABLE_CALLS = ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")


def _with_role(name: str) -> dict[str, object]:
    return {"StringEquals": {"cloudformation:RoleArn": sub(role_arn(name))}}


def _database() -> list[Statement]:
    clusters = subs(arn("rds", "global-cluster:*", region=""), arn("rds", "cluster:*", region="*"))
    going = subs(*(arn("rds", f"{kind}:*", region="*") for kind in ("cluster", "cluster-snapshot", "db")))
    return [
        allow(
            [
                "rds:DeleteGlobalCluster",
                "rds:ModifyDBCluster",
                "rds:ModifyGlobalCluster",
                "rds:RemoveFromGlobalCluster",
                "rds:SwitchoverGlobalCluster",
            ],
            clusters,
        ),
        allow("rds:ModifyDBClusterParameterGroup", sub(arn("rds", "cluster-pg:*", region="*"))),
        allow(["rds:DeleteDBCluster", "rds:DeleteDBInstance"], going),
        # The master's, once, to make the role that migrates.
        allow("secretsmanager:GetSecretValue", sub(arn("secretsmanager", "secret:*", region="*")), Condition=_OURS),
        allow("kms:Decrypt", sub(arn("kms", "key/*", region="*")), Condition=_OURS),
        # What somebody switched off, or has on its way out.
        allow(
            ["kms:CancelKeyDeletion", "kms:EnableKey", "kms:EnableKeyRotation"],
            sub(arn("kms", "key/*", region="*")),
            Condition=_OURS,
        ),
    ]


def _gates() -> list[Statement]:
    return [
        allow("route53:CreateHealthCheck", "*"),
        allow(
            ["route53:ChangeTagsForResource", "route53:DeleteHealthCheck", "route53:UpdateHealthCheck"],
            sub("arn:${AWS::Partition}:route53:::healthcheck/*"),
        ),
        # Records that prove a domain to be ours to ACM: no template has them.
        allow("route53:ChangeResourceRecordSets", _ZONES, Condition={"ForAllValues:StringLike": {_RECORDS: ["_*"]}}),
    ]


def _functions() -> list[Statement]:
    return [
        allow("lambda:InvokeFunction", sub(arn("lambda", "function:meridian-*-migrate", region="*"))),
        allow("lambda:DeleteFunction", sub(arn("lambda", "function:meridian-*-edge-*", region="*"))),
    ]


def _not_around_cloudformation() -> Statement:
    """What our templates describe; health checks are not among it, since gates are made by call."""
    return deny(
        [
            "acm:RequestCertificate",
            "apigateway:DELETE",
            "apigateway:PATCH",
            "apigateway:POST",
            "apigateway:PUT",
            "cloudformation:CreateStack",
            "cloudformation:UpdateStack",
            "cloudfront:Create*",
            "cloudfront:Update*",
            "dynamodb:CreateTable",
            "ec2:Create*",
            "ec2:Run*",
            "iam:Add*",
            "iam:Attach*",
            "iam:Create*",
            "iam:Put*",
            "iam:Update*",
            "kms:CreateKey",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
            "lambda:AddPermission",
            "lambda:CreateFunction",
            "lambda:UpdateFunction*",
            "rds:CreateDBCluster",
            "rds:CreateDBInstance",
            "rds:CreateGlobalCluster",
            "s3:CreateBucket",
            "s3:DeleteObject*",
            "s3:PutBucketPolicy",
            "secretsmanager:CreateSecret",
        ],
        Sid="ByCloudFormationOnly",
    )


def _no_other_records() -> Statement:
    return deny(
        "route53:ChangeResourceRecordSets",
        "*",
        Sid="OnlyWhatProvesADomain",
        Condition={"ForAnyValue:StringNotLike": {_RECORDS: ["_*"]}},
    )


def reading_revisions(*prefixes: str) -> list[Statement]:
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion"], subs(*(f"{REVISIONS}/{prefix}/*" for prefix in prefixes))),
        # Without it, what is not there reads as forbidden.
        allow(["s3:ListBucket", "s3:ListBucketVersions"], sub(REVISIONS)),
    ]


def use_of(key: str) -> Statement:
    """Of bucket, queue and topic."""
    return allow(["kms:Decrypt", "kms:GenerateDataKey"], key)


def through_s3(key: str) -> Statement:
    """The key that opens the bucket's objects opens the queue's messages, too: this is for the objects only."""
    return allow(
        "kms:Decrypt", key, Condition={"StringEquals": {"kms:ViaService": sub("s3.${AWS::Region}.amazonaws.com")}}
    )


def wake(key: str) -> Statements:
    """Reads which topologies there are, and sends messages."""
    return {
        "wake": [
            *reading_revisions("revisions", "heads"),
            allow("dynamodb:GetItem", sub(TABLE)),
            allow(["sqs:GetQueueAttributes", "sqs:SendMessage"], sub(arn("sqs", QUEUE))),
            use_of(key),
        ],
        "never": [NO_FAILOVER],
    }


def synth(key: str) -> Statements:
    """Reads bundles, writes templates."""
    return {
        "synth": [
            *reading_revisions("revisions", "code", "templates"),
            allow("s3:PutObject", sub(f"{REVISIONS}/templates/*")),
            use_of(key),
        ],
        "never": [NO_FAILOVER],
    }


def break_glass() -> Statements:
    """`meridian failover`: what it reads, the one call, and the record of it in the Region that takes over."""
    clusters = subs(arn("rds", "global-cluster:*", region=""), arn("rds", "cluster:*", region="*"))
    return {
        "failover": [
            allow(["rds:DescribeDBClusters", "rds:DescribeGlobalClusters"], "*"),
            allow("rds:FailoverGlobalCluster", clusters),
            allow(["s3:GetObject", "s3:PutObject"], sub(f"{ASSETS}/*")),
            allow("s3:ListBucket", sub(ASSETS)),
        ]
    }


def _no_approvals() -> Statement:
    """Whoever carries a plan out does not approve it."""
    return deny(
        ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
        sub(TABLE),
        Sid="ApprovedByOthers",
        Condition={"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": [f"{APPROVALS}*"]}},
    )
