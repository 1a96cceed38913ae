"""Each invariant with moments that break it and moments, close by, that do not."""

from dataclasses import replace

import pytest

from reconciler.model.plan import Goal
from reconciler.plan.effects import done, half
from reconciler.plan.picture import Place
from reconciler.plan.rules import INVARIANTS, moment, violations
from tests.fakes.pictures import out_of_traffic, pictured, place, step
from tests.fakes.topologies import with_regions

US, EU, AP, SA = "us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"
THREE = pictured(place(US, master=True), place(EU), place(AP))
GONE = out_of_traffic(AP, wanted=False)
"""A Region that has left the document and is drained."""
BARE = replace(GONE, records="none", api="absent", linked=False, healthy=False)
"""Its API is gone, nothing reaches its cluster any more."""
APART = replace(BARE, data="apart", connected=False)


def world(*places, **changes):
    return replace(THREE.put(*places), **changes)


def judge(before, what, *, effect=done, out=(), goal=Goal.CONVERGE, **changes):
    topology = with_regions(US, EU, AP)
    safety = {k: v for k, v in changes.items() if k in {"min_serving", "max_concurrent_regions"}}
    policy = {k: v for k, v in changes.items() if k == "deletion_policy"}
    topology = replace(
        topology, safety=replace(topology.safety, **safety), database=replace(topology.database, **policy)
    )
    one = step(what, **{k: v for k, v in changes.items() if k in {"removes", "begun"}})
    seen = moment(topology, before, one, effect(before, one), out=frozenset(out), goal=goal)
    return {v.split()[0]: v for v in violations(seen)}


def snapshot_lost(picture, _step):
    """An effect that lies: the data goes without a snapshot."""
    return picture.put(replace(picture.at(AP), data="absent", snapshot=False))


ALONE = world(out_of_traffic(EU), out_of_traffic(AP))
"""Only us-east-1 serves."""
UPGRADE = {"engine": "16.9"}
WRITES_AP = {"writer": AP}
DESTROY = {"goal": Goal.DESTROY}
LED_NOWHERE = {"edge": False}
STRANGER = Place(region=SA)

