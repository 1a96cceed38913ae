"""Each invariant, broken once in a made-up snapshot, is caught by its name; the healthy snapshot breaks none."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from demo.invariants import CHECKED, DRAIN, not_serving, remember, violations
from demo.memory import Memory
from demo.observer import Watch
from demo.snapshot import Check, CustomDomain, Distribution, Record, Region, Snapshot

D = "api.example.com"
WRITER, READER = "us-east-1", "eu-west-1"
DATA = "meridian-orders-data"


def region(name: str) -> Region:
    shared, own = (
        CustomDomain(name=f"origin.{D}", target="d-s"),
        CustomDomain(name=f"{name}.origin.{D}", target=f"d-{name}"),
    )
    return Region(
        stacks={"meridian-orders-api": "CREATE_COMPLETE", DATA: "UPDATE_COMPLETE"},
        domains=(shared, own),
        cluster="available",
        linked=frozenset({f"{DATA}/Cluster"}),
        identities={f"{DATA}/Cluster": f"orders-{name}", "cluster/DbClusterResourceId": f"cluster-{name}"},
    )


def records(name: str) -> tuple[Record, ...]:
    own = f"{name}.origin.{D}"
    return (
        Record(name=own, type="A", target=f"d-{name}"),
        Record(name=f"route.{D}", type="CNAME", target=own, region=name, check=f"gate-{name}"),
        Record(name=f"origin.{D}", type="A", target=own, region=name, check=f"gate-{name}"),
    )


def healthy() -> Snapshot:
    public = tuple(Record(name=D, type=kind, target="d1.cloudfront.net") for kind in ("A", "AAAA"))
    return Snapshot(
        at=datetime(2026, 1, 1, tzinfo=UTC),
        topology="orders",
        domain=D,
        records=(*records(WRITER), *records(READER), *public),
        checks={f"gate-{r}": Check(children=(f"probe-{r}",), threshold=1) for r in (WRITER, READER)},
        healthy={f"probe-{r}": True for r in (WRITER, READER)},
        regions={r: region(r) for r in (WRITER, READER)},
        distributions=(Distribution(id="E1", domain="d1.cloudfront.net", aliases=frozenset({D})),),
        writers=(WRITER,),
        members=frozenset({WRITER, READER}),
        routed_at=datetime(2025, 12, 31, 23, 59, tzinfo=UTC),
    )


SEEN = remember(healthy(), Memory())


def in_region(name: str, **changed: object) -> Callable[[Snapshot], Snapshot]:
    return lambda s: replace(s, regions={**s.regions, name: replace(s.regions[name], **changed)})


def with_stack(name: str, stack: str, status: str) -> Callable[[Snapshot], Snapshot]:
    return in_region(name, stacks={**region(name).stacks, stack: status})


def without(keep: Callable[[Record], bool]) -> Callable[[Snapshot], Snapshot]:
    return lambda s: replace(s, records=tuple(r for r in s.records if keep(r)))


def edge(**changed: object) -> Callable[[Snapshot], Snapshot]:
    return lambda s: replace(s, distributions=(replace(s.distributions[0], **changed),))


def domains(name: str, **changed: object) -> Callable[[Snapshot], Snapshot]:
    return in_region(name, domains=tuple(replace(d, **changed) for d in region(name).domains))


def leaving(gate_closed: timedelta = DRAIN) -> Snapshot:
    """The reader's Region is drained and out of DNS, its API gone, its cluster alone: the data stack is next."""
    found = without(lambda r: r.region != READER and r.name != f"{READER}.origin.{D}")(healthy())
    closed = Check(children=(f"probe-{READER}",), threshold=2, unhealthy_since=found.at - gate_closed)
    found = replace(found, checks={**found.checks, f"gate-{READER}": closed}, routed_at=found.at)
    stacks = {DATA: "UPDATE_COMPLETE"}
    return replace(in_region(READER, stacks=stacks, domains=())(found), members=frozenset({WRITER}))


def left(**more: object) -> Snapshot:
    """All that the Region had is gone."""
    return in_region(READER, **{**vars_of(Region()), "snapshot": True, **more})(leaving())


def vars_of(region: Region) -> dict[str, object]:
    return {field.name: getattr(region, field.name) for field in fields(region)}


