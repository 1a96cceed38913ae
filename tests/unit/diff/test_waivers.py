"""`drift.ignore`: what it waives is no drift, is not healed, and is not written over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.diff import desired_stacks, diff
from reconciler.diff.waivers import matches
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import DriftPolicy, Ignore
from reconciler.plan import plan
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered, templates

API = StackRef(StackKind.API, "eu-west-1")
MEMORY, TIMEOUT = "regions/eu-west-1/api/memoryMb", "regions/eu-west-1/api/timeoutSeconds"
DRIFTED = {(API, "Function"): {"MemorySize": 128, "Timeout": 3}}


@pytest.fixture
def world() -> World:
    world = World(with_regions(*NAMES[:2]))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def judged(world, *ignored, live=None):
    """The difference and the plan."""
    world.desired = replace(world.desired, drift=DriftPolicy(mode="heal", ignore=ignored))
    observed = replace(world.observed(), live=live or {})
    stacks = desired_stacks(world.desired, observed, templates(world.desired))
    found = diff(world.desired, stacks, observed)
    return found, plan(world.desired, "r", observed, found, stacks)


def ignore(path, expires=None):
    return Ignore(path=path, reason="tuned", expires=expires)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("edge/priceClass", "edge/priceClass", True),
        ("edge/priceClass", "edge/priceClass/x", False),
        ("regions/*/api/memoryMb", MEMORY, True),
        ("*/eu-west-1/*/memoryMb", MEMORY, True),
        ("regions/*", MEMORY, False),
        ("edge/price*", "edge/priceClass", False),
    ],
)
def test_a_path_is_exact_but_for_whole_segments(pattern, path, expected):
    assert matches(pattern, path) is expected


def test_what_is_waived_is_no_drift_and_keeps_its_stack_from_being_written_back(world):
    found, planned = judged(world, live=DRIFTED)
    assert [f.path for f in found.findings] == [MEMORY, TIMEOUT]
    assert [s.id for s in planned.steps] == ["deploy/api/eu-west-1"]
    found, planned = judged(world, ignore("regions/*/api/memoryMb"), live=DRIFTED)
    assert [f.path for f in found.findings] == [TIMEOUT]
    assert [w.finding.path for w in found.waived] == [MEMORY]
    assert not planned.steps
    assert any(TIMEOUT in note for note in planned.notes)


def test_a_commit_that_would_write_over_what_is_waived_is_refused_by_name(world):
    world.desired = replace(world.desired, api=replace(world.desired.api, timeout_seconds=20))
    _, planned = judged(world, ignore(MEMORY), live={(API, "Function"): {"MemorySize": 128}})
    (refusal,) = planned.refusals
    assert refusal.code == "HeldByHand"
    assert "waived by drift.ignore (tuned): remove that entry to have it put right" in refusal.message


def test_a_commit_of_the_waived_field_itself_goes_out(world):
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=1024))
    found, planned = judged(world, ignore(MEMORY), live={(API, "Function"): {"MemorySize": 128}})
    assert not planned.refusals
    assert [e.path for e in found.unused] == [MEMORY]


def test_waivers_end_and_are_named_when_nothing_is_left_to_waive(world):
    over, idle = ignore(MEMORY, world.now - timedelta(seconds=1)), ignore("edge/priceClass")
    found, _ = judged(world, over, idle, live=DRIFTED)
    assert [f.path for f in found.findings] == [MEMORY, TIMEOUT]
    assert (found.unused, found.waived) == ((over, idle), ())
    found, _ = judged(world, ignore(MEMORY, world.now + timedelta(hours=1)), live=DRIFTED)
    assert "until" in found.waived[0].finding.reason


def test_a_gate_that_is_waived_is_left_as_it_is(world):
    gate = world.gates["eu-west-1"]
    for changed in ({"threshold": 2, "version": 5}, {"threshold": 0, "version": 5}, {"inverted": True}):
        world.gates["eu-west-1"] = replace(gate, **changed)
        found, planned = judged(world, ignore("regions/*/traffic"))
        assert ([w.finding.path for w in found.waived], found.findings) == (["regions/eu-west-1/traffic"], ())
        assert not planned.steps, changed


def test_a_writer_that_is_waived_stays_where_it_is(world):
    world.writer = "eu-west-1"
    found, planned = judged(world, ignore("database/writer"))
    assert (len(found.waived), found.findings, planned.steps) == (1, (), ())
