"""Topologies that change while they serve: the order of each transition, turning back half-way, and hands on the way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.motion import Motion
from reconciler.model.observed import Observed, Unknown
from reconciler.model.plan import Goal, StepAction
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Allow, Window
from reconciler.plan.permission import structure
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

US, EU, AP, SA = NAMES[:4]
SILENT = Unknown("Unreachable", "no answer")


@pytest.fixture
def world() -> World:
    return converged(US, EU, AP)


def converged(*names: str, **kwargs) -> World:
    world = World(with_regions(*names, **kwargs))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def ids(steps) -> list[str]:
    return [s.id for s in steps]


def first(world: World) -> tuple[list[str], list[str]]:
    wave = world.plan().waves[0]
    return ids(wave.steps), [g.id for g in wave.waiting_for]


def codes(world: World) -> list[str]:
    return [r.code for r in world.plan().refusals]


def advance(world: World, until: str) -> None:
    """Carry the plan out until this step is done."""
    for _ in range(200):
        plan = world.plan()
        assert not plan.refusals, plan.refusals
        world.remember(plan)
        for step in plan.waves[0].steps if plan.waves else ():
            world.apply(step)
        world.pass_time()
        if plan.waves and until in ids(plan.waves[0].steps):
            return
    raise AssertionError(f"{until} never came")


REMOVAL = [
    "close-gate/ap-northeast-1",
    "unroute/ap-northeast-1",
    "delete/api/ap-northeast-1",
    "detach/ap-northeast-1",
    "delete/data/ap-northeast-1",
    "delete-gate/ap-northeast-1",
]


def test_a_region_is_drained_and_nothing_else_of_it_changes(world):
    world.desired = with_regions(US, EU, AP, drained=(EU,))
    assert [c.path for c in world.plan().changes] == ["regions/eu-west-1/traffic"]
    assert ids(world.run()) == ["close-gate/eu-west-1"]
    assert not world.plan().waves
    world.desired = with_regions(US, EU, AP)
    assert ids(world.run()) == ["open-gate/eu-west-1"]


def test_a_drain_is_done_only_when_dns_has_let_go(world):
    world.desired = with_regions(US, EU, AP, drained=(EU,))
    advance(world, "close-gate/eu-west-1")
    assert first(world) == ([], ["drained/eu-west-1"])
    world.pass_time(timedelta(minutes=10))
    assert world.plan().converged


def test_a_region_leaves_in_the_order_that_its_gates_protect(world):
    world.desired = with_regions(US, EU)
    plan = world.plan()
    assert ids(plan.steps) == REMOVAL
    aside = [s.id for w in plan.tombstones for s in w.steps]
    assert aside == REMOVAL[3:], "what is out of service already never keeps the rest from being ready"
    assert ids(world.run()) == REMOVAL
    assert world.snapshots == [AP]
    assert AP not in {ref.region for ref in world.stacks if ref.kind is not StackKind.FOUNDATION}


def test_each_step_of_a_removal_waits_for_its_gates(world):
    world.desired = with_regions(US, EU)
    advance(world, "close-gate/ap-northeast-1")
    assert first(world)[1] == ["drained/ap-northeast-1"]
    advance(world, "unroute/ap-northeast-1")
    assert first(world)[1] == ["dns"]
    advance(world, "delete/api/ap-northeast-1")
    assert world.plan().converged
    assert first(world)[1] == ["interfaces/ap-northeast-1"]


def test_the_writer_moves_when_a_commit_says_so(world):
    world.desired = with_regions(US, EU, AP, writer=EU)
    plan = world.plan()
    assert [c.path for c in plan.changes] == ["database/writer"]
    (step,) = plan.steps
    assert step.hazards == ("write-interruption",)
    assert not step.abortable
    assert {g.name for g in plan.waves[-1].gates} == {"one-writer", "members-at-rest"}
    assert ids(world.run()) == ["switchover/eu-west-1"]
    assert world.writer == EU


def test_a_switchover_waits_until_every_member_is_at_rest(world):
    world.desired = with_regions(US, EU, AP, writer=EU)
    stuck = replace(world.observed().clusters[AP], status="modifying")
    world.unread = {f"clusters/{AP}": stuck}
    assert first(world) == ([], ["members-at-rest"])
    world.unread = {f"clusters/{AP}": replace(stuck, status="available", engine_version="16.6")}
    assert first(world) == ([], ["versions-equal"])


def test_the_writers_region_leaves_after_the_writer_and_leaves_the_master_credentials_behind(world):
    world.desired = with_regions(EU, AP)
    steps = ids(world.run())
    assert steps[:2] == ["switchover/eu-west-1", "deploy/data/eu-west-1"]
    assert steps[2:] == [s.replace("ap-northeast-1", "us-east-1") for s in REMOVAL]
    assert "Master" in world.stacks[StackRef(StackKind.DATA, EU)].template["Resources"]
    assert not world.plan().waves


def test_one_commit_may_do_all_of_it(world):
    wanted = with_regions(EU, AP, SA, NAMES[4], writer=EU)
    world.desired = replace(wanted, routing=replace(wanted.routing, ttl_seconds=20))
    steps = ids(world.run())
    assert steps.index("open-gate/sa-east-1") < steps.index("switchover/eu-west-1")
    assert steps.index("switchover/eu-west-1") < steps.index("close-gate/us-east-1")
    assert not world.plan().waves


def test_regions_are_swapped_one_for_another(world):
    world.desired = with_regions(US, EU, SA)
    steps = ids(world.run())
    assert steps.index("open-gate/sa-east-1") < steps.index("close-gate/ap-northeast-1")


@pytest.mark.parametrize("after", REMOVAL)
def test_a_commit_that_takes_a_removal_back_turns_round_wherever_it_is(world, after):
    before = world.desired
    world.desired = with_regions(US, EU)
    advance(world, after)
    world.desired = before
    world.run()
    assert all(gate.is_open for gate in world.gates.values())
    assert set(world.gates) == {US, EU, AP}
    assert not world.apart
    assert not world.plan().waves


@pytest.mark.parametrize("after", ["switchover/eu-west-1", "deploy/data/eu-west-1", "close-gate/us-east-1"])
def test_a_commit_that_takes_the_writers_move_back_moves_it_back(world, after):
    before = world.desired
    world.desired = with_regions(EU, AP)
    advance(world, after)
    world.desired = before
    world.run()
    assert world.writer == US
    assert world.gates[US].is_open


def test_a_writer_moved_by_hand_stays_and_a_commit_decides(world):
    world.writer = AP
    assert world.plan().converged
    world.desired = with_regions(US, EU)
    assert codes(world) == ["WriterWithoutSuccessor"]
    world.desired = with_regions(US, EU, AP, writer=EU)
    assert ids(world.run()) == ["switchover/eu-west-1"]


def test_without_a_record_nothing_of_motion_is_moved(world):
    world.recorded = None
    world.desired = with_regions(US, EU, AP, writer=EU, drained=(AP,))
    assert world.plan().converged
    assert {f.path for f in world.seen()[0].diff.findings} == {"database/writer", "regions/ap-northeast-1/traffic"}


def test_who_died_between_writing_down_and_moving_finds_an_intention(world):
    world.desired = with_regions(US, EU, AP, writer=EU, drained=(AP,))
    world.remember(world.plan())
    assert first(world)[0] == ["switchover/eu-west-1"]
    world.remember(world.plan())
    world.desired = with_regions(US, EU, AP)
    assert world.plan().converged


def test_a_gate_opened_by_hand_where_drained_is_declared_is_held(world):
    world.desired = with_regions(US, EU, AP, drained=(AP,))
    world.run()
    world.gates[AP] = replace(world.gates[AP], threshold=1, version=9)
    assert world.plan().converged
    (finding,) = world.seen()[0].diff.findings
    assert "opened by hand" in finding.reason


def test_the_last_region_that_an_operator_left_open_is_not_closed(world):
    world.gates[EU] = replace(world.gates[EU], threshold=2, version=9)
    world.desired = with_regions(US, EU, drained=(US,))
    assert "LastServingRegion" in codes(world)


def test_the_rest_must_carry_the_load(world):
    world.loads = {US: 0.6, EU: 0.6, AP: 0.6}
    world.desired = with_regions(US, EU, AP, drained=(AP,))
    assert codes(world) == ["CapacityTooSmall"]
    world.loads = {US: 0.4, EU: 0.4, AP: 0.4}
    assert not codes(world)


def test_a_writer_that_does_not_answer_is_not_moved_without_an_acknowledgement(world):
    world.unread = {f"clusters/{US}": SILENT}
    world.desired = with_regions(US, EU, AP, writer=EU)
    (refusal,) = world.plan().refusals
    assert refusal.code == "DataLossNotAcknowledged"
    assert "meridian failover orders --to eu-west-1 --accept-data-loss" in refusal.message


def test_a_writer_on_its_way_is_not_taken_for_lost_and_one_that_failed_is(world):
    """The clusters of a switchover are failing-over while it runs."""
    world.desired = with_regions(US, EU, AP, writer=EU)
    world.moving_to = EU
    plan = world.plan()
    assert (plan.refusals, [(s.id, s.begun) for s in plan.waves[0].steps]) == ((), [("switchover/eu-west-1", True)])
    world.moving_to = None
    world.clusters[US] = {"status": "cloning-failed"}
    assert codes(world) == ["DataLossNotAcknowledged"]


def test_nothing_is_taken_away_while_a_region_cannot_be_read(world):
    world.desired = with_regions(US, EU)
    advance(world, "unroute/ap-northeast-1")
    world.unread = {f"clusters/{EU}": SILENT}
    world.pass_time(timedelta(minutes=30))
    assert first(world) == ([], ["readable/eu-west-1"])


def test_what_a_commit_takes_out_at_once_is_bounded_unless_allowed_by_name(world):
    world = converged(US, EU, AP, SA)
    world.desired = with_regions(US, EU)
    (refusal,) = world.plan().refusals
    assert refusal.code == "BlastRadius"
    plan = world.plan()
    allow = Allow(
        hazard="blast-radius", region=None, fingerprint=plan.fingerprint, expires=datetime(2027, 1, 1, tzinfo=UTC)
    )
    world.desired = replace(world.desired, safety=replace(world.desired.safety, allow=(allow,)))
    assert world.plan().fingerprint == plan.fingerprint
    steps = world.run()
    closed = [s.id for s in steps if s.action is StepAction.CLOSE_GATE]
    assert closed == ["close-gate/ap-northeast-1", "close-gate/sa-east-1"]


def test_what_a_commit_takes_out_is_bounded_also_before_the_first_convergence():
    world = converged(US, EU, AP, SA)
    world.recorded = {"motion": {**world.recorded["motion"], "traffic": {}}}
    world.desired = with_regions(US)
    assert codes(world) == ["BlastRadius"]


def test_a_gate_that_is_forced_open_is_closed_where_its_region_leaves_or_is_drained(world):
    world.gates[AP] = replace(world.gates[AP], threshold=0, version=9)
    world.desired = with_regions(US, EU)
    assert first(world)[0] == ["close-gate/ap-northeast-1"]
    world.desired = with_regions(US, EU, AP, drained=(AP,))
    assert ids(world.run()) == ["mend-gate/ap-northeast-1", "close-gate/ap-northeast-1"]
    world.gates[AP] = replace(world.gates[AP], threshold=0, version=19)
    world.desired = replace(world.desired, drift=replace(world.desired.drift, mode="report"))
    assert first(world)[0] == ["close-gate/ap-northeast-1"]


@pytest.mark.parametrize("writers", [(), (US, EU)])
def test_while_none_or_two_write_a_plan_waits_and_is_not_refused(world, writers):
    whole = world.observed().global_cluster
    members = tuple(replace(m, is_writer=m.region in writers) for m in whole.members)
    world.unread = {"global_cluster": replace(whole, members=members)}
    world.desired = with_regions(EU, AP)
    assert first(world) == ([], ["one-writer"])


def test_a_writer_without_any_record_moves_by_the_commit_after_the_next(world):
    world.recorded = None
    wanted, world.desired = world.desired, with_regions(EU, AP)
    (refusal,) = world.plan().refusals
    assert "put us-east-1 back in the document" in refusal.message
    world.desired = wanted
    world.run()
    world.desired = with_regions(EU, AP)
    assert ids(world.run())[:2] == ["migrate/us-east-1", "switchover/eu-west-1"], "nobody knows what was applied"


def test_a_hazard_starts_only_inside_a_window_and_what_has_begun_goes_on(world):
    nights = Window(cron="0 22 * * *", duration=timedelta(hours=4), time_zone="UTC")
    wanted = with_regions(US, EU, AP, writer=EU)
    world.desired = replace(wanted, safety=replace(wanted.safety, windows=(nights,)))
    world.now = world.now.replace(hour=12)
    (refusal,) = world.plan().refusals
    assert refusal.code == "WindowClosed"
    assert "22:00" in refusal.message
    world.moving_to = EU
    assert not codes(world)
    world.moving_to = None
    world.now = world.now.replace(hour=23)
    assert ids(world.run()) == ["switchover/eu-west-1"]


def test_what_finishes_aside_waits_for_its_window_and_refuses_nothing(world):
    nights = Window(cron="0 22 * * *", duration=timedelta(hours=4), time_zone="UTC")
    wanted = with_regions(US, EU)
    safety = replace(wanted.safety, windows=(nights,))
    world.desired = replace(wanted, safety=safety)
    advance(world, "delete/api/ap-northeast-1")
    world.now = world.now.replace(hour=12)
    plan = world.plan()
    assert (plan.converged, plan.current, plan.refusals) == (True, (), ())
    (gate,) = plan.tombstones[0].gates
    assert (gate.name, "22:00" in gate.detail) == ("window", True)
    world.now = world.now.replace(hour=23)
    assert ids(world.run()) == ["detach/ap-northeast-1", "delete/data/ap-northeast-1", "delete-gate/ap-northeast-1"]


def test_an_engine_upgrade_goes_region_by_region_the_writer_last_and_the_global_cluster_after_all(world):
    world.desired = replace(world.desired, database=replace(world.desired.database, version="16.9"))
    world.writer = AP
    assert all("database-restart" in s.hazards for s in world.plan().steps if s.target == "data")
    steps = ids(world.run())
    assert steps == ["deploy/data/us-east-1", "deploy/data/eu-west-1", "deploy/data/ap-northeast-1", "deploy/global"]


def test_what_is_being_destroyed_is_not_made_again_meanwhile(world):
    world.recorded = {"motion": {**world.recorded["motion"], "destroying": True}}
    assert codes(world) == ["BeingDestroyed"]
    world.goal = Goal.DESTROY
    assert not codes(world)


@pytest.mark.parametrize("policy", ["retain", "snapshot"])
def test_a_topology_is_destroyed_from_the_outside_in(world, policy):
    world.desired = replace(world.desired, database=replace(world.desired.database, deletion_policy=policy))
    world.goal = Goal.DESTROY
    steps = ids(world.run())
    assert steps[:2] == ["delete/edge", "delete/routing"]
    assert set(steps[2:5]) == {f"delete/api/{r}" for r in (US, EU, AP)}
    if policy == "retain":
        assert set(steps[5:]) == {f"delete-gate/{r}" for r in (US, EU, AP)}
        assert len([r for r in world.stacks if r.kind is StackKind.DATA]) == 3
        return
    assert steps[-2:] == ["delete/global", "delete-global-cluster/us-east-1"]
    assert steps.index(f"detach/{AP}") < steps.index(f"detach/{US}"), "the writer goes last"
    assert set(world.snapshots) == {US, EU, AP}


def memory(world: World, megabytes: int) -> None:
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=megabytes))


def fall_sick(world: World, region: str) -> None:
    world.sick, world.sick_since = {region}, {region: world.now}
    world.pass_time(timedelta(minutes=5))


def api_memory(world: World) -> dict[str, int]:
    apis = {ref.region: s for ref, s in world.stacks.items() if ref.kind is StackKind.API}
    return {r: s.template["Resources"]["Function"]["Properties"]["MemorySize"] for r, s in apis.items()}


def test_a_rollout_that_makes_a_region_sick_is_taken_back_there_and_goes_no_further(world):
    memory(world, 1024)
    advance(world, "deploy/api/eu-west-1")
    fall_sick(world, EU)
    seen, _ = world.seen()
    world.remember(seen.plan, seen.diff.failed_rollout)
    assert first(world)[0] == ["close-gate/eu-west-1"]
    advance(world, "deploy/api/eu-west-1")
    assert api_memory(world) == {US: 512, EU: 512, AP: 512}
    assert (
        first(world)[1] == ["probe-healthy/eu-west-1", "soak/eu-west-1"] or "probe-healthy/eu-west-1" in first(world)[1]
    )
    world.sick = set()
    advance(world, "open-gate/eu-west-1")
    assert world.plan().converged
    assert any(s.held for s in world.seen()[1].values())
    memory(world, 768)
    assert [i for i in ids(world.run()) if i.startswith("deploy")] == [f"deploy/api/{r}" for r in (EU, AP, US)]


def test_a_region_that_others_cannot_spare_is_cured_in_place(world):
    memory(world, 1024)
    world.desired = replace(world.desired, safety=replace(world.desired.safety, min_serving=3))
    advance(world, "deploy/api/eu-west-1")
    fall_sick(world, EU)
    seen, _ = world.seen()
    world.remember(seen.plan, seen.diff.failed_rollout)
    assert first(world)[0] == ["deploy/api/eu-west-1"]


def test_a_sick_region_that_is_declared_drained_goes_before_what_would_wait_for_its_health(world):
    fall_sick(world, EU)
    world.desired = with_regions(US, EU, AP, drained=(EU,))
    memory(world, 1024)
    assert first(world)[0] == ["close-gate/eu-west-1"]
    advance(world, "deploy/api/us-east-1")
    assert api_memory(world) == {US: 1024, EU: 512, AP: 1024}


def test_a_sickness_long_after_a_rollout_is_not_its_fault(world):
    memory(world, 1024)
    advance(world, "deploy/api/eu-west-1")
    world.pass_time(timedelta(hours=2))
    fall_sick(world, EU)
    assert world.seen()[0].diff.failed_rollout is None


def test_a_superseded_version_of_the_router_goes_hours_later_and_never_keeps_from_ready(world):
    motion = Motion.recorded(world.recorded)
    seen = motion.sees_version("router:1", world.now).sees_version("router:2", world.now)
    world.recorded = {"motion": seen.document()}
    assert world.plan().converged
    assert first(world) == ([], ["replicas"])
    world.pass_time(timedelta(hours=6))
    (step,) = world.plan().current
    assert step.id == "delete-version/router:1"
    again = seen.tried((), ["router:1"], world.now)
    world.recorded = {"motion": again.document()}
    assert not world.plan().current
    assert not again.tried(["router:1"], (), world.now).versions


def test_a_version_is_superseded_in_the_very_pass_that_sees_the_next_one(world, monkeypatch):
    """Else that pass, the last one of a run, would say that nothing is left to do."""
    motion = Motion.recorded(world.recorded).sees_version("router:1", world.now)
    world.recorded = {"motion": motion.document()}
    monkeypatch.setattr(Observed, "edge_version", lambda _: "router:2")
    assert first(world) == ([], ["replicas"])


def test_what_finishes_aside_does_not_wait_for_each_other(world):
    world = converged(US, EU, AP, SA)
    allow = {"approved": {"blast-radius": structure(with_regions(US, EU))}}
    world.recorded = {"motion": {**world.recorded["motion"], **allow}}
    world.desired = with_regions(US, EU)
    advance(world, "delete/api/sa-east-1")
    assert {g.id for w in world.plan().tombstones for g in w.waiting_for} >= {f"interfaces/{AP}", f"interfaces/{SA}"}
    world.gone_apis.pop(SA)
    assert ids(world.plan().current) == ["detach/sa-east-1"]


def test_a_region_whose_cluster_went_before_its_stack_goes_on_going_and_joins_anew(world):
    whole = world.desired
    world.desired = with_regions(US, EU)
    advance(world, f"detach/{AP}")
    world.desired = whole
    observed = world.observed()
    outcome, _ = world.seen(replace(observed, clusters={**observed.clusters, AP: None}))
    assert ids(outcome.plan.waves[0].steps) == [f"delete/data/{AP}"]


@pytest.mark.parametrize("leaves", [False, True], ids=["drained", "leaving"])
def test_a_region_that_does_not_answer_can_be_taken_out_of_traffic(world, leaves):
    """A gate is Route 53's; what the Region itself holds waits until it can be read."""
    world.unread = {f"clusters/{AP}": SILENT}
    world.desired = with_regions(US, EU) if leaves else with_regions(US, EU, AP, drained=(AP,))
    assert first(world)[0] == ["close-gate/ap-northeast-1"]


