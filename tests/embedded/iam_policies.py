"""The roles that operate a topology, as test data: what aws-facts calls observer, orchestrator and CloudFormation service role.

The service role's policies are made from the templates and the registry schemas' permissions, so that they are what is needed and
nothing else; the other two are written down. IAM takes 6,144 characters per managed policy and ten of them per role.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.embedded.conftest import ROOT
from tests.embedded.iam_world import ACCOUNT, Statement, World, allow, deny, document, service

SCHEMAS: dict[str, Any] = json.loads((ROOT / "local_aws" / "data" / "schemas.json").read_text())
TEMPLATES = ROOT / "tests" / "golden" / "templates"
# What a pass deploys; the control plane is deployed by whoever administers the account.
OF_A_PASS = sorted(path for path in TEMPLATES.glob("*.json") if not path.stem.startswith("control"))
LONGEST, MOST = 6144, 10
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/meridian-cloudformation"

OBSERVER = (
    allow(
        "acm:Describe*", "acm:List*", "apigateway:GET", "cloudformation:Describe*", "cloudformation:Get*",
        "cloudformation:List*", "cloudfront:Get*", "cloudfront:List*", "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData", "cloudwatch:ListTagsForResource", "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource", "ec2:Describe*",
        "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags", "lambda:Get*",
        "lambda:List*", "logs:Describe*", "logs:ListTagsForResource", "rds:Describe*", "rds:ListTagsForResource",
        "route53:Get*", "route53:List*", "route53:TestDNSAnswer", "s3:GetBucket*", "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration", "secretsmanager:DescribeSecret", "servicequotas:GetServiceQuota",
        "servicequotas:GetAWSDefaultServiceQuota", "tag:GetResources",
        "iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies",
        "iam:GetAccountAuthorizationDetails", "cloudtrail:LookupEvents",
    ),
    allow("dynamodb:GetItem", "dynamodb:Query", resource=f"arn:aws:dynamodb:*:{ACCOUNT}:table/meridian-state"),
)  # fmt: skip


def orchestrator() -> tuple[Statement, ...]:
    stacks = f"arn:aws:cloudformation:*:{ACCOUNT}:stack/meridian-*/*"
    table = f"arn:aws:dynamodb:*:{ACCOUNT}:table/meridian-state"
    clusters = [f"arn:aws:rds::{ACCOUNT}:global-cluster:*", f"arn:aws:rds:*:{ACCOUNT}:cluster:*"]
    return (
        *OBSERVER,
        allow(
            "cloudformation:ContinueUpdateRollback", "cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet",
            "cloudformation:DeleteStack", "cloudformation:DetectStackDrift", "cloudformation:ExecuteChangeSet",
            "cloudformation:SetStackPolicy", "cloudformation:TagResource", "cloudformation:UpdateTerminationProtection",
            resource=stacks,
        ),
        allow("rds:SwitchoverGlobalCluster", "rds:RemoveFromGlobalCluster", "rds:ModifyDBCluster", "rds:DeleteDBCluster",
              "rds:ModifyGlobalCluster", "rds:DeleteGlobalCluster", resource=clusters),
        allow("rds:DeleteDBInstance", "rds:DeleteDBCluster",  # with the final snapshot that it makes
              resource=[f"arn:aws:rds:*:{ACCOUNT}:{kind}:*" for kind in ("db", "cluster-snapshot")]),
        allow("rds:ModifyDBClusterParameterGroup", resource=f"arn:aws:rds:*:{ACCOUNT}:cluster-pg:*"),
        allow("kms:CancelKeyDeletion", "kms:EnableKey", "kms:EnableKeyRotation",
              Condition={"StringEquals": {"aws:ResourceTag/meridian:stack": "data"}}),
        allow("route53:ChangeResourceRecordSets", resource="arn:aws:route53:::hostedzone/*",
              Condition={"ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_*"]}}),
        allow("lambda:DeleteFunction", resource=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:meridian-*-edge-*"),
        allow("lambda:InvokeFunction", resource=f"arn:aws:lambda:*:{ACCOUNT}:function:meridian-*-migrate"),
        allow("secretsmanager:GetSecretValue", "kms:Decrypt",  # the master's, once, to make the role that migrates
              Condition={"StringEquals": {"aws:ResourceTag/meridian:stack": "data"}}),
        allow("route53:CreateHealthCheck"),
        allow("route53:UpdateHealthCheck", "route53:DeleteHealthCheck", "route53:ChangeTagsForResource",
              resource="arn:aws:route53:::healthcheck/*"),
        allow("dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
              resource=table),
        allow("s3:PutObject", "s3:GetObject", "s3:ListBucket", resource="arn:aws:s3:::meridian-assets-*"),
        allow("s3:PutObject", resource="arn:aws:s3:::meridian-revisions-*/reports/*"),
        allow("sns:Publish", resource=f"arn:aws:sns:*:{ACCOUNT}:meridian-events"),
    )  # fmt: skip


@cache
def resource_actions() -> tuple[str, ...]:
    """What the handlers of all types of our templates need, by their schemas."""
    types = {
        definition["Type"] for path in OF_A_PASS for definition in json.loads(path.read_text())["Resources"].values()
    }
    handlers = [handler for kind in types for handler in SCHEMAS[kind]["permissions"].values()]
    return tuple(sorted({action for handler in handlers for action in handler}))


def policies(actions: tuple[str, ...]) -> Iterator[str]:
    """Policy documents with these actions, each short enough for a managed policy."""
    chunk: list[str] = []
    for action in actions:
        if len(document(allow(*chunk, action))) > LONGEST:
            yield document(allow(*chunk))
            chunk = []
        chunk.append(action)
    yield document(allow(*chunk))


def make_service_role(world: World, *, without: str = "") -> str:
    """The role that CloudFormation assumes; deleting data takes the role's tag `plan=remove-region`."""
    iam = world.aws.client("iam")
    documents = list(policies(tuple(a for a in resource_actions() if a != without)))
    assert len(documents) <= MOST
    arn = world.role(SERVICE_ROLE.rpartition("/")[2], service("cloudformation"), GUARD)
    attach(world, arn, documents)
    assert iam.list_attached_role_policies(RoleName=SERVICE_ROLE.rpartition("/")[2])["AttachedPolicies"]
    return arn


GUARD = deny(
    "rds:DeleteDBCluster", "rds:RemoveFromGlobalCluster", "kms:ScheduleKeyDeletion",
    Condition={"StringNotEquals": {"aws:PrincipalTag/plan": "remove-region"}},
)  # fmt: skip


def attach(world: World, role_arn: str, documents: list[str]) -> None:
    iam, name = world.aws.client("iam"), role_arn.rpartition("/")[2]
    for number, text in enumerate(documents):
        made = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=text)
        iam.attach_role_policy(RoleName=name, PolicyArn=made["Policy"]["Arn"])
    world.propagated()


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(TEMPLATES / f"{name}.json").read_text())
    return found
