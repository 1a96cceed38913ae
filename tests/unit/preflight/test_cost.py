"""What a month costs: what is certain is counted, what is not known says so."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind
from reconciler.preflight.cost import ALARMS, cost
from tests.fakes.surveys import empty, standing, state, template, without
from tests.fakes.topologies import orders, with_regions

WORKED_EXAMPLE = Decimal("4801.80")
FIXED = Decimal("4.20")  # of a Region: a probe with two options, a gate, a key, two alarms


def lines(found, what="", region=None):
    return [line for line in found.lines if what in line.what and region in (None, line.region)]


def test_the_worked_example():
    """The figure that the README tells."""
    topology = orders()
    found = cost(topology, empty(topology))
    assert (found.before, found.after) == (0, WORKED_EXAMPLE)
    assert {line.region: line.after for line in lines(found, "database")} == {
        "us-east-1": Decimal("1401.600"),
        "eu-west-1": Decimal("1635.200"),
        "ap-northeast-1": Decimal("1752.000"),
    }
    assert lines(found, "database")[0].basis == "2 × 8 ACU × 730 h × 0.12"
    assert [line.what.partition(":")[0] for line in found.unknown] == ["use"]


def test_what_stands_as_declared_costs_the_same_before_and_after():
    topology = orders()
    found = cost(topology, standing(topology))
    assert (found.before, found.after) == (WORKED_EXAMPLE, WORKED_EXAMPLE)
    assert all(line.before == line.after for line in found.lines)


def test_templates_hold_as_many_of_each_as_is_counted():
    """What is taken for granted of the stacks is what they have."""
    data = Counter(body["Type"] for body in template(StackKind.DATA, founder=True)["Resources"].values())
    api = Counter(body["Type"] for body in template(StackKind.API)["Resources"].values())
    assert (data["AWS::KMS::Key"], data["AWS::SecretsManager::Secret"], api["AWS::Route53::HealthCheck"]) == (1, 1, 1)
    assert api["AWS::CloudWatch::Alarm"] == ALARMS
    dear = ("AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::EC2::EIP", "AWS::RDS::DBProxy")
    assert [kind for kind in dear if data[kind] + api[kind]] == []


def test_a_new_region_adds_what_it_holds():
    topology = orders()
    found = cost(topology, without(standing(topology), "eu-west-1"))
    assert found.after - found.before == Decimal("1635.20") + FIXED


def test_a_region_that_leaves_takes_all_but_its_key():
    topology, seen = with_regions("us-east-1", "eu-west-1"), standing(with_regions("us-east-1", "eu-west-1"))
    found = cost(replace(topology, regions=topology.regions[:1]), seen)
    assert found.before - found.after == Decimal("1635.20") + FIXED - 1
    (key,) = lines(found, "KMS", "eu-west-1")
    assert (key.after, key.basis) == (Decimal("1.00"), "1 key, kept for the final snapshot")


@pytest.mark.parametrize(
    ("field", "value", "difference"),
    [
        ("min_capacity", 4, Decimal(-8) * 730 * Decimal("0.12")),
        ("min_capacity", 0.5, Decimal(-15) * 730 * Decimal("0.12")),
        ("instances_per_region", 3, Decimal(8) * 730 * Decimal("0.12")),
        ("max_capacity", 128, 0),
    ],
)
def test_capacity_and_instances_cost(field, value, difference):
    base = with_regions("us-east-1")
    topology = replace(base, database=replace(base.database, **{field: value}))
    found = cost(topology, standing(base))
    assert found.after - found.before == difference


def test_a_slower_probe_costs_less():
    base = with_regions("us-east-1")
    topology = replace(base, api=replace(base.api, health=replace(base.api.health, interval_seconds=30)))
    found = cost(topology, standing(base))
    assert found.after - found.before == Decimal("-1.00")


def test_a_region_without_a_known_price_is_unknown_and_never_guessed():
    topology = with_regions("us-east-1", "sa-east-1")
    found = cost(topology, empty(topology))
    (line,) = lines(found, "database", "sa-east-1")
    assert (line.before, line.after, line in found.unknown) == (0, None, True)
    assert line.basis.endswith("price not known")


def test_what_cannot_be_read_is_unknown_before_and_known_after():
    topology = orders()
    dark = Unknown("AccessDenied", "no")
    seen = state(state(standing(topology), StackKind.DATA, "eu-west-1", dark), StackKind.API, "eu-west-1", dark)
    found = cost(topology, seen)
    assert {line.what for line in lines(found, region="eu-west-1") if line.before is None} == {
        "database at its minimum",
        "health checks",
        "KMS key",
        "alarms",
    }
    assert found.after == WORKED_EXAMPLE
