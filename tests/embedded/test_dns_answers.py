"""The name servers answer as Route 53 chooses: by policy, health and place."""

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
