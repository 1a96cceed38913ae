"""What is remembered of stacks is never older than they are, whatever happens to them, and spares reads that would say the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.aws import read_stacks
from reconciler.drive import Run
from reconciler.loop import look, run_pass
from reconciler.model import structure
from reconciler.model.facts import StackFacts, Sweep
from reconciler.model.outcome import Outcome, Result
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged

EU, HOME = "eu-west-1", "us-east-1"
API, ROUTING = "meridian-orders-api", "meridian-orders-routing"
SPARED = ("cloudformation:GetTemplate", "cloudformation:ListStackResources")


@pytest.fixture(scope="module")
def base(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


@pytest.fixture
def world(base: Converged) -> Iterator[Converged]:
    base.restore()
    yield base
    base.aws.control("faults", {"faults": []})


def called(aws: Aws, does: Callable[[], Any]) -> dict[str, int]:
    aws.control("calls", {})
    does()
    return {c["call"]: c["count"] for c in aws.control("calls")[1]["calls"]}


def pass_(world: Converged) -> Outcome:
    return run_pass(world.ports, world.topology, Run())


def remembers(world: Converged) -> None:
    """As a pass does that finds nothing to do, whatever it would do here."""
    found = look(world.ports, world.topology)
    status = {**(found.observed.recorded or {}), "structure": structure.document(found.structure)}
    with world.ports.journal.lease(world.topology):
        world.ports.journal.record(world.topology, status)


def seen(world: Converged, name: str, region: str) -> StackFacts | None:
    stacks = world.facts().regions[region].stacks
    assert isinstance(stacks, dict)
    return stacks.get(name)


def is_true(world: Converged, name: str, region: str) -> None:
    """What a look says of a stack is what AWS says. Time stands still."""
    client = world.aws.client("cloudformation", region)
    found = seen(world, name, region)
    assert found is not None
    assert found.template == client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    listed = client.list_stack_resources(StackName=name)["StackResourceSummaries"]
    gone = "DELETE_COMPLETE"
    ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in listed if r["ResourceStatus"] != gone}
    assert found.resources == ids
    assert found.settled_at == max(r["LastUpdatedTimestamp"] for r in listed)


def template(world: Converged, name: str, region: str) -> dict[str, Any]:
    found: dict[str, Any] = world.aws.client("cloudformation", region).get_template(StackName=name)["TemplateBody"]
    return found


def arguments(world: Converged, name: str, region: str) -> dict[str, Any]:
    stack = world.aws.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"][0]
    return {"StackName": name, "Parameters": stack["Parameters"], "Capabilities": ["CAPABILITY_NAMED_IAM"]}


def begin_update(world: Converged, threshold: float = 7) -> None:
    """By hand, of the API's stack."""
    body = template(world, API, EU)
    body["Resources"]["ErrorsAlarm"]["Properties"]["Threshold"] = threshold
    body["Resources"]["ErrorsAlarm"]["DependsOn"] = "AccessLogs"
    body["Resources"]["AccessLogs"]["Properties"]["RetentionInDays"] = 60
    asked = arguments(world, API, EU)
    world.aws.client("cloudformation", EU).update_stack(**asked, TemplateBody=json.dumps(body))


def test_a_pass_at_rest_reads_no_template_and_no_resources(world: Converged) -> None:
    found = called(world.aws, lambda: pass_(world))
    assert not {name: found[name] for name in SPARED if name in found}
    assert found["cloudformation:DescribeStacks"] == len(world.topology.deployment_regions)


def test_and_neither_does_the_next_one_of_another_process_nor_a_full_sweep(base: Converged) -> None:
    with converged(base.aws) as other:
        other.restore()
        assert not set(SPARED) & set(called(other.aws, lambda: pass_(other)))
        full = called(other.aws, lambda: look(other.ports, other.topology, sweep=Sweep.FULL))
        assert not set(SPARED) & set(full)


def test_what_it_says_is_true(world: Converged) -> None:
    for name, region in ((API, EU), (ROUTING, HOME), ("meridian-orders-edge", HOME), ("meridian-orders-data", EU)):
        is_true(world, name, region)


def test_without_a_status_everything_is_read(world: Converged) -> None:
    with world.ports.journal.lease(world.topology):
        world.ports.journal.record(world.topology, {"structure": [1, 2]})
    found = called(world.aws, world.facts)
    stacks = 3 * len(world.topology.regions) + 3
    assert found["cloudformation:ListStackResources"] == 2 * len(world.topology.regions) + 2
    assert found.get("cloudformation:GetTemplate", 0) in {0, stacks}, "this process may have read them before"


