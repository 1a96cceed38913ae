"""What comes back after each repair is named and left alone, and taken up again when there is reason to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.diff import carried_out
from reconciler.model.change import Disposition
from reconciler.model.motion import Motion
from reconciler.model.observed import Unknown, known
from reconciler.model.stacks import StackKind, StackRef
from reconciler.report.conditions import conditions
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World

EDGE = StackRef(StackKind.EDGE, "us-east-1")
LIVE = (EDGE, "Distribution")
PATH = "edge/priceClass"


class Fought(World):
    """Passes that repair, and somebody who sets things back."""

    def __init__(self):
        super().__init__(with_regions(*NAMES[:2]))
        self.run()

    def price(self, value):
        self.live = {LIVE: {"DistributionConfig": {"PriceClass": value, "Enabled": True}}}

    def passes(self, *, fails=False, nothing=False):
        """One pass, and its repairs' whole effect; the steps it made."""
        self.now += timedelta(minutes=5)
        outcome, _ = self.seen()
        plan, found = outcome.plan, outcome.diff
        self.outcome = outcome
        self.remember(plan)
        steps = () if plan.converged else plan.current
        for step in steps:
            if step.stack and not nothing:
                self._set(step.stack, "UPDATE_ROLLBACK_COMPLETE" if fails else "UPDATE_COMPLETE")
            elif not step.stack:
                self.apply(step)
        ids = {s.id for s in steps}
        done = carried_out(plan, found, outcome.observed, () if nothing else ids, ids if nothing else ())
        motion = replace(Motion.recorded(self.recorded), repairs=done)
        self.recorded = {"motion": motion.document()}
        self.now += timedelta(minutes=5)
        return [s.id for s in steps]

    def finding(self):
        return self.seen()[0].diff.findings[0]


@pytest.fixture
def world():
    return Fought()


def test_twice_put_right_and_there_again_it_is_held_and_named(world):
    world.price("PriceClass_All")
    assert world.passes() == world.passes() == ["deploy/edge"]
    assert world.passes() == []
    finding = world.finding()
    assert (finding.path, finding.disposition, finding.returns) == (PATH, Disposition.HOLD, 2)
    assert finding.reason.startswith("comes back after each repair: 2 times")
    told = {c.type: c.message for c in conditions(world.outcome, world.desired)}
    assert told["SelfInflictedDrift"] == f"{PATH}: put back to PriceClass_100, comes back as PriceClass_All"
    assert world.outcome.plan.converged
    for _ in range(5):
        assert world.passes() == []


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("arn:aws:iam::1:role/cd UpdateDistribution", "; set by arn:aws:iam::1:role/cd UpdateDistribution"),
        ("not known (CloudTrail: AccessDenied)", ""),
    ],
)
def test_who_sets_it_back_is_in_the_condition_where_it_is_known(world, by, said):
    world.price("PriceClass_All")
    for _ in range(3):
        world.passes()
    found = world.outcome.diff
    traced = replace(world.outcome, diff=replace(found, findings=(replace(found.findings[0], by=by),)))
    told = {c.type: c.message for c in conditions(traced, world.desired)}
    assert told["SelfInflictedDrift"] == f"{PATH}: put back to PriceClass_100, comes back as PriceClass_All{said}"


def test_a_record_that_another_manager_keeps_writing_is_left_to_it(world):
    routing = StackRef(StackKind.ROUTING, "us-east-1")
    world.live = {(routing, "RouteUsEast1"): {"TTL": "60"}}
    assert world.passes() == world.passes() == ["deploy/routing"]
    assert world.passes() == []
    assert (world.finding().path, world.finding().disposition) == ("routing/ttlSeconds", Disposition.HOLD)


def test_another_value_is_another_story(world):
    world.price("PriceClass_All")
    world.passes()
    world.passes()
    world.price("PriceClass_200")
    assert world.passes() == world.passes() == ["deploy/edge"]
    assert world.passes() == []


def test_a_commit_of_that_field_arms_it_again(world):
    world.price("PriceClass_All")
    for _ in range(3):
        world.passes()
    world.desired = replace(world.desired, edge=replace(world.desired.edge, price_class="PriceClass_200"))
    assert "deploy/edge" in [s.id for s in world.plan().steps]
    assert not world.plan().refusals, "nobody's hand is in the way of the commit"
    world._deploy(EDGE)
    assert world.passes() == ["deploy/edge"]


@pytest.mark.parametrize(("calm", "repaired"), [(timedelta(minutes=40), []), (timedelta(minutes=70), ["deploy/edge"])])
def test_an_hour_in_sync_arms_it_again(world, calm, repaired):
    world.price("PriceClass_All")
    for _ in range(3):
        world.passes()
    world.price("PriceClass_100")
    world.passes()
    world.now += calm
    world.passes()
    world.price("PriceClass_All")
    assert world.passes() == repaired


