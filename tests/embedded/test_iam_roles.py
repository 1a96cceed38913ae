"""Who may assume a role: trust policies, workflows of GitHub, and how long it takes until a role is seen."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.embedded.conftest import Aws
from tests.embedded.iam_world import (
    ACCOUNT,
    Caller,
    World,
    allow,
    document,
    refused,
    service,
    session,
    trusting,
)

ANN = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
HOST = "token.actions.githubusercontent.com"


# ---- trust -----------------------------------------------------------------------------------------------------------------


def test_a_role_that_names_the_user_needs_no_policy_one_that_names_the_account_does(world: World) -> None:
    ann = world.user("ann")
    session(ann, world.role("named", ANN))
    arn = world.role("delegated", ROOT)
    with refused("AccessDenied", "ann is not authorized to perform: sts:AssumeRole on resource: " + arn):
        session(ann, arn)
    allowed = allow("sts:AssumeRole", resource=arn)
    world.aws.client("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document(allowed))
    session(ann, arn)


def test_a_role_that_trusts_others_is_refused_and_so_is_root(world: World) -> None:
    ann, arn = world.user("ann", allow("sts:*")), world.role("for-lambda", service("lambda"))
    with refused("AccessDenied", "sts:AssumeRole"):
        session(ann, arn)
    with refused("AccessDenied", "Roles may not be assumed by root accounts."):
        session(Caller(world.aws, ACCOUNT, "test"), arn)
    with refused("AccessDenied", "ann is not authorized"):
        session(ann, f"arn:aws:iam::{ACCOUNT}:role/none")


def test_conditions_of_the_trust_policy(world: World) -> None:
    ann = world.user("ann", allow("sts:*"))
    external = world.role("external", trusting(ANN, Condition={"StringEquals": {"sts:ExternalId": "secret"}}))
    session(ann, external, ExternalId="secret")
    for wrong in ({}, {"ExternalId": "guess"}):
        with refused("AccessDenied"):
            session(ann, external, **wrong)
    tagged = {"StringEquals": {"aws:RequestTag/plan": "remove-region"}}
    planned = world.role("planned", trusting(ANN, "sts:AssumeRole", "sts:TagSession", Condition=tagged))
    session(ann, planned, Tags=[{"Key": "plan", "Value": "remove-region"}])
    with refused("AccessDenied"):
        session(ann, planned, Tags=[{"Key": "plan", "Value": "add-region"}])
    untagged = world.role("untagged", ANN)
    with refused("AccessDenied", "sts:TagSession"):
        session(ann, untagged, Tags=[{"Key": "plan", "Value": "remove-region"}])


def test_how_long_a_session_may_last(world: World) -> None:
    ann = world.user("ann")
    first_role = world.role("first", ANN)
    long = world.role("long", {"AWS": [ANN["AWS"], first_role]}, MaxSessionDuration=7200)
    session(ann, long, DurationSeconds=7200)
    with refused("ValidationError", "exceeds the MaxSessionDuration set for this role"):
        session(ann, long, DurationSeconds=7201)
    first = session(ann, first_role)
    session(first, long, DurationSeconds=3600)
    with refused("ValidationError", "role chaining"):
        session(first, long, DurationSeconds=3601)


def test_a_role_is_seen_by_others_after_a_while(world: World) -> None:
    ann, iam = world.user("ann"), world.aws.client("iam")
    world.aws.still()
    arn = iam.create_role(RoleName="fresh", AssumeRolePolicyDocument=trusting(ANN))["Role"]["Arn"]
    with refused("AccessDenied"):
        session(ann, arn)
    world.aws.passes(10)
    fresh = session(ann, arn)
    with refused("AccessDenied"):
        fresh.client("sqs").list_queues()
    world.grant("fresh", allow("sqs:*"))
    assert iam.list_role_policies(RoleName="fresh")["PolicyNames"] == ["rights"]  # IAM itself knows at once
    with refused("AccessDenied"):
        fresh.client("sqs").list_queues()
    world.aws.passes(10)
    fresh.client("sqs").list_queues()
    iam.delete_role_policy(RoleName="fresh", PolicyName="rights")
    fresh.client("sqs").list_queues()  # and taking away takes as long
    world.aws.passes(10)
    with refused("AccessDenied"):
        fresh.client("sqs").list_queues()


def test_changes_of_trust_and_of_managed_policies_are_seen_after_a_while(world: World) -> None:
    ann, iam = world.user("ann"), world.aws.client("iam")
    made = iam.create_policy(PolicyName="rights", PolicyDocument=document(allow("sqs:*")))["Policy"]["Arn"]
    arn = world.role("reader", ANN)
    iam.attach_role_policy(RoleName="reader", PolicyArn=made)
    world.propagated()
    world.aws.still()
    iam.create_policy_version(PolicyArn=made, PolicyDocument=document(allow("sns:*")), SetAsDefault=True)
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trusting(service("lambda")))
    reader = session(ann, arn)
    reader.client("sqs").list_queues()
    world.aws.passes(10)
    with refused("AccessDenied"):
        reader.client("sqs").list_queues()
    with refused("AccessDenied"):
        session(ann, arn)


def test_a_function_made_too_soon_after_its_role_is_refused_without_the_option_too(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.still()
    arn = iam.create_role(RoleName="fresh", AssumeRolePolicyDocument=trusting(service("lambda")))["Role"]["Arn"]
    make = {"FunctionName": "f", "Runtime": "python3.13", "Handler": "a.b", "Code": {"ZipFile": empty()}, "Role": arn}
    with refused("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."):
        aws.client("lambda").create_function(**make)
    aws.passes(10)
    aws.client("lambda").create_function(**make)
    other = iam.create_role(RoleName="other", AssumeRolePolicyDocument=trusting(service("ec2")))["Role"]["Arn"]
    aws.passes(10)
    with refused("InvalidParameterValueException", "cannot be assumed by Lambda."):
        aws.client("lambda").create_function(**make | {"FunctionName": "g", "Role": other})
    aws.go()
    active = lambda: aws.client("lambda").get_function(FunctionName="f")["Configuration"]["State"] == "Active"  # noqa: E731
    aws.until(active)
    with refused("InvalidParameterValueException", "cannot be assumed by Lambda."):
        aws.client("lambda").update_function_configuration(FunctionName="f", Role=other)


def empty() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.py", "def b(event, context): return {}")
    return out.getvalue()


# ---- web identity ----------------------------------------------------------------------------------------------------------


def token(**claims: Any) -> str:
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    standard = {"iss": f"https://{HOST}", "aud": "sts.amazonaws.com", "exp": time.time() + 300}
    return f"{part({'alg': 'none'})}.{part(standard | claims)}."


@pytest.fixture
def nobody(world: World) -> Any:
    return boto3.client(
        "sts", region_name="us-east-1", endpoint_url=world.aws.url, config=Config(signature_version=UNSIGNED)
    )


def test_a_workflow_of_github_becomes_the_role_that_trusts_it(world: World, nobody: Any) -> None:
    admitted = {
        "StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{HOST}:sub": "repo:team/orders:ref:refs/heads/main"},
    }
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"
    trust = trusting({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=admitted)
    arn = world.role("deployer", trust, allow("sqs:ListQueues"))
    assume = lambda **claims: nobody.assume_role_with_web_identity(  # noqa: E731
        RoleArn=arn, RoleSessionName="run-17", WebIdentityToken=token(**claims)
    )
    main = "repo:team/orders:ref:refs/heads/main"
    with refused("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for https://{HOST}"):
        assume(sub=main)
    world.aws.client("iam").create_open_id_connect_provider(
        Url=f"https://{HOST}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    made = assume(sub=main)
    assert made["SubjectFromWebIdentityToken"] == main
    c = made["Credentials"]
    deployer = Caller(world.aws, c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
    assert deployer.client("sts").get_caller_identity()["Arn"].endswith("assumed-role/deployer/run-17")
    deployer.client("sqs").list_queues()
    with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(sub="repo:team/orders:ref:refs/heads/other")
    with refused("InvalidIdentityToken", "Incorrect token audience"):
        assume(sub=main, aud="somebody")
    with refused("ExpiredTokenException"):
        assume(sub=main, exp=time.time() - 1)
    with refused("AccessDenied", "sts:AssumeRole on resource"):  # nor may people become what is for workflows
        session(world.user("ann", allow("sts:*")), arn)


def test_of_a_token_of_githubs_more_than_its_subject_can_be_asked_for(world: World, nobody: Any) -> None:
    github = "token.actions.githubusercontent.com"
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{github}"
    admitted = {"StringEquals": {f"{github}:sub": "s", f"{github}:ref": "refs/heads/main"}}
    trust = trusting({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=admitted)
    arn = world.role("approver", trust, allow("sqs:ListQueues"))
    world.aws.client("iam").create_open_id_connect_provider(
        Url=f"https://{github}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    assume = lambda **claims: nobody.assume_role_with_web_identity(  # noqa: E731
        RoleArn=arn, RoleSessionName="run-18", WebIdentityToken=token(iss=f"https://{github}", sub="s", **claims)
    )
    assert assume(ref="refs/heads/main")["Credentials"]
    for claims in ({"ref": "refs/heads/other"}, {}):
        with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
            assume(**claims)
