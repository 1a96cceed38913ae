"""What a drift report adds to its findings on the embedded AWS: who made each, and how every declared value was checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from reconciler.diff.compare import leaf_paths
from reconciler.diff.ledger import ASKED_LATER
from reconciler.diff.resolve import resolved_properties
from reconciler.loop import look
from reconciler.model.coverage import Way
from reconciler.model.facts import Sweep
from reconciler.model.observed import StackState
from reconciler.model.provenance import Lookup
from reconciler.report.status import status_document
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged

ACCOUNT, FUNCTION = "111111111111", "meridian-orders-api"
LATE = 400  # seconds: more than CloudTrail takes


@pytest.fixture(scope="module")
def base(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


@pytest.fixture
def world(base: Converged) -> Converged:
    base.restore()
    return base


def person(world: Converged, name: str, service: str, region: str) -> Any:
    """A client of somebody's own; the embedded AWS knows them by their key."""
    iam = world.aws.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=world.aws.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def authors(world: Converged) -> dict[str, str | None]:
    return {f.path: f.by for f in look(world.ports, world.topology, sweep=Sweep.FULL).diff.findings}


def test_two_people_are_told_apart(world: Converged) -> None:
    alice, bob = (
        person(world, "alice", "lambda", "eu-west-1"),
        person(world, "bob", "cloudfront", "us-east-1"),
    )
    alice.update_function_configuration(FunctionName=FUNCTION, MemorySize=256)
    (id_,) = [d["Id"] for d in bob.list_distributions()["DistributionList"]["Items"]]
    answer = bob.get_distribution_config(Id=id_)
    config = {**answer["DistributionConfig"], "PriceClass": "PriceClass_All"}
    bob.update_distribution(Id=id_, IfMatch=answer["ETag"], DistributionConfig=config)
    memory, price = "regions/eu-west-1/api/memoryMb", "edge/priceClass"
    assert set(authors(world)) == {memory, price}
    world.passes(LATE)
    outcome = look(world.ports, world.topology, sweep=Sweep.FULL)
    told = {f.path: f.by or "" for f in outcome.diff.findings}
    assert told[memory].startswith(
        f"arn:aws:iam::{ACCOUNT}:user/alice UpdateFunctionConfiguration20150331v2 127.0.0.1 2"
    )
    assert told[price].startswith(f"arn:aws:iam::{ACCOUNT}:user/bob UpdateDistribution 127.0.0.1 2")
    kept = {f["path"]: f["by"] for f in status_document(outcome, None)["findings"]}
    assert kept == told


def test_a_gate_and_a_record_have_authors_too(world: Converged) -> None:
    carol = person(world, "carol", "route53", "us-east-1")
    gate = world.observed().gates["eu-west-1"]
    carol.update_health_check(HealthCheckId=gate.id, HealthThreshold=2)  # type: ignore[union-attr]
    zone = world.topology.domain.zone_id
    sets = carol.list_resource_record_sets(HostedZoneId=zone, StartRecordName="route.api.example.com")
    record = next(r for r in sets["ResourceRecordSets"] if r.get("SetIdentifier") == "eu-west-1")
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {**record, "TTL": 222}}]}
    carol.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    world.passes(LATE)
    told = authors(world)
    for path, call in (
        ("regions/eu-west-1/traffic", "UpdateHealthCheck"),
        ("routing/ttlSeconds", "ChangeResourceRecordSets"),
    ):
        assert (told[path] or "").startswith(f"arn:aws:iam::{ACCOUNT}:user/carol {call} ")


def test_a_history_that_may_not_be_read_is_unknown_and_blinds_nothing(world: Converged) -> None:
    fault = {"call": "cloudtrail:LookupEvents", "error": "AccessDeniedException"}
    assert world.aws.control("faults", {"faults": [fault]})[0] == 200
    lookup = Lookup(region="eu-west-1", attribute="ResourceName", value=FUNCTION)
    answer = world.ports.cloud.looked_up([lookup])[lookup]
    assert getattr(answer, "code", "") == "AccessDeniedException"
    world.aws.control("faults", {"faults": []})


def test_every_property_of_every_template_is_in_the_ledger(world: Converged) -> None:
    outcome = look(world.ports, world.topology, sweep=Sweep.FULL)
    coverage, account = outcome.diff.coverage, outcome.observed.account
    declared = 0
    for state in outcome.observed.stacks.values():
        if isinstance(state, StackState) and state.template:
            resources = state.template["Resources"]
            properties = resolved_properties(state, account, resources)
            declared += sum(1 for _ in leaf_paths(properties))
    beside = [e for e in coverage.ledger if e.way is Way.PROBE or e.path in ASKED_LATER]
    assert coverage.fields == declared + sum(e.values for e in beside)
    assert all(u.why for u in coverage.unchecked)
    assert {e.path for e in beside} >= {
        "database/writer",
        *(f"regions/{r}/traffic" for r in world.topology.region_names),
    }
