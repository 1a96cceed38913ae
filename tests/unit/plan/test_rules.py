"""Each refusal: what asks for it, its name, its field; and that nothing at all is planned beside it."""

from dataclasses import replace

import pytest

from reconciler.model.observed import Record, StackState, TrafficGate, Unknown, Zone
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Region, Traffic
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import START, World, remembered


@pytest.fixture
def world() -> World:
    world = World(with_regions(*NAMES[:3]))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def database(topology, **changes):
    return replace(topology, database=replace(topology.database, **changes))


def renamed_domain(topology):
    return replace(topology, domain=replace(topology.domain, name="other.example.com"))


def recut(topology):
    first = Region(name="us-east-1", cidr="10.99.0.0/16")
    return replace(topology, regions=(first, *topology.regions[1:]))


def drained(topology):
    first = replace(topology.regions[0], traffic=Traffic.DRAINED)
    return replace(topology, regions=(first, *topology.regions[1:]))


def slower_probe(topology):
    health = replace(topology.api.health, interval_seconds=30)
    return replace(topology, api=replace(topology.api, health=health))


COMMITS = [
    (lambda t: database(t, version="17.4"), "EngineMajorUpgradeNotSupported", "spec.database.version"),
    (lambda t: database(t, version="16.6"), "EngineDowngradeRefused", "spec.database.version"),
    (lambda t: database(t, version="16.9", writer="eu-west-1"), "EngineUpgradeAlone", "spec.database.version"),
    (
        lambda t: replace(database(t, version="16.9"), regions=t.regions[:2]),
        "EngineUpgradeAlone",
        "spec.database.version",
    ),
    (
        lambda t: replace(drained(t), safety=replace(t.safety, min_serving=3)),
        "LastServingRegion",
        "spec.regions[0].traffic",
    ),
    (lambda t: replace(t, regions=(drained(t).regions[0],)), "LastServingRegion", "spec.regions[0].traffic"),
    (
        lambda t: replace(drained(t), regions=drained(t).regions[:2]),
        "BlastRadius",
        "spec.safety.maxConcurrentRegions",
    ),
    (slower_probe, "ReplacementRefused", "spec.api.health.intervalSeconds"),
    (recut, "ReplacementRefused", "spec.regions.us-east-1.cidr"),
    (renamed_domain, "DomainChangeRefused", "spec.domain"),
    (lambda t: replace(t, home_region="eu-west-1"), "HomeRegionChanged", "spec.homeRegion"),
]


@pytest.mark.parametrize(("commit", "code", "path"), COMMITS, ids=[f"{c[1]}:{c[2]}" for c in COMMITS])
def test_a_commit_that_cannot_be_done_safely_is_refused_by_name(world, commit, code, path):
    world.desired = commit(world.desired)
    plan = world.plan()
    assert (code, path) in {(r.code, r.path) for r in plan.refusals}
    assert not plan.waves
    assert not plan.converged


def test_another_account_is_refused_and_nothing_else_is_said_of_it(world):
    world.account = "222222222222"
    (only,) = world.plan().refusals
    assert only.code == "WrongAccount"
    assert "222222222222" in only.message


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        (None, "HostedZoneNotInAccount"),
        (Unknown("AccessDenied", "no"), "HostedZoneNotInAccount"),
        (Zone(id="Z", name="example.org", private=False), "HostedZoneMismatch"),
        (Zone(id="Z", name="example.com", private=True), "HostedZoneMismatch"),
    ],
)
def test_the_hosted_zone_is_public_and_in_this_account(zone, code):
    world = World(with_regions(*NAMES[:2]))
    world.zone = zone
    assert [r.code for r in world.plan().refusals] == [code]


@pytest.mark.parametrize("name", ["api.example.com", "route.api.example.com", "origin.api.example.com"])
def test_a_name_that_is_taken_is_left_alone(name):
    world = World(with_regions(*NAMES[:2]))
    world.extra_records = (Record(name=name, type="CNAME", values=("elsewhere",)),)
    assert {r.code for r in world.plan().refusals} == {"NameTaken"}


def test_a_data_stack_that_is_gone_under_a_living_cluster_needs_a_person(world):
    ref = StackRef(StackKind.DATA, "eu-west-1")
    state = world.stacks[ref]
    world.stacks[ref] = replace(state, status="DELETE_FAILED")
    assert {r.code for r in world.plan().refusals} == {"DataStackLost"}


