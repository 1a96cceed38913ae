"""What a loss costs before and after a plan, and nothing that nobody promised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.observed import Unknown
from reconciler.preflight.objectives import NOT_KNOWN, NOTHING_THERE, objectives
from tests.fakes.surveys import empty, standing
from tests.fakes.topologies import orders, with_regions

ONE, TWO = with_regions("us-east-1"), with_regions("us-east-1", "eu-west-1")


def told(topology, seen):
    return {o.what: (o.before, o.after) for o in objectives(topology, seen)}


def test_from_one_region_to_two():
    found = told(TWO, standing(ONE))
    before, after = found["loss of the writer's Region"]
    assert before.startswith("all data and the API, until the Region is back")
    assert "reads move within about 40 s, writes wait for a person's `meridian failover`" in after
    assert found["loss of another Region"][0] == "there is none"
    assert found["loss of another Region"][1].startswith("data: none")
    assert found["Regions that serve"] == ("1 of 1", "2 of 2")


@pytest.mark.parametrize(
    ("seen", "before"),
    [
        (empty(TWO), NOTHING_THERE),
        (replace(empty(TWO), global_cluster=Unknown("AccessDenied", "no")), NOT_KNOWN),
    ],
)
def test_what_is_not_there_and_what_is_not_known_are_said(seen, before):
    assert {b for b, _ in told(TWO, seen).values()} == {before}


def test_nothing_changes_where_nothing_is_changed():
    topology = orders()
    assert all(before == after for before, after in told(topology, standing(topology)).values())


def test_a_drained_region_takes_nobody_over():
    topology = with_regions("us-east-1", "eu-west-1", drained=("eu-west-1",))
    assert "nobody else serves" in told(topology, empty(topology))["loss of the writer's Region"][1]


@pytest.mark.parametrize(("instances", "words"), [(1, "its Region has no other"), (2, "takes over")])
def test_a_lone_instance_is_said_to_be_alone(instances, words):
    topology = replace(TWO, database=replace(TWO.database, instances_per_region=instances))
    assert words in told(topology, empty(topology))["loss of a database instance"][1]
