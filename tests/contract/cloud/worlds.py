"""One converged topology in two clouds: the embedded AWS behind the adapters, and the fake that the simulation runs on.

What stands here is what a test may do with either: look, let time pass, and make happen what nobody can ask AWS for.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

from reconciler.loop import Ports, Run, run_pass
from reconciler.model.observed import Observed
from reconciler.model.outcome import Result
from reconciler.model.stacks import StackRef, Template
from reconciler.model.topology import Region, Topology
from reconciler.observe import observe
from tests.embedded.converged import QUICKLY, Converged
from tests.fakes.aws.account import Account
from tests.fakes.aws.cloud import FakeCloud
from tests.fakes.topologies import cidr, orders
from tests.simulation.ports import Revisions, ports

T = TypeVar("T")
DAY = 86_400.0
SLOWLY = 5.0
"""While somebody looks. If time stood still, so would the buckets that AWS throttles by."""
LINGER = (1400.0, 1500.0)
"""Seconds until Lambda's interfaces are gone, as it is as a rule (aws-facts §2.4); the simulation has quicker ones, too."""


@dataclass
class World(ABC):
    """`start`: everything as the test found it, converged and at rest."""

    ports: Ports
    topology: Topology
    start: Observed

    @abstractmethod
    def passes(self, seconds: float) -> None:
        """So many seconds of AWS's time go by."""

    @abstractmethod
    def still(self) -> AbstractContextManager[None]:
        """Inside, what was begun stays as it is, however slow this machine is: for a few calls in a row."""

    @abstractmethod
    def gets_stuck(self, ref: StackRef) -> None:
        """The next update of this stack, of three resources or more, fails half-way, and so does its roll-back."""

    @abstractmethod
    def has_snapshot(self, region: str, name: str) -> None:
        """Somebody keeps a snapshot of the Region's cluster under that name."""

    def observed(self) -> Observed:
        return observe(self.ports.cloud.facts(self.topology), self.topology)

    def template(self, key: str) -> Template:
        return self.ports.synthesizer.templates(self.topology, [key])[key]

    def name(self, ref: StackRef) -> str:
        return ref.name(self.topology.name)

    def status(self, ref: StackRef) -> str | None:
        return self.ports.cloud.statuses({ref: self.name(ref)})[ref]

    def joined_by(self, region: str) -> World:
        """The same, for a document that names one Region more."""
        regions = (*self.topology.regions, Region(name=region, cidr=cidr(region)))
        return replace(self, topology=replace(self.topology, regions=regions))

    def until(self, condition: Callable[[Observed], Any], *, every: float = 30) -> Observed:
        """Looks again and again until the condition holds; time passes in between."""
        return self._until(self.observed, condition, every)

    def settled(self, ref: StackRef, *, every: float = 60) -> str | None:
        """The stack's status when nothing is under way on it any more; None: it is gone."""
        return self._until(lambda: self.status(ref), lambda found: not (found or "").endswith("_IN_PROGRESS"), every)

    def _until(self, look: Callable[[], T], condition: Callable[[T], Any], every: float) -> T:
        spent = 0.0
        while not condition(found := look()):
            assert spent < DAY, "nothing happens"
            self.passes(every)
            spent += every
        return found


@dataclass
class Fake(World):
    account: Account

    def passes(self, seconds: float) -> None:
        self.account.timeline.pass_time(seconds)

    def still(self) -> AbstractContextManager[None]:
        return nullcontext()

    def gets_stuck(self, ref: StackRef) -> None:
        left = {"UPDATE", "ROLLBACK"}

        def fails(asked: StackRef, verb: str) -> bool:
            hit = asked == ref and verb in left
            left.difference_update({verb} if hit else ())
            return hit

        self.account.stacks.fails = fails

    def has_snapshot(self, region: str, name: str) -> None:
        self.account.aurora.snapshots.setdefault(region, []).append(name)


@dataclass
class Embedded(World):
    converged: Converged

    def passes(self, seconds: float) -> None:
        """At such a speed that a busy machine overshoots by a part of what was asked for, however little that was."""
        aws = self.converged.aws
        end = aws.now().timestamp() + seconds
        aws.go(min(QUICKLY, max(SLOWLY, seconds * 20)))
        aws.until(lambda: aws.now().timestamp() >= end)
        aws.go(SLOWLY)

    @contextmanager
    def still(self) -> Iterator[None]:
        self.converged.aws.still()
        yield
        self.converged.aws.go(SLOWLY)

    def gets_stuck(self, ref: StackRef) -> None:
        fault = {"stack": self.name(ref), "region": ref.region, "after": 2, "rollback": "fails", "times": 1}
        status, answer = self.converged.aws.control("faults", {"faults": [fault]})
        assert status == 200, answer

    def has_snapshot(self, region: str, name: str) -> None:
        rds, cluster = self.converged.aws.client("rds", region), self.topology.cluster(region)
        rds.create_db_cluster_snapshot(DBClusterIdentifier=cluster, DBClusterSnapshotIdentifier=name)
        self.passes(300)


def fake() -> Fake:
    account = copy.deepcopy(_made())
    account.regions.linger = LINGER
    cloud = FakeCloud(account)
    cloud.informed = False  # a refusal is an answer here, no mistake of the caller's
    world, topology = ports(cloud, account, Revisions()), orders()
    return Fake(world, topology, observe(cloud.facts(topology), topology), account)


def embedded(converged: Converged, start: Observed) -> Embedded:
    converged.restore()
    converged.aws.control("faults", {"faults": []})
    converged.aws.go(SLOWLY)
    return Embedded(converged.ports, converged.topology, start, converged)


@cache
def _made() -> Account:
    account = Account()
    world, run = ports(FakeCloud(account), account, Revisions()), Run(patience=30, threads=1)
    while run_pass(world, orders(), run).result is not Result.CONVERGED:
        account.timeline.pass_time(60)
    account.timeline.pass_time(600)
    return account


def changed(resources: Mapping[str, Any], name: str, **properties: Any) -> dict[str, Any]:
    """Resources of a template, one of them with other properties."""
    old = resources[name]
    return {**resources, name: {**old, "Properties": {**old["Properties"], **properties}}}
