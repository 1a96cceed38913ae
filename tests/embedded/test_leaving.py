"""A Region leaves, and the writer moves: each request of it against the embedded AWS, and what is seen on the way."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler import act
from reconciler.diff.desired import parameters
from reconciler.model.errors import OperationInProgress, StalePlan
from reconciler.model.observed import Observed
from reconciler.model.outcome import Problem
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import DeleteVersion, Detach, Switchover
from reconciler.model.stacks import DesiredStack, StackKind, StackRef, camel
from reconciler.model.topology import Topology
from tests.embedded.conftest import Aws
from tests.embedded.converged import QUICKLY, Converged, converged

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"
DATA = {region: StackRef(StackKind.DATA, region) for region in (US, EU, AP)}
API, ROUTING = StackRef(StackKind.API, AP), StackRef(StackKind.ROUTING, US)


@pytest.fixture(scope="module")
def base(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


@pytest.fixture
def world(base: Converged) -> Converged:
    base.restore()
    base.aws.go(QUICKLY)
    return base


def step(action: StepAction, target: str, region: str, stack: StackRef | None = None, **more: Any) -> Step:
    return Step(action=action, target=target, region=region, stack=stack, eta=timedelta(), **more)


def until(world: Converged, condition: Callable[[Observed], Any], move: Callable[[Observed], act.Move]) -> Observed:
    """Passes: look, and make the next request, twice over, until the condition holds."""

    def passed() -> Observed | None:
        observed = world.observed()
        if condition(observed):
            return observed
        wanted = move(observed)
        assert not isinstance(wanted, Problem), wanted
        if not isinstance(wanted, act.Wait):
            for _ in range(2):
                with suppress(OperationInProgress):  # the second time AWS is at it, in words of its own
                    world.ports.cloud.perform(wanted)
        return None

    found: Observed = world.aws.until(passed, seconds=150)
    return found


def minute_by_minute(
    world: Converged, condition: Callable[[Observed], Any], move: Callable[[Observed], act.Move]
) -> Observed:
    """The same, while the clock stands still whenever somebody looks: for what is there for minutes only."""
    world.aws.still()

    def later(observed: Observed) -> act.Move:
        world.aws.passes(60)
        return move(observed)

    found = until(world, condition, later)
    world.aws.go(QUICKLY)
    return found


def waiting(_: Observed) -> act.Move:
    return act.Wait("for AWS")


def without(topology: Topology, region: str) -> Topology:
    return replace(topology, regions=tuple(r for r in topology.regions if r.name != region))


def deployment(world: Converged, topology: Topology, of: Step, key: str) -> Callable[[Observed], act.Move]:
    template = world.ports.synthesizer.templates(topology, (key,))[key]
    ref = of.stack
    assert ref is not None

    def move(observed: Observed) -> act.Move:
        state = observed.stack(ref.kind, ref.region)
        desired = DesiredStack(ref, template, parameters(ref, topology, observed))
        name = act.change_set_name(of, desired, state, ())
        change_set = world.ports.cloud.change_set(ref, ref.name(topology.name), name)
        return act.deploy(of, topology, "abc", desired, state, change_set, name)

    return move


def call(world: Converged, region: str, path: str) -> None:
    """A client's request, which the API does not admit: it is unsigned."""
    host = world.topology.region_origin(region)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(urllib.request.Request(f"{world.aws.url}{path}", headers={"Host": host}))


def close_gate(world: Converged, desired: Topology) -> None:
    closes = step(StepAction.CLOSE_GATE, "gate", AP)
    gate = world.observed().gates[AP]
    wanted = act.move_gate(closes, desired, gate, None)
    world.ports.cloud.perform(wanted)
    with pytest.raises(StalePlan):  # by version
        world.ports.cloud.perform(wanted)
    call(world, AP, "/orders")
    drained = minute_by_minute(world, lambda o: o.gates[AP].unhealthy_since() and o.requests[AP], waiting)
    assert drained.gates[AP].version == gate.version + 1
    assert set(drained.requests) == {AP}, "nobody asks for the requests of a Region that serves"
    assert sum(count for _, count in drained.requests[AP]) == 1, "health checks do not count"


def unroute(world: Converged, desired: Topology) -> None:
    leaving = frozenset({f"Route{camel(AP)}", f"Origin{camel(AP)}"})
    move = deployment(world, desired, step(StepAction.UNROUTE, "routing", US, ROUTING), "routing")
    refused = world.aws.until(lambda: (m := move(world.observed())) and perform_unless_problem(world, m))
    assert refused.code == "UnplannedChange"
    assert "would be deleted" in refused.message
    removes = step(StepAction.UNROUTE, "routing", US, ROUTING, removes=leaving)
    until(
        world,
        lambda o: {r.region for r in o.records if r.region} == {US, EU} and o.stacks[ROUTING].complete,
        deployment(world, desired, removes, "routing"),
    )


def perform_unless_problem(world: Converged, move: act.Move) -> Problem | None:
    if isinstance(move, Problem):
        return move
    if not isinstance(move, act.Wait):
        world.ports.cloud.perform(move)
    return None


