"""The combined change on the embedded AWS, broken off at each mutating call: killed, left without its answer, throttled.

A Region joins, the writer moves, its old Region leaves, a setting changes, all in one commit. One run goes through undisturbed and
keeps a snapshot of each moment of rest; every other starts from the last one before its call and is broken off once there. Whoever
comes next knows nothing of it, and converges. Ten such runs are made here, `make soak` makes all (`MERIDIAN_SOAK=1`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from reconciler.aws.clients import Clients
from reconciler.aws.clock import system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.revision import GitRevisions
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.drive import Run
from reconciler.loop import Ports, run_pass
from reconciler.model.errors import ReconcilerError, Retry
from reconciler.model.observed import known
from reconciler.model.outcome import Result
from reconciler.model.topology import Region, Topology
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged

PASSES = 100
BETWEEN = 1800
"""Seconds of AWS's time from one pass to the next: most of what is under way is done by then."""
NOT_MUTATING = re.compile(r"^(Describe|Get|List|Head)")
BROKEN = ("killed before", "killed after", "lost", "throttled")
CALLS = 27
"""So many mutating calls, or a few more, are made by a run that nobody breaks off."""
SAMPLE = [(1 + place * (CALLS - 2) // 9, BROKEN[place % len(BROKEN)]) for place in range(10)]
"""From the first call to the last that every run makes, evenly."""
WHOLE = bool(os.environ.get("MERIDIAN_SOAK"))


class KilledError(BaseException):
    """The process died here."""


@dataclass
class Breaking:
    """Breaks off the n-th mutating call of all clients that it watches."""

    at: int
    how: str
    made: list[str] = field(default_factory=list)
    _hit: bool = False

    def watch(self, clients: Clients) -> Clients:
        make = clients._make

        def made(service: str, region: str, **which: Any) -> Any:
            client = make(service, region, **which)
            if service != "dynamodb":
                client.meta.events.register_last("before-send", self._before)
                client.meta.events.register_first("response-received", self._after)
            return client

        clients._make = made  # type: ignore[method-assign]
        return clients

    def _before(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rsplit(".", 1)[-1]
        if NOT_MUTATING.match(operation):
            return None
        self.made.append(operation)
        self._hit = len(self.made) == self.at
        if self._hit and self.how == "killed before":
            raise KilledError
        if self._hit and self.how == "throttled":
            return _throttled(request.url)
        return None

    def _after(self, event_name: str, **_: Any) -> None:
        if NOT_MUTATING.match(event_name.rsplit(".", 1)[-1]) or not self._hit:
            return
        self._hit = False
        if self.how == "killed after":
            raise KilledError
        if self.how == "lost":
            raise ConnectionClosedError(endpoint_url="the answer was lost")


def _throttled(url: str) -> AWSResponse:
    """What services answer that speak XML; those that speak JSON are read the same way, by the status."""
    body = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"

    class Raw:
        def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
            yield body

    return AWSResponse(url, 400, {"x-amzn-errortype": "Throttling"}, Raw())


@pytest.fixture(scope="module")
def base(server: Aws) -> Iterator[Converged]:
    with converged(server) as world:
        yield world


def combined(topology: Topology) -> Topology:
    """The commit: us-east-1 writes and leaves, eu-west-1 takes over, eu-central-1 joins, the TTL doubles."""
    staying = tuple(r for r in topology.regions if r.name != "us-east-1")
    return replace(
        topology,
        regions=(*staying, Region(name="eu-central-1", cidr="10.40.0.0/16")),
        database=replace(topology.database, writer="eu-west-1"),
        routing=replace(topology.routing, ttl_seconds=20),
    )


def ports(breaking: Breaking) -> Ports:
    """A process of its own, as far as anything remembered goes."""
    clients, clock = breaking.watch(Clients()), system_clock()
    return Ports(
        cloud=AwsCloud(clients, clock),
        synthesizer=CachedSynthesizer(),
        revisions=GitRevisions(),
        journal=DynamoJournal(clients, 0.5),
        clock=clock,
        issuers=HttpsIssuers(),
    )


@dataclass(frozen=True)
class Moment:
    """The world at rest before a pass, when so many mutating calls had been made."""

    made: int
    snapshot: str


@pytest.fixture(scope="module")
def course(base: Converged) -> list[Moment]:
    """Where a run that nobody breaks off comes by, from the first moment to the last."""
    base.restore()
    moments: list[Moment] = []
    unbroken = Breaking(0, "not at all")

    def look() -> None:
        snapshot = base.snapshot_at_rest()
        if snapshot:
            moments.append(Moment(len(unbroken.made), snapshot))

    converges(base, unbroken, look)
    assert is_as_declared(base)
    assert CALLS - 1 <= len(unbroken.made) <= CALLS, unbroken.made
    return moments


def converges(world: Converged, breaking: Breaking, before_a_pass: Callable[[], None] = lambda: None) -> None:
    desired = combined(world.topology)
    process, run = ports(breaking), Run(patience=30)
    for _ in range(PASSES):
        before_a_pass()
        try:
            outcome = run_pass(process, desired, run)
        except KilledError:
            process, run = ports(breaking), Run(patience=30)
        except ReconcilerError as error:
            if error.retry is Retry.NEVER:
                raise
        else:
            assert not outcome.plan.refusals, outcome.plan.refusals
            assert outcome.result not in {Result.FAILED, Result.STALLED}, outcome.problems
            if outcome.result is Result.CONVERGED and not [w for w in outcome.plan.waves if w.steps]:
                return
        world.passes(BETWEEN)
    raise AssertionError(f"not converged after {PASSES} passes: {outcome.plan.waves[:2]}")


def is_as_declared(world: Converged) -> bool:
    desired = combined(world.topology)
    seen = replace(world, topology=desired).observed()
    whole = known(seen.global_cluster)
    assert whole is not None
    assert {m.region: m.is_writer for m in whole.members} == {
        r: r == "eu-west-1" for r in ("eu-west-1", "ap-northeast-1", "eu-central-1")
    }
    assert {r for r, gate in seen.gates.items() if known(gate)} == set(desired.region_names)
    assert all(gate.is_open for r, gate in seen.gates.items() if gate)
    rds = world.ports.cloud._clients.reader("rds", "us-east-1")
    snapshots = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert [s["DBClusterIdentifier"] for s in snapshots] == ["orders-us-east-1"], "one final snapshot"
    assert rds.describe_db_clusters()["DBClusters"] == []
    return True


def chosen() -> list[tuple[int, str]]:
    every = [(number, how) for number in range(1, CALLS + 1) for how in BROKEN]
    return every if WHOLE else SAMPLE


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("number", "how"), chosen(), ids=str)
def test_the_combined_change_converges_whatever_is_broken_off(
    base: Converged, course: list[Moment], number: int, how: str
) -> None:
    start = [m for m in course if m.made < number][-1]
    base.restore(start.snapshot)
    breaking = Breaking(number - start.made, how)
    converges(base, breaking)
    assert is_as_declared(base)
    # A gate whose creation lost its answer is not tagged; a throttled call is made twice, a killed process looks again.
    assert CALLS - 1 <= start.made + len(breaking.made) < CALLS + 6, breaking.made
