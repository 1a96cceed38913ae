"""The database's schema, as the migrations' functions of the Regions see it: a ledger that goes with the data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from reconciler.model.errors import CloudUnavailable
from reconciler.model.schema import Failure, Schema
from reconciler.model.topology import Migration
from tests.fakes.aws.refusal import require
from tests.fakes.aws.regions import Regions

BAD = "this does not parse"
"""SQL that fails: how a test commits a bad migration."""


class Ledger:
    def __init__(self, timeline, chaos, aurora, regions: Regions) -> None:
        self.timeline, self.chaos, self.aurora, self.regions = timeline, chaos, aurora, regions
        self.prepared, self.running = False, False
        self.applied: dict[str, str] = {}
        self.failed: Failure | None = None

    def schema(self, region: str) -> Schema:
        self._stands(region)
        if not self._answers(region):
            raise CloudUnavailable(f"the database of {region} does not answer", code="Schema")
        if not self._writes(region):
            return Schema(state="reader")
        if not self.prepared:
            return Schema(state="unprepared")
        return Schema(state="ready", applied=dict(self.applied), running=self.running, failed=self.failed)

    def prepare(self, region: str) -> None:
        self._stands(region)
        if not self._writes(region):
            raise CloudUnavailable(f"the database of {region} does not write", code="Schema")
        self.prepared = True

    def migrate(self, region: str, migrations: Sequence[Migration], attempt: str) -> None:
        """Begins some seconds after it was asked for; a second one finds the first at work, and ends."""
        self._stands(region)
        self.timeline.after(self.chaos.uniform(0, 10), partial(self._begin, region, tuple(migrations), attempt))

    def _begin(self, region: str, migrations: tuple[Migration, ...], attempt: str) -> None:
        if self._writes(region) and self.prepared and not self.running:
            self.running, self.failed = True, None
            self._next(region, migrations, attempt)

    def _next(self, region: str, migrations: tuple[Migration, ...], attempt: str) -> None:
        missing = [m for m in migrations if self.applied.get(m.name) != m.sha256]
        if missing:
            self.timeline.after(self.chaos.uniform(1, 40), partial(self._end, region, migrations, missing[0], attempt))
        else:
            self.running = False

    def _end(self, region: str, migrations: tuple[Migration, ...], one: Migration, attempt: str) -> None:
        """A writer that moved away took the connection, and what was under way, with it."""
        if one.sql == BAD:
            self.running, self.failed = False, Failure(name=one.name, message="syntax error", attempt=attempt)
        elif self._writes(region):
            self.applied[one.name] = one.sha256
            self._next(region, migrations, attempt)
        else:
            self.running = False

    def _stands(self, region: str) -> None:
        place = self.regions[region]
        require(place.function is not None, "ResourceNotFoundException", "Function not found", passes=True)

    def _answers(self, region: str) -> bool:
        cluster = self.aurora.clusters.get(region)
        return cluster is not None and cluster.reads and not self.regions[region].cut

    def _writes(self, region: str) -> bool:
        group = self.aurora.group
        return self._answers(region) and group is not None and group.writer == region and group.moving is None
