"""CloudFront: one distribution, deployed some minutes after each change, and the router's versions that it has copies of."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

from tests.fakes.aws.refusal import require
from tests.fakes.aws.timeline import Timeline

REPLICAS = (3600.0, 8 * 3600.0)
"""Seconds from the last association of a version until CloudFront has no copy of it: hours."""
FOR_EVER = float("inf")


class CloudFront:
    def __init__(self, timeline: Timeline, chaos: random.Random) -> None:
        self.timeline, self.chaos = timeline, chaos
        self.config: Mapping[str, Any] | None = None
        self.status = "InProgress"
        self.serves = False
        """Deployed at least once, and enabled."""
        self.copied: dict[int, float] = {}
        """The router's versions that Lambda keeps, each with the time when its last copy at the edge is gone."""
        self.used: int | None = None
        self.published = 0
        self._changes = 0

    def put(self, config: Mapping[str, Any], version: int) -> None:
        if config != self.config:
            self.config, self.status = config, "InProgress"
            self._use(version)
            self._changes += 1
            self.timeline.after(self.chaos.uniform(120, 420), partial(self._deployed, self._changes))

    def delete(self) -> None:
        self.config, self.serves = None, False
        self._use(None)
        self._changes += 1

    def _deployed(self, change: int) -> None:
        if change == self._changes and self.config is not None:
            self.status, self.serves = "Deployed", bool(self.config["Enabled"])

    # ---- the router's versions ----

    def publish(self) -> int:
        self.published += 1
        self.copied[self.published] = self.timeline.now
        return self.published

    def _use(self, version: int | None) -> None:
        if self.used in self.copied and self.used != version:
            self.copied[self.used] = self.timeline.now + self.chaos.uniform(*REPLICAS)
        if version is not None:
            self.copied[version] = FOR_EVER
        self.used = version

    def delete_version(self, version: int) -> None:
        """Nobody can tell when the copies of a version that was used are gone: asking too early is no mistake."""
        gone_at = self.copied.get(version, 0.0)
        unused = self.timeline.now >= gone_at
        why = f"Lambda was unable to delete {version} because it is a replicated function."
        require(unused, "InvalidParameterValueException", why, passes=version != self.used)
        self.copied.pop(version, None)
