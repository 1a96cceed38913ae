"""Approvals of plans with hazards: who asks for one, what counts as one, what it covers, and until when."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.approval import Approval
from reconciler.model.motion import Motion
from reconciler.model.observed import Unknown
from reconciler.model.plan import Goal
from reconciler.model.topology import Allow, Window
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

US, EU, AP = NAMES[:3]
DAY = timedelta(days=1)
SHUT = Window(cron="0 3 * * SUN", duration=timedelta(hours=1), time_zone="UTC")
REASON = "approved in a test"


def careful(topology, **safety):
    return replace(topology, safety=replace(topology.safety, approval="hazards", **safety))


def upgraded(topology):
    return replace(topology, database=replace(topology.database, version="16.9"))


WRITER_MOVES, REGION_LEAVES = with_regions(US, EU, AP, writer=EU), with_regions(US, EU)
UPGRADE = upgraded(with_regions(US, EU, AP))
HAZARDOUS = {"write-interruption": WRITER_MOVES, "data-deletion": REGION_LEAVES, "database-restart": UPGRADE}


@pytest.fixture
def world() -> World:
    world = World(with_regions(US, EU, AP))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def approval(world: World, fingerprint: str = "", **fields) -> Approval:
    found = Approval(
        fingerprint=fingerprint or world.plan().fingerprint,
        by="arn:ann",
        at=world.now.isoformat(),
        expires=world.now + DAY,
        reason=REASON,
    )
    return replace(found, **fields)


def codes(world: World) -> list[str]:
    return [r.code for r in world.plan().refusals]


def carried_out(world: World, steps: int) -> list[str]:
    """So many steps, one to a pass, each by a pass that knows nothing but what was written down."""
    done: list[str] = []
    for _ in range(400):
        plan = world.plan()
        if plan.refusals or not plan.waves or len(done) >= steps:
            break
        world.remember(plan)
        for step in plan.waves[0].steps[:1]:
            world.apply(step)
            done.append(step.id)
        world.pass_time()
    return done


# ---- who asks ----


@pytest.mark.parametrize("hazard", HAZARDOUS)
def test_a_plan_with_a_hazard_is_refused_until_it_is_approved(world, hazard):
    world.desired = HAZARDOUS[hazard]
    assert not codes(world)
    assert world.plan().unapproved == ()
    without = world.plan().fingerprint
    world.desired = careful(world.desired)
    plan = world.plan()
    assert ([r.code for r in plan.refusals], plan.waves) == (["ApprovalRequired"], ())
    assert plan.unapproved == (hazard,)
    assert plan.fingerprint == without, "whether one has to ask is no part of what is done"
    world.approval = approval(world)
    assert not codes(world)
    assert world.plan().unapproved == ()


def test_a_plan_without_a_hazard_asks_nobody(world):
    world.desired = careful(replace(world.desired, api=replace(world.desired.api, memory_mb=1024)))
    assert not codes(world)


def test_who_destroys_has_confirmed_it(world):
    world.desired = careful(
        replace(world.desired, database=replace(world.desired.database, deletion_policy="snapshot"))
    )
    world.goal = Goal.DESTROY
    plan = world.plan()
    assert "data-deletion" in {h for s in plan.steps for h in s.hazards}
    assert not plan.refusals


def test_the_refusal_says_how_to_approve_in_a_line_each(world):
    world.desired = careful(WRITER_MOVES)
    plan = world.plan()
    (refusal,) = plan.refusals
    assert refusal.path == "spec.safety.approval"
    f, document = plan.fingerprint, "desired_state/orders.yaml"
    assert refusal.message.splitlines() == [
        f"switchover/{EU} carries write-interruption, and nobody has approved this plan; any of these approves this very plan:",
        f"meridian approve orders --fingerprint {f} --reason TEXT",
        f"safety.allow: [{{hazard: write-interruption, fingerprint: {f}, expires: …}}]",
        f"meridian converge {document} --plan FILE, with the FILE that `meridian plan {document} --out FILE` wrote",
    ]


# ---- what counts ----


def of_another(world):
    return {"approval": approval(world, "sha256:" + "0" * 64)}


def expired(world):
    return {"approval": approval(world, expires=world.now)}


def revoked(world):
    return {"approval": approval(world, revoked="arn:bob")}


def unreadable(_world):
    return {"approval": Unknown("AccessDenied", "dynamodb:GetItem")}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (of_another, "the approval by arn:ann is of another plan, sha256:000"),
        (expired, "by arn:ann expired at 2026-"),
        (revoked, "was revoked by arn:bob"),
        (unreadable, "whether somebody approved this plan cannot be read (AccessDenied"),
    ],
)
def test_what_is_no_approval_of_this_plan_is_said_to_be_none(world, given, words):
    world.desired = careful(WRITER_MOVES)
    for name, value in given(world).items():
        setattr(world, name, value)
    (refusal,) = world.plan().refusals
    assert words in refusal.message


def entry(world, hazard="write-interruption", **fields):
    allow = Allow(hazard=hazard, region=None, fingerprint=world.plan().fingerprint, expires=world.now + DAY)
    return replace(allow, **fields)


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({}, False),
        ({"region": EU}, False),
        ({"region": US}, True),
        ({"hazard": "data-deletion"}, True),
        ({"fingerprint": "sha256:" + "0" * 64}, True),
        ({"expires": None}, True),
    ],
    ids=str,
)
def test_an_entry_of_the_document_approves_its_hazard_in_this_plan(world, fields, refused):
    world.desired = careful(WRITER_MOVES)
    fields = {"expires": world.now} if "expires" in fields else fields
    world.desired = careful(WRITER_MOVES, allow=(entry(world, **fields),))
    assert codes(world) == (["ApprovalRequired"] if refused else [])
    if not refused:
        carried_out(world, 400)
        assert world.writer == EU, "it goes on though the fingerprint of the rest is another one"


def test_each_hazard_needs_an_entry_of_its_own(world):
    both = replace(REGION_LEAVES, database=replace(REGION_LEAVES.database, writer=EU))
    world.desired = careful(both)
    one = entry(world)
    world.desired = careful(both, allow=(one,))
    assert world.plan().unapproved == ("data-deletion",)
    world.desired = careful(both, allow=(one, replace(one, hazard="data-deletion")))
    assert not codes(world)


def test_an_approval_opens_no_window_and_an_entry_does(world):
    shut = careful(WRITER_MOVES, windows=(SHUT,))
    world.desired = shut
    assert codes(world) == ["ApprovalRequired", "WindowClosed"]
    world.approval = approval(world)
    assert codes(world) == ["WindowClosed"]
    world.approval = None
    world.desired = replace(shut, safety=replace(shut.safety, allow=(entry(world),)))
    assert not codes(world)


def test_what_is_allowed_by_name_alone_is_not_let_pass_by_an_approval(world):
    world.desired = careful(with_regions(US))
    world.approval = approval(world)
    assert codes(world) == ["BlastRadius"]


# ---- how far it reaches ----


@pytest.mark.parametrize("hazard", HAZARDOUS)
@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_an_approval_carries_its_plan_to_the_end_whoever_dies_after_so_many_steps(world, hazard, after):
    """And whatever becomes of it meanwhile: it is over, or somebody approved another plan."""
    world.desired = careful(HAZARDOUS[hazard])
    world.approval = approval(world)
    carried_out(world, after)
    if after:
        world.approval = of_another(world)["approval"]
        world.now += 2 * DAY
    carried_out(world, 400)
    assert not world.plan().refusals
    assert not world.plan().waves


@pytest.mark.parametrize("hazard", HAZARDOUS)
def test_no_step_with_a_hazard_is_done_that_the_approved_plan_did_not_hold(world, hazard):
    world.desired = careful(HAZARDOUS[hazard])
    world.approval = approval(world)
    whole = {s.id for s in world.plan().steps if s.hazards}
    for n in range(30):
        assert {s.id for s in world.plan().steps if s.hazards} <= whole, n
        carried_out(world, 1)


MOVING_AND_MORE = replace(WRITER_MOVES, api=replace(WRITER_MOVES.api, memory_mb=1024))
OTHERS = {
    "another setting": replace(WRITER_MOVES, api=replace(WRITER_MOVES.api, memory_mb=2048)),
    "another writer": replace(MOVING_AND_MORE, database=replace(MOVING_AND_MORE.database, writer=AP)),
    "a Region drained": replace(MOVING_AND_MORE, regions=with_regions(US, EU, AP, drained=(AP,)).regions),
    "a Region less": replace(MOVING_AND_MORE, regions=REGION_LEAVES.regions),
    "an upgrade": upgraded(replace(MOVING_AND_MORE, database=replace(MOVING_AND_MORE.database, writer=US))),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_a_later_commit_asks_for_is_not_covered(world, other):
    """Half-way through: Regions change one after another, and the writer is still to move."""
    world.desired = careful(MOVING_AND_MORE)
    world.approval = approval(world)
    assert carried_out(world, 1)[0].startswith("deploy/api/")
    assert not codes(world)
    world.desired = careful(OTHERS[other])
    assert codes(world) == ["ApprovalRequired"]


def test_what_does_not_change_the_plan_does_not_end_the_approval(world):
    world.desired = careful(WRITER_MOVES)
    world.approval = approval(world)
    world.remember(world.plan())
    world.approval = None
    world.desired = careful(WRITER_MOVES, soak_seconds=300, windows=())
    assert not codes(world)


def test_there_and_back_and_there_again_are_three_plans(world):
    home = with_regions(US, EU, AP)
    for there in (WRITER_MOVES, home, WRITER_MOVES):
        world.desired = careful(there)
        assert codes(world) == ["ApprovalRequired"], there.database.writer
        world.approval = approval(world)
        for _ in range(40):  # until the writer is there, not until all is at rest
            if world.writer == there.database.writer:
                break
            carried_out(world, 1)
        world.pass_time(timedelta(minutes=5))
        world.recorded = {
            "motion": Motion.recorded(world.recorded).sees_writer(world.observed(), world.writer).document()
        }
    assert world.writer == EU


def test_taken_back_it_ends_what_goes_on_by_it(world):
    world.desired = careful(REGION_LEAVES)
    world.approval = approval(world)
    carried_out(world, 2)
    assert not codes(world)
    world.approval = replace(world.approval, revoked="arn:bob")
    assert codes(world) == ["ApprovalRequired"]


def test_who_takes_back_the_last_approval_takes_back_all_that_it_covered(world):
    world.desired = careful(REGION_LEAVES)
    world.approval = approval(world)
    carried_out(world, 1)
    world.approval = approval(world)  # of the rest
    carried_out(world, 1)
    assert not codes(world)
    world.approval = replace(world.approval, revoked="arn:bob")
    assert codes(world) == ["ApprovalRequired"]


def test_a_plan_that_was_taken_back_is_not_let_pass_by_an_entry_of_the_document(world):
    world.desired = careful(WRITER_MOVES)
    world.desired = careful(WRITER_MOVES, allow=(entry(world),))
    world.approval = approval(world, revoked="arn:bob")
    assert codes(world) == ["ApprovalRequired"]
    world.approval = replace(world.approval, fingerprint="sha256:" + "0" * 64)
    assert not codes(world), "another plan was"


def test_while_nobody_can_say_that_it_was_not_taken_back_nothing_goes_on(world):
    world.desired = careful(REGION_LEAVES)
    world.approval = approval(world)
    carried_out(world, 2)
    world.approval = Unknown("Throttled", "dynamodb:GetItem")
    assert codes(world) == ["ApprovalRequired"]


def at_rest_but_for_the_remains(world: World) -> None:
    world.desired = careful(REGION_LEAVES)
    world.approval = approval(world)
    while not world.plan().converged:
        carried_out(world, 1)
    plan = world.plan()
    assert "data-deletion" in {h for s in plan.steps for h in s.hazards}
    motion = Motion.recorded(world.recorded).converged(world.desired, world.gates, plan)
    world.recorded = {"motion": motion.document()}
    world.approval = None


def test_what_is_left_aside_goes_on_under_later_commits(world):
    at_rest_but_for_the_remains(world)
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=1024))
    assert not codes(world)
    done = carried_out(world, 400)
    assert f"delete/data/{AP}" in done
    assert not world.plan().waves


def test_a_region_that_is_wanted_back_is_asked_about_anew(world):
    at_rest_but_for_the_remains(world)
    assert carried_out(world, 1) == [f"detach/{AP}"]
    world.desired = careful(with_regions(US, EU, AP))
    assert codes(world) == ["ApprovalRequired"], "its old copy goes before it joins"


def test_left_aside_without_an_approval_it_waits_and_the_topology_stays_ready(world):
    at_rest_but_for_the_remains(world)
    world.recorded = remembered(world.desired, world.gates)
    plan = world.plan()
    assert plan.converged
    assert plan.unapproved == ("data-deletion",)
    assert not plan.current
    names = [g.name for w in plan.tombstones for g in w.waiting_for]
    assert "approval" in names
    world.approval = approval(world)
    assert "approval" not in [g.name for w in world.plan().tombstones for g in w.waiting_for]
