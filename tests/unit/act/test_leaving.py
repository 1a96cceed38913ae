"""Moves of what cannot be undone: each looks once more at what the plan rests on, and nothing is asked for twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler import act
from reconciler.model.observed import Cluster, GlobalCluster, GlobalMember, Probe, StackState, TrafficGate, Unknown
from reconciler.model.outcome import Problem
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import (
    CreateGate,
    DeleteCluster,
    DeleteGate,
    DeleteGlobal,
    DeleteInstance,
    DeleteStack,
    DeleteVersion,
    Detach,
    ResourceChange,
    Switchover,
    Unprotect,
    UnprotectGlobal,
    UpdateGate,
)
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.topologies import orders
from tests.fakes.world import START, World
from tests.unit.act.test_act import READY

US, EU = "us-east-1", "eu-west-1"
DATA = StackRef(StackKind.DATA, EU)
SEEN = World(orders()).observed()
STATE = StackState(ref=DATA, id="arn:of-this-one", status="UPDATE_COMPLETE", changed_at=START, template={})
CLUSTER = Cluster(identifier="orders-eu-west-1", status="available", engine_version="16.8")
DENIED = Unknown("AccessDenied", "no")


def member(region: str, *, writes: bool = False) -> GlobalMember:
    return GlobalMember(region=region, cluster_arn=f"arn:{region}", is_writer=writes, synchronization="connected")


def whole(*members: GlobalMember, **more) -> GlobalCluster:
    return GlobalCluster(identifier="orders", status="available", engine_version="16.8", members=members, **more)


BOTH = whole(member(US, writes=True), member(EU))


def seen(**more):
    return replace(SEEN, **more)


def step(action: StepAction, **more) -> Step:
    return Step(action=action, target="data", region=EU, eta=timedelta(), **more)


def moved(move):
    return move if isinstance(move, Problem) else type(move)


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (BOTH, Switchover),
        (replace(BOTH, failover="pending"), act.Wait),
        (whole(member(US), member(EU, writes=True)), act.Wait),
        (whole(member(US, writes=True)), act.Wait),
        (whole(member(US), member(EU)), act.Wait),
        (None, act.Wait),
        (DENIED, act.Wait),
    ],
)
def test_the_writer_is_moved_once_and_where_it_is_now(database, expected):
    move = act.switchover(step(StepAction.SWITCHOVER), orders(), seen(global_cluster=database))
    assert moved(move) is expected
    if isinstance(move, Switchover):
        assert (move.writer_region, move.target_arn) == (US, f"arn:{EU}")


def test_a_member_is_detached_where_the_writer_is_and_a_writer_only_when_it_is_alone():
    def detach(database, cluster=CLUSTER):
        return act.detach(step(StepAction.DETACH), orders(), seen(global_cluster=database, clusters={EU: cluster}))

    assert detach(BOTH) == Detach(region=EU, writer_region=US, global_cluster="orders", cluster_arn=f"arn:{EU}")
    assert isinstance(detach(whole(member(EU, writes=True))), Detach)
    assert isinstance(detach(BOTH, None), Detach), "one whose cluster cannot be seen, too"
    assert detach(whole(member(US), member(EU, writes=True))).code == "UnsafeStep"
    for waits in (whole(member(US, writes=True)), replace(BOTH, failover="pending"), DENIED):
        assert isinstance(detach(waits), act.Wait)
    assert isinstance(detach(BOTH, replace(CLUSTER, status="promoting")), act.Wait)


ALONE = whole(member(US, writes=True))
TWO = {"orders-eu-west-1-0": "available", "orders-eu-west-1-1": "deleting"}
DATABASE = [
    ("a member stays", CLUSTER, BOTH, "UnsafeStep"),
    ("not while nobody can tell whether it is one", CLUSTER, DENIED, act.Wait),
    ("not while the cluster cannot be read", DENIED, ALONE, act.Wait),
    ("not while it is still leaving", replace(CLUSTER, status="promoting"), ALONE, act.Wait),
    ("its protection goes first", CLUSTER, ALONE, Unprotect),
    ("then its instances", replace(CLUSTER, protected=False, instance_statuses=TWO), ALONE, DeleteInstance),
    (
        "which take their time",
        replace(CLUSTER, protected=False, instance_statuses=dict.fromkeys(TWO, "deleting")),
        ALONE,
        act.Wait,
    ),
    ("then the cluster", replace(CLUSTER, protected=False), ALONE, DeleteCluster),
    ("which takes its time", replace(CLUSTER, protected=False, status="deleting"), ALONE, act.Wait),
    ("then the stack", None, ALONE, DeleteStack),
    ("also when no global database is left", None, None, DeleteStack),
]


@pytest.mark.parametrize(("cluster", "database", "expected"), [d[1:] for d in DATABASE], ids=[d[0] for d in DATABASE])
def test_a_database_goes_before_its_stack(cluster, database, expected):
    observed = seen(stacks={DATA: STATE}, clusters={EU: cluster}, global_cluster=database)
    move = act.delete_stack(step(StepAction.DELETE, stack=DATA), orders(), observed)
    assert expected in (getattr(move, "code", None), type(move))


def test_each_life_of_a_stack_leaves_a_snapshot_of_its_own():
    def snapshot(stack_id: str) -> str:
        stacks = {DATA: replace(STATE, id=stack_id)}
        observed = seen(stacks=stacks, clusters={EU: replace(CLUSTER, protected=False)}, global_cluster=ALONE)
        return act.delete_stack(step(StepAction.DELETE, stack=DATA), orders(), observed).snapshot

    assert snapshot("a") == snapshot("a") != snapshot("b")
    assert snapshot("a").startswith("orders-eu-west-1-final-")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (replace(STATE, status="DELETE_FAILED"), DeleteStack),
        (replace(STATE, status="DELETE_IN_PROGRESS"), act.Wait),
        (None, act.Wait),
        (DENIED, act.Wait),
    ],
)
def test_a_stack_that_failed_to_go_is_deleted_again(state, expected):
    api = StackRef(StackKind.API, EU)
    state = replace(state, ref=api) if isinstance(state, StackState) else state
    move = act.delete_stack(step(StepAction.DELETE, stack=api), orders(), seen(stacks={api: state}))
    assert type(move) is expected
    if isinstance(move, DeleteStack):
        assert move.stack_id == "arn:of-this-one"


def test_the_global_cluster_goes_when_it_is_empty_and_unprotected():
    def move(database):
        return type(act.delete_global(orders(), seen(global_cluster=database)))

    assert [move(d) for d in (None, ALONE, whole(), whole(protected=False))] == [
        act.Wait,
        act.Wait,
        UnprotectGlobal,
        DeleteGlobal,
    ]


def test_a_version_is_named_by_function_and_number():
    version = replace(step(StepAction.DELETE_VERSION), subject="meridian-orders-edge-Router-1:7")
    assert act.delete_version(version) == DeleteVersion(function="meridian-orders-edge-Router-1", version="7")


GATE = TrafficGate(id="g", reference="r", children=("p",), threshold=1, version=7)


def test_a_gate_is_closed_against_its_version_and_deleted_last():
    def move(action, gate=GATE):
        return act.move_gate(step(action), orders(), gate, Probe(id="p"))

    closed = move(StepAction.CLOSE_GATE)
    assert isinstance(closed, UpdateGate)
    assert (closed.version, closed.threshold) == (7, 2)
    assert move(StepAction.DELETE_GATE) == DeleteGate(region=EU, id="g")
    assert isinstance(move(StepAction.DELETE_GATE, None), act.Wait)


def test_a_region_that_joins_again_gets_a_gate_of_another_number():
    """Route 53 never forgets a reference; and whoever asks again for the same gate must ask in the same words."""

    def reference(probe: str) -> str:
        made = act.move_gate(step(StepAction.CREATE_GATE), orders(), None, Probe(id=probe))
        assert isinstance(made, CreateGate)
        return made.reference

    assert reference("one") == reference("one") != reference("other")
    prefix = orders().gate_reference_prefix(EU)
    assert reference("one").removeprefix(prefix).isdecimal()
    longest = "a" * 21
    assert len(reference("one")) + len(longest) - len("orders") <= 64, "Route 53 takes no more"


@pytest.mark.parametrize(
    ("logical_id", "kind", "executed"),
    [
        ("RouteEuWest1", "AWS::Route53::RecordSet", True),
        ("RouteUsEast1", "AWS::Route53::RecordSet", False),
        ("RouteEuWest1", "AWS::RDS::DBCluster", False),
    ],
)
def test_a_deployment_removes_the_records_that_the_plan_names_and_nothing_else(logical_id, kind, executed):
    unroutes = replace(step(StepAction.UNROUTE), removes=frozenset({"RouteEuWest1", "OriginEuWest1"}))
    change = ResourceChange(action="Remove", logical_id=logical_id, resource_type=kind, policy_action="Delete")
    against = tuple(act.inspection.objections(replace(READY, changes=(change,)), unroutes, create=False))
    assert (against == ()) is executed
