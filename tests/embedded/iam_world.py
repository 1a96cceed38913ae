"""An embedded AWS that enforces IAM, and how a test gets users, roles and their sessions there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.embedded.conftest import SPEED, Aws

ACCOUNT = "111111111111"
Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with credentials. Offers what `Aws` does, with them."""

    aws: Aws
    key: str
    secret: str
    token: str | None = None

    @property
    def url(self) -> str:
        return self.aws.url

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return _client(self, service, region)

    def __getattr__(self, name: str) -> Any:
        """`until`, `settled` and the like; those that make calls make them as this caller."""
        found = getattr(Aws, name)
        return partial(found, self)

    @property
    def environment(self) -> dict[str, str]:
        token = {"AWS_SESSION_TOKEN": self.token} if self.token else {}
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, **token}


@lru_cache(maxsize=64)
def _client(caller: Caller, service: str, region: str) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=caller.url,
        aws_access_key_id=caller.key,
        aws_secret_access_key=caller.secret,
        aws_session_token=caller.token,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
    )


def allow(*actions: str, resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def deny(*actions: str, resource: str | list[str] = "*", **more: Any) -> Statement:
    return allow(*actions, resource=resource, **more) | {"Effect": "Deny"}


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(principal: Any, *actions: str, **more: Any) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": list(actions) or ["sts:AssumeRole"], **more})


def service(name: str) -> dict[str, str]:
    return {"Service": f"{name}.amazonaws.com"}


@dataclass(frozen=True, slots=True)
class World:
    """The account, as its root sees it."""

    aws: Aws

    def user(self, name: str, *statements: Statement) -> Caller:
        iam = self.aws.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document(*statements))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Caller(self.aws, made["AccessKeyId"], made["SecretAccessKey"])

    def role(self, name: str, trust: Any, *statements: Statement, **more: Any) -> str:
        """A role that others can see by now."""
        iam = self.aws.client("iam")
        trust = trust if isinstance(trust, str) else trusting(trust)
        arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"])
        if statements:
            self.grant(name, *statements)
        self.propagated()
        return arn

    def grant(self, role: str, *statements: Statement, name: str = "rights") -> None:
        self.aws.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document(*statements))

    def propagated(self) -> None:
        """Until others have heard of what was written."""
        time.sleep(20 / SPEED)

    def assume(self, name: str, *statements: Statement, **more: Any) -> Caller:
        """A session of a new role that allows this, by a user who may only assume it."""
        arn = self.role(name, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, *statements, **more)
        return session(self.user(f"{name}-user", allow("sts:AssumeRole", resource=arn)), arn)


def session(caller: Caller, role: str, **more: Any) -> Caller:
    sts = caller.client("sts")
    made = sts.assume_role(RoleArn=role, RoleSessionName="test", **more)["Credentials"]
    return Caller(caller.aws, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """The call within is refused with this code, and its message has these words."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    for word in words:
        assert word in error["Message"]
