"""ACM: requests, validation, who uses a certificate, and that it stays while somebody does."""

from __future__ import annotations

from typing import Any

from tests.contract.conformance import made
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "ACM API reference [V]"
GUIDE = "ACM user guide [V]"


def request(aws: Target, name: str, **more: Any) -> str:
    acm = aws.client("acm")
    tags = [{"Key": key, "Value": value} for key, value in aws.tags.items()]
    arn = str(acm.request_certificate(DomainName=name, ValidationMethod="DNS", Tags=tags, **more)["CertificateArn"])
    aws.later(acm.delete_certificate, CertificateArn=arn)
    return arn


def domain(aws: Target) -> str:
    """Nobody's, but under a domain that is public: ACM fails requests for others (INVALID_PUBLIC_DOMAIN)."""
    return f"{aws.run}.meridian-conformance.example.net"


@success("acm:RequestCertificate", source=API)
@success("acm:DescribeCertificate", source=API)
@success("acm:DeleteCertificate", source=API)
@state("acm:RequestCertificate", "PENDING_VALIDATION", source=API)
@refusal("acm:DescribeCertificate", "ResourceNotFoundException", source=API)
@refusal("acm:DeleteCertificate", "ResourceNotFoundException", source=API)
@real("nothing: one of 2,500 requests a year, never validated")
def test_a_certificate_waits_for_its_record(aws: Target) -> None:
    acm = aws.client("acm")
    arn = request(aws, domain(aws), SubjectAlternativeNames=[f"*.{domain(aws)}"])
    describe = lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]  # noqa: E731
    aws.until(lambda: all("ResourceRecord" in one for one in describe().get("DomainValidationOptions", [{}])))
    found = describe()
    first, second = found["DomainValidationOptions"]
    assert found["Status"] == first["ValidationStatus"] == "PENDING_VALIDATION"
    assert first["ResourceRecord"] == second["ResourceRecord"], "a name and its wildcard have one record"
    assert first["ResourceRecord"]["Value"].endswith(".acm-validations.aws.")
    assert "NotAfter" not in found
    acm.delete_certificate(CertificateArn=arn)
    refused(acm.describe_certificate, "ResourceNotFoundException", CertificateArn=arn)
    refused(acm.delete_certificate, "ResourceNotFoundException", CertificateArn=arn)


@success("acm:RequestCertificate", source=API)
@real("nothing: one of 2,500 requests a year, never validated")
def test_a_request_with_the_same_token_gives_the_same_certificate(aws: Target) -> None:
    first = request(aws, domain(aws), IdempotencyToken="once")
    assert request(aws, domain(aws), IdempotencyToken="once") == first
    assert request(aws, domain(aws), IdempotencyToken="twice") != first


@success("acm:ListCertificates", source=API)
@real("nothing: two of 2,500 requests a year, never validated")
def test_elliptic_curves_are_listed_only_when_asked_for(aws: Target) -> None:
    acm = aws.client("acm")
    rsa, curve = request(aws, domain(aws)), request(aws, domain(aws), KeyAlgorithm="EC_prime256v1")

    def listed(**more: Any) -> set[str]:
        pages = acm.get_paginator("list_certificates").paginate(CertificateStatuses=["PENDING_VALIDATION"], **more)
        return {one["CertificateArn"] for page in pages for one in page["CertificateSummaryList"]} & {rsa, curve}

    aws.until(lambda: listed() == {rsa})
    aws.until(lambda: listed(Includes={"keyTypes": ["RSA_2048", "EC_prime256v1"]}) == {rsa, curve})


@refusal("acm:RequestCertificate", "ValidationException", source=API)
@refusal(
    "acm:RequestCertificate",
    "InvalidParameterException",
    source="ACM user guide: common name of 64 characters [V]; code [K]",
)
@refusal("acm:RequestCertificate", "LimitExceededException", source="ACM quotas: 10 names by default [V]")
def test_names_that_no_certificate_can_have(aws: Target) -> None:
    ask = aws.client("acm").request_certificate
    refused(ask, "ValidationException", DomainName="not a name.example.com", ValidationMethod="DNS")
    refused(ask, "InvalidParameterException", DomainName=f"{'a' * 60}.example.com", ValidationMethod="DNS")
    names = [f"{letter}.example.com" for letter in "abcdefghijk"]
    refused(ask, "LimitExceededException", DomainName=names[0], SubjectAlternativeNames=names, ValidationMethod="DNS")


@state("acm:RequestCertificate", "no ResourceRecord yet", source="aws-facts §10 [V]")
def test_the_record_is_known_only_seconds_after_the_request(aws: Target) -> None:
    aws.control("clock", {"speed": 1})
    acm = aws.client("acm")
    arn = request(aws, "a.example.com")
    describe = lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]  # noqa: E731
    assert "ResourceRecord" not in describe()[0]
    aws.control("clock", {"speed": 600})
    aws.until(lambda: "ResourceRecord" in describe()[0])


@state("acm:RequestCertificate", "VALIDATION_TIMED_OUT", source=GUIDE)
def test_validation_gives_up_after_three_days(aws: Target) -> None:
    acm = aws.client("acm")
    arn = request(aws, "a.example.com")
    aws.control("clock", {"speed": 100_000})
    status = lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"]  # noqa: E731
    aws.until(lambda: status() == "VALIDATION_TIMED_OUT", minutes=80 * 60)


@state("acm:RequestCertificate", "FAILED", source="ACM user guide, CAA records [V]")
def test_a_caa_record_for_another_authority_forbids_it(aws: Target) -> None:
    acm, route53 = aws.client("acm"), aws.client("route53")
    rows = {
        "Name": "example.com",
        "Type": "CAA",
        "TTL": 60,
        "ResourceRecords": [{"Value": '0 issue "letsencrypt.org"'}],
    }
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": rows}]}
    route53.change_resource_record_sets(HostedZoneId="Z0123456789EXAMPLE", ChangeBatch=batch)
    arn = request(aws, "a.example.com")
    describe = lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]  # noqa: E731
    aws.until(lambda: "ResourceRecord" in describe()["DomainValidationOptions"][0])
    record = describe()["DomainValidationOptions"][0]["ResourceRecord"]
    rows = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": rows}]}
    route53.change_resource_record_sets(HostedZoneId="Z0123456789EXAMPLE", ChangeBatch=batch)
    aws.until(lambda: describe()["Status"] == "FAILED")
    assert describe()["FailureReason"] == "CAA_ERROR"


@refusal("acm:DeleteCertificate", "ResourceInUseException", source=f"{API}; aws-facts §4, I11")
@state("acm:DeleteCertificate", "in use after its last user went", source="aws-facts §4 [K]")
def test_a_certificate_in_use_stays_and_is_let_go_of_late(aws: Target) -> None:
    acm, gateway = aws.client("acm"), aws.client("apigateway")
    arn = made.certificate(aws, "a.example.com")
    gateway.create_domain_name(
        domainName="a.example.com", regionalCertificateArn=arn, endpointConfiguration={"types": ["REGIONAL"]}
    )
    users = lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"]  # noqa: E731
    assert len(users()) == 1
    refused(acm.delete_certificate, "ResourceInUseException", CertificateArn=arn)
    aws.control("clock", {"speed": 10})
    aws.patiently(gateway.delete_domain_name, domainName="a.example.com")
    assert len(users()) == 1
    refused(acm.delete_certificate, "ResourceInUseException", CertificateArn=arn)
    aws.control("clock", {"speed": 600})
    aws.until(lambda: not users())
    acm.delete_certificate(CertificateArn=arn)
