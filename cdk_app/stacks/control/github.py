"""What a workflow on GitHub may do: look, for a pull request; put bundles into the revision bucket, for the main branch; approve a
plan, in a protected environment.

GitHub's token says for which repository and for what it was made; each role takes exact subjects. Who looks may look from the main
branch, too: the scheduled search for drift runs there, and putting bundles is none of its business. Anybody who may push can name
the environment in a workflow of a branch of his own, and GitHub makes one that is missing and lets everybody through: so who
approves has to run for the main branch, besides. An account has one provider for an issuer, so one that is there is used.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_app.stacks.base import MeridianStack, Statement, arn, sub
from cdk_app.stacks.control import rights
from cdk_app.stacks.control.roles import add_role
from reconciler.model.control import (
    APPROVAL_ENVIRONMENT,
    APPROVALS,
    GITHUB_APPROVE,
    GITHUB_MAIN,
    GITHUB_PLAN,
    ISSUER,
    QUEUE,
    REPOSITORY,
)

AUDIENCE = "sts.amazonaws.com"
BRANCH = "refs/heads/main"
MAIN = f"ref:{BRANCH}"
FOLLOWING = 4 * 3600
"""Seconds. A workflow follows its commit until it serves, which takes hours where databases are made; credentials cannot be renewed
there, since GitHub's token is good for minutes only."""


def add_github(stack: MeridianStack, key_arn: str, observing: str) -> None:
    repository = stack.text("GithubRepository", pattern=f"|{REPOSITORY}", default="")
    existing = stack.text("GithubProvider", default="")
    given = cdk.Fn.condition_not(cdk.Fn.condition_equals(repository, ""))
    wanted = cdk.CfnCondition(stack, "Github", expression=given)
    missing = cdk.CfnCondition(
        stack,
        "ProviderIsMissing",
        expression=cdk.Fn.condition_and(given, cdk.Fn.condition_equals(existing, "")),
    )
    provider = iam.CfnOIDCProvider(stack, "GithubOidc", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])
    provider.cfn_options.condition = missing
    trusted = cdk.Fn.condition_if("ProviderIsMissing", provider.ref, existing).to_string()
    plan = add_role(
        stack,
        "GithubPlanRole",
        GITHUB_PLAN,
        None,
        _plans_rights(key_arn),
        managed=[observing],
        how=_trust(trusted, "pull_request", MAIN),
    )
    main = add_role(
        stack,
        "GithubMainRole",
        GITHUB_MAIN,
        None,
        _mains_rights(key_arn),
        how=_trust(trusted, MAIN),
    )
    main.max_session_duration = FOLLOWING
    approve = add_role(
        stack,
        "GithubApproveRole",
        GITHUB_APPROVE,
        None,
        _approves_rights(key_arn),
        how=_trust(trusted, f"environment:{APPROVAL_ENVIRONMENT}", ref=BRANCH),
    )
    for role in (plan, main, approve):
        role.cfn_options.condition = wanted


def _trust(provider: str, *subjects: str, ref: str = "") -> Statement:
    """`ref`: for subjects that do not say which branch it is [V: IAM, keys of GitHub's tokens, since January 2026]."""
    return {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": provider},
        "Condition": {
            "StringEquals": {
                f"{ISSUER}:aud": AUDIENCE,
                f"{ISSUER}:sub": [sub(f"repo:${{GithubRepository}}:{subject}") for subject in subjects],
                **({f"{ISSUER}:ref": ref} if ref else {}),
            }
        },
    }


def _plans_rights(key: str) -> rights.Statements:
    """A pull request's: looks, and reads bundles. Whoever opens one runs code of his own with this."""
    return {
        "bundles": [*rights.reading_revisions("revisions", "heads"), rights.allow("kms:Decrypt", key)],
        "never": [rights.NO_FAILOVER],
    }


_UPLOADED = ("revisions", "code", "heads", "templates")


def _mains_rights(key: str) -> rights.Statements:
    """The main branch's: puts bundles where the reconciler finds them. It changes nothing else on AWS."""
    return {
        "bundles": [
            *rights.reading_revisions(*_UPLOADED),
            rights.allow("s3:PutObject", rights.subs(*(f"{rights.REVISIONS}/{prefix}/*" for prefix in _UPLOADED))),
            rights.use_of(key),
        ],
        "status": [
            rights.allow(["dynamodb:GetItem", "dynamodb:Query"], sub(rights.TABLE)),
            rights.allow("s3:GetObject", sub(rights.REPORTS)),
        ],
        "never": [rights.NO_FAILOVER],
    }


_APPROVAL = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{APPROVALS}*"]}}
_NAMED = {"Null": {"dynamodb:LeadingKeys": "false"}}
"""Without it a request that names no key, such as a scan, would have all of none of them right."""


def _approves_rights(key: str) -> rights.Statements:
    """A person's word for a plan, by a workflow in the protected environment: looks at the status, writes the approval, and asks
    for a pass. It can put nothing else into the table, and no bundle anywhere."""
    return {
        "approval": [
            rights.allow("dynamodb:PutItem", sub(rights.TABLE), Condition={**_APPROVAL, **_NAMED}),
            rights.allow(["dynamodb:GetItem", "dynamodb:Query"], sub(rights.TABLE)),
            rights.allow("sqs:SendMessage", sub(arn("sqs", QUEUE))),
            rights.use_of(key),
        ],
        "never": [rights.NO_FAILOVER],
    }
