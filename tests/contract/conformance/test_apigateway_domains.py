"""API Gateway: custom domains and what they are mapped to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conformance import made
from tests.contract.conformance.claims import refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "API Gateway V1 API reference [V]"
NAME = "a.example.com"


def domain(aws: Target, certificate: str = "", **more: Any) -> dict[str, Any]:
    arguments = {
        "domainName": NAME,
        "regionalCertificateArn": certificate or made.certificate(aws, NAME),
        "endpointConfiguration": {"types": ["REGIONAL"]},
        "securityPolicy": "TLS_1_2",
    }
    client = aws.client("apigateway")
    found: dict[str, Any] = aws.patiently(client.create_domain_name, **arguments | more)
    return found


def available(aws: Target) -> dict[str, Any]:
    client = aws.client("apigateway")

    def there() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get_domain_name(domainName=NAME)
        return found if found["domainNameStatus"] == "AVAILABLE" else None

    found: dict[str, Any] = aws.until(there)
    return found


def replace(path: str, value: str) -> list[dict[str, str]]:
    return [{"op": "replace", "path": path, "value": value}]


@success("apigateway:CreateDomainName", source=API)
@success("apigateway:GetDomainName", source=API)
@success("apigateway:GetDomainNames", source=API)
@success("apigateway:UpdateDomainName", source=API)
@success("apigateway:DeleteDomainName", source=API)
@state("apigateway:CreateDomainName", "PENDING", source=f"{API}, domainNameStatus")
@state("apigateway:UpdateDomainName", "UPDATING", source=f"{API}, domainNameStatus")
@refusal("apigateway:UpdateDomainName", "ConflictException", source="one change at a time [K]")
@refusal("apigateway:GetDomainName", "NotFoundException", source=API)
@refusal("apigateway:DeleteDomainName", "NotFoundException", source=API)
def test_a_domain_takes_its_time_and_gets_another_certificate_in_place(aws: Target) -> None:
    client = aws.client("apigateway")
    first, second = made.certificate(aws, NAME), made.certificate(aws, "*.example.com")
    aws.control("clock", {"speed": 20})
    made_domain = domain(aws, first)
    assert made_domain["domainNameStatus"] == "PENDING"
    assert [one["domainName"] for one in client.get_domain_names()["items"]] == [NAME]
    assert made_domain["regionalDomainName"].endswith(".amazonaws.com")
    change = {"domainName": NAME, "patchOperations": replace("/regionalCertificateArn", second)}
    refused(client.update_domain_name, "ConflictException", **change)
    aws.control("clock", {"speed": 600})
    available(aws)
    aws.control("clock", {"speed": 20})
    assert aws.patiently(client.update_domain_name, **change)["domainNameStatus"] == "UPDATING"
    aws.control("clock", {"speed": 600})
    assert available(aws)["regionalCertificateArn"] == second
    aws.patiently(client.delete_domain_name, domainName=NAME)
    refused(client.get_domain_name, "NotFoundException", domainName=NAME)
    assert "identifier" in refused(client.delete_domain_name, "NotFoundException", domainName=NAME)


ENHANCED = "SecurityPolicy_TLS13_1_3_2025_09"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("an unknown policy", {"securityPolicy": "TLS_1_9"}, "security policy"),
    ("an access mode without its policy", {"endpointAccessMode": "STRICT"}, "access mode"),
    ("a policy without its access mode", {"securityPolicy": ENHANCED}, "access mode"),
    ("an unknown access mode", {"securityPolicy": ENHANCED, "endpointAccessMode": "LAX"}, "access mode"),
    (
        "a policy of the edge",
        {"securityPolicy": "SecurityPolicy_TLS13_2025_EDGE", "endpointAccessMode": "BASIC"},
        "edge-optimized",
    ),
    (
        "no certificate",
        {"regionalCertificateArn": "arn:aws:acm:us-east-1:111111111111:certificate/none"},
        "certificate",
    ),
    ("another name than the certificate's", {"domainName": "b.example.com"}, "does not match"),
]


@pytest.mark.parametrize(("more", "told"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
@refusal("apigateway:CreateDomainName", "BadRequestException", source=f"{API}; botocore [V]; aws-facts §2.2, §4")
def test_a_domain_is_refused(aws: Target, more: dict[str, Any], told: str) -> None:
    arguments = {
        "domainName": NAME,
        "regionalCertificateArn": made.certificate(aws, NAME),
        "endpointConfiguration": {"types": ["REGIONAL"]},
    }
    message = refused(aws.client("apigateway").create_domain_name, "BadRequestException", **arguments | more)
    assert told in message


@success("apigateway:CreateDomainName", source="SecurityPolicy_* with endpointAccessMode: botocore [V]")
@refusal("apigateway:CreateDomainName", "BadRequestException", source="unique per Region (aws-facts §2.2) [V]")
def test_a_name_exists_once_in_its_region(aws: Target) -> None:
    domain(aws, securityPolicy=ENHANCED, endpointAccessMode="STRICT")
    again = {"domainName": NAME, "regionalCertificateArn": made.certificate(aws, NAME),
             "endpointConfiguration": {"types": ["REGIONAL"]}}  # fmt: skip
    create = aws.client("apigateway").create_domain_name
    assert "already exists" in refused(create, "BadRequestException", **again)
    elsewhere = again | {"regionalCertificateArn": made.certificate(aws, NAME, region="eu-west-1")}
    assert aws.client("apigateway", "eu-west-1").create_domain_name(**elsewhere)["domainName"] == NAME


@success("apigateway:CreateBasePathMapping", source=API)
@success("apigateway:GetBasePathMappings", source=API)
@success("apigateway:UpdateBasePathMapping", source=API)
@success("apigateway:DeleteBasePathMapping", source=API)
@refusal("apigateway:CreateBasePathMapping", "NotFoundException", source=API)
@refusal("apigateway:CreateBasePathMapping", "BadRequestException", source=API)
@refusal("apigateway:CreateBasePathMapping", "ConflictException", source=API)
@refusal("apigateway:UpdateBasePathMapping", "BadRequestException", source=API)
@refusal("apigateway:DeleteBasePathMapping", "NotFoundException", source=API)
@refusal("apigateway:GetBasePathMappings", "NotFoundException", source=API)
def test_a_domain_is_mapped_to_a_stage(aws: Target) -> None:
    client, api = aws.client("apigateway"), made.rest_api(aws)
    client.create_stage(restApiId=api, stageName="live", deploymentId=made.deployment(aws, api))
    mapping = {"domainName": NAME, "restApiId": api, "stage": "live"}
    refused(client.create_base_path_mapping, "NotFoundException", **mapping)
    refused(client.get_base_path_mappings, "NotFoundException", domainName=NAME)
    domain(aws)
    refused(client.create_base_path_mapping, "BadRequestException", **mapping | {"stage": "none"})
    client.create_base_path_mapping(**mapping)
    refused(client.create_base_path_mapping, "ConflictException", **mapping)
    [found] = client.get_base_path_mappings(domainName=NAME)["items"]
    assert found == {"basePath": "(none)", "restApiId": api, "stage": "live"}
    here = {"domainName": NAME, "basePath": "(none)"}
    refused(client.update_base_path_mapping, "BadRequestException", **here, patchOperations=replace("/stage", "none"))
    client.update_base_path_mapping(**here, patchOperations=replace("/stage", "live"))
    client.delete_base_path_mapping(**here)
    refused(client.delete_base_path_mapping, "NotFoundException", **here)
