"""The issuer's keys on their way to the Regions: when they are a change, when they stay, and what is waited for."""

import json
from dataclasses import replace

import pytest

from reconciler.model.change import Origin
from reconciler.model.client_keys import fitting
from reconciler.model.issuer import PublicKey, shipped
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import ClientAuth, Region, Topology
from reconciler.report.github.comment import whole
from reconciler.report.plan import plan_json
from reconciler.report.plan_text import plan_text
from tests.fakes.topologies import NAMES, cidr, with_regions
from tests.fakes.world import World

ISSUER = "https://login.example.com/"
OLD, NEW = (PublicKey(kid=kid, n=kid * 342, e="AQAB") for kid in ("a", "b"))
SILENT = Unknown("Unreachable", "no answer within 5 seconds")


def with_tokens(topology: Topology, issuer: str = ISSUER) -> Topology:
    client = ClientAuth(mode="jwt", issuer=issuer, audience="orders")
    return replace(topology, api=replace(topology.api, client=client))


def joined_by(topology: Topology, region: str) -> Topology:
    return replace(topology, regions=(*topology.regions, Region(name=region, cidr=cidr(region))))


@pytest.fixture
def world() -> World:
    """Two Regions that serve with the old key."""
    world = World(with_tokens(with_regions(*NAMES[:2])))
    world.issuer_keys = (OLD,)
    world.run()
    return world


def live(world: World) -> dict[str, str | None]:
    return {
        ref.region: state.parameters.get("ClientKeys")
        for ref, state in world.stacks.items()
        if ref.kind is StackKind.API
    }


def waiting(world: World) -> list[str]:
    return [g.detail for g in world.plan().waves[0].waiting_for if g.name == "client-keys"]


def test_every_region_gets_what_the_issuer_publishes(world):
    assert live(world) == dict.fromkeys(NAMES[:2], shipped([OLD]))
    assert world.plan().converged
    assert not world.plan().notes


def test_another_key_is_rolled_out_one_region_after_another_the_writer_last(world):
    world.issuer_keys = (OLD, NEW)
    plan = world.plan()
    assert {(c.path, c.origin) for c in plan.changes} == {
        (f"regions/{r}/api/auth/client/keys", Origin.ROLLOUT) for r in NAMES[:2]
    }
    assert [s.id for s in world.run()] == [f"deploy/api/{NAMES[1]}", f"deploy/api/{NAMES[0]}"]
    assert live(world) == dict.fromkeys(NAMES[:2], shipped([OLD, NEW]))
    world.issuer_keys = (NEW,)
    world.run()
    assert live(world) == dict.fromkeys(NAMES[:2], shipped([NEW]))


def test_plans_with_other_keys_under_one_id_have_other_fingerprints(world):
    world.issuer_keys = (OLD, NEW)
    first = world.plan().fingerprint
    world.issuer_keys = (OLD, replace(NEW, n="c" * 342))
    assert world.plan().fingerprint != first


