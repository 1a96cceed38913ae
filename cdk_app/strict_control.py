"""Findings of cdk-nag that the control plane lives with, each with its reason: mostly names with a `*` in them, since the rights
are for topologies that come later.
"""

from __future__ import annotations

_ARN = "arn:<AWS::Partition>"
_HERE = "<AWS::Region>:<AWS::AccountId>"
_EVERYWHERE = "*:<AWS::AccountId>"
_REVISIONS = f"{_ARN}:s3:::meridian-revisions-<AWS::AccountId>-<AWS::Region>"

_SERVICE = ("ServiceRole", "ServiceDeleteRole")
_LOOKING = ("Observing", *_SERVICE)
_PASS = ("ReconcileRole",)

_SHORT = "reads alone, named in short: IAM counts the characters of a policy"
_MADE_UP = "AWS makes up the ids of these; the account is the bound"
_NAMED = "has the topology's name in it, or what CloudFormation adds to a name"
_DATABASES = "databases have the topology's name and no prefix"
_KEYED = "objects of this kind and no other"

_ACTIONS: dict[str, tuple[str, ...]] = {
    "cloudformation:Describe*": ("Observing",),
    "cloudformation:List*": ("Observing",),
    "cloudfront:Get*": _SERVICE,
    "dynamodb:Describe*": _SERVICE,
    "ec2:Describe*": _LOOKING,
    "lambda:Get*": _SERVICE,
    "logs:Describe*": _LOOKING,
    "logs:Get*": _SERVICE,
    "rds:Describe*": _LOOKING,
    "route53:Get*": _LOOKING,
    "route53:List*": ("Observing",),
    "s3:Get*": _SERVICE,
    "s3:GetBucket*": ("Observing",),
}
_RESOURCES: dict[str, dict[str, tuple[str, ...]]] = {
    _MADE_UP: {
        f"{_ARN}:acm:{_EVERYWHERE}:certificate/*": _SERVICE,
        f"{_ARN}:cloudfront::<AWS::AccountId>:*": _SERVICE,
        f"{_ARN}:ec2:{_EVERYWHERE}:*": _SERVICE,
        f"{_ARN}:kms:{_EVERYWHERE}:key/*": (*_LOOKING, *_PASS),
        f"{_ARN}:logs:{_EVERYWHERE}:delivery:*": _SERVICE,
        f"{_ARN}:route53:::change/*": _SERVICE,
        f"{_ARN}:route53:::healthcheck/*": (*_SERVICE, *_PASS),
        f"{_ARN}:route53:::hostedzone/*": (*_SERVICE, *_PASS),
        f"{_ARN}:secretsmanager:{_EVERYWHERE}:secret:*": (*_LOOKING, *_PASS),
        **{
            f"{_ARN}:apigateway:*::/{path}": _SERVICE
            for path in ("account", "domainnames", "domainnames/*", "restapis", "restapis/*", "tags/*")
        },
    },
    _NAMED: {
        f"{_ARN}:cloudformation:{_EVERYWHERE}:stack/meridian-*/*": _PASS,
        f"{_ARN}:cloudwatch:{_EVERYWHERE}:alarm:meridian-*": _SERVICE,
        f"{_ARN}:dynamodb:{_EVERYWHERE}:table/meridian-state": _SERVICE,
        f"{_ARN}:iam::<AWS::AccountId>:role/aws-service-role/*": ("ServiceRole",),
        f"{_ARN}:iam::<AWS::AccountId>:role/meridian-*": ("Observing",),
        f"{_ARN}:lambda:{_EVERYWHERE}:function:meridian-*": _LOOKING,
        f"{_ARN}:lambda:{_EVERYWHERE}:function:meridian-*-edge-*": _PASS,
        f"{_ARN}:lambda:{_EVERYWHERE}:function:meridian-*-migrate": _PASS,
        f"{_ARN}:s3:::meridian-*": ("Observing",),
        f"{_ARN}:s3:::meridian-assets-*": _SERVICE,
        f"{_ARN}:s3:::meridian-assets-<AWS::AccountId>-*": ("BreakGlassRole", *_PASS),
        f"{_ARN}:s3:::meridian-assets-<AWS::AccountId>-*/*": ("BreakGlassRole", *_PASS),
        f"{_ARN}:sqs:{_HERE}:meridian-*": ("Observing",),
        **{
            f"{_ARN}:iam::<AWS::AccountId>:role/meridian-{name}": _SERVICE
            for name in ("*-edge", "*-probe", "*-api-*", "foundation-*")
        },
        **{
            f"{_ARN}:logs:{_EVERYWHERE}:{what}:*": _SERVICE
            for what in (
                "delivery-destination",
                "delivery-source",
                "log-group:/aws/rds/cluster/*",
                "log-group:/aws/vendedlogs/meridian/*",
                "log-group:/meridian/*",
            )
        },
    },
    _DATABASES: {
        f"{_ARN}:rds::<AWS::AccountId>:global-cluster:*": ("BreakGlassRole", *_SERVICE, *_PASS),
        f"{_ARN}:rds:{_EVERYWHERE}:*": _SERVICE,
        f"{_ARN}:rds:{_EVERYWHERE}:cluster-pg:*": _PASS,
        f"{_ARN}:rds:{_EVERYWHERE}:cluster-snapshot:*": _PASS,
        f"{_ARN}:rds:{_EVERYWHERE}:cluster:*": ("BreakGlassRole", *_PASS),
        f"{_ARN}:rds:{_EVERYWHERE}:db:*": _PASS,
    },
    _KEYED: {
        f"{_REVISIONS}/code/*": ("ReconcileRole", "SynthRole", "GithubMainRole"),
        f"{_REVISIONS}/heads/*": ("WakeRole", "ReconcileRole", "GithubPlanRole", "GithubMainRole"),
        f"{_REVISIONS}/revisions/*": ("WakeRole", "ReconcileRole", "SynthRole", "GithubPlanRole", "GithubMainRole"),
        f"{_REVISIONS}/reports/*": ("Observing", "GithubMainRole", *_PASS),
        f"{_REVISIONS}/runs/*": _PASS,
        f"{_REVISIONS}/templates/*": ("ReconcileRole", "SynthRole", "GithubMainRole"),
        **{
            f"{_ARN}:logs:{_HERE}:log-group:/meridian/control/{name.lower()}:*": (f"{name}Role",)
            for name in ("Wake", "Reconcile", "Synth")
        },
    },
    "actions that take no resource, or are asked about everything at once": {
        "*": ("Observing", "BreakGlassRole", *_SERVICE, *_PASS),
    },
}


