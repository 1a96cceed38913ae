"""What leads clients to a Region, as the reconciler relies on it: gates, probes, records, the edge, and what functions leave.

Each claim holds of the fake, on which the simulation runs, and of the embedded AWS behind the adapters.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.errors import OperationInProgress, StalePlan
from reconciler.model.requests import CreateGate, DeleteGate, DeleteVersion
from reconciler.model.stacks import StackKind, StackRef, camel, gate_parameter, record_ids
from tests.contract.cloud.asking import begun, deletion, done, made, moved_gate, refused, wanted
from tests.contract.cloud.worlds import World, changed

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"
API, ROUTING, EDGE = (
    StackRef(StackKind.API, AP),
    StackRef(StackKind.ROUTING, US),
    StackRef(StackKind.EDGE, US),
)
NOBODY = "11111111-2222-3333-4444-555555555555"
ROUTE, ORIGIN = record_ids(AP)
Body = dict[str, Any]


def body(world: World, ref: StackRef) -> Body:
    return dict(world.start.stacks[ref].template)


def without(world: World, region: str) -> Body:
    """The routing stack, when nobody is led to the Region any more."""
    before, gone = body(world, ROUTING), set(record_ids(region))
    kept = {name: r for name, r in before["Resources"].items() if name not in gone}
    given = {name: p for name, p in before["Parameters"].items() if name != gate_parameter(region)}
    return {**before, "Resources": kept, "Parameters": given}


def gate(world: World, reference: str = "", child: str = "") -> CreateGate:
    found = world.start.gates[AP]
    return CreateGate(
        region=AP,
        reference=reference or found.reference,
        children=(child or world.start.probes[AP].id,),
        threshold=2,
        topology=world.topology.name,
    )


# ---- gates -----------------------------------------------------------------------------------------------------------------


def test_a_gate_is_moved_only_by_who_knows_its_version(world):
    before = world.start.gates[AP]
    assert before.is_open
    world.ports.cloud.perform(moved_gate(world, AP, closed=True))
    assert isinstance(refused(world, moved_gate(world, AP, closed=False)), StalePlan)
    after = world.observed().gates[AP]
    assert after.version == before.version + 1
    assert after.is_closed


def test_a_closed_gate_turns_unhealthy_and_an_open_one_healthy_in_minutes(world):
    world.ports.cloud.perform(moved_gate(world, AP, closed=True))
    closed_at = world.observed().at
    closed = world.until(lambda o: o.gates[AP].healthy is False, every=60)
    assert (closed.gates[AP].unhealthy_since() - closed_at).total_seconds() < 300
    assert AP in closed.requests, "what is still asked of a closed Region is counted"
    assert EU not in closed.requests
    assert closed.probes[AP].healthy, "it could serve"
    world.ports.cloud.perform(moved_gate(world, AP, closed=False, version=closed.gates[AP].version))
    world.until(lambda o: o.gates[AP].healthy, every=60)


def test_a_gate_made_twice_is_one(world):
    before = world.start.gates[AP]
    with suppress(StalePlan):  # it was moved since it was made: Route 53 says that the reference is taken
        world.ports.cloud.perform(gate(world))
    now = world.observed().gates[AP]
    assert replace(now, healthy=before.healthy, samples=before.samples) == before


def test_a_gate_counts_health_checks_that_are_there(world):
    refused(world, gate(world, reference=f"{world.start.gates[AP].reference}1", child=NOBODY))
    refused(world, replace(moved_gate(world, AP, closed=False), children=(NOBODY,)))
    assert world.observed().gates[AP].version == world.start.gates[AP].version


def test_a_deleted_gate_leaves_its_reference_used_up_and_a_new_one_has_no_say_yet(world):
    """Route 53 never forgets a CallerReference; a check without data has no metric (aws-facts §8.1)."""
    before = world.start.gates[AP]
    assert done(world, wanted(world, ROUTING, without(world, AP))) == "UPDATE_COMPLETE"
    for _ in range(2):
        world.ports.cloud.perform(DeleteGate(region=AP, id=before.id))
    assert world.observed().gates[AP] is None
    assert isinstance(refused(world, moved_gate(world, AP, closed=True)), StalePlan)
    assert isinstance(refused(world, gate(world)), StalePlan)
    again = gate(world, reference=f"{before.reference}1")
    with world.still():
        for _ in range(2):
            world.ports.cloud.perform(again)
        made_anew = world.observed().gates[AP]
    assert made_anew.id != before.id
    assert made_anew.never_opened
    assert made_anew.healthy is None
    assert world.until(lambda o: o.gates[AP].healthy is not None, every=60).gates[AP].healthy is False


# ---- records ---------------------------------------------------------------------------------------------------------------


def test_records_that_a_template_lets_go_of_are_removed_by_name(world):
    asked = wanted(world, ROUTING, without(world, AP))
    assert {(c.action, c.logical_id) for c in made(world, asked).changes} == {("Remove", ROUTE), ("Remove", ORIGIN)}
    assert done(world, asked) == "UPDATE_COMPLETE"
    after = world.observed()
    assert {r.region for r in after.records if r.region} == {US, EU}
    assert {r for r in world.start.records if r.region != AP} == set(after.records)


def test_records_are_as_the_template_says_when_its_stack_is_complete(world):
    slower = body(world, ROUTING)
    slower["Resources"] = changed(slower["Resources"], ROUTE, TTL="30")
    assert done(world, wanted(world, ROUTING, slower)) == "UPDATE_COMPLETE"
    after = world.observed()
    assert {r.region: r.ttl for r in after.records if r.type == "CNAME" and r.region} == {US: 10, EU: 10, AP: 30}
    assert after.live[ROUTING, ROUTE]["TTL"] == 30


def _unknown_gate(before: Body) -> Body:
    return {**before, "Resources": changed(before["Resources"], ROUTE, HealthCheckId=NOBODY)}


def _nowhere(before: Body) -> Body:
    target = before["Resources"][ORIGIN]["Properties"]["AliasTarget"]
    elsewhere = {**target, "DNSName": f"nowhere.{target['DNSName']}"}
    return {**before, "Resources": changed(before["Resources"], ORIGIN, AliasTarget=elsewhere)}


def _twin(before: Body) -> Body:
    another = changed(before["Resources"], ROUTE, SetIdentifier="another")[ROUTE]
    return {**before, "Resources": {**before["Resources"], f"Route{camel('another')}": another}}


@pytest.mark.parametrize("wrong", [_unknown_gate, _nowhere, _twin])
def test_a_record_that_cannot_be_fails_its_stack_and_nothing_moves(world, wrong: Callable[[Body], Body]):
    """A gate and a target that exist, and one latency record for each Region (aws-facts §5.1)."""
    assert done(world, wanted(world, ROUTING, wrong(body(world, ROUTING)))) == "UPDATE_ROLLBACK_COMPLETE"
    after = world.observed()
    assert after.stacks[ROUTING].failure
    assert set(after.records) == set(world.start.records)


# ---- a Region's API --------------------------------------------------------------------------------------------------------


def test_an_api_that_goes_takes_its_probe_and_its_name_along_and_leaves_lambdas_interfaces(world):
    """For as long as they are there, its functions may still write (aws-facts §2.4)."""
    assert AP not in world.start.interfaces
    assert done(world, wanted(world, ROUTING, without(world, AP))) == "UPDATE_COMPLETE"
    with world.still():
        for _ in range(2):
            world.ports.cloud.perform(deletion(world, API))
        assert world.status(API) == "DELETE_IN_PROGRESS"
    assert world.settled(API) is None
    left = world.observed()
    assert left.probes[AP] is None
    assert left.gates[AP], "it is ours, not the stack's"
    assert world.topology.region_origin(AP) not in {r.name for r in left.records}
    assert left.interfaces[AP] > 0
    assert world.until(lambda o: o.interfaces[AP] == 0, every=900)


def test_an_api_that_is_made_again_has_another_probe(world):
    """A gate's reference rests on it; and a gate whose child is gone watches nobody."""
    world.ports.cloud.perform(deletion(world, API))
    assert world.settled(API) is None
    assert done(world, wanted(world, API, body(world, API), create=True)) == "CREATE_COMPLETE"
    after = world.observed()
    assert after.stacks[API].id != world.start.stacks[API].id
    assert after.probes[AP].id != world.start.probes[AP].id
    assert after.gates[AP].id == world.start.gates[AP].id
    assert not after.gates[AP].watches(after.probes[AP])
    assert world.until(lambda o: o.probes[AP].healthy, every=60)


