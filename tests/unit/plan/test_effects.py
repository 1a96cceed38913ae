"""What steps do to the world, whole, half and not at all; and what a met gate says of it."""

from dataclasses import fields, replace
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.plan.effects import done, failed, half, passed
from reconciler.plan.picture import Picture, Place
from tests.fakes.pictures import gate, out_of_traffic, pictured, place, step

US, EU, SA = "us-east-1", "eu-west-1", "sa-east-1"
REGIONAL = (
    *(f"{verb}/{kind}/{EU}" for verb in ("deploy", "repair", "recover", "delete") for kind in ("data", "api")),
    *(f"{verb}-gate/{EU}" for verb in ("create", "open", "close", "mend", "delete")),
    f"switchover/{EU}",
    f"unroute/{EU}",
    f"detach/{EU}",
)
WHOLE = ("deploy/global", "deploy/routing", "deploy/edge", "delete/global", "delete/routing", "delete/edge")
ALL = (*REGIONAL, *WHOLE, "deploy/foundation/eu-west-1", "delete-global-cluster/us-east-1", "delete-version/7")
OUTCOMES = (done, failed, half)


def values(hint):
    """Every value that a field of a place may have; of strings, two versions."""
    return st.sampled_from(get_args(hint)) if get_args(hint) else st.booleans() if hint is bool else st.just("16.8")


hints = get_type_hints(Place)
places = {
    r: st.builds(Place, region=st.just(r), **{f.name: values(hints[f.name]) for f in fields(Place)[1:]})
    for r in (US, EU)
}
pictures = st.builds(
    Picture,
    places=st.fixed_dictionaries(places),
    writer=st.sampled_from([None, US, EU]),
    engine=st.sampled_from(["16.8", "16.10"]),
    versions=st.sampled_from([frozenset(), frozenset({"7"})]),
    **{n: st.booleans() for n in ("moving", "global_stack", "global_cluster", "edge", "served")},
)


@given(pictures, st.sampled_from(ALL), st.sampled_from(OUTCOMES))
@settings(deadline=None, max_examples=120)
def test_a_step_has_its_effect_once(before, what, outcome):
    once = outcome(before, step(what))
    assert outcome(once, step(what)) == once


@given(pictures, st.sampled_from(REGIONAL), st.sampled_from(OUTCOMES))
@settings(deadline=None, max_examples=100)
def test_a_step_of_one_region_leaves_the_others_as_they_are(before, what, outcome):
    assert outcome(before, step(what)).at(US) is before.at(US)


@given(pictures, st.sampled_from([what for what in ALL if not what.startswith("delete/api/")]))
@settings(deadline=None, max_examples=100)
def test_who_serves_serves_on_when_a_step_fails(before, what):
    """But for an API whose deletion got stuck: nobody is sent there by then (I8)."""
    assert [p.serves for p in failed(before, step(what)).places.values()] == [p.serves for p in before.places.values()]


NOTHING = Picture(places={US: Place(region=US), EU: Place(region=EU)}, engine="16.8")


def test_the_first_cluster_founds_and_writes_and_the_next_one_joins():
    founded = done(NOTHING, step(f"deploy/data/{US}"))
    assert (founded.writer, founded.at(US).master, founded.at(US).at_rest) == (US, True, False)
    joined = done(founded, step(f"deploy/data/{EU}"))
    assert (joined.writer, joined.at(EU).data, joined.at(EU).master, joined.at(EU).near) == (US, "member", False, False)
    rests = passed(
        joined, [gate(f"database-available/{EU}"), gate(f"replica-connected/{EU}"), gate(f"replica-lag/{EU}")]
    )
    assert rests.at(EU).at_rest
    assert rests.at(EU).near


def test_a_region_serves_only_once_its_gate_is_open_its_records_are_there_and_its_probe_is_healthy():
    world = pictured(place(US), Place(region=SA))
    for what in (f"deploy/data/{SA}", f"deploy/api/{SA}", f"create-gate/{SA}", "deploy/routing", f"open-gate/{SA}"):
        world = done(world, step(what))
        assert not world.at(SA).serves
    assert passed(world, [gate(f"probe-healthy/{SA}")]).at(SA).serves


def test_records_wait_until_every_wanted_region_has_a_gate():
    world = pictured(place(US), Place(region=SA))
    assert done(world, step("deploy/routing")) is world


