"""The name servers answer as Route 53 chooses: by policy, health and place, and only what is INSYNC."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.dns_client import Dns, alias, row

NEAR = {"new-york": "us-east-1", "london": "eu-west-1", "delhi": "ap-northeast-1"}
REGIONS = {"us-east-1": "192.0.2.1", "eu-west-1": "192.0.2.2", "ap-northeast-1": "192.0.2.3"}


@pytest.fixture
def dns(aws: Aws) -> Dns:
    aws.control("clock", {"speed": 2000})
    return Dns(aws)


def settled(dns: Dns, name: str, place: str, expected: set[str]) -> None:
    """From now on, every answer is one of these, and each comes."""

    def right() -> bool:
        found = {value for _ in range(40) for value in dns.values(name, place=place)}
        return found == expected

    dns.aws.until(right, seconds=10)


# ---- policies x health x place ---------------------------------------------------------------------------------------------


def group(dns: Dns, policy: str, healths: dict[str, bool | None]) -> None:
    """One record per Region on x.example.com; None: without a health check."""
    extras: dict[str, Any] = {
        "latency": lambda region, _: {"Region": region},
        "weighted": lambda _, i: {"Weight": 10 * (i + 1)},
        "one weight": lambda _, i: {"Weight": 10 if i == 0 else 0},
        "no weights": lambda _, i: {"Weight": 0},
        "failover": lambda _, i: {"Failover": ("PRIMARY", "SECONDARY")[i]},
        "multivalue": lambda _, i: {"MultiValueAnswer": True},
    }
    rows = []
    for i, (region, healthy) in enumerate(healths.items()):
        check = {} if healthy is None else {"HealthCheckId": dns.check(region, healthy=healthy)}
        rows.append(row("x", REGIONS[region], SetIdentifier=region, **extras[policy](region, i), **check))
    dns.create(*rows)


U, E, A = "us-east-1", "eu-west-1", "ap-northeast-1"
CHOICES = [
    # policy, health of the records in order, where from, whose addresses come
    ("latency", {U: True, E: True, A: True}, "new-york", {U}),
    ("latency", {U: True, E: True, A: True}, "london", {E}),
    ("latency", {U: True, E: True, A: True}, "delhi", {A}),
    ("latency", {U: True, E: False, A: True}, "london", {U}),
    ("latency", {U: False, E: False, A: True}, "new-york", {A}),
    ("latency", {U: False, E: False, A: None}, "london", {A}),  # without a check: healthy
    ("latency", {U: False, E: False, A: False}, "london", {E}),  # all unhealthy: all healthy
    ("weighted", {U: True, E: True, A: True}, "london", {U, E, A}),
    ("weighted", {U: True, E: False, A: True}, "london", {U, A}),
    ("weighted", {U: False, E: False, A: False}, "london", {U, E, A}),
    ("one weight", {U: True, E: True, A: True}, "london", {U}),
    ("one weight", {U: False, E: True, A: True}, "london", {E, A}),
    ("one weight", {U: False, E: False, A: False}, "london", {U}),
    ("no weights", {U: True, E: True, A: False}, "london", {U, E}),
    ("failover", {U: True, E: True}, "london", {U}),
    ("failover", {U: False, E: True}, "new-york", {E}),
    ("failover", {U: False, E: False}, "london", {U}),
    ("failover", {U: False, E: None}, "london", {E}),
    ("multivalue", {U: True, E: True, A: True}, "london", {U, E, A}),
    ("multivalue", {U: True, E: False, A: True}, "london", {U, A}),
    ("multivalue", {U: False, E: False, A: False}, "london", {U, E, A}),
]


@pytest.mark.parametrize(("policy", "healths", "place", "expected"), CHOICES)
def test_the_choice(dns: Dns, policy: str, healths: dict, place: str, expected: set[str]) -> None:
    group(dns, policy, healths)
    settled(dns, "x.example.com", place, {REGIONS[region] for region in expected})


def test_a_multivalue_answer_has_at_most_eight_values(dns: Dns) -> None:
    dns.create(*(row("m", f"192.0.2.{i}", SetIdentifier=str(i), MultiValueAnswer=True) for i in range(1, 12)))
    found = [dns.values("m.example.com") for _ in range(20)]
    assert {len(values) for values in found} == {8}
    assert len({value for values in found for value in values}) > 8


def test_weights_are_proportions(dns: Dns) -> None:
    dns.create(row("w", "192.0.2.1", SetIdentifier="a", Weight=1), row("w", "192.0.2.2", SetIdentifier="b", Weight=3))
    found = [dns.values("w.example.com")[0] for _ in range(400)]
    assert 60 < found.count("192.0.2.1") < 140


def test_a_gate_opens_and_closes_a_region(dns: Dns) -> None:
    probe = dns.check("probe", healthy=True)
    made = dns.aws.client("route53").create_health_check(
        CallerReference="gate",
        HealthCheckConfig={"Type": "CALCULATED", "ChildHealthChecks": [probe], "HealthThreshold": 2},
    )
    gate = made["HealthCheck"]["Id"]
    dns.create(
        row("g", REGIONS[E], SetIdentifier=E, Region=E, HealthCheckId=gate),
        row("g", REGIONS[U], SetIdentifier=U, Region=U),
    )
    settled(dns, "g.example.com", "london", {REGIONS[U]})  # above its children: closed
    dns.aws.client("route53").update_health_check(HealthCheckId=gate, HealthThreshold=1)
    settled(dns, "g.example.com", "london", {REGIONS[E]})
    dns.set(probe, healthy=False)
    settled(dns, "g.example.com", "london", {REGIONS[U]})
    dns.aws.client("route53").update_health_check(HealthCheckId=gate, Disabled=True)
    settled(dns, "g.example.com", "london", {REGIONS[E]})  # disabled: healthy


def test_a_change_of_health_takes_some_seconds_to_reach_the_servers(dns: Dns) -> None:
    check = dns.check("late", healthy=True)
    dns.create(
        row("h", REGIONS[E], SetIdentifier=E, Region=E, HealthCheckId=check),
        row("h", REGIONS[U], SetIdentifier=U, Region=U),
    )
    settled(dns, "h.example.com", "london", {REGIONS[E]})
    dns.aws.control("clock", {"speed": 0.001})
    dns.aws.client("route53").update_health_check(HealthCheckId=check, Inverted=True)
    assert dns.values("h.example.com", place="london") == [REGIONS[E]]
    dns.aws.control("clock", {"speed": 2000})
    settled(dns, "h.example.com", "london", {REGIONS[U]})


def test_a_deleted_check_takes_its_record_away(dns: Dns) -> None:
    check = dns.check("gone", healthy=True)
    dns.create(
        row("d", REGIONS[E], SetIdentifier=E, Region=E, HealthCheckId=check),
        row("d", REGIONS[U], SetIdentifier=U, Region=U),
    )
    settled(dns, "d.example.com", "london", {REGIONS[E]})
    dns.aws.client("route53").delete_health_check(HealthCheckId=check)
    settled(dns, "d.example.com", "london", {REGIONS[U]})


# ---- chains ----------------------------------------------------------------------------------------------------------------


def test_an_alias_answers_with_its_targets_values_and_ttl_and_takes_over_its_health(dns: Dns) -> None:
    check = dns.check("behind", healthy=True)
    dns.create(
        row("t1", "192.0.2.7", ttl=77, SetIdentifier="only", Weight=1, HealthCheckId=check), row("t2", "192.0.2.8")
    )
    dns.create(
        alias("a", "t1.example.com", evaluate=True, SetIdentifier="1", Failover="PRIMARY"),
        alias("a", "t2.example.com", SetIdentifier="2", Failover="SECONDARY"),
    )
    [found] = dns.ask("a.example.com").answer
    assert (found.name.to_text(), found.ttl, [i.to_text() for i in found]) == ("a.example.com.", 77, ["192.0.2.7"])
    dns.set(check, healthy=False)
    settled(dns, "a.example.com", "", {"192.0.2.8"})


def test_an_alias_without_evaluation_is_healthy_whatever_its_target_is(dns: Dns) -> None:
    check = dns.check("ignored", healthy=False)
    dns.create(row("t3", "192.0.2.7", SetIdentifier="only", Weight=1, HealthCheckId=check), row("t4", "192.0.2.8"))
    dns.create(
        alias("b", "t3.example.com", SetIdentifier="1", Failover="PRIMARY"),
        alias("b", "t4.example.com", SetIdentifier="2", Failover="SECONDARY"),
    )
    settled(dns, "b.example.com", "", {"192.0.2.7"})


def test_a_cname_is_followed_inside_the_zone_and_not_outside(dns: Dns) -> None:
    dns.create(
        row("c1", "c2.example.com", kind="CNAME", ttl=5),
        row("c2", "c3.example.com", kind="CNAME", ttl=6),
        row("c3", "192.0.2.9", ttl=7),
        row("out", "www.example.org", kind="CNAME"),
        row("dangling", "nowhere.example.com", kind="CNAME"),
    )
    answer = dns.ask("C1.Example.COM").answer
    assert answer[0].name.to_text() == "C1.Example.COM."  # spelled as it was asked
    assert [(r.name.to_text().lower(), r.ttl) for r in answer] == [
        ("c1.example.com.", 5),
        ("c2.example.com.", 6),
        ("c3.example.com.", 7),
    ]
    assert [r.to_text().split()[3] for r in dns.ask("c1.example.com", "CNAME").answer] == ["CNAME"]
    assert len(dns.ask("out.example.com").answer) == 1
    assert dns.rcode("dangling.example.com") == "NXDOMAIN"
    assert len(dns.ask("dangling.example.com").answer) == 1


def test_a_loop_of_cnames_ends(dns: Dns) -> None:
    dns.create(row("l1", "l2.example.com", kind="CNAME"), row("l2", "l1.example.com", kind="CNAME"))
    assert dns.rcode("l1.example.com") == "NOERROR"


# ---- what there is not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "soa"),
    [
        ("nothing.example.com", "A", "NXDOMAIN", True),
        ("there.example.com", "AAAA", "NOERROR", True),
        ("deep.example.com", "A", "NOERROR", True),  # only names below it: it exists, without data
        ("THERE.example.com", "A", "NOERROR", False),
        ("x.any.wild.example.com", "A", "NOERROR", False),
        ("wild.example.com", "A", "NOERROR", True),
        ("example.com", "NS", "NOERROR", False),
        ("example.com", "SOA", "NOERROR", False),
        ("example.org", "A", "REFUSED", False),
        ("com", "A", "REFUSED", False),
    ],
)
def test_what_there_is_not(dns: Dns, name: str, kind: str, rcode: str, soa: bool) -> None:
    dns.create(row("there", "192.0.2.1"), row("below.deep", "192.0.2.1"), row("*.wild", "192.0.2.1"))
    answer = dns.ask(name, kind)
    assert dns.rcode(name, kind) == rcode
    assert [rrset.ttl for rrset in answer.authority] == ([900] if soa else [])  # negative answers: 900 s
    assert bool(answer.answer) == (rcode == "NOERROR" and not soa)


def test_a_delegated_name_is_referred(dns: Dns) -> None:
    dns.create(row("sub", "ns1.example.org", "ns2.example.org", kind="NS"))
    answer = dns.ask("www.sub.example.com")
    assert not answer.answer
    assert [rrset.name.to_text() for rrset in answer.authority] == ["sub.example.com."]


# ---- propagation -----------------------------------------------------------------------------------------------------------


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


# ---- places ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", NEAR)
def test_the_place_is_that_of_the_source_address_too(dns: Dns, place: str) -> None:
    group(dns, "latency", dict.fromkeys(REGIONS))
    place_of = dns.aws.control("locations")[1]["locations"][place]
    [answer] = dns.ask("x.example.com", source=place_of["source"]).answer
    assert [item.to_text() for item in answer] == [REGIONS[NEAR[place]]]


def test_a_client_can_be_moved(dns: Dns) -> None:
    group(dns, "latency", dict.fromkeys(REGIONS))
    assert dns.values("x.example.com") == [REGIONS[U]]
    dns.aws.control("locations", {"default": "london"})
    assert dns.values("x.example.com") == [REGIONS[E]]
    dns.aws.control("locations", {"location": "london", "region": U, "ms": 0.5})
    assert dns.values("x.example.com", place="london") == [REGIONS[U]]
    dns.aws.control("locations", {"location": "london", "region": U, "ms": None})
    assert dns.values("x.example.com", place="london") == [REGIONS[E]]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({}, "give default"),
        ({"default": "atlantis"}, "no location 'atlantis'"),
        ({"location": "london", "region": "mars-1", "ms": 1}, "belong together"),
        ({"location": "london", "region": "us-east-1", "ms": -1}, "must be a number"),
    ],
)
def test_a_wrong_place_is_refused_by_name(dns: Dns, request_: dict, told: str) -> None:
    status, answer = dns.aws.control("locations", request_)
    assert (status, told in answer["error"]) == (400, True)


def test_every_region_is_nearest_to_itself_and_ours_are_apart(dns: Dns) -> None:
    places = dns.aws.control("locations")[1]["locations"]
    twins = {"us-gov-east-1", "us-gov-west-1"}  # they stand beside us-east-2 and us-west-2
    for region in places["us-east-1"]["ms"].keys() - twins:
        others = {r: ms for r, ms in places[region]["ms"].items() if r not in twins}
        assert min(others, key=others.get) == region
    assert 60 < places["eu-west-1"]["ms"]["us-east-1"] < 110
