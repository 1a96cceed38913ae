"""One converged topology in two clouds: the embedded AWS behind the adapters, and the fake that the simulation runs on.

What stands here is what a test may do with either: look, ask, and let time pass.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from reconciler.loop import Ports, Run, run_pass
from reconciler.model.observed import Observed
from reconciler.model.outcome import Result
from reconciler.model.stacks import Template
from reconciler.model.topology import Topology
from reconciler.observe import observe
from tests.embedded.converged import QUICKLY, Converged
from tests.fakes.aws.account import Account
from tests.fakes.aws.cloud import FakeCloud
from tests.fakes.topologies import orders
from tests.simulation.ports import Revisions, ports

DAY = 86_400.0
SLOWLY = 5.0
"""While somebody looks. If time stood still, so would the buckets that AWS throttles by."""


@dataclass
class World(ABC):
    ports: Ports
    topology: Topology

    @abstractmethod
    def passes(self, seconds: float) -> None:
        """So many seconds of AWS's time go by."""

    def observed(self, topology: Topology | None = None) -> Observed:
        wanted = topology or self.topology
        return observe(self.ports.cloud.facts(wanted), wanted)

    def template(self, key: str, topology: Topology | None = None) -> Template:
        return self.ports.synthesizer.templates(topology or self.topology, [key])[key]

    def until(self, condition: Callable[[Observed], Any], *, every: float = 30) -> Observed:
        """Looks again and again until the condition holds; time passes in between."""
        spent = 0.0
        while not condition(found := self.observed()):
            assert spent < DAY, "nothing happens"
            self.passes(every)
            spent += every
        return found


class Fake(World):
    account: Account

    def passes(self, seconds: float) -> None:
        self.account.timeline.pass_time(seconds)


class Embedded(World):
    converged: Converged

    def passes(self, seconds: float) -> None:
        aws = self.converged.aws
        end = aws.now().timestamp() + seconds
        aws.go(QUICKLY if seconds > 300 else 600)
        aws.until(lambda: aws.now().timestamp() >= end)
        aws.go(SLOWLY)


def fake() -> Fake:
    account = copy.deepcopy(_made())
    cloud = FakeCloud(account)
    cloud.informed = False  # a refusal is an answer here, no mistake of the caller's
    world = Fake(ports(cloud, account, Revisions()), orders())
    world.account = account
    return world


def embedded(converged: Converged) -> Embedded:
    converged.restore()
    converged.aws.go(SLOWLY)
    world = Embedded(converged.ports, converged.topology)
    world.converged = converged
    return world


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