def acknowledged() -> dict[tuple[str, str], dict[str, str]]:
    """Reasons by rule, by place (kind of stack, logical id)."""
    found: dict[tuple[str, str], dict[str, str]] = {
        ("control", "Revisions"): {
            "S1": "written by one role, read by three; CloudTrail has who changed what around it"
        },
        ("control", "TrailBucket"): {
            "S1": "it is the log of who did what; CloudTrail checks its files by their digests"
        },
        ("control", "Wake"): {"L1": "the runtime is a parameter: that of the wheels in the package"},
        ("control", "Reconcile"): {"L1": "the runtime is a parameter: that of the wheels in the package"},
    }
    named = [(f"Action::{action}", _SHORT, who) for action, who in _ACTIONS.items()]
    named += [(f"Resource::{arn}", why, who) for why, arns in _RESOURCES.items() for arn, who in arns.items()]
    for what, why, who in named:
        for logical in who:
            found.setdefault(("control", logical), {})[f"IAM5[{what}]"] = why
    found["control", "ServiceRole"]["IAM5[Action::lambda:EnableReplication*]"] = (
        "as AWS documents it for functions at the edge"
    )
    found["control", "ServiceDeleteRole"]["IAM5[Action::lambda:DisableReplication*]"] = (
        "as AWS documents it for functions at the edge"
    )
    return found
