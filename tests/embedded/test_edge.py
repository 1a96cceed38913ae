"""Requests through the edge: to the nearest Region that serves, signed for it, by the deployed distribution and function."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged
from tests.embedded.edge_client import LONDON, NEW_YORK, TOKYO, Client


@pytest.fixture(scope="module")
def base(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


@pytest.fixture
def world(base: Converged) -> Iterator[Converged]:
    base.restore()
    yield base
    base.aws.control("faults", {"faults": []})


def test_everybody_is_answered_by_the_nearest_region(world):
    nearest = {LONDON: "eu-west-1", TOKYO: "ap-northeast-1", NEW_YORK: "us-east-1"}
    for place, region in nearest.items():
        answer = Client(world.aws, place).asks()
        assert (answer.status, answer.region) == (200, region)
        assert json.loads(answer.body)["service"] == "orders"
        assert "Miss from cloudfront" in answer.headers["x-cache"]


def test_what_the_api_refuses_comes_back_as_it_is(world):
    assert Client(world.aws, LONDON).asks("POST", "/nowhere?a=b%20c&d", b"{}").status == 403
    assert Client(world.aws, LONDON, host="other.example.com").asks().status in {403, 404}


def close(world: Converged, region: str) -> None:
    gate = world.observed().gates[region]
    route53 = world.aws.client("route53")
    route53.update_health_check(HealthCheckId=gate.id, HealthCheckVersion=gate.version, HealthThreshold=2)


def test_a_region_that_is_drained_loses_nobody(world):
    client = Client(world.aws, LONDON)
    assert client.asks().region == "eu-west-1"
    close(world, "eu-west-1")
    world.aws.until(lambda: client.asks().region != "eu-west-1")
    assert {answer.status for answer in client.seen} == {200}


def test_a_region_that_is_cut_off_is_left_within_its_time(world):
    """Requests are lost until its checkers, DNS and the router's memory have it out; then none is."""
    client = Client(world.aws, LONDON)
    assert client.asks().region == "eu-west-1"
    world.aws.control("faults", {"faults": [{"outage": "eu-west-1", "plane": "data"}]})
    assert client.asks().status == 504
    world.aws.until(lambda: client.asks().status == 200)
    assert client.seen[-1].region != "eu-west-1"
    assert {client.asks().status for _ in range(5)} == {200}


def test_a_body_that_no_function_sees_whole_is_refused(world):
    assert Client(world.aws, LONDON).asks("POST", "/", b"x" * 1_048_577).status == 413


def test_a_disabled_distribution_serves_nobody(world):
    cloudfront = world.aws.client("cloudfront")
    (found,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    config = cloudfront.get_distribution_config(Id=found["Id"])
    cloudfront.update_distribution(
        Id=found["Id"], IfMatch=config["ETag"], DistributionConfig={**config["DistributionConfig"], "Enabled": False}
    )
    world.aws.until(lambda: Client(world.aws, LONDON).asks().status == 403)
