"""Where a person decides: hands on what Meridian has just moved, what was lost or changed beside the templates, and gates that
time alone does not open. Each is held or refused by name, with the way out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.diff.catalogue import field_path
from reconciler.model.change import Disposition
from reconciler.model.motion import Motion
from reconciler.model.plan import Goal, Hazard
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Allow
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered
from tests.unit.plan.test_crossings import version
from tests.unit.plan.test_transitions import advance, codes, converged, fall_sick, first, ids, memory

US, EU, AP, SA = NAMES[:4]


@pytest.fixture
def world() -> World:
    return converged(US, EU, AP)


def settled(world: World) -> None:
    """The writer is seen where it went, for longer than an old answer can be told."""
    world.look()
    world.pass_time(timedelta(minutes=4))
    world.look()


def held(world: World) -> list[str]:
    return [f.path for f in world.seen()[0].diff.findings if f.disposition is Disposition.HOLD]


# ---- hands on what was just moved ----


def test_a_writer_that_somebody_takes_back_before_all_is_done_stays_there(world):
    world.desired = with_regions(US, EU, AP, writer=EU, drained=(AP,))
    advance(world, f"switchover/{EU}")
    settled(world)
    world.writer = US
    assert held(world) == ["database/writer"]
    assert not [s for s in ids(world.plan().steps) if s.startswith("switchover")]


def test_a_writer_that_somebody_moves_before_the_first_regions_are_made_stays_there():
    world = World(with_regions(US, EU))
    world.recorded = {"motion": Motion().document()}
    advance(world, f"create-gate/{EU}")
    settled(world)
    world.writer = EU
    assert held(world) == ["database/writer"]
    assert f"switchover/{US}" not in ids(world.run())


def test_a_commit_that_somebody_carried_out_by_hand_can_be_taken_back(world):
    world.desired = with_regions(US, EU, AP, writer=EU)
    world.look()
    world.writer = EU
    world.desired = with_regions(US, EU, AP)
    assert not held(world)
    assert first(world)[0] == [f"switchover/{US}"]


def test_the_global_cluster_is_left_alone_while_somebody_moves_the_writer(world):
    world.desired = replace(world.desired, database=replace(world.desired.database, version="16.9"))
    advance(world, f"deploy/data/{US}")
    world.pass_time(timedelta(minutes=5))
    assert first(world)[0] == ["deploy/global"]
    world.moving_to = EU
    assert first(world) == ([], ["one-writer"])


def test_nothing_is_green_while_somebody_moves_the_writer(world):
    world.moving_to = EU
    plan = world.plan()
    assert not plan.converged
    assert [g.name for g in plan.waves[0].waiting_for] == ["one-writer"]


def test_another_region_founds_the_database_where_the_first_one_failed():
    world = World(with_regions(US, EU, AP))
    advance(world, f"deploy/{StackRef(StackKind.GLOBAL, US)}")
    (step,) = world.plan().current
    world.fail(step)
    world.stacks[step.stack] = replace(world.stacks[step.stack], template=world.template_of(step.stack))
    world.desired = with_regions(US, EU, AP, writer=EU)
    assert not codes(world)
    done = ids(world.run())
    assert done.index(f"deploy/data/{EU}") < done.index(f"deploy/data/{US}")
    assert world.plan().converged


def test_a_database_that_never_came_to_life_waits_until_the_writer_stands(world):
    world.desired = with_regions(US, EU, AP, SA)
    advance(world, f"deploy/foundation/{SA}")
    (step,) = world.plan().current
    assert step.id == f"deploy/data/{SA}"
    world.fail(step)
    assert first(world)[0] == [f"recover/data/{SA}"]
    world.moving_to = EU
    assert first(world) == ([], ["one-writer"])


def test_the_region_that_somebody_took_the_writer_back_to_does_not_leave(world):
    world.desired = with_regions(EU, AP)
    advance(world, f"switchover/{EU}")
    settled(world)
    world.writer = US
    (refusal,) = world.plan().refusals
    assert (refusal.code, "moved by hand" in refusal.message) == ("WriterWithoutSuccessor", True)
    world.desired = with_regions(US, EU, AP)
    assert not codes(world), "a commit adopts it"


def test_an_answer_from_before_the_switchover_is_nobodys_hand(world):
    world.desired = with_regions(EU, AP)
    advance(world, f"switchover/{EU}")
    world.look()
    world.writer = US
    world.look()
    assert not held(world)
    world.writer = EU
    settled(world)
    assert Motion.recorded(world.recorded).writers == {EU}


def test_the_writer_is_taken_back_by_a_commit_after_it_settled(world):
    before, world.desired = world.desired, with_regions(EU, AP)
    advance(world, f"switchover/{EU}")
    settled(world)
    world.desired = before
    world.run()
    assert world.writer == US


def test_a_gate_that_somebody_opens_again_before_all_is_done_stays_open(world):
    world.desired = with_regions(US, EU, AP, drained=(AP,))
    advance(world, f"close-gate/{AP}")
    world.gates[AP] = replace(world.gates[AP], threshold=1, version=world.gates[AP].version + 1)
    assert held(world) == [f"regions/{AP}/traffic"]
    assert not world.plan().steps
    world.desired = with_regions(US, EU, AP)
    assert not world.plan().steps
    world.desired = with_regions(US, EU)
    assert first(world)[0] == [f"close-gate/{AP}"], "a commit that takes the Region out is another word"


def test_a_gate_that_somebody_closes_again_before_all_is_done_stays_closed(world):
    world.desired = with_regions(US, EU, AP, drained=(AP,))
    world.run()
    wanted = with_regions(US, EU, AP)
    world.desired = replace(wanted, edge=replace(wanted.edge, price_class="PriceClass_All"))
    advance(world, f"open-gate/{AP}")
    world.gates[AP] = replace(world.gates[AP], threshold=2, version=world.gates[AP].version + 1)
    assert held(world) == [f"regions/{AP}/traffic"]


def test_a_drain_taken_back_opens_the_gate_and_is_nobodys_hand(world):
    before, world.desired = world.desired, with_regions(US, EU, AP, drained=(AP,))
    advance(world, f"close-gate/{AP}")
    world.desired = before
    assert [s for s in ids(world.run()) if "gate" in s] == [f"open-gate/{AP}"]


def test_a_gate_opened_against_the_document_stays_open_though_a_rollout_made_its_region_sick(world):
    memory(world, 1024)
    advance(world, f"deploy/api/{EU}")
    fall_sick(world, EU)
    seen, _ = world.seen()
    world.remember(seen.plan, seen.diff.failed_rollout)
    drained = with_regions(US, EU, AP, drained=(EU,))
    world.desired = replace(drained, api=world.desired.api)
    advance(world, f"close-gate/{EU}")
    world.gates[EU] = replace(world.gates[EU], threshold=1, version=world.gates[EU].version + 1)
    world.pass_time(timedelta(minutes=5))
    assert held(world) == [f"regions/{EU}/traffic"]
    assert f"close-gate/{EU}" not in ids(world.plan().steps)


# ---- lost or changed beside the templates ----


def test_a_global_cluster_deleted_by_hand_beside_its_stack_is_named(world, monkeypatch):
    monkeypatch.setattr(world, "_global_cluster", lambda: None)
    (refusal,) = world.plan().refusals
    assert (refusal.code, refusal.path) == ("GlobalClusterLost", "spec.database")
    assert AP in refusal.message
    world.desired = with_regions(US, EU)
    assert "GlobalClusterLost" in codes(world), "no Region's data goes as if it had left the global database"


def test_a_hand_on_the_heirs_cluster_is_judged_before_the_writer_moves(world):
    raised = {"ServerlessV2ScalingConfiguration": {"MinCapacity": 8, "MaxCapacity": 128}}
    world.live = {(StackRef(StackKind.DATA, EU), "Cluster"): raised}
    world.desired = with_regions(EU, AP)
    (refusal,) = world.plan().refusals
    assert (refusal.code, refusal.path) == ("HeldByHand", "spec.database.writer")
    world.live = {(StackRef(StackKind.DATA, AP), "Cluster"): raised}
    assert not codes(world), "only the heir's is written"


def test_a_region_does_not_join_members_of_another_engine_version(world):
    world.clusters = {r: {"engine_version": "16.9"} for r in (US, EU, AP)}
    assert not codes(world)
    world.desired = with_regions(US, EU, AP, SA)
    (refusal,) = world.plan().refusals
    assert (refusal.code, refusal.path) == ("EngineVersionsDiffer", "spec.database.version")
    assert "database.version: 16.9" in refusal.message


def test_the_version_in_a_parameter_groups_name_is_the_version():
    ref = StackRef(StackKind.DATA, EU)
    assert field_path(ref, "Parameters", "DBClusterParameterGroupName") == (f"regions/{EU}/database/version", True)


# ---- gates that time does not open ----


def strangers(world: World, region: str) -> None:
    world.requests = {region: tuple((world.now - timedelta(minutes=m), 7.0) for m in range(1, 9))}


def test_strangers_past_dns_hold_a_removal_up_until_somebody_cuts_them_off_by_name(world):
    world.desired = with_regions(US, EU)
    advance(world, f"close-gate/{AP}")
    world.pass_time(timedelta(minutes=15))
    strangers(world, AP)
    plan = world.plan()
    (gate,) = plan.waves[0].waiting_for
    assert gate.id == f"quiet/{AP}"
    assert f"hazard: {Hazard.REQUESTS_PAST_DNS}, region: {AP}" in gate.detail
    expires = datetime(2027, 1, 1, tzinfo=UTC)
    allow = Allow(hazard=Hazard.REQUESTS_PAST_DNS, region=AP, fingerprint=plan.fingerprint, expires=expires)
    for other in (replace(allow, region=EU), replace(allow, fingerprint="sha256:0"), replace(allow, expires=world.now)):
        world.desired = replace(world.desired, safety=replace(world.desired.safety, allow=(other,)))
        assert first(world) == ([], [f"quiet/{AP}"])
    world.desired = replace(world.desired, safety=replace(world.desired.safety, allow=(allow,)))
    assert world.plan().fingerprint == plan.fingerprint
    assert any(AP in note for note in world.plan().notes)
    advance(world, f"delete/api/{AP}")
    world.run()


def test_a_removal_says_how_to_go_on_without_a_region_that_does_not_come_to_life(world):
    world.sick = {SA}
    world.desired = with_regions(US, EU, SA)
    world.run_until_blocked(limit=60)
    (gate,) = world.plan().waves[0].waiting_for
    assert (gate.id, f"without {SA} in the document" in gate.detail) == (f"probe-healthy/{SA}", True)
    world.desired = with_regions(US, EU)
    world.run()


def test_a_cluster_that_cannot_be_deleted_says_so(world):
    world.clusters = {AP: {"status": "failed"}}
    world.goal = Goal.DESTROY
    world.desired = replace(world.desired, database=replace(world.desired.database, deletion_policy="snapshot"))
    world.run_until_blocked(limit=60)
    (gate,) = world.plan().waves[0].waiting_for
    assert gate.id == f"database-available/{AP}"
    assert "repair it, or save what can be saved and delete it by hand" in gate.detail


def test_a_move_that_was_meant_and_never_came_is_forgotten_once_all_is_as_declared(world):
    """Else whoever gives the gate that very version, weeks later, would be taken for us, and overruled."""
    before, world.desired = world.desired, with_regions(US, EU, AP, drained=(AP,))
    world.remember(world.plan())
    world.desired = before
    world.remember(world.plan())
    world.gates[AP] = replace(world.gates[AP], threshold=2, version=world.gates[AP].version + 1)
    assert held(world) == [f"regions/{AP}/traffic"]


def test_what_was_asked_of_a_gate_is_forgotten_once_all_is_done(world):
    world.desired = with_regions(US, EU, AP, drained=(AP,))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    assert Motion.recorded(world.recorded).asked == {}


def test_an_empty_global_cluster_is_not_asked_for_another_version():
    world = World(with_regions(US))
    advance(world, f"deploy/{StackRef(StackKind.GLOBAL, US)}")
    world.desired = version(world.desired, "16.9")
    (refusal,) = world.plan().refusals
    assert (refusal.code, refusal.path) == ("EngineVersionsDiffer", "spec.database.version")
    assert "put 16.8 back" in refusal.message
    world.desired = version(world.desired, "16.8")
    world.run()
    world.desired = version(world.desired, "16.9")
    assert not codes(world), "the member can be upgraded"
