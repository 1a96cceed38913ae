"""What one Region serves with: its function behind the API and its custom domain, and what Lambda leaves in the subnets."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.fakes.aws.timeline import Timeline


@dataclass
class Place:
    function: Mapping[str, Any] | None = None
    domain: bool = False
    interfaces: int = 0
    cut: bool = False
    """Its data plane is down: nothing that is sent there is answered."""
    cut_at: float = 0.0
    network: bool = False
    """The data stack's subnets exist."""
    requests: dict[float, float] = field(default_factory=dict)
    """Minute to the requests of clients in it."""

    @property
    def broken(self) -> bool:
        """The function does not work with its settings."""
        return self.function is not None and self.function.get("MemorySize") == BROKEN


class Regions:
    def __init__(self, timeline: Timeline, chaos: random.Random) -> None:
        self.timeline, self.chaos = timeline, chaos
        self.places: dict[str, Place] = {}
        self.linger = (60.0, 1500.0)

    def __getitem__(self, region: str) -> Place:
        return self.places.setdefault(region, Place())

    def put_function(self, region: str, properties: Mapping[str, Any]) -> None:
        self[region].function = properties
        self[region].interfaces = 2

    def drop_function(self, region: str) -> None:
        """Lambda gives its network interfaces back when it likes."""
        if self[region].function is not None:
            self[region].function = None
            self.timeline.after(self.chaos.uniform(*self.linger), partial(self._gone, region))

    def _gone(self, region: str) -> None:
        if self[region].function is None:
            self[region].interfaces = 0

    def works(self, region: str) -> bool:
        """The API there answers, as far as API Gateway and Lambda go. A function that is broken by its settings does not."""
        place = self[region]
        return place.function is not None and place.domain and not place.cut and not place.broken


BROKEN = 666
"""Megabytes with which the function does not work: how a test commits a bad release."""
