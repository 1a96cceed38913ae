"""Changes by their field and origin; drift with its disposition; what a commit changes is no drift."""

from dataclasses import replace

import pytest

from reconciler.diff import desired_stacks, diff
from reconciler.diff.catalogue import field_path, region_of
from reconciler.model.change import Action, Disposition, Origin
from reconciler.model.coverage import Way
from reconciler.model.observed import Missing, Unknown
from reconciler.model.stacks import StackKind, StackRef, Template
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered, templates

API = StackRef(StackKind.API, "eu-west-1")
EDGE = StackRef(StackKind.EDGE, "us-east-1")
DATA = StackRef(StackKind.DATA, "eu-west-1")
ROUTING = StackRef(StackKind.ROUTING, "us-east-1")


@pytest.fixture
def world() -> World:
    world = World(with_regions(*NAMES[:2]))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def compare(world, live=None, bodies=None):
    observed = replace(world.observed(), live=live or {})
    stacks = desired_stacks(world.desired, observed, bodies or templates(world.desired))
    return diff(world.desired, stacks, observed)


def test_the_same_on_all_sides_is_no_difference(world):
    found = compare(world, {(API, "Function"): {"MemorySize": 512, "Timeout": 10}})
    assert (found.changes, found.findings) == ((), ())
    assert found.coverage.ways[Way.READ] == 2


def test_a_commit_shows_as_its_field_with_all_three_values(world):
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=1024))
    found = compare(world, {(API, "Function"): {"MemorySize": 256}})
    (change,) = found.changed(API)
    assert (change.path, change.action, change.origin) == (
        "regions/eu-west-1/api/memoryMb",
        Action.UPDATE,
        Origin.GIT,
    )
    assert (change.desired, change.applied, change.observed) == (1024, 512, 256)
    assert not found.findings
    assert found.touched[API] == {"Function"}


def test_a_template_that_changes_by_itself_is_an_upgrade(world):
    bodies = templates(world.desired)
    body = bodies["api"].body
    function = body["Resources"]["Function"]
    altered = {**function, "Properties": {**function["Properties"], "Description": "new"}}
    bodies["api"] = Template("api", {"Resources": {**body["Resources"], "Function": altered}})
    (change,) = compare(world, bodies=bodies).changed(API)
    assert (change.path, change.origin) == ("regions/eu-west-1/api/Function/Description", Origin.UPGRADE)


def test_a_removed_resource_and_a_replacement_are_always_named(world):
    bodies = templates(world.desired)
    resources = dict(bodies["api"].body["Resources"])
    del resources["Probe"]
    bodies["api"] = Template("api", {"Resources": resources})
    assert [(c.action, c.logical_id) for c in compare(world, bodies=bodies).changed(API)] == [(Action.DELETE, "Probe")]


DRIFT = [
    (API, "Function", {"MemorySize": 128}, "regions/eu-west-1/api/memoryMb", "eu-west-1", Disposition.HEAL),
    (
        EDGE,
        "Distribution",
        {"DistributionConfig": {"PriceClass": "PriceClass_All", "Enabled": True}},
        "edge/priceClass",
        None,
        Disposition.HEAL,
    ),
    (
        EDGE,
        "Distribution",
        {"DistributionConfig": {"PriceClass": "PriceClass_100", "Enabled": False}},
        "edge/Distribution/DistributionConfig/Enabled",
        None,
        Disposition.HOLD,
    ),
    (ROUTING, "RouteEuWest1", {"TTL": 60}, "routing/ttlSeconds", "eu-west-1", Disposition.HEAL),
    (
        DATA,
        "Cluster",
        {"ServerlessV2ScalingConfiguration": {"MinCapacity": 8, "MaxCapacity": 128}},
        "regions/eu-west-1/database/capacity/max",
        "eu-west-1",
        Disposition.HOLD,
    ),
    (DATA, "Cluster", {"EngineVersion": "16.9"}, "regions/eu-west-1/database/version", "eu-west-1", Disposition.HOLD),
]


@pytest.mark.parametrize(("ref", "name", "live", "path", "region", "disposition"), DRIFT, ids=[d[3] for d in DRIFT])
def test_drift_is_named_by_its_field_and_judged(world, ref, name, live, path, region, disposition):
    (finding,) = compare(world, {(ref, name): live}).findings
    assert (finding.path, finding.region, finding.disposition) == (path, region, disposition)


@pytest.mark.parametrize(
    ("ref", "name", "disposition"),
    [(ROUTING, "RouteEuWest1", Disposition.HEAL), (DATA, "Cluster", Disposition.PAGE)],
)
def test_a_resource_that_is_gone_is_one_finding(world, ref, name, disposition):
    (finding,) = compare(world, {(ref, name): Missing()}).findings
    assert finding.missing
    assert finding.disposition is disposition


def test_what_could_not_be_read_is_unchecked_never_in_sync(world):
    found = compare(world, {(API, "Function"): Unknown("AccessDenied", "no")})
    assert not found.findings
    assert "regions/eu-west-1/api/Function" in {u.path for u in found.coverage.unchecked}


def test_a_stack_in_motion_is_not_judged(world):
    world.stacks[API] = replace(world.stacks[API], status="UPDATE_IN_PROGRESS")
    found = compare(world, {(API, "Function"): {"MemorySize": 128}})
    assert not found.findings


def test_a_writer_that_moved_without_a_commit_is_held(world):
    world.writer = "eu-west-1"
    (finding,) = compare(world).findings
    assert (finding.path, finding.disposition, finding.observed) == ("database/writer", Disposition.HOLD, "eu-west-1")


def test_a_gate_closed_by_hand_is_held_one_never_opened_is_not_drift(world):
    gate = world.gates["eu-west-1"]
    world.gates["eu-west-1"] = replace(gate, threshold=2, version=5)
    (finding,) = compare(world).findings
    assert (finding.path, finding.disposition) == ("regions/eu-west-1/traffic", Disposition.HOLD)
    world.gates["eu-west-1"] = replace(gate, threshold=2, version=1)
    assert not compare(world).findings


@pytest.mark.parametrize(
    ("ref", "name", "prop", "path", "region"),
    [
        (API, "FunctionLogs", "RetentionInDays", "regions/eu-west-1/api/FunctionLogs/RetentionInDays", "eu-west-1"),
        (ROUTING, "OriginApNortheast1", "TTL", "routing/ttlSeconds", "ap-northeast-1"),
        (EDGE, "Headers", "Name", "edge/Headers/Name", None),
        (
            DATA,
            "Parameters",
            "Parameters.rds\\.force_ssl",
            "regions/eu-west-1/data/Parameters/Parameters/rds.force_ssl",
            "eu-west-1",
        ),
    ],
)
def test_paths_are_the_contracts(ref, name, prop, path, region):
    assert field_path(ref, name, prop)[0] == path
    assert region_of(ref, name) == region


def test_a_stack_that_moved_while_it_was_read_is_not_judged(world):
    world.stacks[API] = replace(world.stacks[API], changed_at=world.now, settled_at=world.now)
    found = compare(world, {(API, "Function"): {"MemorySize": 128}})
    assert not found.findings
    assert "regions/eu-west-1/api/Function" in {u.path for u in found.coverage.unchecked}
    assert "settled/eu-west-1" in {g.id for w in world.plan().waves for g in w.gates}
