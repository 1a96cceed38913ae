"""KMS: keys that are disabled or on their way out, their policies and names."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "KMS API reference [V]"
STATES = "KMS key states [V]"
COST = "1 USD a month for as long as the key lives: it is removed after 7 days, of which none is charged"


def key(aws: Target, **more: Any) -> str:
    client = aws.client("kms")
    tags = [{"TagKey": name, "TagValue": value} for name, value in aws.tags.items()]
    made = client.create_key(Description="conformance", Tags=tags, **more)["KeyMetadata"]["KeyId"]
    aws.later(client.schedule_key_deletion, KeyId=made, PendingWindowInDays=7)
    return str(made)


def condition(aws: Target, name: str) -> str:
    return str(aws.client("kms").describe_key(KeyId=name)["KeyMetadata"]["KeyState"])


@success("kms:CreateKey", source=API)
@success("kms:DescribeKey", source=API)
@success("kms:DisableKey", source=API)
@success("kms:EnableKey", source=API)
@success("kms:ScheduleKeyDeletion", source=API)
@success("kms:CancelKeyDeletion", source=API)
@success("kms:EnableKeyRotation", source=API)
@success("kms:GetKeyRotationStatus", source=API)
@state("kms:DisableKey", "Disabled", source=STATES)
@state("kms:ScheduleKeyDeletion", "PendingDeletion", source=STATES)
@refusal("kms:DescribeKey", "NotFoundException", source=API)
@refusal("kms:EnableKeyRotation", "DisabledException", source=STATES)
@refusal("kms:EnableKeyRotation", "KMSInvalidStateException", source=STATES)
@refusal("kms:CancelKeyDeletion", "KMSInvalidStateException", source=API)
@refusal("kms:ScheduleKeyDeletion", "KMSInvalidStateException", source=API)
@refusal("kms:ScheduleKeyDeletion", "ValidationException", source=API)
@refusal("kms:EnableKey", "KMSInvalidStateException", source=STATES)
@real(COST)
def test_a_key_is_disabled_scheduled_and_rescued(aws: Target) -> None:
    client = aws.client("kms")
    refused(client.describe_key, "NotFoundException", KeyId="00000000-0000-0000-0000-000000000000")
    one = {"KeyId": key(aws)}
    aws.until(lambda: condition(aws, one["KeyId"]) == "Enabled")
    client.enable_key_rotation(**one)
    aws.until(lambda: client.get_key_rotation_status(**one)["KeyRotationEnabled"] is True)
    refused(client.cancel_key_deletion, "KMSInvalidStateException", **one)
    refused(client.schedule_key_deletion, "ValidationException", **one, PendingWindowInDays=6)
    client.disable_key(**one)
    aws.until(lambda: condition(aws, one["KeyId"]) == "Disabled")
    refused(client.enable_key_rotation, "DisabledException", **one)
    client.schedule_key_deletion(**one, PendingWindowInDays=7)
    aws.until(lambda: condition(aws, one["KeyId"]) == "PendingDeletion")
    for call in (client.enable_key, client.enable_key_rotation):
        refused(call, "KMSInvalidStateException", **one)
    refused(client.schedule_key_deletion, "KMSInvalidStateException", **one, PendingWindowInDays=7)
    client.cancel_key_deletion(**one)
    aws.until(lambda: condition(aws, one["KeyId"]) == "Disabled")
    client.enable_key(**one)


def policy(principal: str, action: str = "kms:*") -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@success("kms:PutKeyPolicy", source=API)
@success("kms:GetKeyPolicy", source=API)
@refusal("kms:PutKeyPolicy", "MalformedPolicyDocumentException", source="key policy lockout safety check [V]")
@refusal("kms:CreateKey", "MalformedPolicyDocumentException", source="key policy lockout safety check [V]")
@real(COST)
def test_a_policy_must_leave_somebody_who_may_change_it(aws: Target) -> None:
    client, account = aws.client("kms"), aws.account()
    put = {"KeyId": key(aws), "PolicyName": "default"}
    root = f"arn:aws:iam::{account}:root"
    client.put_key_policy(**put, Policy=policy(root))
    assert "kms:*" in client.get_key_policy(**put)["Policy"]
    locked_out = policy(root, "kms:Encrypt")
    refused(client.put_key_policy, "MalformedPolicyDocumentException", **put, Policy=locked_out)
    refused(client.create_key, "MalformedPolicyDocumentException", Policy=locked_out)
    nobody = policy(f"arn:aws:iam::{account}:role/{aws.name('nobody')}")
    refused(client.put_key_policy, "MalformedPolicyDocumentException", **put, Policy=nobody)


@success("kms:CreateAlias", source=API)
@success("kms:DeleteAlias", source=API)
@refusal("kms:CreateAlias", "AlreadyExistsException", source=API)
@refusal("kms:CreateAlias", "KMSInvalidStateException", source=STATES)
@refusal("kms:DescribeKey", "NotFoundException", source=API)
@real(COST)
def test_an_alias_names_one_key(aws: Target) -> None:
    client, target = aws.client("kms"), key(aws)
    alias = f"alias/{aws.name()}"
    refused(client.describe_key, "NotFoundException", KeyId=alias)
    client.create_alias(AliasName=alias, TargetKeyId=target)
    aws.later(client.delete_alias, AliasName=alias)
    refused(client.create_alias, "AlreadyExistsException", AliasName=alias, TargetKeyId=target)
    assert client.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == target
    client.delete_alias(AliasName=alias)
    client.schedule_key_deletion(KeyId=target, PendingWindowInDays=7)
    refused(client.create_alias, "KMSInvalidStateException", AliasName=alias, TargetKeyId=target)
    client.cancel_key_deletion(KeyId=target)
