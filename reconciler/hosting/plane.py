"""What every function is told by its environment, and keeps from one invocation to the next."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.aws.budgets import Budgets
from reconciler.aws.clients import Clients
from reconciler.aws.clock import system_clock
from reconciler.aws.queue import Queue
from reconciler.aws.revisions import RevisionBucket

if TYPE_CHECKING:  # it leads to every word of the loop, of which wake knows none
    from reconciler.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    clock: Clock
    clients: Clients
    bucket: RevisionBucket
    queue: Queue
    account: str
    home_region: str

    @staticmethod
    def here() -> Plane:
        clock, region = system_clock(), os.environ["MERIDIAN_HOME_REGION"]
        clients = Clients(Budgets(clock.speed))
        return Plane(
            clock=clock,
            clients=clients,
            bucket=RevisionBucket(clients, os.environ["MERIDIAN_BUCKET"], region),
            queue=Queue(clients, os.environ["MERIDIAN_QUEUE_URL"], region),
            account=os.environ["MERIDIAN_ACCOUNT"],
            home_region=region,
        )
