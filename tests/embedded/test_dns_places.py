"""Where clients of the name servers stand, and how they are moved."""

from __future__ import annotations

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.dns_client import Dns
from tests.embedded.test_dns_answers import NEAR, REGIONS, E, U, group


@pytest.fixture
def dns(aws: Aws) -> Dns:
    aws.go(2000)
    return Dns(aws)


@pytest.mark.parametrize("place", NEAR)
def test_the_place_is_that_of_the_source_address_too(dns: Dns, place: str) -> None:
    group(dns, "latency", dict.fromkeys(REGIONS))
    place_of = dns.aws.control("locations")[1]["locations"][place]
    [answer] = dns.ask("x.example.com", source=place_of["source"]).answer
    assert [item.to_text() for item in answer] == [REGIONS[NEAR[place]]]


def test_a_client_can_be_moved(dns: Dns) -> None:
    group(dns, "latency", dict.fromkeys(REGIONS))
    assert dns.values("x.example.com") == [REGIONS[U]]
    dns.aws.control("locations", {"default": "london"})
    assert dns.values("x.example.com") == [REGIONS[E]]
    dns.aws.control("locations", {"location": "london", "region": U, "ms": 0.5})
    assert dns.values("x.example.com", place="london") == [REGIONS[U]]
    dns.aws.control("locations", {"location": "london", "region": U, "ms": None})
    assert dns.values("x.example.com", place="london") == [REGIONS[E]]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({}, "give default"),
        ({"default": "atlantis"}, "no location 'atlantis'"),
        ({"location": "london", "region": "mars-1", "ms": 1}, "belong together"),
        ({"location": "london", "region": "us-east-1", "ms": -1}, "must be a number"),
    ],
)
def test_a_wrong_place_is_refused_by_name(dns: Dns, request_: dict, told: str) -> None:
    status, answer = dns.aws.control("locations", request_)
    assert (status, told in answer["error"]) == (400, True)


def test_every_region_is_nearest_to_itself_and_ours_are_apart(dns: Dns) -> None:
    places = dns.aws.control("locations")[1]["locations"]
    twins = {"us-gov-east-1", "us-gov-west-1"}  # they stand beside us-east-2 and us-west-2
    for region in places["us-east-1"]["ms"].keys() - twins:
        others = {r: ms for r, ms in places[region]["ms"].items() if r not in twins}
        assert min(others, key=others.get) == region
    assert 60 < places["eu-west-1"]["ms"]["us-east-1"] < 110
