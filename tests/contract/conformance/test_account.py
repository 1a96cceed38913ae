"""What an account may have and where: limits, quotas, Regions, engine versions, and names that are everybody's."""

from __future__ import annotations

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import ACCOUNT, Target, refused
from tests.contract.conformance.made import network
from tests.contract.conformance.zone import check

QUOTAS = "Service Quotas API reference [V]"
VPCS, DOMAINS, WEB = ("vpc", "L-F678F1CE"), ("apigateway", "L-A93447B8"), ("cloudfront", "L-24B04930")
ZONE_LIMIT = "API reference, GetHostedZoneLimit [V]"


def asked(quota: tuple[str, str]) -> dict[str, str]:
    return {"ServiceCode": quota[0], "QuotaCode": quota[1]}


@success("service-quotas:GetServiceQuota", source=QUOTAS)
@success("service-quotas:GetAWSDefaultServiceQuota", source=QUOTAS)
@refusal("service-quotas:GetServiceQuota", "NoSuchResourceException", source=QUOTAS)
@refusal("service-quotas:GetAWSDefaultServiceQuota", "NoSuchResourceException", source=QUOTAS)
@real("nothing")
def test_a_quota_has_a_value_and_a_default(aws: Target) -> None:
    quotas = aws.client("service-quotas")
    for quota in (VPCS, DOMAINS):
        applied = quotas.get_service_quota(**asked(quota))["Quota"]
        default = quotas.get_aws_default_service_quota(**asked(quota))["Quota"]
        assert applied["Value"] >= default["Value"] > 0
        assert (applied["QuotaCode"], applied["GlobalQuota"]) == (quota[1], False)
    assert quotas.get_aws_default_service_quota(**asked(WEB))["Quota"]["GlobalQuota"]
    for call in (quotas.get_service_quota, quotas.get_aws_default_service_quota):
        refused(call, "NoSuchResourceException", ServiceCode="vpc", QuotaCode="L-00000000")


@success("service-quotas:GetServiceQuota", source=QUOTAS)
@refusal(
    "service-quotas:GetServiceQuota", "NoSuchResourceException", source="scripts that fall back to the default [S]"
)
def test_what_was_granted_counts_where_it_was_granted(aws: Target) -> None:
    ireland, quotas = aws.client("service-quotas", "eu-west-1"), aws.client("service-quotas")
    refused(quotas.get_service_quota, "NoSuchResourceException", **asked(WEB))
    refused(ireland.get_aws_default_service_quota, "NoSuchResourceException", **asked(WEB))
    aws.control("quotas", {"region": "us-east-1", "quota": "cloudfront/L-24B04930", "value": 300})
    aws.control("quotas", {"region": "eu-west-1", "quota": "vpc/L-F678F1CE", "value": 9})
    assert quotas.get_service_quota(**asked(WEB))["Quota"]["Value"] == 300
    assert [c.get_service_quota(**asked(VPCS))["Quota"]["Value"] for c in (ireland, quotas)] == [9, 5]


@refusal("ec2:CreateVpc", "VpcLimitExceeded", source="EC2 error codes; VPC quotas [V]")
def test_a_region_holds_as_many_networks_as_its_quota_says(aws: Target) -> None:
    client = aws.client("ec2")
    there = len(client.describe_vpcs()["Vpcs"])
    aws.control("quotas", {"region": "us-east-1", "quota": "vpc/L-F678F1CE", "value": there})
    refused(client.create_vpc, "VpcLimitExceeded", CidrBlock="10.99.0.0/24")
    aws.control("quotas", {"region": "us-east-1", "quota": "vpc/L-F678F1CE", "value": None})
    network(aws)


@success("ec2:DescribeRegions", source="EC2 API reference, DescribeRegions [V]")
@refusal("ec2:DescribeRegions", "InvalidParameterValue", source="EC2 API reference [V]")
@real("nothing")
def test_regions_tell_whether_they_are_enabled(aws: Target) -> None:
    client = aws.client("ec2")
    every = {r["RegionName"]: r["OptInStatus"] for r in client.describe_regions(AllRegions=True)["Regions"]}
    assert every["us-east-1"] == "opt-in-not-required"
    assert set(every.values()) <= {"opt-in-not-required", "opted-in", "not-opted-in"}
    usable = {r["RegionName"] for r in client.describe_regions()["Regions"]}
    assert usable == {name for name, status in every.items() if status != "not-opted-in"}
    refused(client.describe_regions, "InvalidParameterValue", RegionNames=["mars-north-1"])


@success("ec2:DescribeRegions", source="EC2 API reference, DescribeRegions [V]")
def test_a_region_that_is_not_enabled_knows_no_credentials(aws: Target) -> None:
    aws.control("regions", {"region": "eu-south-1", "enabled": False})
    client = aws.client("ec2")
    (milan,) = client.describe_regions(RegionNames=["eu-south-1"])["Regions"]
    assert milan["OptInStatus"] == "not-opted-in"
    assert "eu-south-1" not in {r["RegionName"] for r in client.describe_regions()["Regions"]}
    refused(aws.client("ec2", "eu-south-1").describe_vpcs, "AuthFailure")
    refused(aws.client("rds", "eu-south-1").describe_db_clusters, "InvalidClientTokenId")
    refused(aws.client("lambda", "eu-south-1").list_functions, "UnrecognizedClientException")
    aws.control("regions", {"region": "eu-south-1", "enabled": True})
    assert aws.client("rds", "eu-south-1").describe_db_clusters()["DBClusters"] == []