# ---- the edge --------------------------------------------------------------------------------------------------------------


def test_an_edge_that_changes_is_in_progress_and_then_deployed(world):
    """aws-facts §7."""
    before = body(world, EDGE)
    config = before["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    everywhere = {**config, "PriceClass": "PriceClass_All"}
    before["Resources"] = changed(before["Resources"], "Distribution", DistributionConfig=everywhere)
    begun(world, wanted(world, EDGE, before))
    changing = world.until(lambda o: o.distribution.status == "InProgress").distribution
    assert (changing.enabled, changing.aliases) == (True, (world.topology.domain.name,))
    assert world.settled(EDGE) == "UPDATE_COMPLETE"
    after = world.until(lambda o: o.distribution.status == "Deployed")
    assert after.live[EDGE, "Distribution"]["DistributionConfig"]["PriceClass"] == "PriceClass_All"
    assert after.edge_version() == world.start.edge_version()


def test_a_routers_version_goes_when_the_edge_has_had_no_use_of_it_for_hours(world):
    """aws-facts §6.2: CloudFront's replicas outlive the distribution."""
    function, _, version = world.start.edge_version().partition(":")
    gone = DeleteVersion(function=function, version=version)
    assert _still_replicated(world, gone)
    world.ports.cloud.perform(deletion(world, EDGE))
    assert world.settled(EDGE, every=120) is None
    left = world.observed()
    assert left.distribution is None
    assert world.topology.domain.name not in {r.name for r in left.records}
    assert _still_replicated(world, gone)
    world.passes(7 * 3600)
    for _ in range(2):
        world.ports.cloud.perform(gone)


def _still_replicated(world: World, gone: DeleteVersion) -> bool:
    error = refused(world, gone)
    return isinstance(error, OperationInProgress) and error.code == "StillReplicated"
