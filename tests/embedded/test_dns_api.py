"""TestDNSAnswer gives what the servers answer; listings come in AWS's order and pages; aliases of AWS's own endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.dns_client import Dns, alias, row
from tests.embedded.test_changesets import refused
from tests.embedded.test_drift import ZONE
from tests.embedded.test_health import HOST, regional_api

CLOUDFRONT = "Z2FDTNDATAQYW2"


@pytest.fixture
def dns(aws: Aws) -> Dns:
    aws.control("clock", {"speed": 2000})
    return Dns(aws)


def told(dns: Dns, name: str = "x.example.com", kind: str = "A", **more: Any) -> dict[str, Any]:
    return dns.aws.client("route53").test_dns_answer(HostedZoneId=ZONE, RecordName=name, RecordType=kind, **more)


def test_the_call_answers_as_the_servers_do(dns: Dns) -> None:
    dns.create(
        *(row("x", ip, SetIdentifier=r, Region=r) for r, ip in (("us-east-1", "192.0.2.1"), ("eu-west-1", "192.0.2.2")))
    )
    answer = told(dns)
    assert (answer["RecordData"], answer["ResponseCode"], answer["Protocol"]) == (["192.0.2.1"], "NOERROR", "UDP")
    assert (answer["RecordName"], answer["RecordType"]) == ("x.example.com", "A")
    assert told(dns, ResolverIP="127.0.107.1")["RecordData"] == ["192.0.2.2"]
    assert told(dns, EDNS0ClientSubnetIP="198.18.107.9")["RecordData"] == ["192.0.2.2"]
    assert told(dns, EDNS0ClientSubnetIP="2001:db8:107::9", EDNS0ClientSubnetMask="48")["RecordData"] == ["192.0.2.2"]
    assert told(dns, EDNS0ClientSubnetIP="198.18.107.9", EDNS0ClientSubnetMask="8")["RecordData"] == ["192.0.2.1"]
    assert told(dns, "nothing.example.com")["ResponseCode"] == "NXDOMAIN"
    assert told(dns, "x.example.com", "TXT")["RecordData"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"HostedZoneId": "ZNONE"}, "NoSuchHostedZone"),
        ({"RecordName": "x.other.org"}, "InvalidInput"),
        ({"RecordType": "HINFO"}, "InvalidInput"),
        ({"ResolverIP": "300.1.1.1"}, "InvalidInput"),
        ({"EDNS0ClientSubnetIP": "nowhere"}, "InvalidInput"),
        ({"EDNS0ClientSubnetMask": "24"}, "InvalidInput"),
        ({"EDNS0ClientSubnetIP": "192.0.2.1", "EDNS0ClientSubnetMask": "33"}, "InvalidInput"),
        ({"EDNS0ClientSubnetIP": "2001:db8::1", "EDNS0ClientSubnetMask": "129"}, "InvalidInput"),
    ],
)
def test_a_wrong_question_is_refused(dns: Dns, arguments: dict[str, str], code: str) -> None:
    asked = {"HostedZoneId": ZONE, "RecordName": "x.example.com", "RecordType": "A"} | arguments
    refused(code, dns.aws.client("route53").test_dns_answer, **asked)


def test_records_are_listed_by_reversed_labels_and_in_pages(dns: Dns) -> None:
    dns.create(*(row(name, "192.0.2.1") for name in ("b", "a.b", "B-1", "z.a", "*.c")))
    route53 = dns.aws.client("route53")
    rows = route53.list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    names = [r["Name"].removesuffix(".example.com.") for r in rows][2:]
    assert names == ["z.a", "b-1", "b", "a.b", "\\052.c"]  # the dot at the end counts, and comes after a hyphen
    pages = route53.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=ZONE, PaginationConfig={"PageSize": 2}
    )
    assert [r for page in pages for r in page["ResourceRecordSets"]] == rows
    first = route53.list_resource_record_sets(HostedZoneId=ZONE, MaxItems="3")
    assert (first["IsTruncated"], first["MaxItems"], first["NextRecordName"]) == (True, "3", rows[3]["Name"])
    started = route53.list_resource_record_sets(HostedZoneId=ZONE, StartRecordName="b.example.com", StartRecordType="A")
    assert started["ResourceRecordSets"] == rows[4:]


def test_a_listing_needs_its_start_in_order(dns: Dns) -> None:
    listing = dns.aws.client("route53").list_resource_record_sets
    refused("InvalidInput", listing, HostedZoneId=ZONE, StartRecordType="A")
    refused("InvalidInput", listing, HostedZoneId=ZONE, StartRecordName="a.example.com", StartRecordIdentifier="x")
    refused("InvalidInput", listing, HostedZoneId=ZONE, MaxItems="none")


def test_zones_by_name_come_in_pages(dns: Dns) -> None:
    route53 = dns.aws.client("route53")
    for name in ("b.org", "a.net", "x.a.net"):
        route53.create_hosted_zone(Name=name, CallerReference=name)
    first = route53.list_hosted_zones_by_name(MaxItems="3")
    assert [z["Name"] for z in first["HostedZones"]] == ["example.com.", "a.net.", "x.a.net."]
    rest = route53.list_hosted_zones_by_name(DNSName=first["NextDNSName"], HostedZoneId=first["NextHostedZoneId"])
    assert [z["Name"] for z in rest["HostedZones"]] == ["b.org."]
    refused("InvalidInput", route53.list_hosted_zones_by_name, HostedZoneId="Z1")


def test_a_new_zone_is_answered_when_its_change_is_insync(dns: Dns) -> None:
    dns.aws.control("clock", {"speed": 0.001})
    made = dns.aws.client("route53").create_hosted_zone(Name="new.org", CallerReference="new")
    assert dns.rcode("new.org", "SOA") == "REFUSED"
    dns.aws.control("clock", {"speed": 2000})
    dns.insync(made["ChangeInfo"]["Id"])
    assert dns.rcode("new.org", "SOA") == "NOERROR"


def test_an_alias_of_a_regional_domain_gives_the_regions_addresses_while_it_exists(dns: Dns) -> None:
    assert dns.aws.deploy("api", regional_api()) == "CREATE_COMPLETE"
    [found] = dns.ask(HOST).answer
    assert (sorted(i.to_text() for i in found), found.ttl) == (["127.1.1.1", "127.1.1.2"], 60)
    assert dns.values(HOST, "AAAA") == []
    domain = dns.aws.client("apigateway").get_domain_name(domainName=HOST)
    dns.aws.client("apigateway").delete_domain_name(domainName=HOST)
    assert dns.values(HOST) == []
    assert domain["regionalHostedZoneId"] == "Z1UJRXOUMOOFQ8"


def domain_of(dns: Dns, region: str, name: str, **endpoint: Any) -> dict[str, Any]:
    acm, gateway = dns.aws.client("acm", region), dns.aws.client("apigateway", region)
    arn = acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"]
    described = lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]  # noqa: E731
    record = dns.aws.until(lambda: described()["DomainValidationOptions"][0].get("ResourceRecord"))
    label = record["Name"].removesuffix(".").removesuffix(".example.com")
    dns.create(row(label, record["Value"], kind="CNAME"))
    dns.aws.until(lambda: described()["Status"] == "ISSUED")
    return dict(
        gateway.create_domain_name(
            domainName=name, regionalCertificateArn=arn, endpointConfiguration={"types": ["REGIONAL"], **endpoint}
        )
    )


def test_an_alias_of_a_regional_domain_needs_the_regions_zone_and_a_dual_stack_for_aaaa(dns: Dns) -> None:
    made = domain_of(dns, "eu-west-1", "e.example.com")
    name, zone = made["regionalDomainName"], made["regionalHostedZoneId"]
    assert zone == "ZLY8HYME6SFDD"
    wrong = {
        "other Region's zone": alias("e", name, zone="Z1UJRXOUMOOFQ8"),
        "AAAA": alias("e", name, zone=zone, kind="AAAA"),
    }
    for one in wrong.values():
        refused("InvalidChangeBatch", dns.change, ("CREATE", one))
    nothing = alias("e", "d-nothing.execute-api.eu-west-1.amazonaws.com", zone=zone)
    refused("InvalidChangeBatch", dns.change, ("CREATE", nothing))
    dns.create(alias("e", name, zone=zone, evaluate=True))
    assert dns.values("e.example.com") == ["127.1.6.1", "127.1.6.2"]
    both = domain_of(dns, "eu-west-1", "f.example.com", ipAddressType="dualstack")
    dns.create(alias("f", both["regionalDomainName"], zone=zone, kind="AAAA"))
    assert dns.values("f.example.com", "AAAA") == ["::ffff:127.1.6.1", "::ffff:127.1.6.2"]


def test_an_alias_of_a_distribution_needs_one_that_exists(dns: Dns) -> None:
    missing = alias("edge", "d111111abcdef8.cloudfront.net", zone=CLOUDFRONT)
    refused("InvalidChangeBatch", dns.change, ("CREATE", missing))
