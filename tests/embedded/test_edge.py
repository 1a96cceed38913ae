"""Requests through the edge: to the nearest Region that serves, signed for it, by the deployed distribution and function."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.embedded.conftest import Aws, running
from tests.embedded.converged import Converged, converged

DOMAIN = "api.example.com"
LONDON, TOKYO, NEW_YORK = "127.0.107.1", "127.0.14.1", "127.0.101.1"
EDGE = "127.2.0.1"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def region(self) -> str | None:
        return self.headers.get("x-region")


@dataclass
class Client:
    """Somebody at one place, as far as the network goes."""

    aws: Aws
    place: str
    host: str = DOMAIN
    address: str = EDGE
    seen: list[Answer] = field(default_factory=list)

    def asks(self, method: str = "GET", path: str = "/", body: bytes | None = None, **headers: str) -> Answer:
        port = int(self.aws.url.rsplit(":", 1)[1])
        connection = http.client.HTTPConnection(self.address, port, timeout=30, source_address=(self.place, 0))
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Host": self.host, **named})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            self.seen.append(Answer(answer.status, told, answer.read()))
        finally:
            connection.close()
        return self.seen[-1]


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


# ---- with signatures enforced ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Converged]:
    with running("--iam") as aws, converged(aws) as world:
        yield world


def test_only_the_edge_is_let_in_by_a_region(enforcing):
    """Its own name is no way around the edge: but for the health path, which every checker asks."""
    inside = Client(enforcing.aws, LONDON, host="eu-west-1.origin.api.example.com", address="127.1.6.1")
    assert Client(enforcing.aws, LONDON).asks().status == 200
    assert inside.asks("GET", "/health").status == 200
    assert inside.asks().status == 403
    forged = {
        "X_Amz_Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/execute-api/aws4_request",
    }
    assert inside.asks("GET", "/", **forged).status == 403
    assert Client(enforcing.aws, LONDON).asks("GET", "/", **forged).status == 200, "the edge signs anew"
