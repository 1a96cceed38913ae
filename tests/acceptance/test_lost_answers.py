"""Answers that are lost, late or never come: the next attempt makes good, nothing is done twice, nothing is destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.test_faults import memory
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


def lost(moment: str, **more: Any) -> list[dict[str, Any]]:
    return [{"call": call, "drop": moment, **more} for call in WRITES]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_first_deployment_survives_lost_answers(nothing: World, project: Project, moment: str) -> None:
    """Each write is lost twice: the gates are still there once, and in Git's state."""
    nothing.faults(*lost(moment, times=2))
    nothing.converges(project)
    assert sorted(g["HealthCheckConfig"]["HealthThreshold"] for g in nothing.gates().values()) == [1, 1, 1]
    assert nothing.is_in_sync(project)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_change_survives_lost_answers(world: World, project: Project, moment: str) -> None:
    world.faults(*lost(moment, probability=0.3))
    project.edit(("memoryMb: 512", "memoryMb: 1024"), ("ttlSeconds: 10", "ttlSeconds: 20"))
    world.converges(project)
    assert {memory(world, r) for r in REGIONS} == {1024}
