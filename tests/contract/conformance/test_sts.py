"""STS: who is calling, and who may become a role."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import ACCOUNT, SPEED, Target, refused
from tests.contract.conformance.test_iam import role, trusting
from tests.embedded.conftest import start

ISSUER = "token.actions.githubusercontent.com"
WEB = "STS API reference, AssumeRoleWithWebIdentity [V]"
BECOME = "STS API reference, AssumeRole [V]"


@success("sts:GetCallerIdentity", source="API reference, GetCallerIdentity [V]")
@real("nothing")
def test_a_caller_learns_its_account(aws: Target) -> None:
    answer = aws.client("sts").get_caller_identity()
    assert re.fullmatch(r"\d{12}", answer["Account"])
    assert re.fullmatch(rf"arn:aws:(iam|sts)::{answer['Account']}:.+", answer["Arn"])


@success("sts:AssumeRole", source=BECOME)
@refusal("sts:AssumeRole", "AccessDenied", source=BECOME)
@real("nothing; not as the account's root, who can assume no role")
def test_a_caller_becomes_a_role_that_trusts_it(aws: Target) -> None:
    sts, account = aws.client("sts"), aws.account()
    name = role(aws, trust=trusting({"AWS": account}))
    assume = {"RoleArn": f"arn:aws:iam::{account}:role/{name}", "RoleSessionName": "conformance"}
    made = aws.until(lambda: _assumed(sts, assume), minutes=2)
    assert made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/{name}/conformance"
    assert made["Credentials"]["SessionToken"]
    missing = {"RoleArn": f"arn:aws:iam::{account}:role/{aws.name('none')}", "RoleSessionName": "conformance"}
    assert "not authorized to perform: sts:AssumeRole" in refused(sts.assume_role, "AccessDenied", **missing)


def _assumed(sts: Any, assume: dict[str, str]) -> Any:
    """The answer, or nothing yet: a new role is seen after a while."""
    try:
        return sts.assume_role(**assume)
    except ClientError:
        return None


@pytest.fixture(scope="module")
def enforcing() -> Iterator[str]:
    """The address of an embedded AWS that enforces IAM."""
    process, line = start("--port", "0", "--speed", str(SPEED), "--iam")
    yield line.partition("=")[2]
    process.terminate()
    assert process.wait(10) == 0
    assert process.stdout is not None
    process.stdout.close()


@success("sts:AssumeRoleWithWebIdentity", source=WEB)
@refusal("sts:AssumeRoleWithWebIdentity", "AccessDenied", source=WEB)
@refusal("sts:AssumeRoleWithWebIdentity", "ExpiredTokenException", source=WEB)
@refusal("sts:AssumeRoleWithWebIdentity", "InvalidIdentityToken", source=WEB)
def test_a_workflow_becomes_the_role_that_trusts_its_repository(enforcing: str) -> None:
    iam = boto3.client(
        "iam", region_name="us-east-1", endpoint_url=enforcing, aws_access_key_id=ACCOUNT, aws_secret_access_key="test"
    )
    unsigned = Config(signature_version=UNSIGNED)
    sts = boto3.client("sts", region_name="us-east-1", endpoint_url=enforcing, config=unsigned)
    iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
    condition = {
        "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": "repo:a/b:ref:refs/heads/main"}
    }
    trust = json.loads(trusting({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}))
    trust["Statement"][0] |= {"Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}
    iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(trust))
    time.sleep(20 / SPEED)

    def assume(**claims: Any) -> dict[str, Any]:
        return {
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/deployer",
            "RoleSessionName": "run-17",
            "WebIdentityToken": token(**{"sub": "repo:a/b:ref:refs/heads/main", **claims}),
        }

    made = sts.assume_role_with_web_identity(**assume())
    assert made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/run-17"
    call = sts.assume_role_with_web_identity
    refused(call, "AccessDenied", **assume(sub="repo:a/b:ref:refs/heads/other"))
    refused(call, "ExpiredTokenException", **assume(exp=time.time() - 60))
    refused(call, "InvalidIdentityToken", **assume(aud="somebody"))
    refused(call, "InvalidIdentityToken", **assume(iss="https://example.com"))


def token(**claims: Any) -> str:
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    standard = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "exp": time.time() + 300}
    return f"{part({'alg': 'none'})}.{part(standard | claims)}."
