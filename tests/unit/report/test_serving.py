"""Serving: what clients get. Enough Regions healthy behind open gates, and records and a distribution that lead to them."""

from dataclasses import replace

import pytest

from reconciler.model.observed import Record, Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.report.conditions import conditions
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World

EDGE = StackRef(StackKind.EDGE, "us-east-1")


@pytest.fixture(scope="module")
def served():
    world = World(with_regions(*NAMES[:2]))
    world.run()
    return world


def serving(world, **changes):
    outcome, _ = world.seen(replace(world.observed(), **changes))
    (condition,) = [c for c in conditions(outcome, world.desired) if c.type == "Serving"]
    return condition.status, condition.reason


def test_a_converged_world_serves(served):
    assert serving(served) == ("True", "RegionsHealthy")


def gates(world, **changes):
    return {r: replace(gate, **changes) for r, gate in world.observed().gates.items()}


def test_too_few_healthy_regions_do_not(served):
    assert serving(served, gates=gates(served, healthy=False)) == ("False", "TooFewRegions")
    assert serving(served, gates=gates(served, threshold=2)) == ("False", "TooFewRegions")
    assert serving(served, gates=gates(served, healthy=None)) == ("Unknown", "TooFewRegions")
    one_down = {**gates(served), NAMES[0]: replace(served.observed().gates[NAMES[0]], healthy=False)}
    assert serving(served, gates=one_down) == ("True", "RegionsHealthy")


def test_an_edge_that_is_updated_goes_on_serving_and_a_first_one_does_not(served):
    updating = replace(served.observed().distribution, status="InProgress")
    assert serving(served, distribution=updating) == ("True", "RegionsHealthy")
    stacks = served.observed().stacks
    first = {**stacks, EDGE: replace(stacks[EDGE], status="CREATE_IN_PROGRESS")}
    assert serving(served, distribution=updating, stacks=first) == ("False", "EdgeNotDeployed")


def test_no_edge_a_disabled_one_and_one_without_the_domain_do_not(served):
    edge = served.observed().distribution
    assert serving(served, distribution=None) == ("False", "EdgeNotDeployed")
    assert serving(served, distribution=replace(edge, enabled=False)) == ("False", "EdgeNotDeployed")
    assert serving(served, distribution=replace(edge, aliases=())) == ("False", "DomainNotRouted")
    elsewhere = tuple(r for r in served.observed().records if r.name != "api.example.com")
    moved = (*elsewhere, Record(name="api.example.com", type="A", alias="d2.cloudfront.net"))
    assert serving(served, records=moved) == ("False", "DomainNotRouted")


def test_what_cannot_be_read_is_not_known_to_serve(served):
    assert serving(served, distribution=Unknown("AccessDenied", "no")) == ("Unknown", "CannotBeRead")
    assert serving(served, records=Unknown("Throttling", "")) == ("Unknown", "CannotBeRead")


def test_what_cannot_be_read_is_not_in_sync_and_is_said(served):
    stacks = {**served.observed().stacks, StackRef(StackKind.API, NAMES[1]): Unknown("Unreachable", "timed out")}
    outcome, _ = served.seen(replace(served.observed(), records=Unknown("Throttling", ""), stacks=stacks))
    found = {c.type: c for c in conditions(outcome, served.desired)}
    drift, ready = found["DriftDetected"], found["Ready"]
    assert (drift.status, drift.reason) == ("Unknown", "CannotBeRead")
    assert f"the zone's records cannot be read, {NAMES[1]} cannot be read" in drift.message
    assert (ready.status, f"{NAMES[1]} cannot be read" in ready.message) == ("False", True)