def test_an_issuer_that_cannot_be_read_changes_nothing_and_is_spoken_of(world):
    world.issuer_keys = SILENT
    plan = world.plan()
    assert plan.converged
    assert not plan.changes
    [note] = plan.notes
    assert f"the keys of {ISSUER} cannot be read (Unreachable: no answer" in note
    before = {"type": "ClientKeys", "status": "Unknown", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    world.recorded = {**world.recorded, "conditions": [before]}
    assert "cannot be read since 2026-01-01T00:00:00Z (" in world.plan().notes[0]


def test_a_rollout_that_the_issuer_falls_silent_in_leaves_each_region_what_it_has(world):
    world.issuer_keys = (NEW,)
    world.apply(world.plan().waves[0].steps[0])
    world.issuer_keys = SILENT
    assert not world.plan().changes
    assert set(live(world).values()) == {shipped([OLD]), shipped([NEW])}


def test_other_settings_are_rolled_out_with_the_keys_that_are_live(world):
    world.issuer_keys = SILENT
    world.desired = replace(world.desired, api=replace(world.desired.api, memory_mb=1024))
    assert [s.id for s in world.run()] == [f"deploy/api/{NAMES[1]}", f"deploy/api/{NAMES[0]}"]
    assert live(world) == dict.fromkeys(NAMES[:2], shipped([OLD]))


def test_a_region_that_joins_meanwhile_gets_the_keys_of_the_others(world):
    world.issuer_keys = SILENT
    world.desired = joined_by(world.desired, NAMES[2])
    world.run()
    assert live(world) == dict.fromkeys(NAMES[:3], shipped([OLD]))


def test_nobody_is_deployed_without_a_key(world):
    """The first time, and with another issuer, whose tokens the present keys say nothing about."""
    fresh = World(with_tokens(with_regions(NAMES[0])))
    fresh.issuer_keys = SILENT
    fresh.run_until_blocked()
    assert StackRef(StackKind.DATA, NAMES[0]) in fresh.stacks
    assert StackRef(StackKind.API, NAMES[0]) not in fresh.stacks
    world.issuer_keys = SILENT
    world.desired = with_tokens(world.desired, "https://other.example.com/")
    before = live(world)
    world.run_until_blocked()
    for stopped in (fresh, world):
        [detail] = waiting(stopped)
        assert (
            "no Region has them yet: Unreachable: no answer within 5 seconds; correct spec.api.auth.client.issuer"
            in detail
        )
        assert not stopped.plan().waves[0].steps
    assert live(world) == before
    world.issuer_keys = (NEW,)
    world.run()
    assert live(world) == dict.fromkeys(NAMES[:2], shipped([NEW]))


def test_tokens_may_be_asked_for_later_and_no_more(world):
    world.desired = replace(world.desired, api=replace(world.desired.api, client=ClientAuth()))
    world.issuer_keys = ()
    assert "regions/us-east-1/api/auth/client/mode" in {c.path for c in world.plan().changes}
    world.run()
    assert set(live(world).values()) == {None}
    assert any("public" in note for note in world.plan().notes)
    world.desired = with_tokens(world.desired)
    world.issuer_keys = (NEW,)
    world.run()
    assert set(live(world).values()) == {shipped([NEW])}


def test_a_rollout_that_is_taken_back_gets_the_keys_of_the_issuer_that_its_template_names(world):
    """The new issuer's keys beside the old issuer's name would refuse every token."""
    world.desired = with_tokens(
        replace(world.desired, api=replace(world.desired.api, memory_mb=666)), "https://other.example.com/"
    )
    world.issuer_keys = (NEW,)
    first = world.plan().waves[0].steps[0]
    world.remember(world.plan())
    world.apply(first)
    world.sick, world.sick_since = {first.region}, {first.region: world.now}
    for _ in range(8):
        world.pass_time()
    outcome, _ = world.seen()
    assert outcome.diff.failed_rollout, "the rollout is known to have made its Region sick"
    world.remember(outcome.plan, outcome.diff.failed_rollout)
    _, stacks = world.seen()
    held = {ref.region: s for ref, s in stacks.items() if ref.kind is StackKind.API}
    for region in NAMES[:2]:
        assert held[region].held
        assert held[region].parameters["ClientKeys"] == shipped([OLD])


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ((), "NoKeys"),
        (tuple(PublicKey(kid=f"key-{n}", n="n" * 342, e="AQAB") for n in range(10)), "KeysDoNotFit"),
        ((PublicKey(kid="a", n="n" * 4000, e="AQAB"),), "KeysDoNotFit"),
        (SILENT, "Unreachable"),
    ],
)
def test_keys_that_a_function_cannot_be_given_are_unknown(world, keys, code):
    found = fitting(world.desired, keys)
    assert isinstance(found, Unknown)
    assert found.code == code


def test_as_many_keys_as_large_issuers_publish_fit(world):
    keys = tuple(PublicKey(kid="k" * 27 + str(n), n="n" * 342, e="AQAB") for n in range(7))
    assert fitting(world.desired, keys) == keys


@pytest.mark.parametrize(
    "form", [plan_text, lambda outcome: whole(outcome, None), lambda outcome: json.dumps(plan_json(outcome))]
)
def test_every_form_of_a_plan_says_that_the_api_is_public_and_no_more_once_it_is_not(world, form):
    says = "the API is public, anybody may call it"
    public = World(with_regions(*NAMES[:2]))
    assert says in form(public.seen()[0]), "from nothing"
    public.run()
    assert public.plan().converged
    assert says in form(public.seen()[0]), "with nothing to do"
    assert says not in form(world.seen()[0])


def test_a_change_of_keys_is_read_by_their_ids(world):
    world.issuer_keys = (OLD, NEW)
    assert "api/auth/client/keys" in plan_text(world.seen()[0])
    change, _ = plan_json(world.seen()[0])["changes"]
    assert [key.split()[0] for key in change["desired"]] == ["a", "b"]
    assert [key.split()[0] for key in change["applied"]] == ["a"]
