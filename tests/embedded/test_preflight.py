"""A preflight on the embedded AWS: what its readers see, and what each thing that stands in the way is called."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import boto3
import pytest

from reconciler import wiring
from reconciler.cli.preflighting import preflight
from reconciler.model.observed import Observed, Unknown
from reconciler.model.plan import Goal, Plan
from reconciler.model.preflight import Verdict
from reconciler.model.survey import Question, Topic
from tests.embedded.command import prepared
from tests.embedded.converged import credentials
from tests.embedded.test_drift import ZONE
from tests.fakes.surveys import empty, plan
from tests.fakes.topologies import orders

WEST = "eu-west-1"


@dataclass(frozen=True)
class Seen:
    """As much of an outcome as a preflight looks at."""

    observed: Observed
    plan: Plan = field(default_factory=plan)
    goal: Goal = Goal.CONVERGE


@pytest.fixture(scope="module")
def ports(server):
    """One set of clients for all: making them takes longer than what they ask."""
    with credentials(server):
        yield wiring.ports()


@pytest.fixture
def world(aws, ports):
    """An account in which nothing is there."""
    return aws, ports


def looked(world, topology=None, *, offline=False):
    """The preflight of the worked example; looking at what is there is other tests' subject."""
    (aws, ports), topology = world, topology or orders()
    servers = aws.client("route53").get_hosted_zone(Id=ZONE)["DelegationSet"]["NameServers"]
    seen = empty(orders())
    seen = replace(seen, zone=replace(seen.zone, name_servers=tuple(servers)))
    return preflight(ports, topology, Seen(seen), offline=offline)


def records(aws, name, kind, *values):
    aws.client("route53").change_resource_record_sets(
        HostedZoneId=ZONE,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "UPSERT",
                    "ResourceRecordSet": {
                        "Name": name,
                        "Type": kind,
                        "TTL": 60,
                        "ResourceRecords": [{"Value": v} for v in values],
                    },
                }
            ]
        },
    )
    aws.passes(120)
    aws.go()


def elsewhere(aws):
    records(aws, "example.com", "NS", "ns1.elsewhere.net.", "ns2.elsewhere.net.")


def another_authority(aws):
    records(aws, "example.com", "CAA", '0 issue "letsencrypt.org"')


def full(aws):
    aws.control("quotas", {"region": WEST, "quota": "vpc/L-F678F1CE", "value": 1})


def few_clusters(aws):
    aws.control("quotas", {"region": WEST, "quota": "rds/L-952B80B8", "value": 0})


def few_checks(aws):
    aws.control("quotas", {"region": "us-east-1", "quota": "route53/L-ACB674F3", "value": 5})


def young(aws):
    aws.control("quotas", {"region": WEST, "quota": "lambda/L-B99A9384", "value": 10})


def role(aws):
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    aws.client("iam").create_role(RoleName="meridian-orders-edge", AssumeRolePolicyDocument=trust)


def squatter(aws):
    other = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=aws.url,
        aws_access_key_id="222222222222",
        aws_secret_access_key="test",
    )
    other.create_bucket(Bucket="meridian-assets-111111111111-us-east-1")


def test_an_account_with_room_passes_every_check(world):
    told = looked(world)
    assert [c for c in told.checks if c.verdict is not Verdict.PASSED] == []
    assert len(told.checks) > 50


@pytest.mark.parametrize(
    ("hand", "code", "verdict", "words"),
    [
        (elsewhere, "ZoneNotDelegated", Verdict.WARNED, "asks ns1.elsewhere.net, ns2.elsewhere.net, as its NS record"),
        (another_authority, "CaaForbids", Verdict.FAILED, '0 issue "letsencrypt.org"'),
        (full, "QuotaTooSmall", Verdict.FAILED, "1 of 1 in use, 1 more needed"),
        (few_clusters, "QuotaTooSmall", Verdict.FAILED, "0 of 0 in use"),
        (few_checks, "QuotaTooSmall", Verdict.FAILED, "0 of 5 in use, 6 more needed"),
        (young, "ConcurrencyLow", Verdict.WARNED, "10 executions at once"),
        (role, "NameTaken", Verdict.FAILED, "no stack of this topology made it"),
        (squatter, "NameTaken", Verdict.UNKNOWN, "AccessDenied"),
    ],
)
def test_what_stands_in_the_way_is_named(world, hand, code, verdict, words):
    aws, _ = world
    hand(aws)
    told = [c for c in looked(world).checks if c.verdict is not Verdict.PASSED]
    assert {(c.code, c.verdict) for c in told} == {(code, verdict)}
    assert any(words in c.detail for c in told)
    assert all(c.way_out for c in told)


def test_what_is_denied_is_unknown_and_names_the_right(world):
    aws, _ = world
    calls = ("service-quotas:*", "rds:DescribeAccountAttributes", "iam:GetRole", "ec2:DescribeRegions")
    aws.control("faults", {"faults": [{"call": c, "error": "AccessDenied"} for c in calls]})
    told = [c for c in looked(world).checks if c.verdict is not Verdict.PASSED]
    aws.control("faults", {"faults": []})
    assert {c.verdict for c in told} == {Verdict.UNKNOWN}
    ways = {c.way_out for c in told}
    assert {w.removesuffix(", then plan again") for w in ways} == {
        "allow servicequotas:GetServiceQuota and servicequotas:GetAWSDefaultServiceQuota",
        "allow rds:DescribeAccountAttributes",
        "allow iam:GetRole",
        "allow ec2:DescribeRegions",
    }


def test_names_are_asked_of_the_embedded_name_server(world):
    _, ports = world
    asked = [
        Question(topic=Topic.DNS, region="us-east-1", name=name, kind=kind)
        for name, kind in (("example.com", "NS"), ("nothing.example.com", "CAA"), ("elsewhere.test", "NS"))
    ]
    found = ports.surveyor.answers(asked)
    assert found[asked[0]]
    assert found[asked[1]] == ()
    assert isinstance(found[asked[2]], Unknown)  # refused: it is no name of this server's


def test_the_command_shows_it_and_is_blocked_by_it(aws, tmp_path):
    """A Region that the account has not enabled, where nothing at all can be read; and a network too many."""
    meridian = prepared(tmp_path, aws.url)
    file = meridian.folder / "desired_state" / "orders.yaml"
    file.write_text(file.read_text().replace("ap-northeast-1", "eu-south-1"))
    aws.control("regions", {"region": "eu-south-1", "enabled": False})
    full(aws)
    code, (document,) = meridian.json("plan", "--detailed-exitcode", "--out", "plan.json")
    told = document["preflight"]
    failed = {(c["code"], c["region"]) for c in told["checks"] if c["verdict"] == "failed"}
    assert (code, failed) == (3, {("RegionNotEnabled", "eu-south-1"), ("QuotaTooSmall", WEST)})
    assert json.loads((meridian.folder / "plan.json").read_text())["preflight"] == told
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


@pytest.mark.parametrize("offline", [False, True])
def test_nobody_is_asked_offline_nor_about_an_account_that_is_not_the_documents(world, offline):
    _, ports = world
    before = ports.cloud.calls()
    topology = orders() if offline else replace(orders(), account="222222222222")
    told = looked(world, topology, offline=offline)
    assert (told.checks, ports.cloud.calls()) == ((), before)
    assert told.cost
    assert told.cost.after > 0
