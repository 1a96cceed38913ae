"""IAM: roles and their policies; what people and the control plane's templates do by call."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import SPEED, Target, refused

API = "IAM API reference, {} [V]"
QUOTAS = 'IAM User Guide, "IAM and AWS STS quotas" [V]'
EVENTUAL = 'IAM User Guide, "Troubleshoot IAM: changes are not always immediately visible" [V]'
QUEUES = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(principal: Any) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


LAMBDA = trusting({"Service": "lambda.amazonaws.com"})


def role(aws: Target, what: str = "role", trust: str = LAMBDA) -> str:
    """A role's name; it goes at the end, with everything on it."""
    iam, name = aws.client("iam"), aws.name(what)
    tags = [{"Key": k, "Value": v} for k, v in aws.tags.items()]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=tags)
    aws.later(iam.delete_role, RoleName=name)
    aws.later(_clear, iam=iam, name=name)
    return name


def _clear(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])


@success("iam:CreateRole", source=API.format("CreateRole"))
@success("iam:GetRole", source=API.format("GetRole"))
@success("iam:DeleteRole", source=API.format("DeleteRole"))
@refusal("iam:CreateRole", "EntityAlreadyExists", source=API.format("CreateRole"))
@refusal("iam:GetRole", "NoSuchEntity", source=API.format("GetRole"))
@refusal("iam:DeleteRole", "NoSuchEntity", source=API.format("DeleteRole"))
@real("nothing")
def test_a_role_is_made_once_and_is_gone_when_it_was_deleted(aws: Target) -> None:
    iam, name = aws.client("iam"), role(aws)
    found = iam.get_role(RoleName=name)["Role"]
    assert found["Arn"] == f"arn:aws:iam::{aws.account()}:role/{name}"
    assert found["AssumeRolePolicyDocument"] == json.loads(LAMBDA)
    refused(iam.create_role, "EntityAlreadyExists", RoleName=name, AssumeRolePolicyDocument=LAMBDA)
    iam.delete_role(RoleName=name)
    aws.until(lambda: _absent(iam, name), minutes=1)
    refused(iam.delete_role, "NoSuchEntity", RoleName=name)


def _absent(iam: Any, name: str) -> bool:
    try:
        iam.get_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        return True
    return False


@refusal("iam:CreateRole", "MalformedPolicyDocument", source=API.format("CreateRole"))
@refusal("iam:UpdateAssumeRolePolicy", "MalformedPolicyDocument", source=API.format("UpdateAssumeRolePolicy"))
@refusal("iam:CreateRole", "LimitExceeded", source=QUOTAS)
@success("iam:UpdateAssumeRolePolicy", source=API.format("UpdateAssumeRolePolicy"))
@refusal("iam:UpdateAssumeRolePolicy", "NoSuchEntity", source=API.format("UpdateAssumeRolePolicy"))
@real("nothing")
def test_a_trust_policy_names_principals_that_exist(aws: Target) -> None:
    iam, name = aws.client("iam"), role(aws)
    nobody = trusting({"AWS": f"arn:aws:iam::{aws.account()}:role/{aws.name('nobody')}"})
    for wrong in ("{", document({"Effect": "Allow", "Action": "sts:AssumeRole"}), nobody):
        refused(iam.create_role, "MalformedPolicyDocument", RoleName=aws.name("other"), AssumeRolePolicyDocument=wrong)
        refused(iam.update_assume_role_policy, "MalformedPolicyDocument", RoleName=name, PolicyDocument=wrong)
    assert "Invalid principal in policy" in refused(
        iam.update_assume_role_policy, "MalformedPolicyDocument", RoleName=name, PolicyDocument=nobody
    )
    services = trusting({"Service": [f"{service}.amazonaws.com" for service in ("lambda", "edgelambda")]})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=services)
    long = document(*({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
                       "Sid": f"S{n}"} for n in range(40)))  # fmt: skip
    refused(iam.create_role, "LimitExceeded", RoleName=aws.name("other"), AssumeRolePolicyDocument=long)
    refused(iam.update_assume_role_policy, "NoSuchEntity", RoleName=aws.name("none"), PolicyDocument=services)