def test_an_update_keeps_what_serves_serving_and_a_half_one_too():
    world = pictured(place(US), place(EU))
    updated, stuck = (outcome(world, step(f"deploy/api/{EU}")) for outcome in (done, half))
    assert updated.at(EU).serves
    assert updated.at(EU).fresh
    assert (stuck.at(EU).serves, stuck.at(EU).api) == (True, "stuck")
    assert done(stuck, step(f"recover/api/{EU}")).at(EU).api == "up"


def test_a_creation_that_fails_leaves_a_shell_and_half_a_creation_a_wreck():
    for outcome, data, api in ((failed, "shell", "broken"), (half, "broken", "broken")):
        world = pictured(place(US), Place(region=SA))
        assert outcome(world, step(f"deploy/data/{SA}")).at(SA).data == data
        assert outcome(world, step(f"deploy/api/{SA}")).at(SA).api == api


def test_the_writer_moves_and_moving_ends_with_its_gate():
    world = pictured(place(US), place(EU))
    assert (half(world, step(f"switchover/{EU}")).writer, half(world, step(f"switchover/{EU}")).moving) == (US, True)
    moved = done(world, step(f"switchover/{EU}"))
    assert (moved.writer, moved.moving) == (EU, True)
    assert not passed(moved, [gate("one-writer")]).moving


def test_the_writers_stack_inherits_where_nobody_who_stays_holds_the_master():
    world = pictured(place(US, wanted=False, master=True), place(EU), writer=EU)
    assert done(world, step(f"deploy/data/{EU}")).at(EU).master
    assert not done(world.put(place(US, master=True)), step(f"deploy/data/{EU}")).at(EU).master


def test_an_upgrade_never_goes_back():
    world = pictured(place(US, version="16.10"), place(EU, version="16.9"), engine="16.9")
    assert done(world, step(f"deploy/data/{US}")).at(US).version == "16.10"


def test_a_cluster_that_leaves_parts_stands_apart_and_leaves_a_snapshot():
    world = pictured(place(US), out_of_traffic(EU, api="absent", linked=False))
    parting = done(world, step(f"detach/{EU}"))
    assert (parting.at(EU).data, parting.at(EU).available) == ("parting", False)
    assert half(world, step(f"detach/{EU}")).at(EU).data == "apart"
    apart = passed(parting, [gate(f"member-gone/{EU}")])
    assert (apart.at(EU).data, apart.at(EU).available) == ("apart", True)
    gone = done(apart, step(f"delete/data/{EU}"))
    assert (gone.at(EU).data, gone.at(EU).snapshot) == ("absent", True)


def test_functions_reach_the_database_until_lambda_has_let_go():
    world = pictured(place(US), out_of_traffic(EU))
    assert passed(world, [gate(f"interfaces/{EU}")]).at(EU).linked, "the API is still there"
    gone = done(world, step(f"delete/api/{EU}"))
    assert gone.at(EU).linked
    assert not passed(gone, [gate(f"interfaces/{EU}")]).at(EU).linked


def test_opening_undoes_a_drain_and_a_closed_gate_waits_for_it_anew():
    world = done(pictured(place(US), out_of_traffic(EU)), step(f"open-gate/{EU}"))
    closed = done(world, step(f"close-gate/{EU}"))
    assert (closed.at(EU).gate, closed.at(EU).drained, closed.at(EU).quiet) == ("closed", False, False)
    assert passed(world, [gate(f"drained/{EU}")]) == world, "an open gate drains nobody"
    assert passed(closed, [gate(f"drained/{EU}"), gate(f"quiet/{EU}")]) == pictured(place(US), out_of_traffic(EU))


@pytest.mark.parametrize("what", ["unroute/eu-west-1", "delete/routing"])
def test_old_answers_outlive_the_records(what):
    world = pictured(place(US), out_of_traffic(EU))
    assert half(world, step(what)).at(EU).records == "some"
    gone = done(world, step(what)).at(EU)
    assert (gone.records, gone.echo) == ("none", True)
    assert not passed(done(world, step(what)), [gate("dns")]).at(EU).echo


def test_gates_that_speak_of_all_members():
    world = pictured(place(US, version="16.9"), place(EU, available=False, connected=False))
    rest = passed(world, [gate("members-at-rest"), gate("versions-equal"), gate("master-kept")])
    assert rest == pictured(place(US, version="16.9", master=True), place(EU, version="16.9"))
    assert passed(world, [gate("window"), gate("settled/eu-west-1")]) is world


def test_what_exists_once():
    world = pictured(place(US))
    assert done(world, step("delete-version/7")).versions == frozenset()
    assert done(done(world, step("delete/global")), step("delete-global-cluster/us-east-1")) == replace(
        world, global_stack=False, global_cluster=False
    )
    assert half(world, step("delete/edge")).edge is False
