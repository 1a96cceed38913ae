"""The near side of each boundary; and documents at random, valid ones and others."""

import json
import math
import random
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.load import load
from reconciler.load.schema import schema
from reconciler.model.errors import InvalidDesiredState, Problem

REGIONS = [r for r in schema()["$defs"]["region"]["enum"] if not r.startswith(("cn-", "us-gov-", "eusc-"))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("drainSeconds: 300", "drainSeconds: 270"),
        ('"16.8"', '"14.9"'),
        ('"16.8"', '"15.10"'),
        ('"16.8"', '"16.0"'),
        ('"16.8"', '"17.4"'),
        ("name: api.example.com", "name: example.com"),
        ("name: api.example.com", f"name: {'a' * 30}.example.com"),
        ("10.20.0.0/16", "10.11.0.0/19"),
        ("10.20.0.0/16", "172.31.0.0/16"),
        ("minServing: 1", "minServing: 3"),
        ("instancesPerRegion: 2", "instancesPerRegion: 14"),
        ("{min: 8, max: 64}", "{min: 8, max: 8.0}"),
        ("writeForwarding: session", "writeForwarding: off"),
        ("homeRegion: us-east-1", "homeRegion: eu-central-2"),
        ("windows: []", "windows: [{cron: '*/15 0-6,22 1 JAN-mar 0,sun', duration: 1d}]"),
        ("rate(30 minutes)", "rate(12 hours)"),
    ],
)
def test_what_is_just_allowed(project, old, new):
    project.load(project.edited((old, new)))


SNIPPETS = [
    "&a ", "*a", "!!int ", "<<: *a\n", "? ", "- ", "{", "}", "[", "]", ": ", ",", "\t", "\n", "#", "'", '"', "\\", "|",
    "> ", "---\n", "...\n", "%YAML 1.1\n", "\x00", "\ufeff", "\x85", "\u2028", "é", "0x", "1e999", ".inf", "null", "true",
    "-1", "9" * 30, "spec", "regions", "  ", "../..",
]  # fmt: skip


@given(seed=st.integers(0, 2**32), count=st.integers(1, 12))
@settings(max_examples=150, deadline=None)
def test_a_mangled_example_is_valid_or_refused_but_never_a_crash(shared_project, seed, count):
    chance = random.Random(seed)
    text = shared_project.example
    for _ in range(count):
        start = chance.randrange(len(text) + 1)
        text = text[:start] + chance.choice(SNIPPETS) + text[start + chance.choice((0, 0, 1, 8)) :]

    check_loads_or_refuses(shared_project.write(text))


@given(content=st.binary(max_size=200) | st.lists(st.sampled_from(SNIPPETS)).map(lambda parts: "".join(parts).encode()))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_refused_and_never_a_crash(shared_project, content):
    path = shared_project.folder / "orders.yaml"
    path.write_bytes(content)

    with pytest.raises(InvalidDesiredState) as raised:
        load(path)
    assert raised.value.problems


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data(), junk=JSON)
@settings(max_examples=150, deadline=None)
def test_any_value_in_place_of_any_field_is_never_a_crash(shared_project, data, junk):
    document = yaml.safe_load(shared_project.example)
    *parents, last = data.draw(st.sampled_from(list(all_paths(document))))
    holder = document
    for part in parents:
        holder = holder[part]
    holder[last] = junk

    check_loads_or_refuses(shared_project.write(as_yaml(document)))


def all_paths(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from all_paths(item, (*path, key))


def as_yaml(document) -> str:
    """JSON, which YAML contains: leaves no doubt about what is text."""
    return json.dumps(document, ensure_ascii=False, indent=1)


def check_loads_or_refuses(path: Path) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        assert load(path)
    except InvalidDesiredState as refused:
        problems = refused.problems
    assert problems == tuple(sorted(problems))
    assert all(p.line >= 1 and p.column >= 1 and p.message and str(p).isprintable() for p in problems)


@st.composite
def documents(draw):
    """A valid document with most of its values drawn."""
    names = draw(st.lists(st.sampled_from(REGIONS), min_size=1, max_size=11, unique=True))
    blocks = draw(st.permutations(list(IPv4Network("10.0.0.0/8").subnets(new_prefix=16))[: len(names)]))
    serving = [True, *draw(st.lists(st.booleans(), min_size=len(names) - 1, max_size=len(names) - 1))]
    halves = st.integers(1, 512).map(lambda n: n / 2)
    low, high = sorted(draw(st.tuples(halves, halves)))
    ttl, timeout = draw(st.integers(5, 300)), draw(st.integers(1, 29))
    drain = draw(st.integers(240 + ttl + min(ttl, 60) + timeout, 3600))
    spec = {
        "account": draw(st.from_regex("[0-9]{12}", fullmatch=True)),
        "homeRegion": draw(st.sampled_from(REGIONS)),
        "domain": {"name": "api.example.com", "hostedZoneId": "Z0123456789EXAMPLE", "hostedZoneName": "example.com"},
        "regions": [
            {"name": name, "cidr": str(block), "traffic": "serving" if serves else "drained"}
            for name, block, serves in zip(names, blocks, serving, strict=True)
        ],
        "database": {
            "version": draw(st.sampled_from(["14.9", "15.10", "16.8", "17.10"])),
            "name": draw(st.sampled_from(["orders", "off", "null"])),
            "writer": draw(st.sampled_from(names)),
            "capacity": {"min": low, "max": high},
            "writeForwarding": draw(st.sampled_from(["session", "eventual", "global", "off"])),
        },
        "api": {"memoryMb": draw(st.integers(128, 10240)), "timeoutSeconds": timeout},
        "routing": {"ttlSeconds": ttl, "drainSeconds": drain},
        "safety": {"minServing": draw(st.integers(1, sum(serving))), "soakSeconds": draw(st.integers(0, 86400))},
        "suspend": draw(st.booleans()),
    }
    name = draw(st.from_regex("[a-z](-?[a-z0-9]){1,10}", fullmatch=True))
    return {"apiVersion": "meridian/v1", "kind": "MultiRegionApi", "metadata": {"name": name}, "spec": spec}


@given(document=documents())
@settings(max_examples=100, deadline=None)
def test_a_valid_document_comes_back_with_its_values(shared_project, document):
    spec = document["spec"]

    topology = shared_project.load(as_yaml(document))

    assert topology.name == document["metadata"]["name"]
    assert (topology.account, topology.home_region) == (spec["account"], spec["homeRegion"])
    regions = [{"name": r.name, "cidr": r.cidr, "traffic": str(r.traffic)} for r in topology.regions]
    assert regions == spec["regions"]
    database = topology.database
    assert database.version == spec["database"]["version"]
    assert database.name == spec["database"]["name"]
    assert database.writer == spec["database"]["writer"]
    assert math.isclose(database.min_capacity, spec["database"]["capacity"]["min"])
    assert math.isclose(database.max_capacity, spec["database"]["capacity"]["max"])
    assert database.write_forwarding == spec["database"]["writeForwarding"]
    assert {"memoryMb": topology.api.memory_mb, "timeoutSeconds": topology.api.timeout_seconds} == spec["api"]
    routing = {"ttlSeconds": topology.routing.ttl_seconds, "drainSeconds": topology.routing.drain_seconds}
    assert routing == spec["routing"]
    assert {"minServing": topology.safety.min_serving, "soakSeconds": topology.safety.soak_seconds} == spec["safety"]
    assert topology.suspend is spec["suspend"]