@success("iam:PutRolePolicy", source=API.format("PutRolePolicy"))
@success("iam:GetRolePolicy", source=API.format("GetRolePolicy"))
@success("iam:ListRolePolicies", source=API.format("ListRolePolicies"))
@success("iam:DeleteRolePolicy", source=API.format("DeleteRolePolicy"))
@refusal("iam:PutRolePolicy", "MalformedPolicyDocument", source=API.format("PutRolePolicy"))
@refusal("iam:PutRolePolicy", "LimitExceeded", source=QUOTAS)
@refusal("iam:PutRolePolicy", "NoSuchEntity", source=API.format("PutRolePolicy"))
@refusal("iam:GetRolePolicy", "NoSuchEntity", source=API.format("GetRolePolicy"))
@refusal("iam:ListRolePolicies", "NoSuchEntity", source=API.format("ListRolePolicies"))
@refusal("iam:DeleteRolePolicy", "NoSuchEntity", source=API.format("DeleteRolePolicy"))
@refusal("iam:DeleteRole", "DeleteConflict", source=API.format("DeleteRole"))
@real("nothing")
def test_an_inline_policy_is_written_over_read_back_and_keeps_its_role(aws: Target) -> None:
    iam, name = aws.client("iam"), role(aws)
    for statement in ({**QUEUES, "Action": "sqs:*"}, QUEUES):
        iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=document(statement))
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["one"]
    assert iam.get_role_policy(RoleName=name, PolicyName="one")["PolicyDocument"]["Statement"] == [QUEUES]
    refused(iam.delete_role, "DeleteConflict", RoleName=name)
    for wrong in ("{", document({**QUEUES, "Principal": "*"})):
        refused(iam.put_role_policy, "MalformedPolicyDocument", RoleName=name, PolicyName="two", PolicyDocument=wrong)
    half = document({**QUEUES, "Resource": [f"arn:aws:sqs:us-east-1:111111111111:{n:060}" for n in range(60)]})
    iam.put_role_policy(RoleName=name, PolicyName="half", PolicyDocument=half)
    refused(iam.put_role_policy, "LimitExceeded", RoleName=name, PolicyName="half-2", PolicyDocument=half)
    iam.delete_role_policy(RoleName=name, PolicyName="one")
    gone = {"RoleName": name, "PolicyName": "one"}
    none = {"RoleName": aws.name("none"), "PolicyName": "one"}
    for call, arguments in (
        (iam.get_role_policy, gone),
        (iam.delete_role_policy, gone),
        (iam.put_role_policy, none | {"PolicyDocument": document(QUEUES)}),
        (iam.list_role_policies, {"RoleName": aws.name("none")}),
    ):
        refused(call, "NoSuchEntity", **arguments)


@success("iam:GetAccountAuthorizationDetails", source=API.format("GetAccountAuthorizationDetails"))
@real("nothing")
def test_all_roles_are_read_at_once_with_what_they_may_do(aws: Target) -> None:
    iam, name = aws.client("iam"), role(aws)
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=document(QUEUES))
    attached = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.attach_role_policy(RoleName=name, PolicyArn=attached)

    def found() -> Any:
        pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
        return next((r for page in pages for r in page["RoleDetailList"] if r["RoleName"] == name), None)

    aws.until(lambda: (one := found()) and one["AttachedManagedPolicies"])
    seen = found()
    assert seen["AssumeRolePolicyDocument"] == json.loads(LAMBDA)
    assert seen["RolePolicyList"] == [{"PolicyName": "one", "PolicyDocument": json.loads(document(QUEUES))}]
    assert [p["PolicyArn"] for p in seen["AttachedManagedPolicies"]] == [attached]
    assert {t["Key"]: t["Value"] for t in seen["Tags"]}.items() >= aws.tags.items()


