"""Plans by hand: good ones pass; of every gate and step left out, swapped or put together, an invariant tells.

Each bug stands beside the invariant that catches it. `None`: leaving it out does no harm by itself, and the test says so.
"""

from dataclasses import replace

import pytest

from reconciler.model.plan import Goal
from reconciler.plan.picture import Place
from reconciler.plan.verify import verify
from tests.fakes.pictures import out_of_traffic, pictured, place, wave
from tests.fakes.topologies import with_regions

US, EU, AP, SA = "us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"

REMOVAL = {
    "may move": wave("", f"one-writer members-at-rest versions-equal replica-lag/{EU}"),
    "switchover": wave(f"switchover/{EU}", "one-writer members-at-rest"),
    "heir": wave(f"deploy/data/{EU}", f"database-available/{EU} soak/{EU}"),
    "close": wave(f"close-gate/{US}", f"drained/{US} quiet/{US}"),
    "unroute": wave(f"unroute/{US}", "dns"),
    "api": wave(f"delete/api/{US}"),
    "interfaces": wave("", f"interfaces/{US}"),
    "detach": wave(f"detach/{US}", f"member-gone/{US}"),
    "data": wave(f"delete/data/{US}"),
    "gate": wave(f"delete-gate/{US}"),
}
"""The founder leaves while it writes; one replica lags, another has just reconnected and is of another minor version."""
LEAVING = pictured(
    place(US, wanted=False, master=True), place(EU, near=False), place(AP, connected=False, version="16.6")
)

JOIN = {
    "data": wave(f"deploy/data/{SA}", f"database-available/{SA} replica-connected/{SA} replica-lag/{SA}"),
    "api": wave(f"deploy/api/{SA}"),
    "gate": wave(f"create-gate/{SA}", f"probe-healthy/{SA}"),
    "routing": wave("deploy/routing", "dns"),
    "open": wave(f"open-gate/{SA}", f"traffic-gate/{SA}"),
}
JOINING = pictured(place(US, master=True), place(EU), Place(region=SA))

CREATION = {
    "global": wave("deploy/global"),
    "founder": wave(f"deploy/data/{US}", f"database-available/{US} replica-connected/{US}"),
    "reader": wave(f"deploy/data/{EU}", f"database-available/{EU} replica-connected/{EU} replica-lag/{EU}"),
    "api": wave(f"deploy/api/{US} deploy/api/{EU}"),
    "gates": wave(f"create-gate/{US} create-gate/{EU}", f"probe-healthy/{US} probe-healthy/{EU}"),
    "routing": wave("deploy/routing", "dns"),
    "open": wave(f"open-gate/{US} open-gate/{EU}", f"traffic-gate/{US} traffic-gate/{EU}"),
    "edge": wave("deploy/edge", "edge-deployed"),
}
NOTHING = pictured(
    *(Place(region=r) for r in (US, EU)),
    writer=None,
    global_stack=False,
    global_cluster=False,
    edge=False,
    served=False,
)

UPGRADE = {
    "may": wave("", "one-writer"),
    "first": wave(f"deploy/data/{EU}", f"database-available/{EU} soak/{EU}"),
    "second": wave(f"deploy/data/{AP}", f"database-available/{AP} soak/{AP}"),
    "writer": wave(f"deploy/data/{US}", f"database-available/{US} soak/{US}"),
    "global": wave("deploy/global"),
}
OLD = pictured(place(US, master=True), place(EU), place(AP), engine="16.9", moving=True)

DESTRUCTION = {
    "edge": wave("delete/edge"),
    "routing": wave("delete/routing"),
    "apis": wave(f"delete/api/{EU} delete/api/{US}", f"interfaces/{EU} interfaces/{US}"),
    "reader": wave(f"detach/{EU}", f"member-gone/{EU}"),
    "reader's data": wave(f"delete/data/{EU}"),
    "reader's gate": wave(f"delete-gate/{EU}"),
    "writer": wave(f"detach/{US}", f"member-gone/{US}"),
    "writer's data": wave(f"delete/data/{US}"),
    "writer's gate": wave(f"delete-gate/{US}"),
    "stack": wave("delete/global"),
    "global cluster": wave("delete-global-cluster/us-east-1"),
}
SERVING = pictured(place(US, master=True), place(EU))