@success("rds:DescribeAccountAttributes", source="RDS API reference, DescribeAccountAttributes [V]")
@success("rds:DescribeDBEngineVersions", source="RDS API reference, DescribeDBEngineVersions [V]")
@real("nothing")
def test_rds_tells_what_an_account_may_have_and_which_engines_there_are(aws: Target) -> None:
    rds = aws.client("rds")
    quotas = {q["AccountQuotaName"]: (q["Used"], q["Max"]) for q in rds.describe_account_attributes()["AccountQuotas"]}
    for name in ("DBClusters", "DBInstances", "DBSubnetGroups", "DBClusterParameterGroups"):
        used, most = quotas[name]
        assert 0 <= used <= most
    wanted = {"Engine": "aurora-postgresql", "EngineVersion": "16.8"}
    (found,) = rds.describe_db_engine_versions(**wanted)["DBEngineVersions"]
    assert (found["EngineVersion"], found["SupportsGlobalDatabases"]) == ("16.8", True)
    assert rds.describe_db_engine_versions(**wanted | {"EngineVersion": "16.999"})["DBEngineVersions"] == []


@success("route53:GetAccountLimit", source="API reference, GetAccountLimit [V]")
@refusal("route53:GetAccountLimit", "InvalidInput", source="API reference, GetAccountLimit [V]")
@success("route53:GetHostedZoneLimit", source=ZONE_LIMIT)
@refusal("route53:GetHostedZoneLimit", "InvalidInput", source=ZONE_LIMIT)
@refusal("route53:GetHostedZoneLimit", "NoSuchHostedZone", source=ZONE_LIMIT)
@real("cents: a check and a zone that live for seconds")
def test_route_53_tells_limits_and_how_much_of_them_is_used(aws: Target) -> None:
    route53, (zone, _) = aws.client("route53"), aws.zone()
    asked = {"Type": "MAX_HEALTH_CHECKS_BY_OWNER"}
    before = route53.get_account_limit(**asked)
    check(aws, Type="HTTPS", FullyQualifiedDomainName="conformance.example.net")
    after = route53.get_account_limit(**asked)
    assert (after["Count"], after["Limit"]["Value"]) == (before["Count"] + 1, before["Limit"]["Value"])
    limit = route53.get_hosted_zone_limit(HostedZoneId=zone, Type="MAX_RRSETS_BY_ZONE")
    assert limit["Count"] == 2  # NS and SOA
    assert limit["Limit"]["Value"] >= 10_000
    refused(route53.get_account_limit, "InvalidInput", Type="MAX_EVERYTHING")
    refused(route53.get_hosted_zone_limit, "InvalidInput", HostedZoneId=zone, Type="MAX_EVERYTHING")
    none = {"HostedZoneId": "Z00000000000000000000", "Type": "MAX_RRSETS_BY_ZONE"}
    refused(route53.get_hosted_zone_limit, "NoSuchHostedZone", **none)


@success("lambda:GetAccountSettings", source="API reference, GetAccountSettings [V]")
@real("nothing")
def test_lambda_tells_how_many_executions_are_free(aws: Target) -> None:
    limit = aws.client("lambda").get_account_settings()["AccountLimit"]
    assert limit["ConcurrentExecutions"] >= limit["UnreservedConcurrentExecutions"] > 0


@success("lambda:GetAccountSettings", source="Lambda quotas: new accounts [V]")
def test_a_young_account_runs_few_functions_at_once(aws: Target) -> None:
    aws.control("quotas", {"region": "us-east-1", "quota": "lambda/L-B99A9384", "value": 10})
    limit = aws.client("lambda").get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (10, 10)


@success("s3:GetBucketLocation", source="S3 API reference, GetBucketLocation [V]")
@refusal("s3:GetBucketLocation", "NoSuchBucket", source="S3 error responses [V]")
@real("nothing")
def test_a_bucket_tells_its_region_and_a_free_name_that_there_is_none(aws: Target) -> None:
    s3, name = aws.client("s3"), aws.name("located")
    owner = {"ExpectedBucketOwner": aws.account()}
    refused(s3.get_bucket_location, "NoSuchBucket", Bucket=name, **owner)
    s3.create_bucket(Bucket=name)
    aws.later(s3.delete_bucket, Bucket=name)
    assert s3.get_bucket_location(Bucket=name, **owner)["LocationConstraint"] is None


@refusal("s3:GetBucketLocation", "AccessDenied", source="S3 user guide, verifying bucket ownership [V]")
def test_a_bucket_of_somebody_else_is_forbidden(aws: Target) -> None:
    import boto3

    assert aws.embedded
    other = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=aws.embedded.url,
        aws_access_key_id="222222222222",
        aws_secret_access_key="test",
    )
    other.create_bucket(Bucket="meridian-squatted")
    arguments = {"Bucket": "meridian-squatted", "ExpectedBucketOwner": ACCOUNT}
    refused(aws.client("s3").get_bucket_location, "AccessDenied", **arguments)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("quotas", {"region": "us-east-1", "quota": "vpc/L-0", "value": 1}),
        ("quotas", {"region": "us-east-1", "quota": "vpc/L-F678F1CE", "value": "many"}),
        ("regions", {"region": "us-east-1", "enabled": False}),
        ("regions", {"region": "eu-south-1", "enabled": "no"}),
    ],
)
def test_a_control_request_that_makes_no_sense_is_refused(aws: Target, what: str, body: dict) -> None:
    assert aws.embedded
    assert aws.embedded.control(what, body)[0] == 400