def test_a_gate_that_was_deleted_under_its_records_needs_a_person(world):
    del world.gates["eu-west-1"]
    assert {r.code for r in world.plan().refusals} == {"GateDeleted"}


def test_a_gate_that_was_deleted_under_the_records_of_a_region_that_leaves_is_made_closed_first(world):
    leaves, stays = "eu-west-1", tuple(r for r in world.desired.region_names if r != "eu-west-1")
    del world.gates[leaves]
    for ref in [r for r in world.stacks if r.region == leaves and r.kind in (StackKind.API, StackKind.DATA)]:
        del world.stacks[ref]
    world.desired = with_regions(*stays)
    assert {r.code for r in world.plan().refusals} == {"GateDeleted"}
    world.gates[leaves] = TrafficGate(id="new", reference="", children=("any",), threshold=2, version=1)
    assert [s.id for s in world.run()] == [f"unroute/{leaves}", f"delete-gate/{leaves}"]


def test_a_writer_moved_by_hand_is_held_not_refused(world):
    world.writer = "eu-west-1"
    plan = world.plan()
    assert not plan.refusals
    assert plan.converged


def test_a_gate_closed_by_hand_is_held_and_the_rest_goes_on(world):
    world.gates["eu-west-1"] = replace(world.gates["eu-west-1"], threshold=2, version=3)
    assert world.plan().converged
    world.desired = replace(world.desired, edge=replace(world.desired.edge, price_class="PriceClass_All"))
    assert [s.id for s in world.plan().steps] == ["deploy/edge"]


@pytest.mark.parametrize("broken", [{"inverted": True}, {"disabled": True}, {"threshold": 0}], ids=str)
def test_a_gate_that_ignores_its_probe_is_put_back(world, broken):
    world.gates["eu-west-1"] = replace(world.gates["eu-west-1"], **broken)
    assert [s.id for s in world.run()] == ["mend-gate/eu-west-1"]


def test_a_region_that_cannot_be_read_is_left_alone_and_keeps_the_plan_open(world):
    world.unknown = {StackRef(StackKind.API, "eu-west-1"): Unknown("AccessDenied", "not authorized")}
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=1024))
    plan = world.plan()
    assert not [s for s in plan.steps if s.region == "eu-west-1"]
    assert [s for s in plan.steps if s.region == "ap-northeast-1"]
    assert "readable/eu-west-1" in {g.id for w in plan.waves for g in w.gates}
    assert any("eu-west-1 cannot be read" in n for n in plan.notes)


def test_the_founder_keeps_its_template_when_it_cannot_be_read(world):
    """An unreadable founder must not make another Region the founder: two would carry master credentials."""
    world.unknown = {StackRef(StackKind.DATA, "us-east-1"): Unknown("Timeout", "")}
    world.desired = with_regions(*NAMES[:4])
    assert not [s for s in world.plan().steps if s.target == "data" and s.region == "us-east-1"]
    world.run_until_blocked()
    assert "Master" not in world.stacks[StackRef(StackKind.DATA, "sa-east-1")].template["Resources"]


FAILED = [
    ("ROLLBACK_COMPLETE", "recover/api/eu-west-1"),
    ("ROLLBACK_FAILED", "recover/api/eu-west-1"),
    ("DELETE_FAILED", "recover/api/eu-west-1"),
    ("UPDATE_ROLLBACK_FAILED", "recover/api/eu-west-1"),
    ("UPDATE_ROLLBACK_COMPLETE", "deploy/api/eu-west-1"),
    ("REVIEW_IN_PROGRESS", "deploy/api/eu-west-1"),
]


@pytest.mark.parametrize(("status", "step"), FAILED, ids=[f[0] for f in FAILED])
def test_a_failed_or_stuck_stack_is_recovered_first(status, step):
    world = World(with_regions(*NAMES[:2]))
    while StackRef(StackKind.DATA, "eu-west-1") not in world.stacks:
        for s in world.plan().waves[0].steps:
            world.apply(s)
        world.now = world.now.replace(hour=world.now.hour + 1)
    ref = StackRef(StackKind.API, "eu-west-1")
    template = None if status == "REVIEW_IN_PROGRESS" else {"Resources": {}}
    world.stacks[ref] = StackState(ref=ref, status=status, changed_at=START, template=template)
    assert step in {s.id for s in world.plan().waves[0].steps}
    world.apply(next(s for s in world.plan().waves[0].steps if s.id == step))
