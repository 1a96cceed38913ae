"""The picture of what was observed, and that the effects of a plan's steps lead to the picture of what is there afterwards."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.observed import SAMPLE, Distribution, Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.plan.picture import ordinal, picture, requests_stopped
from reconciler.plan.verify import replay
from tests.fakes.pictures import place
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World

US, EU, AP, SA = NAMES[:4]
SILENT = Unknown("Unreachable", "timed out")
DATA, API, EDGE = StackRef(StackKind.DATA, EU), StackRef(StackKind.API, EU), StackRef(StackKind.EDGE, US)


@pytest.fixture(scope="module")
def converged():
    world = World(with_regions(US, EU, AP))
    world.run()
    return world.desired, world.observed()


def seen(converged, region=EU, **changes):
    """The place of a Region in the converged world, when these fields of what was observed are other ones."""
    topology, observed = converged
    other = {n: {**getattr(observed, n), **v} if isinstance(v, dict) else v for n, v in changes.items()}
    return picture(topology, replace(observed, **other)).at(region)


def test_a_converged_topology_serves_and_is_at_rest(converged):
    whole = picture(*converged)
    assert whole.places == {US: place(US, master=True), EU: place(EU), AP: place(AP)}
    assert (whole.writer, whole.moving, whole.engine, whole.blind) == (US, False, "16.8", frozenset())
    assert whole.edge
    assert whole.served


def test_what_cannot_be_read_counts_as_whatever_is_worse(converged):
    unread = seen(converged, clusters={EU: SILENT}, probes={EU: SILENT}, gates={EU: SILENT})
    assert (unread.unknown, unread.serves, unread.drained, unread.available, unread.gate) == (
        True,
        False,
        False,
        False,
        "unknown",
    )
    assert seen(converged, stacks={API: SILENT}).api == "unknown"
    assert seen(converged, stacks={API: SILENT}).linked
    assert seen(converged, clusters={EU: SILENT}).in_global, "membership was read"
    alone = replace(converged[1].global_cluster, members=converged[1].global_cluster.members[:1])
    assert seen(converged, clusters={EU: SILENT}, global_cluster=alone).data == "unread"
    assert seen(converged, global_cluster=SILENT).data == "unknown"
    assert seen(converged, interfaces={EU: SILENT}, stacks={API: None}).linked


@pytest.mark.parametrize(
    ("field", "blind"), [("zone", "dns"), ("records", "dns"), ("distribution", "edge"), ("global_cluster", "database")]
)
def test_what_exists_once_is_named_when_it_cannot_be_read(converged, field, blind):
    topology, observed = converged
    whole = picture(topology, replace(observed, **{field: SILENT}))
    assert whole.blind == {blind}
    assert whole.served


STATUSES = [
    ("CREATE_IN_PROGRESS", "absent", "member"),
    ("REVIEW_IN_PROGRESS", "absent", "member"),
    ("CREATE_COMPLETE", "up", "member"),
    ("UPDATE_IN_PROGRESS", "up", "member"),
    ("UPDATE_ROLLBACK_COMPLETE", "up", "member"),
    ("UPDATE_ROLLBACK_FAILED", "stuck", "member"),
    ("ROLLBACK_COMPLETE", "broken", "broken"),
    ("DELETE_IN_PROGRESS", "broken", "broken"),
    ("DELETE_FAILED", "broken", "broken"),
]


@pytest.mark.parametrize(("status", "api", "data"), STATUSES, ids=[s[0] for s in STATUSES])
def test_what_a_stacks_status_says_of_its_region(converged, status, api, data):
    stacks = {ref: replace(converged[1].stacks[ref], status=status) for ref in (API, DATA)}
    found = seen(converged, stacks=stacks)
    assert (found.api, found.data) == (api, data)


def test_a_cluster_outside_its_global_database_and_a_stack_without_a_cluster(converged):
    left = replace(converged[1].global_cluster, members=converged[1].global_cluster.members[:1])
    assert seen(converged, global_cluster=left).data == "apart"
    assert seen(converged, global_cluster=left, clusters={EU: None}).data == "shell"
    assert seen(converged, global_cluster=left, clusters={EU: None}, stacks={DATA: None}).data == "absent"


def test_several_writers_are_no_writer(converged):
    topology, observed = converged
    both = tuple(replace(m, is_writer=True) for m in observed.global_cluster.members)
    assert (
        picture(topology, replace(observed, global_cluster=replace(observed.global_cluster, members=both))).writer
        is None
    )


@pytest.mark.parametrize(
    "change", [{"enabled": False}, {"aliases": ()}, {"domain_name": "other.cloudfront.net"}], ids=str
)
def test_the_domain_leads_to_an_enabled_distribution_that_knows_it(converged, change):
    topology, observed = converged
    assert isinstance(observed.distribution, Distribution)
    whole = picture(topology, replace(observed, distribution=replace(observed.distribution, **change)))
    assert (whole.edge, whole.served) == (False, True)


def test_versions_that_the_edge_stack_holds_are_in_use(converged):
    topology, observed = converged
    arn = "arn:aws:lambda:us-east-1:111111111111:function:router:7"
    template = {
        "Resources": {"RouterVersion1": {"Type": "AWS::Lambda::Version"}, "Router": {"Type": "AWS::Lambda::Function"}}
    }
    edge = replace(observed.stacks[EDGE], template=template, resources={"RouterVersion1": arn, "Router": "router"})
    assert picture(topology, replace(observed, stacks={**observed.stacks, EDGE: edge})).versions == {"7"}


def test_a_region_is_drained_when_dns_left_it_out_for_long_enough_and_quiet_without_requests(converged):
    topology, observed = converged
    span = timedelta(seconds=topology.routing.drain_seconds)

    def closed_for(since: timedelta, **changes):
        gate = observed.gates[EU]
        samples = (
            (observed.at - since - timedelta(minutes=1), True),
            (observed.at - since, False),
            (observed.at, False),
        )
        return seen(converged, gates={EU: replace(gate, threshold=2, version=3, samples=samples)}, **changes)

    assert closed_for(span + SAMPLE).drained
    assert not closed_for(span + SAMPLE - timedelta(seconds=1)).drained, "it may have left DNS at the minute's end"
    assert closed_for(span).quiet
    assert not closed_for(span, requests={EU: ((observed.at - timedelta(minutes=2), 3.0),)}).quiet
    assert not closed_for(span, requests={EU: SILENT}).quiet
    assert closed_for(timedelta(), records=()).drained, "no record ever leads there"


def test_requests_of_long_ago_do_not_count(converged):
    _, observed = converged
    old = ((observed.at - timedelta(minutes=5), 9.0), (observed.at - timedelta(minutes=1), 0.0))
    assert requests_stopped(replace(observed, requests={EU: old}), EU)


def test_versions_are_ordered_by_their_numbers():
    assert ordinal("16.10") > ordinal("16.9")
    assert ordinal("") < ordinal("16.8")


COMMITS = {
    "creation": lambda t: t,
    "a setting": lambda t: replace(t, api=replace(t.api, memory_mb=1024)),
    "a join": lambda _: with_regions(US, EU, AP, SA),
    "a drain": lambda _: with_regions(US, EU, AP, SA, drained=(EU,)),
    "an undrain": lambda _: with_regions(US, EU, AP, SA),
    "the founder leaves": lambda _: with_regions(EU, AP, SA),
}


def test_a_replayed_plan_ends_where_its_steps_lead():
    world = World(with_regions(US, EU, AP))
    for name, commit in COMMITS.items():
        world.desired = commit(world.desired)
        *_, (last, _) = replay(picture(world.desired, world.observed()), world.plan().waves, world.desired)
        world.run()
        there = picture(world.desired, world.observed())
        proved = last.after.put(*(replace(p, fresh=False) for p in last.after.places.values()))
        gone = {
            r for r, p in proved.places.items() if r not in there.places and p.data == "absent" and p.gate == "absent"
        }
        assert {r: p for r, p in proved.places.items() if r not in gone} == there.places, name
        assert replace(proved, places={}) == replace(there, places={}), name
