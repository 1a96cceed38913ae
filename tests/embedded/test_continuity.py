"""Clients are served while the reconciler works: in short here, all of it with `make soak`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.topology import Region, Topology, Traffic
from tests.continuity.clients import Clients
from tests.continuity.story import WATCHED, Story
from tests.continuity.told import Told, told
from tests.embedded.conftest import Aws, running
from tests.embedded.converged import Converged, converged

RATE = 3.0
PICTURE = Path(__file__).parents[2] / "build" / "continuity.svg"
LONG = bool(os.environ.get("MERIDIAN_SOAK"))


@pytest.fixture(scope="module")
def server() -> Iterator[Aws]:
    """Of its own, for the databases' sake: what they hold is in no snapshot."""
    with running() as aws:
        yield aws


@pytest.fixture
def world(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


def with_traffic(topology: Topology, name: str, traffic: Traffic) -> Topology:
    regions = tuple(replace(r, traffic=traffic) if r.name == name else r for r in topology.regions)
    return replace(topology, regions=regions)


def writing_in(topology: Topology, region: str) -> Topology:
    return replace(topology, database=replace(topology.database, writer=region))


def with_memory(topology: Topology, megabytes: int) -> Topology:
    return replace(topology, api=replace(topology.api, memory_mb=megabytes))


def ended(story: Story, clients: Clients, picture: Path | None = None) -> Told:
    clients.stop()
    found = told(story, clients, picture)
    sys.stdout.write(f"\n{found}\n")
    assert not found.unexcused, str(found)
    assert not found.wrong, str(found)
    return found


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_drain_and_a_writer_that_moves_lose_nobody(world):
    clients = Clients(world.aws, RATE)
    story = Story(world, clients, world.topology)
    world.aws.go(WATCHED)
    clients.start()
    story.watch(60)
    drained = with_traffic(world.topology, "ap-northeast-1", Traffic.DRAINED)
    story.commit("drain Tokyo", drained)
    story.watch(60)
    story.commit("the writer moves to Ireland", writing_in(drained, "eu-west-1"))
    story.watch(60)
    found = ended(story, clients)
    assert found.calls > 50


@pytest.mark.skipif(not LONG, reason="takes some minutes: make soak")
@pytest.mark.timeout(3000)
def test_nobody_is_lost_through_all_that_can_happen(world):
    clients = Clients(world.aws, RATE)
    topology = world.topology
    story = Story(world, clients, topology)
    world.aws.go(WATCHED)
    clients.start()
    story.watch(120)
    frankfurt = Region(name="eu-central-1", cidr="10.40.0.0/16", traffic=Traffic.SERVING)
    topology = replace(topology, regions=(*topology.regions, frankfurt))
    story.commit("add Frankfurt", topology)
    topology = with_memory(topology, 1024)
    story.commit("roll out", topology)
    topology = with_traffic(topology, "ap-northeast-1", Traffic.DRAINED)
    story.commit("drain Tokyo", topology)
    topology = with_traffic(topology, "ap-northeast-1", Traffic.SERVING)
    story.commit("open Tokyo", topology)
    topology = writing_in(topology, "eu-west-1")
    story.commit("the writer moves to Ireland", topology)
    story.watch(120)
    story.cut("us-east-1", 420)
    story.watch(420)
    topology = replace(topology, regions=tuple(r for r in topology.regions if r.name != "eu-central-1"))
    story.commit("remove Frankfurt", topology)
    story.watch(120)
    ended(story, clients, PICTURE)
