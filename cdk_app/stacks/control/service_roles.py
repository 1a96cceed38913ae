"""The two roles that CloudFormation assumes: one deploys, one only deletes whole stacks.

Their actions are data (`permissions.json`), made from our templates and the registry's schemas: what the handlers of the types
in there call. A write is in it only if a template sets what it serves; reads are, all of them. `tests/cdk/test_permissions.py`
makes it and holds it to the templates.

The role that deploys may not delete data, nor the key that it is encrypted with: the reconciler does that by itself, in order, and
only then has the stack deleted, by the other role, which finds it gone.

Both are retained, and their policies are their own: a stack keeps the role that it was deployed with, and could not be changed or
deleted any more if that were gone with the control plane. IAM takes 10,240 characters of a role's own policies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from cdk_app.stacks.base import Statement, arn, role_arn, sub
from cdk_app.stacks.control.rights import allow, deny
from reconciler.model.control import (
    BREAK_GLASS,
    FORWARD,
    GITHUB_APPROVE,
    GITHUB_MAIN,
    GITHUB_PLAN,
    OBSERVER,
    RECONCILE,
    SERVICE,
    SERVICE_DELETE,
    SYNTH,
    WAKE,
)

DATA = Path(__file__).parent / "permissions.json"
MANY = 3

_ROLES = [role_arn(f"meridian-{name}") for name in ("*-edge", "*-probe", "*-api-*", "foundation-*")]
"""Roles of our templates, by name or by the name that CloudFormation makes up. Never the control plane's own."""
_SCOPES: dict[str, list[str]] = {
    "acm": [arn("acm", "certificate/*", region="*")],
    "apigateway": [
        f"arn:${{AWS::Partition}}:apigateway:*::/{path}"
        for path in ("account", "domainnames", "domainnames/*", "restapis", "restapis/*", "tags/*")
    ],
    "cloudfront": [arn("cloudfront", "*", region="")],
    "cloudwatch": [arn("cloudwatch", "alarm:meridian-*", region="*")],
    "dynamodb": [arn("dynamodb", "table/meridian-state", region="*")],
    "ec2": [arn("ec2", "*", region="*")],
    "iam": _ROLES,
    "kms": [arn("kms", "key/*", region="*")],
    "lambda": [arn("lambda", "function:meridian-*", region="*")],
    "logs": [
        arn("logs", f"log-group:{name}:*", region="*")
        for name in ("/meridian/*", "/aws/rds/cluster/*", "/aws/vendedlogs/meridian/*")
    ]
    + [arn("logs", f"delivery{what}:*", region="*") for what in ("", "-source", "-destination")],
    "rds": [arn("rds", "*", region="*"), arn("rds", "global-cluster:*", region="")],
    "route53": [f"arn:${{AWS::Partition}}:route53:::{what}/*" for what in ("change", "healthcheck", "hostedzone")],
    "s3": ["arn:${AWS::Partition}:s3:::meridian-assets-*"],
    "secretsmanager": [arn("secretsmanager", "secret:*", region="*")],
}
"""What the actions of a service are allowed on. Databases and networks have the topology's names: the account is their bound."""

_BESIDE: dict[bool, dict[str, list[str]]] = {
    False: {
        # What the log service asks of whoever has a distribution's requests delivered [V: CloudFront, standard logging v2].
        "cloudfront": ["cloudfront:AllowVendedLogDeliveryForResource"],
        # What CloudFront asks of whoever puts a function at the edge [V: Lambda@Edge permissions].
        "lambda": ["lambda:EnableReplication*"],
        # What a database and a secret with a key of ours ask of whoever makes them [V: RDS and Secrets Manager, AWS KMS].
        "kms": ["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"],
    },
    True: {"lambda": ["lambda:DisableReplication*"], "kms": ["kms:Decrypt"]},
}
"""What no schema says."""
_SERVICES = ["apigateway.amazonaws.com", "lambda.amazonaws.com"]
_LINKED = [
    "logger.cloudfront.amazonaws.com",
    "ops.apigateway.amazonaws.com",
    "rds.amazonaws.com",
    "replicator.lambda.amazonaws.com",
]
_APART = ("iam:PassRole", "iam:CreateServiceLinkedRole", "route53:ChangeResourceRecordSets")
"""Actions with a statement of their own."""


@cache
def permissions() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def statements(*, deletes: bool) -> list[Statement]:
    """What the role may do."""
    actions = permissions()["delete" if deletes else "deploy"]
    found = [allow(_short(actions["anything"]), "*")]
    for service, resources in _SCOPES.items():
        ours = [a for a in actions["scoped"] if a.startswith(f"{service}:") and a not in _APART]
        ours += _BESIDE[deletes].get(service, [])
        if ours:
            found.append(allow(_short(sorted(set(ours))), [sub(r) if "${" in r else r for r in resources]))
    return [*found, *_apart(actions["scoped"])]


def _short(actions: list[str]) -> list[str]:
    """Reads of a service as one action where there are many: IAM counts characters."""
    groups: dict[str, list[str]] = {}
    for action in actions:
        found = re.match(r"(\w+:(?:Describe|Get|List))", action)
        groups.setdefault(found[1] if found and found[1] != "dynamodb:Get" else action, []).append(action)
    return sorted({a for start, all_ in groups.items() for a in ([f"{start}*"] if len(all_) >= MANY else all_)})


def _apart(actions: list[str]) -> Iterator[Statement]:
    """A role is passed to the services that run our code and no others; zones get records of our types, so no other name server."""
    if "iam:PassRole" in actions:
        to = {"StringEquals": {"iam:PassedToService": _SERVICES}}
        yield allow("iam:PassRole", [sub(r) for r in _ROLES], Condition=to)
    if "iam:CreateServiceLinkedRole" in actions:
        only = {"StringEquals": {"iam:AWSServiceName": _LINKED}}
        yield allow("iam:CreateServiceLinkedRole", sub(role_arn("aws-service-role/*")), Condition=only)
    if "route53:ChangeResourceRecordSets" in actions:
        types = {"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["A", "AAAA", "CNAME"]}}
        yield allow(
            "route53:ChangeResourceRecordSets", sub("arn:${AWS::Partition}:route53:::hostedzone/*"), Condition=types
        )


def denied(*, deletes: bool) -> list[Statement]:
    """Whoever can change these roles, or pass them on, can do all that they can do."""
    own = (
        WAKE,
        RECONCILE,
        SYNTH,
        OBSERVER,
        SERVICE,
        SERVICE_DELETE,
        BREAK_GLASS,
        GITHUB_PLAN,
        GITHUB_MAIN,
        GITHUB_APPROVE,
    )
    roles = [sub(role_arn(name)) for name in (*own, f"{FORWARD}-??-*-?")]
    found = [deny("iam:*", roles, Sid="NotTheControlPlane")]
    if not deletes:
        data = ["kms:ScheduleKeyDeletion", "rds:DeleteDBCluster", "rds:RemoveFromGlobalCluster"]
        found.append(deny(data, Sid="NotTheData"))
    return found
