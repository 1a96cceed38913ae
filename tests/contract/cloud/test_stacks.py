"""CloudFormation, as the reconciler relies on it: change sets, what a stack takes when, how it fails, and the ways out.

Each claim holds of the fake, on which the simulation runs, and of the embedded AWS behind the adapters.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.errors import StalePlan
from reconciler.model.observed import StackState
from reconciler.model.requests import ContinueRollback, CreateChangeSet, DeleteChangeSet
from reconciler.model.stacks import StackKind, StackRef, Template
from tests.contract.cloud.asking import (
    NAME,
    busy,
    change_set,
    deletion,
    done,
    execution,
    made,
    refused,
    wanted,
)
from tests.contract.cloud.worlds import World, changed
from tests.fakes.topologies import cidr

US, EU, AP, SA = "us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"
API, ROUTING = StackRef(StackKind.API, AP), StackRef(StackKind.ROUTING, US)
DATA = {region: StackRef(StackKind.DATA, region) for region in (US, EU, AP, SA)}


def body(world: World, ref: StackRef, name: str, **properties: Any) -> dict[str, Any]:
    """The stack's template, one of its resources with other properties."""
    before = world.start.stacks[ref].template
    return {**before, "Resources": changed(before["Resources"], name, **properties)}


def larger(world: World, name: str = NAME, memory: int = 1024) -> CreateChangeSet:
    return wanted(world, API, body(world, API, "Function", MemorySize=memory), name)


def slower(world: World) -> CreateChangeSet:
    """Every answer of the routing stack may be kept for longer."""
    before = dict(world.start.stacks[ROUTING].template)
    routes = [name for name in before["Resources"] if name.startswith("Route")]
    for name in routes:
        before["Resources"] = changed(before["Resources"], name, TTL="30")
    return wanted(world, ROUTING, before)


def state(world: World, ref: StackRef = API) -> StackState:
    return world.observed().stacks[ref]


# ---- change sets -----------------------------------------------------------------------------------------------------------


def test_templates_have_the_variants_that_the_planner_names(world):
    for key in ("global", "data", "data-founder", "data-heir", "api", "routing", "edge"):
        assert isinstance(world.template(key), Template)
    heir, founder = (world.template(k).body["Resources"] for k in ("data-heir", "data-founder"))
    assert "Master" in heir
    assert {"MasterUsername", "DatabaseName"} <= set(founder["Cluster"]["Properties"])
    assert not {"MasterUsername", "DatabaseName"} & set(heir["Cluster"]["Properties"])


def test_a_change_set_tells_what_it_would_change_and_changes_nothing(world):
    assert change_set(world, API) is None
    found = made(world, larger(world))
    assert (found.status, found.execution_status) == ("CREATE_COMPLETE", "AVAILABLE")
    function = next(c for c in found.changes if c.logical_id == "Function")
    assert (function.action, function.replacement, function.properties) == ("Modify", "False", ("MemorySize",))
    assert state(world).template == world.start.stacks[API].template


def test_a_change_set_tells_what_it_would_replace_and_what_it_lets_go_of(world):
    """A cluster's user and database are made with it (aws-facts §3.1)."""
    found = made(world, wanted(world, DATA[US], world.template("data").body))
    changes = {c.logical_id: c for c in found.changes}
    assert set(changes) >= {"Cluster", "Master"}
    assert (changes["Master"].action, changes["Master"].policy_action) == ("Remove", "Retain")
    assert changes["Cluster"].replacement == "True"
    assert {"DatabaseName", "MasterUsername"} <= set(changes["Cluster"].properties)


def test_a_health_checks_interval_is_made_with_it(world):
    """aws-facts §5.2."""
    config = world.start.stacks[API].template["Resources"]["Probe"]["Properties"]["HealthCheckConfig"]
    found = made(
        world, wanted(world, API, body(world, API, "Probe", HealthCheckConfig={**config, "RequestInterval": 30}))
    )
    assert [c.replacement for c in found.changes if c.logical_id == "Probe"] == ["True"]


def test_a_change_set_without_changes_fails_and_can_be_put_away(world):
    found = made(world, wanted(world, API, world.start.stacks[API].template))
    assert found.empty
    assert found.of_no_use
    refused(world, execution(world, API))
    for _ in range(2):
        world.ports.cloud.perform(DeleteChangeSet(stack=API, stack_name=world.name(API), name=NAME))
    assert change_set(world, API) is None


def test_a_change_set_that_is_being_made_can_only_be_waited_for(world):
    with world.still():
        world.ports.cloud.perform(larger(world))
        assert change_set(world, API).pending
        assert isinstance(refused(world, execution(world, API)), StalePlan)
    assert world.status(API) == world.start.stacks[API].status


def test_a_change_set_is_for_a_stack_that_is_there_or_for_one_that_is_not(world):
    update = larger(world)
    refused(world, replace(update, create=True))
    refused(world, replace(joiner(world, "data"), create=False))
    assert world.status(DATA[SA]) is None


def test_a_change_set_gives_the_parameters_that_its_template_declares(world):
    update = larger(world)
    refused(world, replace(update, parameters={**update.parameters, "Nobody": "x"}))
    fewer = dict(list(update.parameters.items())[1:])
    refused(world, replace(update, parameters=fewer))
    assert change_set(world, API) is None


# ---- operations ------------------------------------------------------------------------------------------------------------


