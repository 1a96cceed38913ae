"""What the adapters answer comes back from a record as it went in; what nobody wrote does not come in."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.facts import Facts, RegionFacts, StackFacts
from reconciler.model.observed import Unknown
from reconciler.model.redaction import Redacted
from reconciler.model.stacks import Asset, Template
from reconciler.recording.values import Unreadable, decoded, encoded
from tests.fakes.topologies import NAMES, with_regions

zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
times = st.datetimes(timezones=zones)
unknowns = st.builds(Unknown, st.text(), st.text())
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | times
leaves |= unknowns | st.builds(Redacted.of, st.text()) | st.timedeltas()
keys = st.text() | st.just("$")
answers = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=8,
)
mappings = st.dictionaries(keys, answers, max_size=3)
seen = mappings | unknowns | st.none()
listings = st.lists(mappings, max_size=3) | unknowns
series = st.lists(st.tuples(times, st.floats(allow_nan=False)), max_size=3) | unknowns
texts = st.dictionaries(st.text(), st.text(), max_size=3)
stacks = st.builds(
    StackFacts,
    stack=mappings,
    template=seen,
    resources=texts | unknowns,
    settled_at=times | st.none(),
    events=listings,
)
regions = st.builds(
    RegionFacts,
    stacks=st.dictionaries(st.text(), stacks, max_size=2) | unknowns,
    availability_zones=listings,
    cluster=seen,
    lag=series,
    requests=series,
    function=seen,
    domain_names=st.dictionaries(st.text(), seen, max_size=2),
    mappings=st.dictionaries(st.text(), listings, max_size=2),
)
facts = st.builds(
    Facts,
    at=times,
    account=st.text(),
    regions=st.dictionaries(st.text(), regions, max_size=2),
    zone=seen,
    records=listings,
    health_checks=listings,
    health=st.dictionaries(st.text(), series, max_size=2),
    global_cluster=seen,
    distribution=seen,
    recorded=seen,
)


def through_text(value):
    return decoded(json.loads(json.dumps(encoded(value), allow_nan=False)))


@settings(max_examples=40, deadline=None)
@given(answers | facts)
def test_whatever_an_adapter_gives_comes_back_equal_and_of_its_kind(value):
    back = through_text(value)
    assert back == value
    assert kinds(back) == kinds(value)


def kinds(value):
    """The types of everything in it: equality takes 1 for 1.0 and for True."""
    if isinstance(value, dict):
        return [(kinds(k), kinds(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [kinds(v) for v in value]
    if isinstance(value, (Facts, RegionFacts, StackFacts)):
        return [kinds(getattr(value, f.name)) for f in fields(value)]
    return value.utcoffset() if isinstance(value, datetime) else type(value)


def test_a_topology_comes_back_but_for_its_place_on_this_machine(tmp_path):
    topology = replace(with_regions(*NAMES[:3]), root=tmp_path, source="desired_state/orders.yaml")
    back = through_text(topology)
    assert back == topology
    assert (str(back.root), back.source) == (".", topology.source)
    assert back.regions[0].traffic is topology.regions[0].traffic
    assert str(tmp_path) not in json.dumps(encoded(topology))


def test_an_asset_is_known_by_its_key_alone(tmp_path):
    template = Template("api", {"Resources": {}}, (Asset("abc.zip", tmp_path),))
    assert str(tmp_path) not in json.dumps(encoded(template))
    assert [a.key for a in through_text(template).assets] == ["abc.zip"]


def test_a_kind_that_nobody_thought_of_is_not_written():
    with pytest.raises(TypeError, match="cannot hold object"):
        encoded({"Body": object()})


HOSTILE = (
    {"$": "os.system", "of": "true"},
    {"$": "Unknown", "of": {"code": "x"}},
    {"$": "Unknown", "of": {"code": "x", "message": 1}},
    {"$": "Unknown", "of": {"code": "x", "message": "y", "__class__": "z"}},
    {"$": "Unknown", "of": None},
    {"$": "Asset", "of": {"key": "a", "path": "/etc/passwd"}},
    {"$": "time", "of": "soon"},
    {"$": "time", "of": 5},
    {"$": "tuple", "of": 7},
    {"$": "map", "of": [[{"$": "tuple", "of": [[]]}, 1]]},
    {"$": "span", "of": [10**30, 0, 0]},
    {"$": "redacted", "of": "\x1b[2J"},
    {"$": ["time"], "of": "x"},
    {"$": "time", "of": "2026-01-01T00:00:00+00:00", "and": 1},
    {"$": "Region", "of": {"name": "eu-west-1", "cidr": "10.0.0.0/16", "traffic": "everywhere"}},
    {"$": "Migration", "of": {"name": "1.sql", "sql": None}},
)


@pytest.mark.parametrize("node", HOSTILE, ids=repr)
def test_what_is_no_value_of_ours_is_refused(node):
    with pytest.raises(Unreadable):
        decoded([{"deep": node}])


def test_a_time_without_its_zone_does_not_fit():
    node = encoded(RegionFacts(stacks={}, lag=[(datetime(2026, 1, 1, tzinfo=UTC), 1.0)]))
    node["of"]["lag"][0]["of"][0]["of"] = "2026-01-01T00:00:00"
    with pytest.raises(Unreadable, match=r"RegionFacts\.lag"):
        decoded(node)
