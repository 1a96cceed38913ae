"""Quotas: what is over them is refused in the service's own words, and CloudFormation waits instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded.conftest import SPEED, Aws

ZONE = "Z0123456789EXAMPLE"
STILL = 0.001  # buckets do not fill
CONFIG = {"Type": "HTTPS", "FullyQualifiedDomainName": "a.example.com"}


def refusals(call: Callable[..., Any], times: int, **arguments: Any) -> list[str]:
    """The codes of the calls that were refused."""
    codes = []
    for _ in range(times):
        try:
            call(**arguments)
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    return codes


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "burst", "code"),
    [
        ("route53", "list_hosted_zones", {}, 50, "Throttling"),
        ("cloudfront", "list_distributions", {}, 20, "Throttling"),
        ("iam", "list_roles", {}, 50, "Throttling"),
        ("cloudformation", "describe_stacks", {}, 40, "Throttling"),
        ("rds", "describe_db_clusters", {}, 40, "Throttling"),
        ("apigateway", "get_rest_apis", {}, 40, "TooManyRequestsException"),
        ("apigateway", "create_rest_api", {"name": "a"}, 1, "TooManyRequestsException"),
        ("lambda", "list_functions", {}, 15, "TooManyRequestsException"),
        ("ec2", "describe_vpcs", {}, 50, "RequestLimitExceeded"),
        ("acm", "list_certificates", {}, 8, "ThrottlingException"),
        ("acm", "request_certificate", {"DomainName": "a.example.com"}, 5, "ThrottlingException"),
        ("cloudwatch", "describe_alarms", {}, 9, "ThrottlingException"),
        ("cloudwatch", "list_metrics", {}, 25, "ThrottlingException"),
        ("cloudtrail", "lookup_events", {}, 2, "ThrottlingException"),
        ("logs", "describe_log_groups", {}, 10, "ThrottlingException"),
    ],
)
def test_what_is_over_the_quota_is_refused_in_the_services_words(
    aws: Aws, service: str, operation: str, arguments: dict[str, Any], burst: int, code: str
) -> None:
    aws.control("clock", {"speed": STILL})
    assert refusals(getattr(aws.client(service), operation), burst + 2, **arguments) == [code, code]
    if service == "cloudtrail":
        return
    aws.control("clock", {"speed": SPEED})
    aws.until(lambda: refusals(getattr(aws.client(service), operation), 1, **arguments) == [])


def test_a_quota_of_one_operation_comes_on_top_of_that_of_all(aws: Aws) -> None:
    aws.control("clock", {"speed": STILL})
    route53 = aws.client("route53")
    made = [route53.create_health_check(CallerReference=f"{n}", HealthCheckConfig=CONFIG) for n in range(16)]
    ids = [m["HealthCheck"]["Id"] for m in made]
    assert refusals(lambda: route53.delete_health_check(HealthCheckId=ids.pop()), 16) == ["Throttling"]
    assert refusals(route53.list_hosted_zones, 20) == ["Throttling"]  # 31 of 50 were left, 16 less


def test_a_global_service_has_one_bucket_for_the_account_others_one_per_region(aws: Aws) -> None:
    aws.control("clock", {"speed": STILL})
    refusals(aws.client("route53", "us-east-1").list_hosted_zones, 50)
    assert refusals(aws.client("route53", "eu-west-1").list_hosted_zones, 1) == ["Throttling"]
    assert refusals(aws.client("apigateway", "us-east-1").create_rest_api, 2, name="a") == ["TooManyRequestsException"]
    assert refusals(aws.client("apigateway", "eu-west-1").create_rest_api, 1, name="a") == []


def test_observers_are_outside_and_a_reset_fills_the_buckets(aws: Aws) -> None:
    aws.control("clock", {"speed": STILL})
    watching, acting = aws.client("route53", agent="observer"), aws.client("route53")
    assert refusals(watching.list_hosted_zones, 60) == []
    assert refusals(acting.list_hosted_zones, 51) == ["Throttling"]
    aws.control("reset", {})
    assert refusals(acting.list_hosted_zones, 1) == []


def test_boto3_knows_the_refusals_and_tries_again(aws: Aws) -> None:
    """1 per 30 seconds, which are 50 ms here: shorter than its first pauses."""
    apigateway = aws.client("apigateway", attempts=6)
    for name in ("a", "b"):
        assert apigateway.create_rest_api(name=name)["id"]
    route53 = aws.client("route53", attempts=6)
    aws.control("clock", {"speed": 10})
    for value in ("192.0.2.1", "192.0.2.2"):
        record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
        assert route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": changes})["ChangeInfo"]


def test_a_zone_takes_one_change_at_a_time(aws: Aws) -> None:
    other = aws.client("route53").create_hosted_zone(Name="b.example.net", CallerReference="b")["HostedZone"]["Id"]
    aws.control("clock", {"speed": STILL})

    def change(zone: str, name: str) -> None:
        record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
        aws.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    change(ZONE, "a.example.com")
    assert refusals(change, 1, zone=ZONE, name="b.example.com") == ["PriorRequestNotComplete"]
    assert refusals(change, 1, zone=other, name="a.b.example.net") == []


# ---- CloudFormation waits --------------------------------------------------------------------------------------------


def domains(aws: Aws, count: int) -> dict[str, Any]:
    acm, names = aws.client("acm"), [f"{n}.example.com" for n in range(count)]
    arn = acm.request_certificate(DomainName=names[0], SubjectAlternativeNames=names, ValidationMethod="DNS")[
        "CertificateArn"
    ]

    def records() -> list[dict[str, Any]]:
        options = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
        return [option["ResourceRecord"] for option in options if "ResourceRecord" in option]

    aws.until(lambda: len(records()) == count)
    changes = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": record["Name"],
                "Type": "CNAME",
                "TTL": 60,
                "ResourceRecords": [{"Value": record["Value"]}],
            },
        }
        for record in records()
    ]
    aws.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": changes})
    aws.until(lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED")
    return {
        f"Domain{n}": {
            "Type": "AWS::ApiGateway::DomainName",
            "Properties": {
                "DomainName": name,
                "RegionalCertificateArn": arn,
                "EndpointConfiguration": {"Types": ["REGIONAL"]},
            },
        }
        for n, name in enumerate(names)
    }


def ended(aws: Aws, stack: str, status: str) -> list[Any]:
    """When each domain reached the status, in order."""
    events = aws.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    found = [e for e in events if e["ResourceType"] == "AWS::ApiGateway::DomainName" and e["ResourceStatus"] == status]
    return sorted(e["Timestamp"] for e in found)


def test_a_second_custom_domain_of_a_stack_takes_half_a_minute_more(aws: Aws) -> None:
    resources = domains(aws, 3)
    aws.go(40)  # an event that a busy machine writes late is a few seconds late, not half a minute
    assert aws.deploy("three", resources) == "CREATE_COMPLETE"
    aws.go(100)
    first, second, third = ended(aws, "three", "CREATE_COMPLETE")
    assert min(second - first, third - second) > timedelta(seconds=25)
    stack = aws.client("cloudformation").describe_stacks(StackName="three")["Stacks"][0]["StackId"]
    aws.client("cloudformation").delete_stack(StackName="three")
    aws.until(lambda: aws.stack_status(stack) == "DELETE_COMPLETE")
    gone = ended(aws, stack, "DELETE_COMPLETE")
    assert gone[2] - gone[0] > timedelta(seconds=55)


def test_two_stacks_share_the_quota_and_people_are_refused_meanwhile(aws: Aws) -> None:
    first, second = domains(aws, 2).items()
    body = {name: json.dumps({"Resources": {name: resource}}) for name, resource in (first, second)}
    cloudformation = aws.client("cloudformation")
    aws.control("clock", {"speed": 20})
    for name, template in body.items():
        cloudformation.create_stack(StackName=name, TemplateBody=template)
    properties = first[1]["Properties"]
    asked = {
        "domainName": "2.example.com",
        "regionalCertificateArn": properties["RegionalCertificateArn"],
        "endpointConfiguration": {"types": ["REGIONAL"]},
    }
    assert refusals(aws.client("apigateway").create_domain_name, 1, **asked) == ["TooManyRequestsException"]
    assert [aws.settled(name) for name in body] == ["CREATE_COMPLETE"] * 2
    (one,), (two,) = (ended(aws, name, "CREATE_COMPLETE") for name in body)
    assert abs(two - one) > timedelta(seconds=25)
