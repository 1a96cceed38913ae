"""CloudFront: one distribution, deployed some minutes after each change."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

from tests.fakes.aws.timeline import Timeline


class CloudFront:
    def __init__(self, timeline: Timeline, chaos: random.Random) -> None:
        self.timeline, self.chaos = timeline, chaos
        self.config: Mapping[str, Any] | None = None
        self.status = "InProgress"
        self.serves = False
        """Deployed at least once, and enabled."""
        self._changes = 0

    def put(self, config: Mapping[str, Any]) -> None:
        if config != self.config:
            self.config, self.status = config, "InProgress"
            self._changes += 1
            self.timeline.after(self.chaos.uniform(120, 420), partial(self._deployed, self._changes))

    def delete(self) -> None:
        self.config, self.serves = None, False
        self._changes += 1

    def _deployed(self, change: int) -> None:
        if change == self._changes and self.config is not None:
            self.status, self.serves = "Deployed", bool(self.config["Enabled"])
