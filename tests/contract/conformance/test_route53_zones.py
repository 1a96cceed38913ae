"""Route 53: hosted zones and tags."""

from __future__ import annotations

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused
from tests.contract.conformance.zone import CENTS, COST, check, zone

NO_ZONE, NO_CHECK = "ZMERIDIANNOTHING", "01234567-89ab-cdef-0123-456789abcdef"
TAGS = "API reference, ChangeTagsForResource [V]"


@success("route53:CreateHostedZone", source="API reference, CreateHostedZone [V]")
@success("route53:GetHostedZone", source="API reference, GetHostedZone [V]")
@success("route53:GetDNSSEC", source="API reference, GetDNSSEC [V]")
@success("route53:ListHostedZones", source="API reference, ListHostedZones [V]")
@refusal("route53:GetDNSSEC", "NoSuchHostedZone", source="API reference, GetDNSSEC [V]")
@success("route53:ListHostedZonesByName", source="API reference, ListHostedZonesByName [V]")
@real(COST)
def test_a_zone_has_name_servers_and_is_found(aws: Target) -> None:
    mine = zone(aws)
    found = mine.client.get_hosted_zone(Id=mine.id)
    assert found["HostedZone"]["Name"] == mine.name
    assert found["HostedZone"]["Config"]["PrivateZone"] is False
    assert found["HostedZone"]["ResourceRecordSetCount"] == 2
    assert len(found["DelegationSet"]["NameServers"]) == 4
    signing = mine.client.get_dnssec(HostedZoneId=mine.id)
    assert (signing["Status"]["ServeSignature"], signing["KeySigningKeys"]) == ("NOT_SIGNING", [])
    refused(mine.client.get_dnssec, "NoSuchHostedZone", HostedZoneId=NO_ZONE)
    pages = mine.client.get_paginator("list_hosted_zones").paginate()
    assert f"/hostedzone/{mine.id}" in [z["Id"] for page in pages for z in page["HostedZones"]]
    named = mine.client.list_hosted_zones_by_name(DNSName=mine.name, MaxItems="1")
    assert [z["Name"] for z in named["HostedZones"]] == [mine.name]


@refusal("route53:CreateHostedZone", "HostedZoneAlreadyExists", source="API reference, CreateHostedZone [V]")
@refusal("route53:CreateHostedZone", "InvalidDomainName", source="API reference, CreateHostedZone [V]")
@real(COST)
def test_a_caller_reference_makes_one_zone(aws: Target) -> None:
    mine = zone(aws)
    reference = mine.client.get_hosted_zone(Id=mine.id)["HostedZone"]["CallerReference"]
    create = mine.client.create_hosted_zone
    refused(create, "HostedZoneAlreadyExists", Name=mine.name, CallerReference=reference)
    refused(create, "InvalidDomainName", Name=f"{'x' * 64}.test", CallerReference=aws.name("bad"))


@success("route53:DeleteHostedZone", source="API reference, DeleteHostedZone [V]")
@refusal("route53:DeleteHostedZone", "HostedZoneNotEmpty", source="API reference, DeleteHostedZone [V]")
@refusal("route53:DeleteHostedZone", "NoSuchHostedZone", source="API reference, DeleteHostedZone [V]")
@refusal("route53:GetHostedZone", "NoSuchHostedZone", source="API reference, GetHostedZone [V]")
@real(COST)
def test_a_zone_goes_when_it_is_empty(aws: Target) -> None:
    mine = zone(aws)
    route53 = mine.client
    other = route53.create_hosted_zone(Name=mine.at("other"), CallerReference=aws.name("other"))["HostedZone"]["Id"]
    aws.later(route53.delete_hosted_zone, Id=other)
    mine.create(mine.row())
    refused(route53.delete_hosted_zone, "HostedZoneNotEmpty", Id=mine.id)
    assert route53.delete_hosted_zone(Id=other)["ChangeInfo"]["Status"] == "PENDING"
    refused(route53.get_hosted_zone, "NoSuchHostedZone", Id=other)
    refused(route53.delete_hosted_zone, "NoSuchHostedZone", Id=other)


@refusal("route53:ListHostedZonesByName", "InvalidInput", source="API reference, ListHostedZonesByName [V]")
@real("nothing")
def test_a_listing_by_name_needs_the_name(aws: Target) -> None:
    refused(aws.client("route53").list_hosted_zones_by_name, "InvalidInput", HostedZoneId=NO_ZONE)


@success("route53:ChangeTagsForResource", source=TAGS)
@success("route53:ListTagsForResource", source="API reference, ListTagsForResource [V]")
@success("route53:ListTagsForResources", source="API reference, ListTagsForResources [V]")
@real(CENTS)
def test_tags_are_set_and_taken_away(aws: Target) -> None:
    route53, mine = aws.client("route53"), check(aws)  # with a tag already
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    left = {"b": "2", **aws.tags}
    route53.change_tags_for_resource(ResourceType="healthcheck", ResourceId=mine, AddTags=tags)
    route53.change_tags_for_resource(ResourceType="healthcheck", ResourceId=mine, RemoveTagKeys=["a"])
    [found] = route53.list_tags_for_resources(ResourceType="healthcheck", ResourceIds=[mine])["ResourceTagSets"]
    assert (found["ResourceId"], {tag["Key"]: tag["Value"] for tag in found["Tags"]}) == (mine, left)
    one = route53.list_tags_for_resource(ResourceType="healthcheck", ResourceId=mine)["ResourceTagSet"]
    assert {tag["Key"]: tag["Value"] for tag in one["Tags"]} == left


@refusal("route53:ChangeTagsForResource", "InvalidInput", source=TAGS)
@real(CENTS)
@pytest.mark.parametrize(
    "tags", [{"x" * 129: "v"}, {"k": "v" * 257}, {"aws:k": "v"}, {f"k{i}": "v" for i in range(11)}]
)
def test_tags_have_limits(aws: Target, tags: dict[str, str]) -> None:
    added = [{"Key": key, "Value": value} for key, value in tags.items()]
    change = aws.client("route53").change_tags_for_resource
    refused(change, "InvalidInput", ResourceType="healthcheck", ResourceId=check(aws), AddTags=added)


@refusal("route53:ChangeTagsForResource", "NoSuchHealthCheck", source=TAGS)
@refusal("route53:ChangeTagsForResource", "NoSuchHostedZone", source=TAGS)
@refusal("route53:ListTagsForResource", "NoSuchHealthCheck", source="API reference, ListTagsForResource [V]")
@refusal("route53:ListTagsForResources", "NoSuchHealthCheck", source="API reference, ListTagsForResources [V]")
@refusal("route53:ListTagsForResources", "InvalidInput", source="API reference, ListTagsForResources [V]")
@real("nothing")
def test_tags_are_of_something(aws: Target) -> None:
    route53, tags = aws.client("route53"), [{"Key": "a", "Value": "1"}]
    for kind, missing, code in (
        ("healthcheck", NO_CHECK, "NoSuchHealthCheck"),
        ("hostedzone", NO_ZONE, "NoSuchHostedZone"),
    ):
        refused(route53.change_tags_for_resource, code, ResourceType=kind, ResourceId=missing, AddTags=tags)
    refused(route53.list_tags_for_resource, "NoSuchHealthCheck", ResourceType="healthcheck", ResourceId=NO_CHECK)
    several = route53.list_tags_for_resources
    refused(several, "NoSuchHealthCheck", ResourceType="healthcheck", ResourceIds=[NO_CHECK])
    refused(several, "InvalidInput", ResourceType="healthcheck", ResourceIds=[NO_CHECK] * 11)