def test_a_region_leaves_and_nothing_of_it_is_left_but_snapshot_key_and_logs(world: Converged) -> None:
    desired = without(world.topology, AP)
    close_gate(world, desired)
    unroute(world, desired)
    gone = step(StepAction.DELETE, "api", AP, API)
    after = minute_by_minute(world, lambda o: o.stacks[API] is None, lambda o: act.delete_stack(gone, desired, o))
    assert after.interfaces[AP] > 0, "Lambda keeps its interfaces for a while"
    until(world, lambda o: o.interfaces[AP] == 0, waiting)

    data = step(StepAction.DELETE, "data", AP, DATA[AP])
    early = act.delete_stack(data, desired, world.observed())
    assert isinstance(early, Problem), "a member is never deleted"
    out = step(StepAction.DETACH, "database", AP)
    alone = until(
        world,
        lambda o: o.global_cluster.member(AP) is None and o.clusters[AP].available,
        lambda o: act.detach(out, desired, o),
    )
    assert alone.clusters[AP].protected
    arn = f"arn:aws:rds:{AP}:{world.topology.account}:cluster:orders-{AP}"
    again = Detach(region=AP, writer_region=US, global_cluster="orders", cluster_arn=arn)
    world.ports.cloud.perform(again)  # who is no member needs no leave
    until(world, lambda o: o.stacks[DATA[AP]] is None, lambda o: act.delete_stack(data, desired, o))
    [kept] = world.aws.client("rds", AP).describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert kept["DBClusterSnapshotIdentifier"].startswith(f"orders-{AP}-final-")

    last = step(StepAction.DELETE_GATE, "gate", AP)
    smaller = replace(world, topology=desired)
    assert smaller.observed().gates[AP], "a Region of which only the gate is left is still looked at"
    until(
        smaller,
        lambda o: AP not in o.gates or o.gates[AP] is None,
        lambda o: act.move_gate(last, desired, o.gates[AP], None),
    )


def test_the_writer_moves_and_its_stack_becomes_the_heir(world: Converged) -> None:
    moves = step(StepAction.SWITCHOVER, "database", EU)
    request = act.switchover(moves, world.topology, world.observed())
    assert isinstance(request, Switchover)
    assert request.writer_region == US
    for _ in range(2):
        world.ports.cloud.perform(request)
    moved = until(
        world,
        lambda o: o.global_cluster.writer == EU and not o.global_cluster.failover,
        lambda o: act.switchover(moves, world.topology, o),
    )
    world.ports.cloud.perform(request)  # asked once more where the writer was
    assert isinstance(act.detach(step(StepAction.DETACH, "database", EU), world.topology, moved), Problem)
    at_rest = until(
        world, lambda o: all(m.synchronization != "pending-resync" for m in o.global_cluster.members), waiting
    )
    wrong = act.detach(step(StepAction.DETACH, "database", US), world.topology, at_rest)
    assert isinstance(wrong, Detach)
    assert wrong.writer_region == EU

    changed = replace(world.topology, database=replace(world.topology.database, max_capacity=32))
    heirs = ((world.topology, {"Master", "Cluster"}), (changed, {"Cluster", "Instance0", "Instance1"}))
    for topology, allowed in heirs:
        before = world.observed().stacks[DATA[EU]].changed_at
        inherits = step(StepAction.DEPLOY, "data", EU, DATA[EU], allow=frozenset(allowed))
        until(
            world,
            lambda o, before=before: (s := o.stacks[DATA[EU]]).changed_at > before and s.status == "UPDATE_COMPLETE",
            deployment(world, topology, inherits, "data-heir"),
        )
    assert "Master" in world.observed().stacks[DATA[EU]].template["Resources"]


def test_a_version_goes_when_the_edge_has_no_copy_of_it(world: Converged) -> None:
    router = world.observed().stacks[StackRef(StackKind.EDGE, US)].resources["Router"]
    client = world.aws.client("lambda")
    versions = client.list_versions_by_function(FunctionName=router)["Versions"]
    [running] = [v["Version"] for v in versions if v["Version"] != "$LATEST"]
    with pytest.raises(OperationInProgress) as refused:
        world.ports.cloud.perform(DeleteVersion(function=router, version=running))
    assert refused.value.code == "StillReplicated"
    client.update_function_configuration(FunctionName=router, Description="another")
    world.aws.until(lambda: client.get_function_configuration(FunctionName=router)["LastUpdateStatus"] == "Successful")
    unused = client.publish_version(FunctionName=router)["Version"]
    for _ in range(2):
        world.ports.cloud.perform(DeleteVersion(function=router, version=unused))


def test_the_global_cluster_goes_when_nobody_belongs_to_it(world: Converged) -> None:
    rds, another = world.aws.client("rds"), replace(world.topology, name="billing")
    made = {"GlobalClusterIdentifier": "billing", "Engine": "aurora-postgresql", "DeletionProtection": True}
    rds.create_global_cluster(**made)
    smaller = replace(world, topology=another)
    until(smaller, lambda o: o.global_cluster is None, lambda o: act.delete_global(another, o))
    refused = act.delete_global(world.topology, world.observed())
    assert isinstance(refused, act.Wait)
