"""Two detectors: what both see is one finding, what one of them alone saw says so, and what was put right since is gone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.diff.detected import disputes
from reconciler.model.change import Disposition
from reconciler.model.detection import Detection, Drifted
from reconciler.model.motion import Motion
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

EDGE = StackRef(StackKind.EDGE, "us-east-1")
DATA = StackRef(StackKind.DATA, "eu-west-1")
CHEAPER = {(EDGE, "Distribution"): {"DistributionConfig": {"PriceClass": "PriceClass_All", "Enabled": True}}}
AS_DEPLOYED = {(EDGE, "Distribution"): {"DistributionConfig": {"PriceClass": "PriceClass_100", "Enabled": True}}}
PRICE = Drifted(
    logical_id="Distribution",
    resource_type="AWS::CloudFront::Distribution",
    prop="DistributionConfig.PriceClass",
    desired="PriceClass_100",
    observed="PriceClass_All",
)
COMMENT = replace(PRICE, prop="DistributionConfig.Comment", desired="ours", observed="theirs")


@pytest.fixture
def world() -> World:
    world = World(with_regions(*NAMES[:2]))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def detected(world: World, ref: StackRef, *drifted: Drifted, live=None, **more) -> Detection:
    """CloudFormation compared the stack just now, direct reads seeing `live` at the same time."""
    state = world.stacks[ref]
    found = Detection(at=world.now, changed_at=state.changed_at, drifted=drifted, **more)
    world.live = live or {}
    direct = world.seen()[0].diff.findings
    mine = {name: one for (r, name), one in world.live.items() if r == ref}
    found = replace(found, disputed=disputes(state, mine, direct, found))
    motion = Motion.recorded(world.recorded).detected({ref: found})
    world.recorded = {"motion": motion.document()}
    assert Motion.recorded(world.recorded) == motion, "it comes back from the status as it was"
    return found


def findings(world: World):
    return world.seen()[0].diff.findings


def test_what_both_see_is_one_finding(world):
    detected(world, EDGE, PRICE, live=CHEAPER)
    (finding,) = findings(world)
    assert (finding.detected_by, finding.disagreement, finding.observed) == ("both", "", "PriceClass_All")


def test_what_direct_reads_do_not_cover_is_found_by_the_change_set_alone_and_healed(world):
    detected(world, EDGE, replace(COMMENT, logical_id="Headers", prop="Name"))
    (finding,) = findings(world)
    assert (finding.path, finding.detected_by, finding.disposition) == (
        "edge/Headers/Name",
        "change-set",
        Disposition.HEAL,
    )
    assert finding.since == world.now
    assert not finding.disagreement
    assert [s.id for s in world.plan().steps] == ["deploy/edge"]
    (step,) = world.plan().steps
    assert step.reverts == {("Headers", "Name")}


def test_put_right_since_it_is_gone(world):
    detected(world, EDGE, PRICE, live=CHEAPER)
    world.live = AS_DEPLOYED
    assert not findings(world)


def test_seen_by_cloudformation_alone_though_direct_reads_look_the_finding_says_so(world):
    detected(world, EDGE, PRICE, live=AS_DEPLOYED)
    (finding,) = findings(world)
    assert (finding.detected_by, finding.disagreement) == ("change-set", "direct reads see no drift of it")


def test_seen_by_direct_reads_alone_though_cloudformation_looks_the_finding_says_so(world):
    detected(world, EDGE, live=CHEAPER)
    (finding,) = findings(world)
    assert finding.detected_by == "read"
    assert finding.disagreement.startswith("CloudFormation saw no drift of it at 2026-01-01")


def test_what_cloudformation_passes_over_is_no_disagreement(world):
    kept = {"Distribution.DistributionConfig.PriceClass": "MANAGED_BY_AWS"}
    assert not detected(world, EDGE, live=CHEAPER, ignored=kept).disputed
    assert not detected(world, EDGE, live=CHEAPER, resources={"Distribution": "UNKNOWN"}).disputed


def test_a_deployment_makes_it_void(world):
    detected(world, EDGE, replace(COMMENT, logical_id="Headers"))
    assert findings(world)
    world.now += timedelta(minutes=5)
    world._deploy(EDGE)
    world.now += timedelta(minutes=5)
    assert not findings(world)


def test_a_deleted_resource_is_one_finding(world):
    gone = Drifted(logical_id="Vpc", resource_type="AWS::EC2::VPC")
    detected(world, DATA, gone)
    (finding,) = findings(world)
    assert (finding.missing, finding.disposition) == (True, Disposition.PAGE)


def test_what_a_call_would_put_back_waits_until_it_is_read(world):
    """Values of a change set are text; a call takes what it is given."""
    protection = Drifted(
        logical_id="Cluster",
        resource_type="AWS::RDS::DBCluster",
        prop="DeletionProtection",
        desired="true",
        observed="false",
    )
    detected(world, DATA, protection)
    (finding,) = findings(world)
    assert finding.disposition is Disposition.HOLD
    assert "only CloudFormation sees it" in finding.reason
    assert not world.plan().steps


def test_what_somebody_else_wrote_into_the_status_is_nothing(world):
    document = world.recorded["motion"]
    assert Motion.recorded({"motion": {**document, "detections": {"edge": {"at": "now"}}}}) is None
