"""Chains of commits over up to twelve Regions, each maybe arriving while the one before is under way, with steps that fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import hypothesis.strategies as st
from hypothesis import given, settings

from reconciler.model.plan import Plan
from reconciler.model.topology import Migration, Region, Topology, Traffic
from tests.fakes.topologies import NAMES, cidr, with_regions
from tests.fakes.world import remembered
from tests.model.explore import at_goal, refusals_named
from tests.model.legality import refused
from tests.model.minutes import turned_round
from tests.model.universe import Still

MOST = 12
POOL = NAMES[: MOST + 2]
UNDERWAY = 60
"""More waves than any of these commits takes; who needs more does not come to an end."""


@dataclass(frozen=True)
class Commit:
    """`after`: so many waves of the commit before are done when this one arrives; None: all of them."""

    edits: tuple[tuple[str, object], ...]
    after: int | None
    outcomes: tuple[tuple[str, int], ...]
    """What becomes of its first waves: done; or one step of each, done, failed or half done, and nothing of the others."""


REGION = st.sampled_from(POOL)
EDIT = st.one_of(
    st.tuples(st.sampled_from(("add", "remove", "drain", "undrain", "write")), REGION),
    st.tuples(st.just("ttl"), st.integers(5, 60)),
    st.tuples(st.just("migration"), st.integers(2, 4)),
    st.tuples(st.just("memory"), st.sampled_from((512, 1024, 2048))),
)
EDITS = st.one_of(
    st.lists(EDIT, min_size=1, max_size=4).map(tuple),
    st.tuples(st.tuples(st.just("engine"), st.sampled_from((1, 1, 2, -1)))),
)
OUTCOMES = st.lists(st.tuples(st.sampled_from(("done", "part", "failed", "half")), st.integers(0, 3)), max_size=5).map(
    tuple
)
COMMITS = st.lists(st.builds(Commit, EDITS, st.none() | st.integers(0, 6), OUTCOMES), min_size=2, max_size=5)


def edited(topology: Topology, edits: tuple[tuple[str, object], ...]) -> Topology:
    """Edits that would leave no document (no Region, a writer that is not named) are left out."""
    for what, how in edits:
        topology = _edited(topology, what, how)
    return topology


def _edited(topology: Topology, what: str, how: object) -> Topology:
    names, database = topology.region_names, topology.database
    match what:
        case "add" if how not in names and len(names) < MOST:
            return replace(topology, regions=(*topology.regions, Region(name=how, cidr=cidr(how))))
        case "remove" if how in names and len(names) > 1:
            left = tuple(r for r in topology.regions if r.name != how)
            writer = left[0].name if database.writer == how else database.writer
            return replace(topology, regions=left, database=replace(database, writer=writer))
        case "drain" | "undrain" if how in names:
            traffic = Traffic.DRAINED if what == "drain" else Traffic.SERVING
            regions = tuple(replace(r, traffic=traffic) if r.name == how else r for r in topology.regions)
            return replace(topology, regions=regions)
        case "write" if how in names:
            return replace(topology, database=replace(database, writer=how))
        case "ttl":
            return replace(topology, routing=replace(topology.routing, ttl_seconds=how))
        case "migration":
            added = Migration(name=f"{how:04d}_added.sql", sql="create")
            others = [m for m in topology.migrations if m.name != added.name]
            return replace(topology, migrations=tuple(sorted((*others, added), key=lambda m: m.name)))
        case "memory":
            return replace(topology, api=replace(topology.api, memory_mb=how))
        case "engine":
            major, minor = database.version.split(".")
            return replace(topology, database=replace(database, version=f"{major}.{int(minor) + how}"))
    return topology


@cache
def at_rest(regions: int) -> Still:
    """Made by the steps of one plan, from nothing."""
    world = Still(with_regions(*NAMES[:regions]))
    for step in world.plan().steps:
        world.apply(step)
    world.settle()
    world.recorded = remembered(world.desired, world.gates)
    return world


def planned(world: Still) -> Plan:
    """Verified or refused by name, and the same whatever order AWS lists things in."""
    observed = world.observed()
    plan, again = (world.seen(seen)[0].plan for seen in (observed, turned_round(observed)))
    assert repr(plan) == repr(again)
    assert not list(refusals_named(plan)), plan.refusals
    assert plan.refusals or not plan.verification.violations
    return plan


def carried_out(world: Still, outcomes: tuple[tuple[str, int], ...], most: int) -> None:
    """So many waves, or all of them."""
    left, to_come, fewer_than, waited = most, list(outcomes), None, 0
    while left:
        plan = planned(world)
        if plan.refusals:
            return
        assert fewer_than is None or len(plan.steps) < fewer_than
        if not plan.waves:
            assert not list(at_goal(world))
            world.remember(plan)
            return
        steps, fewer_than = plan.waves[0].steps, None
        outcome, number = to_come.pop(0) if to_come and steps else ("done", 0)
        if outcome == "done":
            fewer_than = len(plan.steps) if steps else None
        else:
            steps = (steps[number % len(steps)],)
        assert not [why for step in steps for why in refused(world, step)]
        world.remember(plan)
        after = world.after(steps, "done" if outcome == "part" else outcome)
        after.settle(arrives=number % 2 == 0)
        vars(world).update(vars(after))
        waited = 0 if steps else waited + 1
        assert waited < 3, plan.waves[0].waiting_for
        left -= 1
    assert most < UNDERWAY


@settings(max_examples=60, deadline=None)
@given(st.sampled_from((1, 2, 3, 4, 6, 9, MOST)), COMMITS)
def test_chains_of_commits_are_planned_safely_or_refused_by_name_and_come_to_their_goal(regions, commits):
    world = at_rest(regions).copied()
    outcomes: tuple[tuple[str, int], ...] = ()
    for commit in commits:
        carried_out(world, outcomes, UNDERWAY if commit.after is None else commit.after)
        world.desired = edited(world.desired, commit.edits)
        world.approve()
        outcomes = commit.outcomes
    carried_out(world, outcomes, UNDERWAY)
