"""Secrets Manager: a deleted secret keeps its name, and a replicated one its replicas."""

from __future__ import annotations

from typing import Any

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "Secrets Manager API reference [V]"
COST = "0.40 USD a month for each secret: seconds of it"


def secret(aws: Target, name: str = "secret") -> str:
    client, named = aws.client("secretsmanager"), aws.name(name)
    tags = [{"Key": key, "Value": value} for key, value in aws.tags.items()]
    client.create_secret(Name=named, SecretString="x", Tags=tags)
    aws.later(client.delete_secret, SecretId=named, ForceDeleteWithoutRecovery=True)
    return named


@success("secretsmanager:CreateSecret", source=API)
@success("secretsmanager:DescribeSecret", source=API)
@success("secretsmanager:DeleteSecret", source=API)
@success("secretsmanager:RestoreSecret", source=API)
@success("secretsmanager:GetSecretValue", source=API)
@state("secretsmanager:DeleteSecret", "scheduled for deletion", source=API)
@refusal("secretsmanager:CreateSecret", "ResourceExistsException", source=API)
@refusal("secretsmanager:CreateSecret", "InvalidRequestException", source=API)
@refusal("secretsmanager:CreateSecret", "ValidationException", source=API)
@refusal("secretsmanager:GetSecretValue", "InvalidRequestException", source=API)
@refusal("secretsmanager:DescribeSecret", "ResourceNotFoundException", source=API)
@refusal("secretsmanager:DeleteSecret", "InvalidParameterException", source=f"{API}: 7 to 30 days")
@real(COST)
def test_a_deleted_secret_keeps_its_name_until_it_is_gone(aws: Target) -> None:
    client = aws.client("secretsmanager")
    refused(client.describe_secret, "ResourceNotFoundException", SecretId=aws.name("none"))
    refused(client.create_secret, "ValidationException", Name="not a name", SecretString="x")
    name = secret(aws)
    refused(client.create_secret, "ResourceExistsException", Name=name, SecretString="x")
    refused(client.delete_secret, "InvalidParameterException", SecretId=name, RecoveryWindowInDays=3)
    client.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    assert client.describe_secret(SecretId=name)["DeletedDate"]
    refused(client.get_secret_value, "InvalidRequestException", SecretId=name)
    told = refused(client.create_secret, "InvalidRequestException", Name=name, SecretString="x")
    assert "already scheduled for deletion" in told
    client.restore_secret(SecretId=name)
    assert client.get_secret_value(SecretId=name)["SecretString"] == "x"


@success("secretsmanager:ReplicateSecretToRegions", source=API)
@refusal("secretsmanager:ReplicateSecretToRegions", "InvalidParameterException", source=API)
@refusal(
    "secretsmanager:DeleteSecret", "InvalidRequestException", source=f"{API}: remove the replicas first; the code [K]"
)
def test_a_replicated_secret_stays(aws: Target) -> None:
    client, name = aws.client("secretsmanager"), secret(aws)

    def replicate(region: str) -> dict[str, Any]:
        return {"SecretId": name, "AddReplicaRegions": [{"Region": region}]}

    refused(client.replicate_secret_to_regions, "InvalidParameterException", **replicate("us-east-1"))
    client.replicate_secret_to_regions(**replicate("eu-west-1"))
    assert aws.client("secretsmanager", "eu-west-1").get_secret_value(SecretId=name)["SecretString"] == "x"
    refused(client.delete_secret, "InvalidRequestException", SecretId=name, RecoveryWindowInDays=7)
