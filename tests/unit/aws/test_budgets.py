"""Requests wait for their turn, by the clock of AWS, and none fails for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from moto import mock_aws

from reconciler.aws.budgets import LIMITS, Budgets
from reconciler.aws.clients import Clients
from reconciler.model.errors import LeaseLost


class Time:
    """`slept`: what callers were made to wait, each beside the others."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def budgets(self, pace: float = 1.0) -> Budgets:
        return Budgets(lambda: pace, lambda: self.now, self.slept.append)


def test_a_burst_passes_and_then_one_after_another() -> None:
    time = Time()
    budgets, limit = time.budgets(), LIMITS["route53"]
    for _ in range(limit.burst + 3):
        budgets.take("route53", "us-east-1")
    assert time.slept == pytest.approx([n / limit.rate for n in (1, 2, 3)])
    time.now += 60
    budgets.take("route53", "us-east-1")
    assert len(time.slept) == 3, "full again"


def test_regions_have_budgets_of_their_own_but_what_is_global_has_one() -> None:
    time = Time()
    budgets = time.budgets()
    for region in ("us-east-1", "eu-west-1"):
        for _ in range(LIMITS["rds"].burst):
            budgets.take("rds", region)
    assert time.slept == []
    for region in ("us-east-1", "eu-west-1"):
        for _ in range(LIMITS["cloudfront"].burst):
            budgets.take("cloudfront", region)
    assert len(time.slept) == LIMITS["cloudfront"].burst


def test_it_goes_by_the_clock_of_aws() -> None:
    time = Time()
    budgets = time.budgets(pace=600)
    for _ in range(LIMITS["cloudfront"].burst + 1):
        budgets.take("cloudfront", "us-east-1")
    assert time.slept == pytest.approx([1 / 1200])


def test_services_without_a_limit_never_wait() -> None:
    time = Time()
    budgets = time.budgets()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: budgets.take("dynamodb", "us-east-1"), range(500)))
    assert time.slept == []


def test_a_request_waits_before_the_lease_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    order: list[str] = []

    class Turns(Budgets):
        def take(self, service: str, region: str, *, gently: bool = False) -> None:
            assert not gently
            order.append(f"turn of {service} in {region}")

    def lost() -> None:
        order.append("lease")
        raise LeaseLost("while it waited")

    with mock_aws():
        clients = Clients(Turns(lambda: 1.0))
        with clients.fenced(lost), pytest.raises(LeaseLost):
            clients.writer("route53", "us-east-1").create_hosted_zone(Name="example.com", CallerReference="1")
        assert boto3.client("route53").list_hosted_zones()["HostedZones"] == []
    assert order == ["turn of route53 in us-east-1", "lease"]


def test_what_is_written_under_a_lease_names_it_and_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    agents: list[str] = []
    with mock_aws():
        clients = Clients()
        writer, reader = clients.writer("route53", "us-east-1"), clients.reader("route53", "us-east-1")
        for client in (writer, reader):
            client.meta.events.register_last("before-send", lambda request, **_: agents.append(_agent(request)))
        with clients.fenced(lambda: None, "meridian-lease/orders#7"):
            writer.create_hosted_zone(Name="example.com", CallerReference="1")
            reader.list_hosted_zones()
        writer.create_hosted_zone(Name="example.org", CallerReference="2")
    assert [agent.endswith(" meridian-lease/orders#7") for agent in agents] == [True, False, False]
    assert all("meridian/" in agent for agent in agents)


def _agent(request: Any) -> str:
    agent = request.headers["User-Agent"]
    return agent.decode() if isinstance(agent, bytes) else str(agent)


def test_a_clock_that_stands_nearly_still_stops_nobody():
    slept: list[float] = []
    budgets = Budgets(lambda: 0.001, clock=lambda: 0.0, sleep=slept.append)
    for _ in range(60):
        budgets.take("rds", "us-east-1")
    assert slept
    assert max(slept) < 10


def test_a_sweep_takes_what_passes_leave_and_never_makes_them_wait() -> None:
    """It stops at the half of a bucket, and goes on as that fills up."""
    time, limit = Time(), LIMITS["rds"]

    def sleep(seconds: float) -> None:
        time.slept.append(seconds)
        time.now += seconds

    budgets = Budgets(lambda: 1.0, lambda: time.now, sleep)
    for _ in range(limit.burst // 2):
        budgets.take("rds", "eu-west-1", gently=True)
    assert time.slept == []
    budgets.take("rds", "eu-west-1", gently=True)
    assert sum(time.slept) == pytest.approx(1 / limit.rate)
    waited = len(time.slept)
    for _ in range(limit.burst // 2):
        budgets.take("rds", "eu-west-1")
    assert len(time.slept) == waited