@pytest.mark.parametrize(
    ("faults", "ends"),
    [
        ((), "UPDATE_COMPLETE"),
        (("AWS::CloudWatch::Alarm",), "UPDATE_ROLLBACK_COMPLETE"),
        (("AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup/rollback"), "UPDATE_ROLLBACK_FAILED"),
    ],
)
def test_an_update_by_hand_is_seen_while_it_runs_and_whatever_its_end(
    world: Converged, faults: tuple[str, ...], ends: str
) -> None:
    world.aws.control("faults", {"faults": [{"resource": name, "times": 1} for name in faults]})
    world.aws.still()
    begin_update(world)
    is_true(world, API, EU)
    remembers(world)
    is_true(world, API, EU)
    world.aws.go()
    assert world.aws.settled(API, EU) == ends
    world.aws.still()
    is_true(world, API, EU)
    remembers(world)
    is_true(world, API, EU)
    assert ("api/eu-west-1" in remembered(world)) == ends.endswith("COMPLETE")
    if ends.endswith("FAILED"):
        world.aws.control("faults", {"faults": []})
        world.aws.client("cloudformation", EU).continue_update_rollback(StackName=API)
        world.aws.go()
        assert world.aws.settled(API, EU) == "UPDATE_ROLLBACK_COMPLETE"
        is_true(world, API, EU)
        remembers(world)
        is_true(world, API, EU)


def remembered(world: Converged) -> structure.Structure:
    return structure.recorded(world.ports.journal.recorded(world.topology))


def test_an_update_between_the_listing_and_the_read_is_not_taken_for_what_was_listed(
    world: Converged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read of the template comes late: what is remembered under the old mark is of no use to anybody."""
    with world.ports.journal.lease(world.topology):
        world.ports.journal.record(world.topology, {})
    late = read_stacks.start_template_of

    def start(reads: Any, ref: Any, stack: Any, known: Any) -> Any:
        if str(ref) == f"api/{EU}" and stack:
            monkeypatch.setattr(read_stacks, "start_template_of", late)
            begin_update(world)
            assert world.aws.settled(API, EU) == "UPDATE_COMPLETE"
        return late(reads, ref, stack, known)

    monkeypatch.setattr(read_stacks, "start_template_of", start)
    before = template(world, API, EU)
    remembers(world)
    assert template(world, API, EU) != before
    world.aws.still()
    is_true(world, API, EU)
    remembers(world)
    is_true(world, API, EU)


def test_a_stack_that_was_deleted_and_made_again_is_another_one(world: Converged) -> None:
    client = world.aws.client("cloudformation")
    body, asked = template(world, ROUTING, HOME), arguments(world, ROUTING, HOME)
    old = remembered(world)["routing"]
    client.delete_stack(StackName=ROUTING)
    world.aws.until(lambda: seen(world, ROUTING, HOME) is None)
    remembers(world)
    assert "routing" not in remembered(world)
    client.create_stack(**asked, TemplateBody=json.dumps(body))
    assert world.aws.settled(ROUTING) == "CREATE_COMPLETE"
    world.aws.still()
    is_true(world, ROUTING, HOME)
    remembers(world)
    assert remembered(world)["routing"].mark != old.mark
    assert remembered(world)["routing"].template == old.template


def test_a_pass_puts_right_what_the_update_did_and_then_remembers_again(world: Converged) -> None:
    begin_update(world)
    assert world.aws.settled(API, EU) == "UPDATE_COMPLETE"
    run = Run(patience=30)
    world.aws.until(lambda: run_pass(world.ports, world.topology, run).result is Result.CONVERGED)
    assert not set(SPARED) & set(called(world.aws, lambda: pass_(world)))


def test_what_is_remembered_of_twelve_regions_fits_into_the_table(world: Converged) -> None:
    """DynamoDB takes 400 KB of an item, all of it."""
    status = dict(world.ports.journal.recorded(world.topology) or {})
    region = {name: stack for name, stack in status["structure"].items() if name.endswith(EU)}
    twelve = {**status["structure"], **{f"{name}-{n}": stack for n in range(11) for name, stack in region.items()}}
    sizes = [len(json.dumps(s, separators=(",", ":"))) for s in (region, status["structure"], twelve, status)]
    assert sizes[2] < 200_000, sizes