def test_what_stays_away_for_an_hour_between_is_repaired_for_ever(world):
    for _ in range(5):
        world.price("PriceClass_All")
        assert world.passes() == ["deploy/edge"]
        world.price("PriceClass_100")
        world.passes()
        world.now += timedelta(hours=1)
        world.passes()


def test_a_repair_that_failed_says_nothing_of_who_sets_it(world):
    world.price("PriceClass_All")
    for _ in range(5):
        assert world.passes(fails=True) == ["deploy/edge"]
    assert world.finding().disposition is Disposition.HEAL


def test_a_look_at_the_stack_as_it_was_before_is_no_return(world):
    """CloudFormation answers late: the stack looks as it did, though its repair was executed."""
    world.price("PriceClass_All")
    before = world.stacks[EDGE]
    for _ in range(4):
        world.passes()
        world.stacks[EDGE] = before
    assert world.finding().disposition is Disposition.HEAL


def test_where_aws_sees_nothing_to_repair_it_is_left_alone_after_two_tries(world):
    """The template says it in another way than AWS answers: no change set will ever see a difference."""
    world.price("PriceClass_All")
    assert world.passes(nothing=True) == world.passes(nothing=True) == ["deploy/edge"]
    assert world.passes() == []


def test_a_region_that_cannot_be_read_is_not_in_sync(world):
    world.price("PriceClass_All")
    for _ in range(3):
        world.passes()
    world.unknown, world.live = {EDGE: Unknown("Throttling", "slow")}, {}
    for _ in range(3):
        world.seen()
        world.now += timedelta(hours=1)
        motion = Motion.recorded(world.recorded)
        world.recorded = {"motion": replace(motion, repairs=world.seen()[0].diff.repairs).document()}
    world.unknown = {}
    world.price("PriceClass_All")
    assert world.passes() == []


def test_a_gate_that_somebody_inverts_each_time_is_left_alone(world):
    region = NAMES[1]

    def inverts():
        gate = world.gates[region]
        world.gates[region] = replace(gate, inverted=True, version=gate.version + 1)

    for _ in range(2):
        inverts()
        assert world.passes() == [f"mend-gate/{region}"]
        assert not known(world.observed().gates[region]).inverted
    inverts()
    assert world.passes() == []
    (finding,) = world.seen()[0].diff.findings
    assert (finding.path, finding.disposition) == (f"regions/{region}/traffic", Disposition.HOLD)
    assert "SelfInflictedDrift" in {c.type for c in conditions(world.outcome, world.desired)}


def test_a_gate_that_is_still_read_as_it_was_has_not_come_back(world):
    region = NAMES[1]
    gate = world.gates[region]
    old = replace(gate, inverted=True, version=gate.version + 1)
    for _ in range(4):
        world.gates[region] = old
        assert world.passes() == [f"mend-gate/{region}"]


def test_a_change_that_is_deployed_and_shows_again_is_named_and_left(world):
    world.desired = replace(world.desired, edge=replace(world.desired.edge, price_class="PriceClass_200"))
    assert (
        world.passes() == world.passes() == ["deploy/edge"]
    )  # the stack is updated, and says that it holds the old value
    assert world.passes() == []
    finding = world.finding()
    assert (finding.path, finding.detected_by, finding.observed) == (PATH, "deployment", "PriceClass_100")
    told = {c.type: c.message for c in conditions(world.outcome, world.desired)}
    assert told["NeverSettles"] == f"{PATH}: deployed as PriceClass_200, comes back as PriceClass_100"
    world.desired = replace(world.desired, edge=replace(world.desired.edge, price_class="PriceClass_All"))
    assert world.passes() == ["deploy/edge"]


def test_a_deployment_that_failed_is_a_change_still(world):
    world.desired = replace(world.desired, edge=replace(world.desired.edge, price_class="PriceClass_200"))
    for _ in range(4):
        assert world.passes(fails=True) == ["deploy/edge"]


def test_a_second_change_of_the_stack_is_deployed_all_the_same(world):
    api = StackRef(StackKind.API, NAMES[1])
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=1024))
    for _ in range(2):
        assert world.passes() == [f"deploy/{api}"]
    world.desired = replace(world.desired, api=replace(world.desired.api, timeout_seconds=20))
    assert world.passes() == [f"deploy/{api}"]


def test_what_is_remembered_survives_its_document(world):
    world.price("PriceClass_All")
    world.passes()
    world.passes()
    motion = Motion.recorded(world.recorded)
    assert motion.repairs.of
    assert Motion.recorded({"motion": motion.document()}) == motion
    assert "PriceClass" not in str(motion.repairs.document()).replace(PATH, "")
    spoilt = {**motion.document(), "repairs": {"x": {"place": 1}}}
    assert Motion.recorded({"motion": spoilt}) is None