def test_an_update_is_seen_under_way_and_then_done(world):
    made(world, larger(world))
    with world.still():
        for _ in range(2):
            world.ports.cloud.perform(execution(world, API))  # the answer was lost; it runs already
        assert world.status(API) == "UPDATE_IN_PROGRESS"
        assert change_set(world, API).execution_status == "EXECUTE_IN_PROGRESS"
        refused(world, DeleteChangeSet(stack=API, stack_name=world.name(API), name=NAME))
    assert world.settled(API) == "UPDATE_COMPLETE"
    after = world.observed()
    assert after.stacks[API].changed_at > world.start.stacks[API].changed_at
    assert after.stacks[API].settled_at > after.stacks[API].changed_at
    assert after.stacks[API].template["Resources"]["Function"]["Properties"]["MemorySize"] == 1024
    assert after.live[API, "Function"]["MemorySize"] == 1024


def test_a_stack_does_one_thing_at_a_time(world):
    made(world, larger(world, "meridian-second", 2048))
    made(world, larger(world))
    with world.still():
        world.ports.cloud.perform(execution(world, API))
        busy(world, larger(world, "meridian-third", 4096))
        refused(world, execution(world, API, "meridian-second"))
    assert world.settled(API) == "UPDATE_COMPLETE"
    late = change_set(world, API, "meridian-second")
    assert late is None or late.of_no_use, "it was made for a state that has passed"
    refused(world, execution(world, API, "meridian-second"))


def test_a_deletion_for_a_stack_that_was_made_again_hits_nothing(world):
    world.ports.cloud.perform(deletion(world, API, world.start.stacks[API].id[:-4] + "0000"))
    assert world.status(API) == world.start.stacks[API].status


# ---- what fails ------------------------------------------------------------------------------------------------------------


def joiner(world: World, key: str) -> CreateChangeSet:
    """The data stack of a Region that joins, from this variant of the template."""
    return wanted(world, DATA[SA], world.template(key).body, create=True, Cidr=cidr(SA), Zones=f"{SA}a,{SA}b")


def test_a_stack_under_review_is_nothing_yet_and_another_one_when_it_is_made_again(world):
    wide, asked = world.joined_by(SA), joiner(world, "data")
    made(world, asked)
    review = state(wide, DATA[SA])
    assert (review.status, review.template, review.in_progress) == ("REVIEW_IN_PROGRESS", None, False)
    world.ports.cloud.perform(deletion(world, DATA[SA], review.id))
    assert world.settled(DATA[SA], every=5) is None
    made(world, asked)
    assert state(wide, DATA[SA]).id != review.id


@pytest.mark.parametrize(("key", "version"), [("data-heir", "16.8"), ("data", "16.9")])
def test_a_creation_that_fails_leaves_a_stack_that_can_only_be_deleted(world, key, version):
    """Who joins a global database brings no password (aws-facts §3.3), and has its version (§3.1)."""
    wide, asked = world.joined_by(SA), joiner(world, key)
    cluster = changed(asked.template["Resources"], "Cluster", EngineVersion=version)
    asked = replace(asked, template={**asked.template, "Resources": cluster})
    assert done(world, asked) == "ROLLBACK_COMPLETE"
    seen = wide.observed()
    failed = seen.stacks[DATA[SA]]
    assert failed.failure
    assert failed.beyond_update
    assert seen.clusters[SA] is None
    assert seen.global_cluster.member(SA) is None
    refused(world, replace(asked, name="meridian-again"))
    refused(world, replace(asked, name="meridian-update", create=False))
    world.ports.cloud.perform(deletion(world, DATA[SA], failed.id))
    assert world.settled(DATA[SA]) is None


def test_an_update_that_fails_is_undone_and_may_be_followed_by_another(world):
    """The password is the writer's to change (aws-facts §3.3)."""
    assert done(world, wanted(world, DATA[EU], world.template("data-heir").body)) == "UPDATE_ROLLBACK_COMPLETE"
    seen = world.observed()
    assert seen.stacks[DATA[EU]].failure
    assert seen.stacks[DATA[EU]].rolled_back
    assert seen.stacks[DATA[EU]].template == world.start.stacks[DATA[EU]].template
    assert seen.clusters[EU].available
    assert change_set(world, DATA[EU]).of_no_use
    grown = body(world, DATA[EU], "Cluster", ServerlessV2ScalingConfiguration={"MinCapacity": 8, "MaxCapacity": 128})
    assert done(world, wanted(world, DATA[EU], grown, "meridian-other")) == "UPDATE_COMPLETE"


def test_a_roll_back_that_is_stuck_is_continued_and_nothing_else(world):
    goes_on = ContinueRollback(stack=ROUTING, stack_name=world.name(ROUTING))
    refused(world, goes_on)
    world.gets_stuck(ROUTING)
    asked = slower(world)
    assert done(world, asked) == "UPDATE_ROLLBACK_FAILED"
    refused(world, replace(asked, name="meridian-again"))
    with world.still():
        world.ports.cloud.perform(goes_on)
        assert world.status(ROUTING) == "UPDATE_ROLLBACK_IN_PROGRESS"
    assert world.settled(ROUTING) == "UPDATE_ROLLBACK_COMPLETE"
    after = world.observed()
    assert after.stacks[ROUTING].template == world.start.stacks[ROUTING].template
    assert set(after.records) == set(world.start.records)
