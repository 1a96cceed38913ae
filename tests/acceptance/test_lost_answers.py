"""Answers that are lost, late or never come: the next attempt makes good, nothing is done twice, nothing is destroyed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.test_faults import destroys_nothing, memory
from tests.acceptance.world import REGIONS, Project, World

WRITES = (
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "route53:CreateHealthCheck",
    "route53:ChangeTagsForResource",
    "route53:UpdateHealthCheck",
    "s3:PutObject",
    "dynamodb:PutItem",
)


@pytest.fixture(autouse=True)
def without_faults(server: World) -> Iterator[None]:
    yield
    server.faults()


def test_the_first_deployment_survives_lost_answers(nothing: World, project: Project) -> None:
    """Each kind of write loses two: one was carried out, one was not. What is there is found, not made again."""
    nothing.faults(*({"call": call, "drop": moment, "times": 1} for call in WRITES for moment in ("after", "before")))
    nothing.converges(project)
    assert [g["HealthCheckConfig"]["HealthThreshold"] for g in nothing.gates().values()] == [1, 1, 1]
    assert nothing.is_in_sync(project)


def test_reads_that_lag_only_slow_down(world: World, project: Project) -> None:
    """What AWS showed a while ago is acted on, and put right by what it shows later: nothing flaps, nothing is destroyed."""
    stale = ("cloudformation:DescribeStacks", "route53:ListHealthChecks", "rds:DescribeDBClusters")
    world.faults(*({"call": call, "stale": 45} for call in stale))
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    world.forget_calls()
    world.converges(project)
    assert {memory(world, r) for r in REGIONS} == {1024}
    assert destroys_nothing(world)
    assert world.is_in_sync(project)


# ---- a Region's control plane is out ---------------------------------------------------------------------------------


def test_a_region_whose_control_plane_is_out_is_waited_for_and_serves_on(world: World, project: Project) -> None:
    gates = world.gates()
    world.faults({"outage": "eu-west-1"})
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    world.forget_calls()
    ran = world.meridian(project, "converge", "--timeout", "25s", "--format", "json")
    assert ran.code == 124, ran.said
    assert "ServiceUnavailable" in ran.said
    assert {r["name"]: r["health"] for r in ran.lines[-1]["regions"]}["eu-west-1"] == "Unknown"
    assert destroys_nothing(world)
    assert world.gates() == gates  # what cannot be read is not taken out of service
    assert memory(world, "eu-west-1") == 512
    world.faults()
    world.converges(project)
    assert {memory(world, r) for r in REGIONS} == {1024}


def test_an_outage_at_home_changes_nothing_and_is_said(world: World, project: Project) -> None:
    """us-east-1 takes Route 53's and CloudFront's control planes along; the lease and the status are data, and go on."""
    world.faults({"outage": "us-east-1"})
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    world.forget_calls()
    ran = world.meridian(project, "converge", "--once", "--format", "json")
    assert "ServiceUnavailable" in ran.said
    assert world.mutating() == 0