@success("iam:CreatePolicy", source=API.format("CreatePolicy"))
@success("iam:AttachRolePolicy", source=API.format("AttachRolePolicy"))
@success("iam:ListAttachedRolePolicies", source=API.format("ListAttachedRolePolicies"))
@success("iam:DetachRolePolicy", source=API.format("DetachRolePolicy"))
@success("iam:DeletePolicy", source=API.format("DeletePolicy"))
@refusal("iam:CreatePolicy", "EntityAlreadyExists", source=API.format("CreatePolicy"))
@refusal("iam:CreatePolicy", "MalformedPolicyDocument", source=API.format("CreatePolicy"))
@refusal("iam:CreatePolicy", "LimitExceeded", source=QUOTAS)
@refusal("iam:AttachRolePolicy", "NoSuchEntity", source=API.format("AttachRolePolicy"))
@refusal("iam:DetachRolePolicy", "NoSuchEntity", source=API.format("DetachRolePolicy"))
@refusal("iam:ListAttachedRolePolicies", "NoSuchEntity", source=API.format("ListAttachedRolePolicies"))
@refusal("iam:DeletePolicy", "DeleteConflict", source=API.format("DeletePolicy"))
@refusal("iam:DeletePolicy", "NoSuchEntity", source=API.format("DeletePolicy"))
@real("nothing")
def test_a_managed_policy_is_attached_and_lasts_as_long_as_it_is(aws: Target) -> None:
    iam, name = aws.client("iam"), role(aws)
    arn = policy(aws, "policy")
    refused(iam.create_policy, "EntityAlreadyExists", PolicyName=aws.name("policy"), PolicyDocument=document(QUEUES))
    refused(iam.create_policy, "MalformedPolicyDocument", PolicyName=aws.name("other"), PolicyDocument="{")
    long = document({**QUEUES, "Resource": [f"arn:aws:sqs:us-east-1:111111111111:{n:060}" for n in range(70)]})
    refused(iam.create_policy, "LimitExceeded", PolicyName=aws.name("other"), PolicyDocument=long)
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached == [{"PolicyName": aws.name("policy"), "PolicyArn": arn}]
    refused(iam.delete_role, "DeleteConflict", RoleName=name)
    refused(iam.delete_policy, "DeleteConflict", PolicyArn=arn)
    iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    refused(iam.detach_role_policy, "NoSuchEntity", RoleName=name, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    refused(iam.delete_policy, "NoSuchEntity", PolicyArn=arn)
    refused(iam.attach_role_policy, "NoSuchEntity", RoleName=name, PolicyArn=arn)
    refused(iam.list_attached_role_policies, "NoSuchEntity", RoleName=aws.name("none"))


def policy(aws: Target, what: str) -> str:
    iam, tags = aws.client("iam"), [{"Key": key, "Value": value} for key, value in aws.tags.items()]
    made = iam.create_policy(PolicyName=aws.name(what), PolicyDocument=document(QUEUES), Tags=tags)["Policy"]["Arn"]
    aws.later(iam.delete_policy, PolicyArn=made)
    return str(made)


@refusal("iam:AttachRolePolicy", "LimitExceeded", source=QUOTAS)
def test_ten_policies_per_role(aws: Target) -> None:
    """Not on a real account: there the quota can be raised to twenty."""
    iam, name = aws.client("iam"), role(aws)
    for number in range(10):
        iam.attach_role_policy(RoleName=name, PolicyArn=policy(aws, f"policy-{number}"))
    refused(iam.attach_role_policy, "LimitExceeded", RoleName=name, PolicyArn=policy(aws, "one-more"))


@success("iam:TagRole", source=API.format("TagRole"))
@refusal("iam:TagRole", "NoSuchEntity", source=API.format("TagRole"))
@real("nothing")
def test_a_role_is_tagged(aws: Target) -> None:
    iam, name = aws.client("iam"), role(aws)
    iam.tag_role(RoleName=name, Tags=[{"Key": "plan", "Value": "remove-region"}])
    tags = {tag["Key"]: tag["Value"] for tag in iam.get_role(RoleName=name)["Role"]["Tags"]}
    assert tags == {**aws.tags, "plan": "remove-region"}
    refused(iam.tag_role, "NoSuchEntity", RoleName=aws.name("none"), Tags=[{"Key": "a", "Value": "b"}])


@state("iam:CreateRole", "not yet seen by others", source=EVENTUAL)
def test_others_see_a_role_after_some_seconds(aws: Target) -> None:
    """Not on a real account, where it is often seen at once: who relies on that fails now and then."""
    aws.control("clock", {"speed": 20})
    name = role(aws, trust=trusting({"AWS": aws.account()}))
    arn = f"arn:aws:iam::{aws.account()}:role/{name}"
    assume = {"RoleArn": arn, "RoleSessionName": "conformance"}
    refused(aws.client("sts").assume_role, "AccessDenied", **assume)
    assert aws.client("iam").get_role(RoleName=name)["Role"]["Arn"] == arn  # IAM itself knows
    aws.control("clock", {"speed": SPEED})
    time.sleep(20 / SPEED)
    aws.client("sts").assume_role(**assume)


@success("iam:CreateOpenIDConnectProvider", source=API.format("CreateOpenIDConnectProvider"))
@success("iam:ListOpenIDConnectProviders", source=API.format("ListOpenIDConnectProviders"))
@refusal("iam:CreateOpenIDConnectProvider", "EntityAlreadyExists", source=API.format("CreateOpenIDConnectProvider"))
@real("nothing")
def test_one_provider_for_an_issuer(aws: Target) -> None:
    iam, url = aws.client("iam"), f"https://{aws.name('issuer')}.example.com"
    asked = {"Url": url, "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["0" * 40]}
    arn = iam.create_open_id_connect_provider(**asked)["OpenIDConnectProviderArn"]
    aws.later(iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn)
    assert arn.endswith(f":oidc-provider/{url.removeprefix('https://')}")
    assert arn in [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (shown["Url"], shown["ClientIDList"]) == (url.removeprefix("https://"), ["sts.amazonaws.com"])
    refused(iam.create_open_id_connect_provider, "EntityAlreadyExists", **asked)