BROKEN = [
    ("I1", ALONE, f"close-gate/{US}", {}),
    ("I1", THREE, f"close-gate/{US}", {"min_serving": 3}),
    ("I1", world(place(EU, healthy=False), out_of_traffic(AP)), f"close-gate/{US}", {}),
    ("I1", ALONE, f"delete/api/{US}", {"effect": half}),
    (
        "I1",
        world(out_of_traffic(US), out_of_traffic(EU), out_of_traffic(AP), edge=False, served=False),
        "deploy/edge",
        {},
    ),
    ("I1", ALONE, f"close-gate/{US}", DESTROY),
    ("I2", world(replace(GONE, echo=True, records="none")), f"delete/api/{AP}", {}),
    ("I2", world(GONE), f"delete/api/{AP}", {"effect": half}),
    ("I2", world(replace(STRANGER, gate="closed")), "deploy/routing", {}),
    ("I3", world(out_of_traffic(AP, records="none")), f"open-gate/{AP}", {}),
    ("I3", THREE, f"unroute/{AP}", {"effect": half}),
    ("I4", world(place(US, wanted=False)), f"close-gate/{US}", {}),
    ("I4", world(BARE, **WRITES_AP), f"detach/{AP}", {}),
    ("I4", world(APART, **WRITES_AP), f"delete/data/{AP}", {}),
    ("I4", world(GONE, **WRITES_AP), f"delete/api/{AP}", {}),
    ("I5", replace(THREE, moving=True), f"deploy/data/{EU}", {}),
    ("I5", replace(THREE, moving=True), f"recover/data/{EU}", {}),
    ("I5", replace(THREE, writer=None), f"switchover/{EU}", {}),
    ("I5", replace(THREE, blind=frozenset({"database"})), f"detach/{EU}", {}),
    ("I5", world(place(US, connected=False), STRANGER), f"deploy/data/{SA}", {}),
    ("I5", pictured(STRANGER, writer=None, global_cluster=False), f"deploy/data/{SA}", {}),
    ("I6", world(place(AP, connected=False)), f"switchover/{EU}", {}),
    ("I6", world(place(US, available=False)), f"switchover/{EU}", {}),
    ("I6", world(place(AP, version="16.9")), f"switchover/{EU}", {}),
    ("I6", world(place(EU, near=False)), f"switchover/{EU}", {}),
    ("I6", THREE, f"switchover/{SA}", {}),
    ("I6", replace(THREE, **UPGRADE), f"deploy/data/{US}", {}),
    ("I6", replace(THREE, **UPGRADE), "deploy/global", {}),
    ("I7", world(replace(BARE, linked=True)), f"detach/{AP}", {}),
    ("I7", world(replace(BARE, api="broken")), f"detach/{AP}", {}),
    ("I7", world(replace(BARE, gate="open")), f"detach/{AP}", {}),
    ("I7", world(BARE), f"delete/data/{AP}", {}),
    ("I7", world(replace(BARE, data="parting")), f"delete/data/{AP}", {}),
    ("I8", world(replace(GONE, drained=False)), f"unroute/{AP}", {}),
    ("I8", world(replace(GONE, quiet=False)), f"unroute/{AP}", {}),
    ("I8", world(replace(GONE, gate="open", records="none")), f"delete/api/{AP}", {}),
    ("I8", THREE, "delete/routing", {}),
    ("I8", world(BARE), f"delete-gate/{AP}", {}),
    ("I8", world(replace(GONE, data="absent", api="absent")), f"delete-gate/{AP}", {}),
    ("I9", THREE, "delete/edge", {}),
    ("I10", ALONE.put(BARE, replace(BARE, region=EU)), f"unroute/{US}", {}),
    ("I11", world(GONE), f"delete/api/{AP}", {}),
    ("I12", THREE, "delete-version/7", {}),
    ("I12", THREE, "delete-version/arn:aws:lambda:us-east-1:111111111111:function:router:7", {}),
    ("I13", replace(THREE, global_stack=False), f"deploy/api/{EU}", {}),
    ("I13", replace(THREE, edge=False), "delete/global", DESTROY),
    ("I13", world(place(US), replace(BARE, master=True)), f"detach/{AP}", {}),
    ("I13", world(place(US), replace(APART, master=True)), f"delete/data/{AP}", {}),
    ("I14", world(APART), f"deploy/data/{AP}", {}),
    ("I14", world(BARE), f"delete/data/{AP}", {}),
    ("I14", THREE, "delete-global-cluster/us-east-1", DESTROY),
    ("I14", THREE, "deploy/routing", {"removes": frozenset({"RouteEuWest1"})}),
    ("I14", world(GONE), f"unroute/{AP}", {"removes": frozenset({"RouteApNortheast1", "RouteEuWest1"})}),
    ("I15", world(place(US, fresh=True)), f"deploy/api/{EU}", {}),
    ("I15", world(place(US, fresh=True)), f"repair/data/{EU}", {}),
    ("I15", world(STRANGER), f"deploy/api/{SA}", {}),
    *[
        ("I15", world(out_of_traffic(AP, **{name: value})), f"open-gate/{AP}", {})
        for name, value in [
            ("healthy", False),
            ("api", "stuck"),
            ("available", False),
            ("connected", False),
            ("near", False),
        ]
    ],
    ("I16", THREE, f"close-gate/{AP}", {"out": {EU}}),
    ("I16", THREE, f"close-gate/{AP}", {"out": {EU, US}, "max_concurrent_regions": 2}),
    ("I17", world(place(US, unknown=True)), f"switchover/{EU}", {}),
    ("I17", world(place(US, data="broken")), f"switchover/{EU}", {}),
    ("I18", world(place(AP, gate="unknown")), f"close-gate/{AP}", {}),
    ("I18", THREE, f"open-gate/{SA}", {}),
    ("I18", THREE, f"create-gate/{AP}", {}),
    ("I19", world(out_of_traffic(AP, records="none", api="absent", linked=False)), f"detach/{AP}", {}),
    ("I19", world(replace(APART, data="member")), f"delete/data/{AP}", {**DESTROY, "deletion_policy": "retain"}),
    ("I19", world(APART), f"delete/data/{AP}", {"effect": snapshot_lost}),
    ("I19", world(replace(BARE, data="broken")), f"recover/data/{AP}", {}),
    ("I20", replace(THREE, blind=frozenset({"dns"})), f"close-gate/{AP}", {}),
    ("I20", replace(THREE, blind=frozenset({"dns"})), "deploy/routing", {}),
    ("I20", replace(THREE, blind=frozenset({"edge"})), "deploy/edge", {}),
    ("I20", world(place(AP, unknown=True)), f"deploy/data/{AP}", {}),
    ("I21", replace(THREE, schema="behind"), f"migrate/{EU}", {}),
    ("I21", world(place(US, api="broken"), schema="out of reach"), f"migrate/{US}", {}),
    ("I21", replace(THREE, schema="behind"), f"deploy/api/{EU}", {}),
    ("I21", world(out_of_traffic(AP), schema="behind"), f"open-gate/{AP}", {}),
    ("I21", world(out_of_traffic(AP), schema="out of reach"), f"open-gate/{AP}", {}),
    ("I5", replace(THREE, schema="behind", moving=True), f"migrate/{US}", {}),
]