PLANS = {
    "removal": (LEAVING, REMOVAL, with_regions(EU, AP), Goal.CONVERGE),
    "join": (JOINING, JOIN, with_regions(US, EU, SA), Goal.CONVERGE),
    "creation": (NOTHING, CREATION, with_regions(US, EU), Goal.CONVERGE),
    "upgrade": (OLD, UPGRADE, with_regions(US, EU, AP), Goal.CONVERGE),
    "destruction": (SERVING, DESTRUCTION, with_regions(US, EU), Goal.DESTROY),
}


def run(name, waves):
    start, _, topology, goal = PLANS[name]
    if goal is Goal.DESTROY:
        topology = replace(topology, database=replace(topology.database, deletion_policy="snapshot"))
    return verify(start, waves, topology, goal)


def broken(name, waves) -> set[str]:
    return {v.split()[0] for v in run(name, waves).violations}


@pytest.mark.parametrize("name", PLANS)
def test_a_good_plan_breaks_nothing(name):
    plan = PLANS[name][1]
    result = run(name, plan.values())
    assert result.violations == ()
    steps = sum(len(w.steps) for w in plan.values())
    assert result.prefixes >= steps
    assert result.faulted >= 3 * steps


LEFT_OUT = [
    ("removal", "may move", "I6"),
    ("removal", "switchover", "I4"),
    ("removal", "heir", "I13"),
    ("removal", "close", "I8"),
    ("removal", "unroute", "I2"),
    ("removal", "api", "I7"),
    ("removal", "interfaces", "I7"),
    ("removal", "detach", "I7"),
    ("removal", "data", "I8"),
    ("removal", "gate", None),  # the last step: nothing rests on it
    ("join", "data", "I15"),
    ("join", "api", "I2"),
    ("join", "gate", "I3"),
    ("join", "routing", "I3"),
    ("creation", "global", "I5"),
    ("creation", "founder", "I15"),
    ("creation", "reader", "I15"),
    ("creation", "api", "I2"),
    ("creation", "gates", "I10"),
    ("creation", "routing", "I10"),
    ("creation", "open", "I1"),
    ("upgrade", "first", "I6"),
    ("upgrade", "second", "I6"),
    ("upgrade", "writer", "I6"),
    ("destruction", "edge", "I8"),
    ("destruction", "routing", "I2"),
    ("destruction", "apis", "I7"),
    ("destruction", "reader", "I7"),
    ("destruction", "writer", "I14"),
    ("destruction", "writer's data", "I8"),
]


@pytest.mark.parametrize(("name", "wave_name", "number"), LEFT_OUT, ids=[f"{x[0]}-{x[1]}" for x in LEFT_OUT])
def test_a_wave_left_out_is_caught(name, wave_name, number):
    found = broken(name, [w for n, w in PLANS[name][1].items() if n != wave_name])
    assert number in found if number else not found


GATES = [
    ("removal", "members-at-rest", "I6"),
    ("removal", "versions-equal", "I6"),
    ("removal", f"replica-lag/{EU}", "I6"),
    ("removal", f"drained/{US}", "I8"),
    ("removal", f"quiet/{US}", "I8"),
    ("removal", "dns", "I2"),
    ("removal", f"interfaces/{US}", "I7"),
    ("removal", f"member-gone/{US}", "I7"),
    ("join", f"database-available/{SA}", "I15"),
    ("join", f"replica-connected/{SA}", "I15"),
    ("join", f"replica-lag/{SA}", "I15"),
    ("join", f"probe-healthy/{SA}", "I15"),
    ("creation", f"replica-connected/{US}", "I5"),
    ("upgrade", "one-writer", "I5"),
    ("upgrade", f"soak/{EU}", "I15"),
    ("destruction", f"interfaces/{EU}", "I7"),
    ("destruction", f"member-gone/{US}", "I7"),
]


@pytest.mark.parametrize(("name", "gate", "number"), GATES, ids=[f"{x[0]}-{x[1]}" for x in GATES])
def test_a_gate_left_out_is_caught(name, gate, number):
    waves = [replace(w, gates=tuple(g for g in w.gates if g.id != gate)) for w in PLANS[name][1].values()]
    assert number in broken(name, waves)


