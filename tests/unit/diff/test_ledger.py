"""Each declared value is compared, shown by what serves, or left out for a reason that is said."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.diff import desired_stacks, diff, ledger
from reconciler.diff.catalogue import FIELDS
from reconciler.diff.drift import stack_drift
from reconciler.load import schema
from reconciler.model.coverage import Way
from reconciler.model.detection import Detection
from reconciler.model.facts import LATER
from reconciler.model.observed import Missing, StackState, Unknown
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered, templates

API = StackRef(StackKind.API, "eu-west-1")
DATA = StackRef(StackKind.DATA, "eu-west-1")
DENIED = Unknown("AccessDenied", "no")
CODE = {"S3Bucket": "b", "S3Key": "k"}
FUNCTION = {"MemorySize": 512, "Timeout": 10, "Code": CODE, "Role": {"Fn::GetAtt": ["Role", "Arn"]}}
CLUSTER = {"MasterUserPassword": "{{resolve:x}}", "Port": 5432}
POLICY = {"PolicyName": "p", "Roles": ["r"]}


def state(world, **resources):
    types = {"Function": "Lambda::Function", "Cluster": "RDS::DBCluster", "Policy": "IAM::Policy"}
    body = {n: {"Type": f"AWS::{types[n]}", "Properties": p} for n, p in resources.items()}
    given = world.stacks[API]
    return StackState(ref=API, status="CREATE_COMPLETE", changed_at=given.changed_at, template={"Resources": body})


@pytest.fixture
def world() -> World:
    world = World(with_regions(*NAMES[:2]))
    world.run()
    world.recorded = remembered(world.desired, world.gates)
    return world


def ways(entries):
    return {e.path.removeprefix("regions/eu-west-1/"): (e.way, e.why, e.checkable) for e in entries}


def test_a_property_counts_as_what_came_of_it(world):
    of = state(world, Function=FUNCTION, Cluster=CLUSTER, Policy=POLICY)
    live = {"Function": {"MemorySize": 512, "Role": "arn", "Timeout": DENIED}}
    _, entries = stack_drift(of, live, "1")
    found = ways(entries)
    assert found["api/memoryMb"] == (Way.READ, "", True)
    assert found["api/timeoutSeconds"] == (Way.UNCHECKED, "AccessDenied: no", True)
    assert found["api/code"] == (Way.UNCHECKED, "write-only: AWS never tells it", False)
    assert found["api/Function/Role"] == (Way.UNCHECKED, "refers to an attribute that the stack does not tell", True)
    assert found["api/Cluster/Port"] == (Way.UNCHECKED, ledger.NOT_LOOKED, True)
    assert found["api/Cluster/MasterUserPassword"] == (Way.UNCHECKED, "a secret: AWS never tells it", False)
    way, why, checkable = found["api/Policy"]
    assert (way, checkable) == (Way.UNCHECKED, False)
    assert why.startswith("CloudFormation cannot read an AWS::IAM::Policy")
    values = {e.path.removeprefix("regions/eu-west-1/"): e.values for e in entries}
    assert (values["api/code"], values["api/Policy"], sum(values.values())) == (2, 2, 9)


def test_a_reader_that_gives_a_property_more_changes_the_ledger_by_itself(world):
    of = state(world, Function=FUNCTION, Policy=POLICY)
    _, entries = stack_drift(of, {"Function": {"Code": CODE}, "Policy": {"PolicyName": "p"}}, "1")
    found = ways(entries)
    assert found["api/code"] == found["api/Policy/PolicyName"] == (Way.READ, "", True)


@pytest.mark.parametrize(
    ("detection", "way", "why"),
    [
        (None, Way.UNCHECKED, ledger.NOT_LOOKED),
        ({}, Way.CHANGE_SET, ""),
        ({"resources": {"Function": "MODIFIED"}}, Way.CHANGE_SET, ""),
        ({"resources": {"Function": "UNKNOWN"}}, Way.UNCHECKED, "CloudFormation could not compare it: UNKNOWN"),
        ({"ignored": {"Function.MemorySize": "MANAGED_BY_AWS"}}, Way.UNCHECKED, "MANAGED_BY_AWS"),
        ({"deployed": timedelta(hours=-1)}, Way.UNCHECKED, ledger.BEFORE),
    ],
)
def test_what_nobody_read_is_checked_by_a_change_set_if_one_looked_since(world, detection, way, why):
    of = state(world, Function=FUNCTION)
    given = dict(detection or {})
    changed = of.changed_at + given.pop("deployed", timedelta())
    looked = None if detection is None else Detection(at=world.now, changed_at=changed, **given)
    _, entries = stack_drift(of, {}, "1", looked)
    found = {e.path: e for e in entries}
    entry = found.get("regions/eu-west-1/api/memoryMb") or found["regions/eu-west-1/api/Function"]
    assert (entry.way, entry.why) == (way, why)
    assert (entry.at is not None) is (way is Way.CHANGE_SET)
    assert found["regions/eu-west-1/api/code"].why == "write-only: AWS never tells it"


@pytest.mark.parametrize(("seen", "why"), [(DENIED, "AccessDenied: no"), (LATER, "only a full sweep reads it")])
def test_a_reading_that_failed_says_so(world, seen, why):
    _, entries = stack_drift(state(world, Function=FUNCTION), {"Function": seen}, "1")
    found = ways(entries)
    assert found["api/Function"] == (Way.UNCHECKED, why, True)
    assert found["api/code"][2] is False


def test_a_resource_that_is_gone_was_looked_at(world):
    _, entries = stack_drift(state(world, Function={"MemorySize": 512}), {"Function": Missing()}, "1")
    assert ways(entries) == {"api/memoryMb": (Way.READ, "", True)}


def compare(world, **more):
    observed = replace(world.observed(), **more)
    return diff(world.desired, desired_stacks(world.desired, observed, templates(world.desired)), observed)


def test_what_serves_is_checked_by_serving_and_settings_count_for_nothing(world):
    found = compare(world).coverage
    entries = {e.path: e for e in found.ledger}
    assert entries["regions/eu-west-1/traffic"].way is entries["database/writer"].way is Way.PROBE
    assert entries["safety"].way is Way.SETTING
    assert entries["edge/webAclArn"].why == "not declared: nothing to compare"
    assert entries["database/migrations"].checkable is False
    counted = [e for e in found.ledger if e.way is not Way.SETTING]
    assert found.fields == sum(e.values for e in counted) == sum(found.ways.values())
    assert found.checked == found.fields - sum(u.values for u in found.unchecked)


def test_what_cannot_be_read_of_what_serves_is_unchecked(world):
    seen = world.observed()
    found = compare(world, gates={**seen.gates, "eu-west-1": DENIED}, stacks={**seen.stacks, DATA: DENIED}).coverage
    left = {u.path: u.why for u in found.unchecked}
    assert left["regions/eu-west-1/traffic"] == left["data/eu-west-1"] == "AccessDenied: no"
    assert not any(e.why.startswith("not declared") for e in found.ledger)


def test_every_field_of_the_document_has_its_place():
    """A new field is carried by a property, shown by what serves, or named as one that cannot drift."""
    whole = json.loads(Path(schema.__file__).with_name("schema.json").read_text())
    fields = set(_leaves(whole, "")) - {"apiVersion", "kind"}
    named = {f.path for f in FIELDS} | set(ledger.SETTINGS) | set(ledger.SHOWN) | set(ledger.ASKED_LATER)
    missing = {f for f in fields if f not in named and f.split("/")[0] not in ledger.SETTINGS}
    assert missing == set()
    known = {f.split("/")[0] for f in fields} | fields
    assert {s for s in (*ledger.SETTINGS, *ledger.SHOWN, *ledger.ASKED_LATER) if s not in known} == set()


def _leaves(node, path):
    properties = node.get("properties") or (node.get("items") or {}).get("properties")
    if not properties:
        yield path.removeprefix("spec/")
        return
    for name, inner in properties.items():
        below = f"{path}/*" if "items" in node else path
        yield from _leaves(inner, f"{below}/{name}".removeprefix("/"))
