"""A control plane that the product made in an account that enforces IAM, and how a test acts in each of its roles."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from reconciler.model.control import ISSUER
from tests.embedded.command import Meridian
from tests.embedded.iam_world import ACCOUNT, Caller, World, allow, document, session

REPOSITORY = "example/orders"
DENIALS = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "KMSAccessDenied",
    "NotAuthorized",
    "403",
}
_SUBJECTS = {
    "meridian-github-plan": "pull_request",
    "meridian-github-main": "ref:refs/heads/main",
    "meridian-github-approve": "environment:meridian-approval",
}
Call = Callable[[Any], Any]
"""What a test does with `client(service, region)`."""


def arn(role: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


@dataclass(slots=True)
class ControlPlane:
    world: World
    meridian: Meridian
    _sessions: dict[str, Caller] = field(default_factory=dict)

    def act_as(self, role: str) -> Caller:
        """A session in the role. A role that trusts a service comes to trust a user, too: what it may do stays the same."""
        if role not in self._sessions:
            self._sessions[role] = self._by_github(role) if "github" in role else self._by_a_user(role)
        return self._sessions[role]

    def _by_a_user(self, role: str) -> Caller:
        user = self.world.user(f"as-{role}", allow("sts:AssumeRole", resource=arn(role)))
        iam = self.world.aws.client("iam")
        trusted = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        also = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/as-{role}"}
        more = {"Effect": "Allow", "Principal": also, "Action": "sts:AssumeRole"}
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=document(*trusted, more))
        self.world.propagated()
        return self.world.aws.until(lambda: _session(user, arn(role)))

    def _by_github(self, role: str) -> Caller:
        made = self.web(role, f"repo:{REPOSITORY}:{_SUBJECTS[role]}")
        return Caller(self.world.aws, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def web(self, role: str, subject: str, ref: str = "refs/heads/main", **more: Any) -> dict[str, Any]:
        """Credentials of the role for a workflow with this subject, which runs for this branch."""
        url, nobody = self.world.aws.url, Config(signature_version=UNSIGNED)
        sts = boto3.client("sts", region_name="us-east-1", endpoint_url=url, config=nobody)
        made = sts.assume_role_with_web_identity(
            RoleArn=arn(role), RoleSessionName="run", WebIdentityToken=_token(sub=subject, ref=ref), **more
        )
        return dict(made["Credentials"])


def _session(user: Caller, role: str) -> Caller | None:
    """None until AWS has heard of the trust."""
    try:
        return session(user, role)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return None


def _token(**claims: Any) -> str:
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    standard = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "exp": time.time() + 300}
    return f"{part({'alg': 'none'})}.{part(standard | claims)}."


def denied(caller: Caller, call: Call) -> bool:
    """Whether it was IAM that refused: any other answer means that the call was allowed."""
    try:
        call(caller.client)
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIALS
    return False
