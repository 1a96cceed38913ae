"""What a workflow on GitHub may do: look, for a pull request; put bundles into the revision bucket, for the main branch.

GitHub's token says for which repository and for what it was made; each role takes exact subjects. Who looks may look from the main
branch, too: the scheduled search for drift runs there, and putting bundles is none of its business. An account has one provider for
an issuer, so one that is there is used.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_app.stacks.base import MeridianStack, Statement, sub
from cdk_app.stacks.control import rights
from cdk_app.stacks.control.roles import add_role
from reconciler.model.control import GITHUB_MAIN, GITHUB_PLAN, ISSUER

AUDIENCE = "sts.amazonaws.com"
MAIN = "ref:refs/heads/main"
FOLLOWING = 4 * 3600
"""Seconds. A workflow follows its commit until it serves, which takes hours where databases are made; credentials cannot be renewed
there, since GitHub's token is good for minutes only."""


def add_github(stack: MeridianStack, key_arn: str, observing: str) -> None:
    repository = stack.text("GithubRepository", pattern="|[A-Za-z0-9-]+/[A-Za-z0-9._-]+", default="")
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
        rights.github_plan(key_arn),
        managed=[observing],
        how=_trust(trusted, "pull_request", MAIN),
    )
    main = add_role(
        stack,
        "GithubMainRole",
        GITHUB_MAIN,
        None,
        rights.github_main(key_arn),
        how=_trust(trusted, MAIN),
    )
    main.max_session_duration = FOLLOWING
    for role in (plan, main):
        role.cfn_options.condition = wanted


def _trust(provider: str, *subjects: str) -> Statement:
    return {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": provider},
        "Condition": {
            "StringEquals": {
                f"{ISSUER}:aud": AUDIENCE,
                f"{ISSUER}:sub": [sub(f"repo:${{GithubRepository}}:{subject}") for subject in subjects],
            }
        },
    }