def test_the_gate_after_a_switchover_is_missed_by_what_comes_next():
    after = replace(REMOVAL["switchover"], gates=())
    assert broken("removal", {**REMOVAL, "switchover": after}.values()) == {"I5"}


SWAPPED = [
    ("removal", "may move", "switchover", "I6"),
    ("removal", "switchover", "heir", "I13"),
    ("removal", "close", "unroute", "I3"),
    ("removal", "unroute", "api", "I11"),
    ("removal", "interfaces", "detach", "I7"),
    ("removal", "detach", "data", "I14"),
    ("removal", "data", "gate", "I8"),
    ("join", "data", "api", "I15"),
    ("join", "gate", "routing", "I3"),
    ("join", "routing", "open", "I3"),
    ("creation", "global", "founder", "I5"),
    ("creation", "open", "edge", "I1"),
    ("upgrade", "second", "writer", "I6"),
    ("upgrade", "writer", "global", "I6"),
    ("destruction", "edge", "routing", "I8"),
    ("destruction", "routing", "apis", "I2"),
    ("destruction", "reader", "reader's data", "I7"),
    ("destruction", "writer's data", "writer's gate", "I8"),
]


@pytest.mark.parametrize(("name", "one", "other", "number"), SWAPPED, ids=[f"{x[0]}-{x[1]}-{x[2]}" for x in SWAPPED])
def test_two_waves_swapped_are_caught(name, one, other, number):
    plan = PLANS[name][1]
    order = {one: other, other: one}
    assert number in broken(name, [plan[order.get(n, n)] for n in plan])


TOGETHER = [
    (f"close-gate/{EU} close-gate/{AP}", "I16"),
    (f"deploy/api/{EU} deploy/api/{AP}", "I15"),
    (f"switchover/{EU} deploy/data/{AP}", "I5"),
    (f"deploy/data/{AP} switchover/{EU}", "I5"),
    (f"unroute/{AP} close-gate/{AP}", "I8"),
]


@pytest.mark.parametrize(("steps", "number"), TOGETHER, ids=[t[0] for t in TOGETHER])
def test_what_may_not_run_together_is_caught_in_either_order(steps, number):
    start = pictured(place(US), place(EU), place(AP))
    for order in (steps.split(), reversed(steps.split())):
        result = verify(start, [wave(" ".join(order))], with_regions(US, EU, AP))
        assert number in {v.split()[0] for v in result.violations}


def test_steps_that_may_run_together_pass_in_any_order():
    start = pictured(place(US), place(EU), out_of_traffic(AP), Place(region=SA))
    result = verify(start, [wave(f"deploy/data/{SA} deploy/api/{EU} create-gate/{SA}")], with_regions(US, EU, AP, SA))
    assert result.violations == ()
    assert result.prefixes == 5, "three in a row, and two of them first"


def test_a_faulted_step_is_told_apart():
    start = pictured(place(US, master=True), place(EU), out_of_traffic(AP, wanted=False))
    result = verify(start, [wave(f"delete/api/{AP}")], with_regions(US, EU))
    assert any(
        v.startswith("I2 every answer leads to an API: half of delete/api/ap-northeast-1 ") for v in result.violations
    )


def test_an_incident_is_not_the_plans_doing():
    """Nobody serves, the edge is off, records are missing: a plan that mends some of it breaks nothing."""
    sick = {"healthy": False, "records": "some"}
    start = pictured(place(US, **sick), place(EU, **sick), place(AP, **sick), edge=False)
    result = verify(
        start, [wave(f"deploy/data/{EU}", f"soak/{EU}"), wave("deploy/routing", "dns")], with_regions(US, EU, AP)
    )
    assert result.violations == ()


def test_the_replay_ends_where_something_has_to_be_read_first():
    start = pictured(place(US), place(EU), place(AP), blind=frozenset({"dns"}))
    waves = [wave("", "readable"), wave("deploy/routing")]
    assert verify(start, waves[1:], with_regions(US, EU, AP)).violations
    assert verify(start, waves, with_regions(US, EU, AP)).violations == ()


def test_the_same_plan_gives_the_same_verification():
    assert run("removal", reversed(REMOVAL.values())) == run("removal", reversed(REMOVAL.values()))
