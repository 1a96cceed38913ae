"""Each check, both ways: what passes, what fails with which words, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.observed import Distribution, Record, Unknown
from reconciler.model.preflight import Verdict
from reconciler.model.survey import Room, Topic
from tests.fakes.surveys import NOW, ROOMS, SERVERS, empty, found, looked, on, plan, standing
from tests.fakes.topologies import orders, with_regions

DENIED = Unknown("AccessDenied", "User: x is not authorized")
SLOW = Unknown("Unreachable", "no answer")
ARN = "arn:aws:acm:us-east-1:111111111111:certificate/1"
PASSED, WARNED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.WARNED, Verdict.FAILED, Verdict.UNKNOWN
WEST = "eu-west-1"


def rooms(**used: int) -> dict[str, Room]:
    return {name: Room(used=used.get(name, 0), limit=40) for name in ROOMS}


# code, subject, Region, what is answered otherwise, the verdict, words of what is said
TABLE = [
    ("QuotaTooSmall", "VPCs", WEST, on(Topic.NETWORKS, WEST), 4, PASSED, ["4 of 5 in use, 1 more needed"]),
    ("QuotaTooSmall", "VPCs", WEST, on(Topic.NETWORKS, WEST), 5, FAILED, ["5 of 5", "vpc --quota-code L-F678F1CE", "-value 6"]),
    ("QuotaTooSmall", "VPCs", WEST, on(Topic.NETWORKS, WEST), DENIED, UNKNOWN, ["allow ec2:DescribeVpcs"]),
    ("QuotaTooSmall", "VPCs", WEST, on(Topic.QUOTA, WEST), DENIED, UNKNOWN, ["servicequotas:GetAWSDefaultServiceQuota"]),
    ("QuotaTooSmall", "VPCs", WEST, on(Topic.QUOTA, WEST), SLOW, UNKNOWN, ["plan again"]),
    ("QuotaTooSmall", "custom domain", WEST, on(Topic.API_NAMES, WEST), tuple("abc"), PASSED, ["3 of 5 in use, 2 more"]),
    ("QuotaTooSmall", "custom domain", WEST, on(Topic.API_NAMES, WEST), tuple("abcd"), FAILED, ["4 of 5", "apigateway"]),
    ("QuotaTooSmall", "custom domain", WEST, on(Topic.API_NAMES, WEST), DENIED, UNKNOWN, ["apigateway:GET"]),
    ("QuotaTooSmall", "CloudFront", None, on(Topic.DISTRIBUTIONS), dict.fromkeys("abcde", ()), FAILED, ["--region us-east-1"]),
    ("QuotaTooSmall", "CloudFront", None, on(Topic.DISTRIBUTIONS), DENIED, UNKNOWN, ["cloudfront:ListDistributions"]),
    ("QuotaTooSmall", "database clusters", WEST, on(Topic.DATABASES, WEST), rooms(DBClusters=39), PASSED, ["39 of 40"]),
    ("QuotaTooSmall", "database clusters", WEST, on(Topic.DATABASES, WEST), rooms(DBClusters=40), FAILED, ["L-952B80B8"]),
    ("QuotaTooSmall", "database instances", WEST, on(Topic.DATABASES, WEST), rooms(DBInstances=39), FAILED, ["2 more needed"]),
    ("QuotaTooSmall", "subnet groups", WEST, on(Topic.DATABASES, WEST), rooms(DBSubnetGroups=40), FAILED, ["L-48C6BF61"]),
    ("QuotaTooSmall", "parameter groups", WEST, on(Topic.DATABASES, WEST), rooms(DBClusterParameterGroups=40), FAILED,
     ["L-E4C808A8"]),
    ("QuotaTooSmall", "databases", WEST, on(Topic.DATABASES, WEST), DENIED, UNKNOWN, ["rds:DescribeAccountAttributes"]),
    ("QuotaTooSmall", "health checks", None, on(Topic.HEALTH_CHECKS), Room(used=194, limit=200), PASSED, ["6 more"]),
    ("QuotaTooSmall", "health checks", None, on(Topic.HEALTH_CHECKS), Room(used=195, limit=200), FAILED, ["195 of 200"]),
    ("QuotaTooSmall", "health checks", None, on(Topic.HEALTH_CHECKS), DENIED, UNKNOWN, ["route53:GetAccountLimit"]),
    ("QuotaTooSmall", "records", None, on(Topic.RECORDS), Room(used=9990, limit=10000), FAILED, ["AWS Support"]),
    ("QuotaTooSmall", "records", None, on(Topic.RECORDS), DENIED, UNKNOWN, ["route53:GetHostedZoneLimit"]),
    ("ConcurrencyLow", "Lambda", WEST, on(Topic.CONCURRENCY, WEST), 100, PASSED, ["100 ms"]),
    ("ConcurrencyLow", "Lambda", WEST, on(Topic.CONCURRENCY, WEST), 10, WARNED, ["10 ms", "L-B99A9384", "throttle.rate"]),
    ("ConcurrencyLow", "Lambda", WEST, on(Topic.CONCURRENCY, WEST), DENIED, UNKNOWN, ["lambda:GetAccountSettings"]),
    ("RegionNotEnabled", "Region", WEST, on(Topic.REGIONS), {"us-east-1": "x", "ap-northeast-1": "x", WEST: "opted-in"},
     PASSED, ["opted-in"]),
    ("RegionNotEnabled", "Region", WEST, on(Topic.REGIONS), {"us-east-1": "x", WEST: "not-opted-in"}, FAILED,
     ["aws account enable-region --region-name eu-west-1"]),
    ("RegionNotEnabled", "Region", WEST, on(Topic.REGIONS), {"us-east-1": "x"}, FAILED, ["no Region of this name"]),
    ("RegionNotEnabled", "Regions", None, on(Topic.REGIONS), DENIED, UNKNOWN, ["ec2:DescribeRegions"]),
    ("EngineNotOffered", "16.8", WEST, on(Topic.ENGINE, WEST), None, FAILED, ["not offered", "describe-db-engine-versions"]),
    ("EngineNotOffered", "16.8", WEST, on(Topic.ENGINE, WEST), {"SupportsGlobalDatabases": False}, FAILED, ["global database"]),
    ("EngineNotOffered", "16.8", WEST, on(Topic.ENGINE, WEST), DENIED, UNKNOWN, ["rds:DescribeDBEngineVersions"]),
    ("ZoneNotDelegated", "zone", None, on(Topic.DNS, kind="NS"), tuple(s.upper() + "." for s in SERVERS), PASSED, []),
    ("ZoneNotDelegated", "zone", None, on(Topic.DNS, kind="NS"), ("ns.elsewhere.net.",), FAILED,
     ["asks ns.elsewhere.net", "none of its own", "registrar", SERVERS[0]]),
    ("ZoneNotDelegated", "zone", None, on(Topic.DNS, kind="NS"), (), FAILED, ["asks nobody"]),
    ("ZoneNotDelegated", "zone", None, on(Topic.DNS, kind="NS"), (SERVERS[0], "ns.old.net."), WARNED, ["not all of them"]),
    ("ZoneNotDelegated", "zone", None, on(Topic.DNS, kind="NS"), SLOW, UNKNOWN, ["plan again"]),
    ("CaaForbids", "api.example.com", None, on(Topic.DNS, name="example.com", kind="CAA"), ('0 issue "letsencrypt.org"',), FAILED,
     ["at example.com do not let Amazon issue", 'add the CAA record 0 issue "amazon.com"']),
    ("CaaForbids", "api.example.com", None, on(Topic.DNS, name="example.com", kind="CAA"), ('0 issue ";"',), FAILED, []),
    ("CaaForbids", "api.example.com", None, on(Topic.DNS, name="example.com", kind="CAA"),
     ('0 issue "letsencrypt.org"', '0 ISSUE "Amazon.com; validationmethods=dns-01"'), PASSED, ["let Amazon issue"]),
    ("CaaForbids", "api.example.com", None, on(Topic.DNS, name="example.com", kind="CAA"), ('0 iodef "mailto:x@y"',), PASSED, []),
    ("CaaForbids", "api.example.com", None, on(Topic.DNS, name="example.com", kind="CAA"), ('0 issuewild ";"',), PASSED, []),
    ("CaaForbids", "api.example.com", None, on(Topic.DNS, name="example.com", kind="CAA"), ('128 tbs "x"',), FAILED, []),
    ("CaaForbids", "api.example.com", None, on(Topic.DNS, name="example.com", kind="CAA"), ("nonsense",), PASSED, []),
    ("CaaForbids", "eu-west-1.origin", None, on(Topic.DNS, name="origin.api.example.com", kind="CAA"), ('0 issue "x"',), FAILED,
     ["at origin.api.example.com"]),
    ("CaaForbids", "eu-west-1.origin", None, on(Topic.DNS, kind="CAA"), SLOW, UNKNOWN, []),
    ("AliasTaken", "api.example.com", None, on(Topic.DISTRIBUTIONS), {"E1": ("www.example.com",)}, PASSED, ["cannot be seen"]),
    ("AliasTaken", "api.example.com", None, on(Topic.DISTRIBUTIONS), {"E1": ("API.example.com",)}, FAILED, ["E1", "Cutover"]),
    ("NameTaken", "function meridian-orders-api", WEST, on(Topic.FUNCTION, WEST), True, FAILED, ["no stack of this topology"]),
    ("NameTaken", "function meridian-orders-api", WEST, on(Topic.FUNCTION, WEST), DENIED, UNKNOWN,
     ["lambda:GetFunctionConfiguration"]),
    ("NameTaken", "role meridian-orders-probe", None, on(Topic.ROLE, name="meridian-orders-probe"), True, FAILED, []),
    ("NameTaken", "bucket", WEST, on(Topic.BUCKET, WEST), True, PASSED, ["ours from before, adopted"]),
    ("NameTaken", "bucket", WEST, on(Topic.BUCKET, WEST), DENIED, UNKNOWN, ["another account's"]),
    ("NameTaken", "bucket", WEST, on(Topic.BUCKET, WEST), SLOW, UNKNOWN, ["plan again"]),
    ("NameTaken", "origin.api.example.com", WEST, on(Topic.API_NAMES, WEST), ("origin.api.example.com",), FAILED,
     ["delete-domain-name"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "subject", "region", "fits", "answer", "verdict", "words"), TABLE)
def test_a_check_says_what_it_found(code, subject, region, fits, answer, verdict, words):
    topology = orders()
    seen = looked(topology, empty(topology), (fits, answer))
    first = next(c for c in found(seen, code, subject, region) if c.verdict is not PASSED or verdict is PASSED)
    assert first.verdict is verdict, first
    said = f"{first.detail} {first.way_out}"
    assert [word for word in words if word not in said] == []
    assert bool(first.way_out) == (verdict is not PASSED)


def test_the_nearest_caa_records_decide():
    topology = orders()
    above = on(Topic.DNS, name="example.com", kind="CAA"), ('0 issue "letsencrypt.org"',)
    here = on(Topic.DNS, name="api.example.com", kind="CAA"), ('0 issue "amazon.com"',)
    assert looked(topology, empty(topology), here, above).failed == ()
    assert len(looked(topology, empty(topology), above).failed) == 5  # the edge's name, the shared one, three Regions'


@pytest.mark.parametrize(
    ("certificate", "verdict", "words"),
    [
        ({"Status": "ISSUED", "DomainName": "api.example.com"}, PASSED, "issued"),
        ({"Status": "ISSUED", "DomainName": "x.com", "SubjectAlternativeNames": ["*.example.com"]}, PASSED, "issued"),
        (
            {"Status": "ISSUED", "DomainName": "*.api.example.com"},
            FAILED,
            "covers *.api.example.com, not api.example.com",
        ),
        (
            {"Status": "PENDING_VALIDATION", "DomainName": "api.example.com"},
            FAILED,
            "is PENDING_VALIDATION, not ISSUED",
        ),
        (
            {"Status": "ISSUED", "DomainName": "api.example.com", "NotAfter": NOW - timedelta(days=1)},
            FAILED,
            "ended on",
        ),
        (None, FAILED, "does not exist"),
        (DENIED, UNKNOWN, "not known"),
    ],
)
def test_a_certificate_of_ones_own_is_issued_and_covers_the_name(certificate, verdict, words):
    base = orders()
    topology = replace(base, edge=replace(base.edge, certificate_arn=ARN))
    seen = looked(topology, empty(topology), (on(Topic.CERTIFICATE), certificate))
    (check,) = found(seen, "CertificateUnfit")
    assert (check.verdict, words in check.detail) == (verdict, True)
    assert not [c for c in found(seen, "CaaForbids") if c.subject == "api.example.com"]  # none is requested for it


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (Record(name="api.example.com", type="CNAME", values=("old.example.net",)), FAILED),
        (Record(name="api.example.com", type="A", alias="d1.cloudfront.net"), FAILED),
        (Record(name="api.example.com", type="TXT", values=("hello",)), PASSED),
        (Record(name="www.api.example.com", type="A", values=("192.0.2.1",)), PASSED),
    ],
)
def test_a_name_that_leads_somewhere_is_told_with_the_cutover(record, verdict):
    topology = orders()
    (check,) = found(looked(topology, empty(topology, records=(record,))), "RecordInTheWay")
    assert check.verdict is verdict
    assert ("Cutover" in check.way_out) == (verdict is FAILED)
    assert looked(topology, standing(topology, records=(record,))).checks == ()  # the edge is there: it may be ours


def test_records_that_cannot_be_read_are_not_known():
    topology = orders()
    (check,) = found(looked(topology, empty(topology, records=DENIED)), "RecordInTheWay")
    assert (check.verdict, check.way_out) == (UNKNOWN, "allow route53:ListResourceRecordSets, then plan again")
    assert found(looked(topology, replace(empty(topology, records=DENIED), zone=None)), "RecordInTheWay") == []


def test_what_is_left_of_an_edge_that_got_stuck_is_ours():
    topology = orders()
    ours = Distribution(
        id="E1", domain_name="d1.cloudfront.net", status="Deployed", enabled=True, aliases=("api.example.com",)
    )
    record = Record(name="api.example.com", type="A", alias="d1.cloudfront.net.")
    holds = (on(Topic.DISTRIBUTIONS), {"E1": ("api.example.com",)})
    for distribution, verdict in ((ours, PASSED), (replace(ours, id="E2", domain_name="d2.cloudfront.net"), FAILED)):
        seen = looked(topology, empty(topology, records=(record,), distribution=distribution), holds)
        for code in ("RecordInTheWay", "AliasTaken"):
            assert [c.verdict for c in found(seen, code)] == [verdict], code


def test_name_servers_by_other_names_are_no_failure():
    """White-label name servers of Route 53: the zone's own NS record has them."""
    topology = orders()
    named = (on(Topic.ZONE_SERVERS), ("ns1.example.com.", "ns2.example.com."))
    for asked, verdict in (
        (("ns1.example.com.", "NS2.example.com."), WARNED),
        (("ns3.example.com.",), FAILED),
        ((), FAILED),
    ):
        (check,) = found(
            looked(topology, empty(topology), (on(Topic.DNS, kind="NS"), asked), named), "ZoneNotDelegated"
        )
        assert check.verdict is verdict, asked


def test_more_instances_in_a_region_need_room_for_the_difference():
    base = with_regions("us-east-1")
    topology = replace(base, database=replace(base.database, instances_per_region=4))
    full = on(Topic.DATABASES), {"DBInstances": Room(used=39, limit=40)}
    seen = looked(topology, standing(topology), full, asked=plan("database/instancesPerRegion"))
    (check,) = seen.checks
    assert (check.verdict, check.detail) == (FAILED, "39 of 40 in use, 2 more needed")
