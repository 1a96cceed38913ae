"""Route 53: record sets, one batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused
from tests.contract.conformance.zone import CHANGES, COST, Zone, zone

CHANGE, LIST, NONE = "route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets", "ZMERIDIANNOTHING"
Rows = Callable[[Zone], Any]


@success(CHANGE, source=CHANGES)
@success("route53:GetChange", source="API reference, GetChange [V]")
@state(CHANGE, "PENDING", source="API reference, ChangeInfo [V]")
@real(COST)
def test_a_change_is_listed_at_once_and_insync_later(aws: Target) -> None:
    mine = zone(aws)
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": mine.row()}]}
    info = mine.client.change_resource_record_sets(HostedZoneId=mine.id, ChangeBatch=batch)["ChangeInfo"]
    assert info["Status"] == "PENDING"
    assert mine.rows() == [mine.row()]
    mine.insync(info["Id"])


@state("route53:GetChange", "PENDING", source="API reference, ChangeInfo [V]")
@real(COST)
def test_a_change_is_pending_for_a_while(aws: Target) -> None:
    mine = zone(aws)
    aws.slower(10)
    change = mine.create(mine.row())
    assert mine.client.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"


@success(CHANGE, source=CHANGES)
@real(COST)
def test_an_upsert_makes_and_changes_and_a_delete_takes_away(aws: Target) -> None:
    mine = zone(aws)
    mine.change(("UPSERT", mine.row()))
    mine.change(("UPSERT", mine.row("x", "192.0.2.2", ttl=5)))
    assert mine.rows() == [mine.row("x", "192.0.2.2", ttl=5)]
    mine.change(("DELETE", mine.row("x", "192.0.2.2", ttl=5)))
    assert mine.rows() == []


@success(CHANGE, source="external-dns#4345 [S]: one batch may delete and create")
@real(COST)
def test_one_batch_turns_latency_records_into_weighted_ones(aws: Target) -> None:
    mine = zone(aws)
    old = [mine.latency("us-east-1"), mine.latency("eu-west-1")]
    new = [mine.row(SetIdentifier=name, Weight=weight) for name, weight in (("a", 1), ("b", 0))]
    mine.create(*old)
    mine.change(*(("DELETE", row) for row in old), *(("CREATE", row) for row in new))
    assert {row["SetIdentifier"] for row in mine.rows()} == {"a", "b"}


@success(CHANGE, source="developer guide, DNS domain name format [V]")
@real(COST)
def test_names_are_kept_in_lower_case_and_wildcards_by_their_code(aws: Target) -> None:
    mine = zone(aws)
    mine.create(mine.row("Mixed"), mine.row("*"))
    assert {row["Name"] for row in mine.rows()} == {mine.at("mixed"), mine.at("\\052")}
    mine.change(("DELETE", mine.row("MIXED")))
    assert len(mine.rows()) == 1


REFUSED: dict[str, tuple[list[Rows], list[Rows]]] = {
    # what is there before, what is then refused, each as (action, record)
    "a name outside the zone": ([], [lambda z: ("CREATE", z.row() | {"Name": "x.example.org."})]),
    "a label that is too long": ([], [lambda z: ("CREATE", z.row("x" * 64))]),
    "an empty label": ([], [lambda z: ("CREATE", z.row("x..y"))]),
    "a name that is too long": ([], [lambda z: ("CREATE", z.row(".".join(["x" * 60] * 4)))]),
    "a CNAME at the apex": ([], [lambda z: ("CREATE", z.row("", "y.example.net", kind="CNAME"))]),
    "a CNAME beside an A": ([lambda z: z.row()], [lambda z: ("CREATE", z.row("x", "y.example.net", kind="CNAME"))]),
    "an A beside a CNAME": ([lambda z: z.row("x", "y.example.net", kind="CNAME")], [lambda z: ("CREATE", z.row())]),
    "two values of a CNAME": ([], [lambda z: ("CREATE", z.row("x", "a.example.net", "b.example.net", kind="CNAME"))]),
    "no IPv4 address": ([], [lambda z: ("CREATE", z.row("x", "192.0.2.256"))]),
    "no IPv6 address": ([], [lambda z: ("CREATE", z.row("x", "192.0.2.1", kind="AAAA"))]),
    "a text without quotes": ([], [lambda z: ("CREATE", z.row("x", "text", kind="TXT"))]),
    "one value twice": ([], [lambda z: ("CREATE", z.row("x", "192.0.2.1", "192.0.2.1"))]),
    "a second latency record for a Region": (
        [lambda z: z.latency("eu-west-1")],
        [lambda z: ("CREATE", z.latency("eu-west-1", SetIdentifier="other"))],
    ),
    "an upsert under another SetIdentifier": (
        [lambda z: z.latency("eu-west-1")],
        [lambda z: ("UPSERT", z.latency("eu-west-1", SetIdentifier="other"))],
    ),
    "a weighted beside a latency record": (
        [lambda z: z.latency("eu-west-1")],
        [lambda z: ("CREATE", z.row(SetIdentifier="w", Weight=1))],
    ),
    "a simple beside a latency record": ([lambda z: z.latency("eu-west-1")], [lambda z: ("CREATE", z.row())]),
    "two primaries": (
        [lambda z: z.row(SetIdentifier="a", Failover="PRIMARY")],
        [lambda z: ("CREATE", z.row(SetIdentifier="b", Failover="PRIMARY"))],
    ),
    "an alias without a target": ([], [lambda z: ("CREATE", z.alias("x", z.at("none")))]),
    "an alias of another type": ([lambda z: z.row("y")], [lambda z: ("CREATE", z.alias("x", z.at("y"), kind="AAAA"))]),
    "an alias outside its target zone": ([], [lambda z: ("CREATE", z.alias("x", "y.example.org"))]),
    "an alias in the wrong zone of API Gateway": (
        [],
        [lambda z: ("CREATE", z.alias("x", "d-a.execute-api.us-east-1.amazonaws.com", zone="ZLY8HYME6SFDD"))],
    ),
    "an alias in CloudFront's zone that is none": (
        [],
        [lambda z: ("CREATE", z.alias("x", "y.example.net", zone="Z2FDTNDATAQYW2"))],
    ),
    "a creation of what is there": ([lambda z: z.row()], [lambda z: ("CREATE", z.row("x", "192.0.2.2"))]),
    "a deletion of what is not there": ([], [lambda z: ("DELETE", z.row())]),
    "a deletion with another TTL": ([lambda z: z.row()], [lambda z: ("DELETE", z.row(ttl=61))]),
    "a deletion with another value": ([lambda z: z.row()], [lambda z: ("DELETE", z.row("x", "192.0.2.2"))]),
    "a deletion of the zone's NS": ([], [lambda z: ("DELETE", own(z, "NS"))]),
    "one record twice": ([], [lambda z: ("CREATE", z.row()), lambda z: ("CREATE", z.row())]),
    "two upserts of one record": ([], [lambda z: ("UPSERT", z.row()), lambda z: ("UPSERT", z.row(ttl=5))]),
    "an upsert and a deletion of one record": (
        [lambda z: z.row()],
        [lambda z: ("UPSERT", z.row(ttl=5)), lambda z: ("DELETE", z.row())],
    ),
    "all but the last": ([], [lambda z: ("CREATE", z.row("good")), lambda z: ("CREATE", z.row("bad", "none"))]),
}


def own(mine: Zone, kind: str) -> dict[str, Any]:
    rows = mine.client.list_resource_record_sets(HostedZoneId=mine.id)["ResourceRecordSets"]
    return next(row for row in rows if row["Type"] == kind)


@refusal(
    CHANGE,
    "InvalidChangeBatch",
    source="aws-facts §5.1 [V, S tf#1668, external-dns#4345]; API reference [V]; two changes of one record [K]",
)
@real(COST)
@pytest.mark.parametrize("case", REFUSED)
def test_a_batch_is_refused_as_a_whole(aws: Target, case: str) -> None:
    mine = zone(aws)
    before, changes = REFUSED[case]
    if before:
        mine.create(*(make(mine) for make in before))
    rows = mine.rows()
    batch = [dict(zip(("Action", "ResourceRecordSet"), make(mine), strict=True)) for make in changes]
    change = mine.client.change_resource_record_sets
    message = refused(change, "InvalidChangeBatch", HostedZoneId=mine.id, ChangeBatch={"Changes": batch})
    assert message
    assert mine.rows() == rows


@refusal(CHANGE, "InvalidChangeBatch", source="octodns#73, dnscontrol#1114 [S]; quotas in the developer guide [V]")
@real(COST)
def test_a_batch_that_is_too_large_is_refused(aws: Target) -> None:
    mine = zone(aws)
    many = [("UPSERT", mine.row(f"x{i}")) for i in range(501)]  # counted twice
    with pytest.raises(ClientError, match="Number of records limit of 1000 exceeded"):
        mine.change(*many)
    long = [("CREATE", mine.row(f"t{i}", '"' + "x" * 250 + '"', kind="TXT")) for i in range(130)]
    with pytest.raises(ClientError, match="RDATA character limit of 32000 exceeded"):
        mine.change(*long)


@refusal(CHANGE, "NoSuchHostedZone", source=CHANGES)
@refusal(CHANGE, "NoSuchHealthCheck", source=CHANGES)
@refusal(CHANGE, "InvalidInput", source="API reference, ResourceRecordSet [V]")
@refusal("route53:GetChange", "NoSuchChange", source="API reference, GetChange [V]")
@real(COST)
def test_what_does_not_exist_is_named(aws: Target) -> None:
    mine = zone(aws)
    change = mine.client.change_resource_record_sets

    def batch(row: dict[str, Any]) -> dict[str, Any]:
        return {"Changes": [{"Action": "CREATE", "ResourceRecordSet": row}]}

    refused(change, "NoSuchHostedZone", HostedZoneId=NONE, ChangeBatch=batch(mine.row()))
    unknown = mine.latency("eu-west-1", HealthCheckId="01234567-89ab-cdef-0123-456789abcdef")
    refused(change, "NoSuchHealthCheck", HostedZoneId=mine.id, ChangeBatch=batch(unknown))
    refused(mine.client.get_change, "NoSuchChange", Id="CMERIDIANNOTHING")
    policies = mine.row(SetIdentifier="a", Weight=1, Region="eu-west-1")
    without_ttl = {"Name": mine.at(), "Type": "A", "ResourceRecords": [{"Value": "192.0.2.1"}]}
    with_ttl = mine.alias("x", mine.at("y")) | {"TTL": 60}
    for row in (mine.row(SetIdentifier="alone"), mine.row(Weight=1), policies, without_ttl, with_ttl):
        refused(change, "InvalidInput", HostedZoneId=mine.id, ChangeBatch=batch(row))


@success(LIST, source="API reference, ListResourceRecordSets [V]")
@real(COST)
def test_records_come_by_reversed_labels_in_pages(aws: Target) -> None:
    mine = zone(aws)
    mine.create(*(mine.row(label) for label in ("b", "a.b", "b-1", "z.a")))
    assert [row["Name"] for row in mine.rows()] == [mine.at(label) for label in ("z.a", "b-1", "b", "a.b")]
    first = mine.client.list_resource_record_sets(HostedZoneId=mine.id, MaxItems="1")
    assert (first["IsTruncated"], first["MaxItems"], first["NextRecordName"]) == (True, "1", mine.name)
    from_b = mine.client.list_resource_record_sets(
        HostedZoneId=mine.id, StartRecordName=mine.at("b"), StartRecordType="A"
    )
    assert [row["Name"] for row in from_b["ResourceRecordSets"]] == [mine.at("b"), mine.at("a.b")]


@refusal(LIST, "NoSuchHostedZone", source="API reference, ListResourceRecordSets [V]")
@refusal(LIST, "InvalidInput", source="API reference, ListResourceRecordSets [V]")
@real(COST)
def test_a_listing_names_its_zone_and_its_start(aws: Target) -> None:
    mine = zone(aws)
    refused(mine.client.list_resource_record_sets, "NoSuchHostedZone", HostedZoneId=NONE)
    refused(mine.client.list_resource_record_sets, "InvalidInput", HostedZoneId=mine.id, StartRecordType="A")


@success("route53:TestDNSAnswer", source="API reference, TestDNSAnswer [V]")
@real(COST)
def test_the_call_gives_the_answer_once_it_is_insync(aws: Target) -> None:
    mine = zone(aws)
    mine.insync(mine.create(mine.row(), mine.row("c", mine.at("x"), kind="CNAME")))
    answer = mine.client.test_dns_answer(HostedZoneId=mine.id, RecordName=mine.at(), RecordType="A")
    assert (answer["RecordData"], answer["ResponseCode"]) == (["192.0.2.1"], "NOERROR")
    nothing = mine.client.test_dns_answer(HostedZoneId=mine.id, RecordName=mine.at("none"), RecordType="A")
    assert nothing["ResponseCode"] == "NXDOMAIN"


@refusal("route53:TestDNSAnswer", "NoSuchHostedZone", source="API reference, TestDNSAnswer [V]")
@refusal("route53:TestDNSAnswer", "InvalidInput", source="API reference, TestDNSAnswer [V]")
@real(COST)
def test_a_wrong_question_is_refused(aws: Target) -> None:
    mine = zone(aws)
    ask = mine.client.test_dns_answer
    refused(ask, "NoSuchHostedZone", HostedZoneId=NONE, RecordName=mine.at(), RecordType="A")
    refused(ask, "InvalidInput", HostedZoneId=mine.id, RecordName=mine.at(), RecordType="A", ResolverIP="300.0.0.1")