HELD = [
    (THREE, f"close-gate/{US}", {}),  # the writer may be drained for a while
    (
        world(place(EU, healthy=False), place(AP, healthy=False)),
        f"close-gate/{AP}",
        {},
    ),  # who does not serve takes nothing away
    (ALONE, f"deploy/api/{US}", {"effect": half}),  # a stack that stands still answers
    (replace(ALONE, edge=False), f"close-gate/{US}", DESTROY),
    (world(GONE), f"unroute/{AP}", {}),
    (world(replace(GONE, records="none")), f"delete/api/{AP}", {}),
    (world(BARE), f"detach/{AP}", {}),
    (world(APART), f"delete/data/{AP}", {}),
    (world(replace(APART, wanted=True)), f"delete/data/{AP}", {}),  # half removed, and wanted again
    (world(replace(BARE, data="absent")), f"delete-gate/{AP}", {}),
    (THREE, f"switchover/{EU}", {}),
    (world(place(AP, connected=False)), f"switchover/{US}", {}),  # it is there already
    (replace(THREE, moving=True, writer=EU), f"switchover/{EU}", {"begun": True}),
    (replace(THREE, moving=True), f"deploy/api/{EU}", {}),
    (replace(THREE, **UPGRADE), f"deploy/data/{EU}", {}),
    (world(place(EU, version="16.9"), place(AP, version="16.9"), **UPGRADE), f"deploy/data/{US}", {}),
    (world(STRANGER), f"deploy/data/{SA}", {}),
    (pictured(STRANGER, writer=None, served=False, edge=False), f"deploy/data/{SA}", {}),
    (THREE, "delete-version/6", {}),
    (THREE, "deploy/edge", {}),
    (world(out_of_traffic(AP)), f"open-gate/{AP}", {}),
    (world(place(US, fresh=True)), f"deploy/api/{EU}", {"max_concurrent_regions": 2}),
    (world(place(US, fresh=True), out_of_traffic(EU)), f"deploy/api/{EU}", {}),  # it serves nobody
    (THREE, f"close-gate/{AP}", {"out": {EU}, "max_concurrent_regions": 2}),
    (world(out_of_traffic(AP)), f"close-gate/{AP}", {"out": {EU}}),  # it was out already
    (THREE, "delete/edge", DESTROY),
    (replace(THREE, **LED_NOWHERE), "delete/routing", DESTROY),
    (
        world(replace(BARE, gate="open", master=True), **LED_NOWHERE),
        f"detach/{AP}",
        {**DESTROY, "deletion_policy": "snapshot"},
    ),
    (world(replace(BARE, wanted=True), **LED_NOWHERE), f"delete-gate/{AP}", {**DESTROY, "deletion_policy": "retain"}),
    (world(place(AP, unknown=True)), f"deploy/data/{EU}", {}),
    (replace(THREE, blind=frozenset({"dns"})), f"deploy/data/{EU}", {}),
]


@pytest.mark.parametrize(
    ("number", "before", "what", "changes"), BROKEN, ids=[f"{b[0]}-{b[2]}-{i}" for i, b in enumerate(BROKEN)]
)
def test_it_is_broken(number, before, what, changes):
    found = judge(before, what, **changes)
    assert number in found
    assert step(what).id in found[number]


@pytest.mark.parametrize(("before", "what", "changes"), HELD, ids=[f"{h[1]}-{i}" for i, h in enumerate(HELD)])
def test_it_is_not_broken(before, what, changes):
    assert not judge(before, what, **changes)


def test_there_are_twenty_one_each_with_its_number_its_reason_and_a_moment_that_breaks_it():
    numbers = [i.name.split()[0] for i in INVARIANTS]
    assert numbers == [f"I{n}" for n in range(1, 22)]
    assert {b[0] for b in BROKEN} == set(numbers)
    assert all(i.broken.__doc__ for i in INVARIANTS)


def test_what_was_wrong_before_is_not_the_steps_doing():
    incident = world(place(EU, records="some"), place(AP, healthy=False), place(US, healthy=False))
    assert not judge(incident, f"deploy/data/{US}")


def test_what_has_begun_is_judged_by_what_it_leaves():
    assert set(judge(world(BARE), f"delete/data/{AP}", begun=True)) == {"I14"}
