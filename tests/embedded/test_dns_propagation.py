"""The name servers answer with what is INSYNC: a change reaches them as a whole, a stack waits for it, a world keeps it."""

from __future__ import annotations

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.dns_client import Dns, row


@pytest.fixture
def dns(aws: Aws) -> Dns:
    aws.go(2000)
    return Dns(aws)


def test_a_change_reaches_the_servers_when_it_is_insync_as_a_whole(dns: Dns) -> None:
    dns.create(row("p", "192.0.2.1"), row("q", "192.0.2.1"))
    dns.aws.control("clock", {"speed": 0.001})
    changed = dns.change(
        ("UPSERT", row("p", "192.0.2.2")), ("DELETE", row("q", "192.0.2.1")), ("CREATE", row("r", "192.0.2.3"))
    )
    listed = dns.aws.client("route53").list_resource_record_sets(HostedZoneId="Z0123456789EXAMPLE")[
        "ResourceRecordSets"
    ]
    assert [r["Name"] for r in listed] == ["example.com.", "example.com.", "p.example.com.", "r.example.com."]
    assert [dns.values(f"{n}.example.com") for n in "pqr"] == [["192.0.2.1"], ["192.0.2.1"], []]
    dns.aws.control("clock", {"speed": 2000})
    dns.insync(changed)
    assert [dns.values(f"{n}.example.com") for n in "pqr"] == [["192.0.2.2"], [], ["192.0.2.3"]]


def test_a_stack_is_done_when_its_record_is_answered(dns: Dns) -> None:
    properties = {"HostedZoneId": "Z0123456789EXAMPLE", "Name": "s.example.com", "Type": "A", "TTL": "60"}
    for values in (["192.0.2.1"], ["192.0.2.2"]):
        record = {"Type": "AWS::Route53::RecordSet", "Properties": {**properties, "ResourceRecords": values}}
        assert dns.aws.deploy("records", {"Record": record}).endswith("_COMPLETE")
        assert dns.values("s.example.com") == values
    cloudformation = dns.aws.client("cloudformation")
    cloudformation.delete_stack(StackName="records")
    dns.aws.until(lambda: "records" not in str(cloudformation.list_stacks(StackStatusFilter=["DELETE_IN_PROGRESS"])))
    assert dns.rcode("s.example.com") == "NXDOMAIN"


def test_a_stack_makes_before_it_deletes_so_it_cannot_rename_a_latency_record(dns: Dns) -> None:
    """Each record of a stack is a change of its own (aws-facts §5.1)."""
    for identifier, status in (("a", "CREATE_COMPLETE"), ("b", "UPDATE_ROLLBACK_COMPLETE")):
        latency = {"SetIdentifier": identifier, "Region": "eu-west-1", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}
        properties = {"HostedZoneId": "Z0123456789EXAMPLE", "Name": "s.example.com", "Type": "A", **latency}
        record = {"Type": "AWS::Route53::RecordSet", "Properties": properties}
        assert dns.aws.deploy("renamed", {"Record": record}) == status
    events = dns.aws.client("cloudformation").describe_stack_events(StackName="renamed")["StackEvents"]
    reasons = [event.get("ResourceStatusReason") or "" for event in events]
    assert any("a latency RRSet with the same name, type and region already exists" in reason for reason in reasons)
    assert dns.values("s.example.com") == ["192.0.2.1"]


def test_a_world_keeps_what_its_servers_hold(dns: Dns) -> None:
    dns.create(row("k", "192.0.2.1"))
    kept = dns.aws.until(lambda: dns.aws.control("snapshot", {})[1].get("id"))
    dns.create(row("n", "192.0.2.2"))
    assert dns.aws.control("restore", {"id": kept})[0] == 200
    assert (dns.values("k.example.com"), dns.rcode("n.example.com")) == (["192.0.2.1"], "NXDOMAIN")
    assert dns.aws.control("reset", {})[0] == 200
    assert (dns.rcode("k.example.com"), dns.rcode("example.com", "SOA")) == ("NXDOMAIN", "NOERROR")
