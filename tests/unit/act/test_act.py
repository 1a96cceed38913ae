"""The next move on a step: deterministic names, change sets read before they are executed, gates moved by version."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler import act
from reconciler.act import change_set_name
from reconciler.model.motion import Motion
from reconciler.model.observed import Probe, StackState, TrafficGate
from reconciler.model.outcome import Problem
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import (
    ChangeSet,
    ContinueRollback,
    CreateChangeSet,
    CreateGate,
    DeleteChangeSet,
    DeleteStack,
    ExecuteChangeSet,
    ResourceChange,
    UpdateGate,
)
from reconciler.model.stacks import DesiredStack, StackKind, StackRef, Template
from tests.fakes.topologies import NAMES, orders, with_regions
from tests.fakes.world import START, World

API = StackRef(StackKind.API, "eu-west-1")
DESIRED = DesiredStack(API, Template("api", {"Resources": {"Function": {"Type": "AWS::Lambda::Function"}}}), {"P": "1"})
STEP = Step(
    action=StepAction.DEPLOY,
    target="api",
    region="eu-west-1",
    eta=timedelta(),
    stack=API,
    allow=frozenset({"Function"}),
)
STATE = StackState(ref=API, status="UPDATE_COMPLETE", changed_at=START, template={"Resources": {}})
READY = ChangeSet(name="n", status="CREATE_COMPLETE", execution_status="AVAILABLE")


def move(state=STATE, change_set=None, desired=DESIRED, step=STEP):
    return act.deploy(step, orders(), "abc", desired, state, change_set, "n")


def with_change(**changes) -> ChangeSet:
    base = {
        "action": "Modify",
        "logical_id": "Function",
        "resource_type": "AWS::Lambda::Function",
        "replacement": "False",
    }
    return replace(READY, changes=(ResourceChange(**{**base, **changes}),))


MOVES = [
    ("an absent stack is created by a change set", {"state": None}, CreateChangeSet),
    ("a stack in motion is left to AWS", {"state": replace(STATE, status="UPDATE_IN_PROGRESS")}, act.Wait),
    ("missing parameters are waited for", {"desired": replace(DESIRED, parameters=None)}, act.Wait),
    ("a change set being made is waited for", {"change_set": replace(READY, status="CREATE_PENDING")}, act.Wait),
    ("a change set that is ready is executed", {"change_set": with_change()}, ExecuteChangeSet),
    (
        "one that is executing is left to AWS",
        {"change_set": replace(READY, execution_status="EXECUTE_IN_PROGRESS")},
        act.Wait,
    ),
    (
        "one that changes nothing is put away",
        {"change_set": replace(READY, status="FAILED", reason="The submitted information didn't contain changes.")},
        DeleteChangeSet,
    ),
    (
        "one that AWS could not make is put away, the reason may have gone",
        {"change_set": replace(READY, status="FAILED", reason="Parameters: [X] must exist")},
        DeleteChangeSet,
    ),
    (
        "one that was made for an earlier state of the stack is put away",
        {"change_set": replace(with_change(), execution_status="OBSOLETE")},
        DeleteChangeSet,
    ),
]


@pytest.mark.parametrize(("given", "expected"), [m[1:] for m in MOVES], ids=[m[0] for m in MOVES])
def test_moves_of_a_deployment(given, expected):
    assert isinstance(move(**given), expected)


@pytest.mark.parametrize(
    "change",
    [
        {"replacement": "True"},
        {"replacement": "Conditional"},
        {"action": "Remove", "replacement": None, "policy_action": "Delete"},
        {"action": "Remove", "replacement": None, "policy_action": "Retain"},
        {"logical_id": "Other"},
        {"action": "Add", "logical_id": "Other", "replacement": None},
        {"action": "Import"},
        {"action": "Dynamic"},
        {"resource_type": "AWS::RDS::DBCluster", "properties": ("GlobalClusterIdentifier",)},
        {"resource_type": "AWS::CloudFront::Distribution", "paths": ("/Properties/DistributionConfig/Enabled",)},
        {"resource_type": "AWS::CloudFront::Distribution", "paths": ("/Properties/DistributionConfig/Aliases/0",)},
    ],
    ids=str,
)
def test_a_change_set_that_does_more_than_planned_is_not_executed(change):
    problem = move(change_set=with_change(**change))
    assert isinstance(problem, Problem)
    assert problem.code == "UnplannedChange"
    assert not problem.retry


def test_a_superseded_api_deployment_may_leave_the_template_when_aws_keeps_it():
    kept = with_change(
        action="Remove", resource_type="AWS::ApiGateway::Deployment", replacement=None, policy_action="Retain"
    )
    assert isinstance(move(change_set=kept), ExecuteChangeSet)


def test_a_new_stack_only_adds():
    new = replace(STATE, status="REVIEW_IN_PROGRESS", template=None)
    assert isinstance(move(state=new, change_set=with_change(action="Add", replacement=None)), ExecuteChangeSet)
    assert isinstance(move(state=new, change_set=with_change()), Problem)


def name(step=STEP, desired=DESIRED, state=STATE):
    return act.change_set_name(step, desired, state, ())


def test_names_are_the_same_for_the_same_work_and_only_then():
    review = replace(STATE, status="REVIEW_IN_PROGRESS", template=None)
    assert name() == name()
    assert name(state=None) == name(state=review), "a crash after creating the change set finds it again"
    others = {
        name(),
        name(state=None),
        name(state=replace(STATE, changed_at=START + timedelta(hours=1))),
        name(desired=replace(DESIRED, parameters={"P": "2"})),
        name(step=replace(STEP, action=StepAction.REPAIR)),
    }
    assert len(others) == 5


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ROLLBACK_COMPLETE", DeleteStack),
        ("DELETE_FAILED", DeleteStack),
        ("UPDATE_ROLLBACK_FAILED", ContinueRollback),
        ("DELETE_IN_PROGRESS", act.Wait),
    ],
)
def test_recovery(status, expected):
    step = replace(STEP, action=StepAction.RECOVER)
    move = act.recover(step, orders(), replace(STATE, status=status, id="arn:of-this-one"))
    assert isinstance(move, expected)
    if isinstance(move, DeleteStack):
        assert move.stack_id == "arn:of-this-one", "a stack made again under this name is another one"


GATE = TrafficGate(id="g", reference="r", children=("p",), threshold=2, version=7)


def test_a_gate_is_made_closed_and_opened_against_its_version():
    step = Step(action=StepAction.CREATE_GATE, target="gate", region="eu-west-1", eta=timedelta())
    made = act.move_gate(step, orders(), None, Probe(id="p"))
    assert isinstance(made, CreateGate)
    assert made.threshold > len(made.children)
    assert made.reference.startswith("meridian/orders/eu-west-1/gate/")
    opened = act.move_gate(replace(step, action=StepAction.OPEN_GATE), orders(), GATE, None)
    assert isinstance(opened, UpdateGate)
    assert (opened.version, opened.threshold) == (7, 1)


@pytest.mark.parametrize(
    ("threshold", "action", "expected"),
    [
        (2, StepAction.MEND_GATE, 2),
        (0, StepAction.MEND_GATE, 1),
        (1, StepAction.MEND_GATE, 1),
        (2, StepAction.OPEN_GATE, 1),
    ],
)
def test_a_gate_is_mended_without_being_opened_and_watches_the_probe_that_is(threshold, action, expected):
    step = Step(action=action, target="gate", region="eu-west-1", eta=timedelta())
    gate = replace(GATE, threshold=threshold, disabled=True)
    for probe, children in ((None, ("p",)), (Probe(id="p"), ("p",)), (Probe(id="new"), ("new",))):
        moved = act.move_gate(step, orders(), gate, probe)
        assert (moved.threshold, moved.children) == (expected, children)


def test_a_request_token_is_the_same_after_a_crash_and_another_after_a_failure():
    """A stack that never came to life is deleted and leaves nothing in AWS but its id in the journal, written down before."""
    world = World(with_regions(NAMES[0]))
    ref = StackRef(StackKind.FOUNDATION, NAMES[0])
    seen, stacks = world.seen()
    step = next(s for s in seen.plan.current if s.stack == ref)

    def name(motion: Motion) -> str:
        return change_set_name(step, stacks[ref], None, (), motion.failed.get(str(ref), ""))

    first = name(Motion())
    dead = StackState(ref=ref, id="arn:stack/1", status="ROLLBACK_COMPLETE", changed_at=START, template={})
    world.stacks[ref] = dead
    recovering, _ = world.seen()
    assert [s.action for s in recovering.plan.current if s.stack == ref] == [StepAction.RECOVER]
    motion = Motion().intends(recovering.plan, world.desired, {}, recovering.observed.stacks)
    assert Motion.recorded({"motion": motion.document()}) == motion
    again = motion.intends(recovering.plan, world.desired, {}, recovering.observed.stacks)
    assert first == name(Motion()) != name(motion) == name(again)
