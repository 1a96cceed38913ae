"""A stack that somebody deleted is drift: named, and made again or left to a person; one that was never there is none."""

from dataclasses import replace

import pytest

from reconciler.model.change import Disposition, Origin
from reconciler.model.motion import Motion
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

EU, HOME = "eu-west-1", "us-east-1"
API = StackRef(StackKind.API, EU)


@pytest.fixture
def world() -> World:
    world = World(with_regions(*NAMES[:3]))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


@pytest.mark.parametrize(
    ("kind", "region", "path", "place", "disposition"),
    [
        (StackKind.API, EU, f"regions/{EU}/api", EU, Disposition.HEAL),
        (StackKind.FOUNDATION, EU, f"regions/{EU}/foundation", EU, Disposition.HEAL),
        (StackKind.ROUTING, HOME, "routing", None, Disposition.HEAL),
        (StackKind.EDGE, HOME, "edge", None, Disposition.HEAL),
        (StackKind.DATA, EU, f"regions/{EU}/data", EU, Disposition.PAGE),
        (StackKind.GLOBAL, HOME, "global", None, Disposition.PAGE),
    ],
)
def test_a_deleted_stack_is_one_finding(world, kind, region, path, place, disposition):
    ref = StackRef(kind, region)
    del world.stacks[ref]
    outcome, _ = world.seen()
    (finding,) = outcome.diff.findings
    assert (finding.path, finding.region, finding.missing, finding.disposition) == (path, place, True, disposition)
    assert [c.origin for c in outcome.diff.changes] == [Origin.DRIFT]
    steps = [(s.id, str(s.action)) for s in outcome.plan.steps]
    assert steps == ([(f"deploy/{ref}", "deploy")] if disposition is Disposition.HEAL else [])
    assert bool(outcome.plan.refusals) is (disposition is Disposition.PAGE)


def test_what_joins_leaves_or_cannot_be_read_was_not_deleted(world):
    world.desired = with_regions(*NAMES[:4])
    assert not world.seen()[0].diff.findings
    world.desired = with_regions(*NAMES[:3])
    del world.stacks[API]
    world.unknown = {API: Unknown("AccessDenied", "no")}
    assert not world.seen()[0].diff.findings
    world.unknown = {}
    world.gates[EU] = replace(world.gates[EU], threshold=2, version=5)
    assert "regions/eu-west-1/api" not in {f.path for f in world.seen()[0].diff.findings}, "it was drained, to leave"


def test_nothing_is_lost_of_what_is_destroyed_or_was_given_up_by_us(world):
    del world.stacks[API]
    known = Motion.recorded(world.recorded)
    for ours in ({"destroying": True}, {"failed": {str(API): "id"}}):
        world.recorded = {"motion": replace(known, **ours).document()}
        assert not world.seen()[0].diff.findings


def test_a_stack_that_is_stuck_is_named_with_its_status(world):
    world._set(API, "UPDATE_ROLLBACK_FAILED")
    outcome, _ = world.seen()
    (finding,) = outcome.diff.findings
    assert (finding.path, finding.observed, finding.disposition) == (
        f"regions/{EU}/api",
        "UPDATE_ROLLBACK_FAILED",
        Disposition.HEAL,
    )
    assert next(s.id for s in outcome.plan.steps) == f"recover/{API}"