BREACHES = [
    ("I1", lambda s: replace(s, healthy={}), "no Region serves: us-east-1: probe not healthy; eu-west-1: probe"),
    ("I1", lambda s: replace(s, checks={}), "gate not open"),
    ("I2", in_region(READER, domains=()), f"needs custom domain origin.{D} in eu-west-1"),
    ("I2", domains(READER, mapped=False), "not mapped to a stage"),
    ("I2", domains(READER, target="d-other"), "leads to d-eu-west-1, which is no mapped custom domain"),
    ("I2", without(lambda r: r.name != f"{READER}.origin.{D}"), "has no record or is another Region's"),
    ("I4", in_region(WRITER, cluster="stopping"), "the writer's cluster in us-east-1 is stopping"),
    ("I4", in_region(WRITER, cluster=None), "is gone"),
    ("I4", with_stack(WRITER, DATA, "DELETE_IN_PROGRESS"), f"stack {DATA} of the writer's Region us-east-1 is DELETE"),
    ("I4", without(lambda r: r.region != WRITER), "us-east-1 lost its latency record"),
    ("I4", lambda s: replace(s, writers=()), "0 writers"),
    ("I4", lambda s: replace(s, writers=(WRITER, READER)), "2 writers"),
    ("I4", lambda s: replace(s, writers=None), "0 writers"),
    ("I9", edge(enabled=False), "distribution E1 is disabled"),
    ("I9", edge(aliases=frozenset()), "does not answer to"),
    ("I9", edge(certificate_good=False), "not issued, or expired"),
    ("I9", edge(id="E2", deployed=False), "E2 was never Deployed"),
    ("I9", edge(domain="d2.cloudfront.net"), "leads to d1.cloudfront.net, which is no distribution"),
    ("I9", without(lambda r: r.type != "AAAA"), "AAAA api.example.com leads to nothing"),
    ("I10", without(lambda r: r.name != f"origin.{D}"), "has no record"),
    (
        "I7",
        lambda s: replace(s, members=frozenset({WRITER})),
        "stands alone, and stack api before it is CREATE_COMPLETE",
    ),
    ("I7", lambda s: replace(s, members=frozenset({WRITER})), "eu-west-1 stands alone, and clients are sent there"),
    ("I8", lambda _: leaving(DRAIN - timedelta(seconds=1)), "eu-west-1 lost its records before it had been out of DNS"),
    ("I8", without(lambda r: r.region != READER), "eu-west-1 lost its records before"),
    ("I14", in_region(READER, linked=frozenset()), "lost GlobalClusterIdentifier"),
    ("I14", lambda _: in_region(READER, linked=frozenset())(leaving()), "lost GlobalClusterIdentifier"),
    ("I19", lambda _: left(snapshot=False), "the cluster in eu-west-1 is gone, and no snapshot of it is left"),
    ("I14", in_region(READER, identities={}), f"{DATA}/Cluster in eu-west-1 was orders-eu-west-1 and is gone"),
    ("I14", in_region(READER, identities={"cluster/DbClusterResourceId": "cluster-new"}), "and is cluster-new"),
]


@pytest.mark.parametrize(("name", "breach", "says"), BREACHES)
def test_a_broken_invariant_is_named(name, breach, says):
    found = violations(breach(healthy()), SEEN)
    assert any(text.startswith(f"{name}: ") and says in text for text in found), found


def test_every_invariant_is_broken_once_above_and_none_by_the_healthy_snapshot():
    assert {name for name, _, _ in BREACHES} == set(CHECKED)
    assert violations(healthy(), SEEN) == []


def test_a_region_that_was_drained_and_detached_may_go_and_come_back():
    deleting = in_region(READER, stacks={DATA: "DELETE_IN_PROGRESS"}, identities={})(leaving())
    assert violations(leaving(), SEEN) == violations(deleting, SEEN) == violations(left(), SEEN) == []
    stack_parts = {k: v for k, v in leaving().regions[READER].identities.items() if "cluster/" not in k}
    cluster_first = in_region(READER, identities=stack_parts)
    assert violations(cluster_first(leaving()), SEEN) == [], "it goes by a call of its own, before its stack"
    forgotten = remember(left(), SEEN)
    assert {place for place, _ in forgotten.identities} == {WRITER}
    again = in_region(READER, identities={"cluster/DbClusterResourceId": "cluster-new"})(healthy())
    assert violations(again, forgotten) == []


def test_what_a_gate_was_like_long_ago_is_not_judged():
    late = leaving(timedelta(0))
    assert violations(replace(late, at=late.at + timedelta(minutes=20)), SEEN) == []


def test_the_writer_may_move():
    assert violations(replace(healthy(), writers=(READER,)), SEEN) == []


def test_nothing_binds_before_it_was_true_once():
    empty = Snapshot(at=healthy().at, topology="orders", domain=D, regions={WRITER: Region()})
    assert violations(empty, Memory()) == []
    assert remember(empty, Memory()) == Memory()


def test_serving_is_remembered_only_with_an_edge_that_works():
    assert SEEN.serving_since == healthy().at
    assert remember(edge(enabled=False)(healthy()), Memory()).serving_since is None
    assert remember(replace(healthy(), healthy={}), Memory()).serving_since is None


@pytest.mark.parametrize(
    ("allowed", "serves"),
    [
        (with_stack(READER, "meridian-orders-api", "UPDATE_ROLLBACK_IN_PROGRESS"), True),
        (lambda s: replace(s, healthy={f"probe-{WRITER}": True}), False),
        (lambda s: replace(s, checks={**s.checks, f"gate-{READER}": Check(children=("p",), threshold=2)}), False),
        (edge(deployed=False), True),
    ],
)
def test_what_one_region_or_the_edge_may_do_while_another_region_serves(allowed, serves):
    snapshot = allowed(healthy())
    assert violations(snapshot, SEEN) == []
    assert (not_serving(snapshot, READER) == "") is serves


def test_a_violation_counts_only_if_a_second_snapshot_shows_it():
    watch = Watch(memory=SEEN)
    torn = iter([edge(enabled=False)(healthy()), healthy()])
    watch.look(lambda: next(torn))
    assert watch.broken == {}
    later = replace(edge(enabled=False)(healthy()), at=healthy().at + timedelta(minutes=5))
    watch.look(lambda: later)
    assert list(watch.broken) == ["I9: distribution E1 is disabled"]
    assert watch.broken["I9: distribution E1 is disabled"]["first"] == later.at.isoformat()


def test_a_watch_that_saw_too_little_says_so():
    def fail() -> Snapshot:
        raise TimeoutError("no answer")

    watch = Watch()
    watch.look(fail)
    assert "no snapshot showed a serving Region" in watch.blind
    watch.memory = SEEN
    assert watch.blind == "1 snapshots could not be read, such as: TimeoutError: no answer"
    for _ in range(20):
        watch.look(healthy)
    assert (watch.blind, watch.report()["checks"]) == ("", 20 * len(CHECKED))