@pytest.mark.parametrize(
    "motion",
    [
        [],
        "x",
        {"traffic": None},
        {"gates": {AP: "many"}},
        {"versions": {"r:1": "soon"}},
        {"versions": {"r:1": ""}},
        {"versions": {"r:1": None}},
        {"arrived": "soon"},
        {"arrived": 7},
        {"versions": {"r:1": "2026-01-01"}},
    ],
    ids=str,
)
def test_a_record_that_makes_no_sense_is_no_record(world, motion):
    world.recorded = {"motion": motion}
    world.desired = with_regions(US, EU, AP, writer=EU)
    assert world.plan().converged, "held: nobody can tell a commit from a hand"


def test_a_region_whose_load_was_not_measured_counts_as_the_busiest(world):
    world.loads = {US: 0.6, EU: 0.6}
    world.desired = with_regions(US, EU)
    assert codes(world) == ["CapacityTooSmall"]


def test_an_upgrade_that_has_begun_is_not_told_to_go_back(world):
    world.desired = replace(world.desired, database=replace(world.desired.database, version="16.9"))
    advance(world, "deploy/data/eu-west-1")
    world.desired = replace(world.desired, regions=world.desired.regions[:2])
    (refusal,) = world.plan().refusals
    assert refusal.code == "EngineUpgradeAlone"
    assert "the upgrade has begun" in refusal.message


def test_what_only_a_word_or_the_hour_stands_in_the_way_of_is_shown_and_never_carried_out(world):
    whole = world.plan()
    assert whole.withheld == ()
    world.desired = with_regions(US, EU, AP, drained=(US, EU))
    refused = world.plan()
    assert [r.code for r in refused.refusals] == ["BlastRadius"]
    assert ids(s for w in refused.withheld for s in w.steps) == ["close-gate/us-east-1", "close-gate/eu-west-1"]
    assert (refused.waves, refused.steps, refused.current) == ((), (), ())
    world.desired = with_regions(US, EU, AP, drained=(US, EU, AP))
    assert (codes(world), world.plan().withheld) == (["LastServingRegion"], ())
