"""Route 53: record sets that take time to spread, health checks whose word takes time to count, and DNS answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.fakes.aws.refusal import Refusal, require
from tests.fakes.aws.timeline import Timeline

Key = tuple[str, str, str | None]
"""Name, type, set identifier: what names a record set."""
PUBLISHED_AFTER = 30.0
"""Seconds after its end until CloudWatch has a minute."""


@dataclass
class Check:
    """A health check. `history`: (since, healthy) as Route 53's answers and CloudWatch go by; empty while it has no say yet."""

    id: str
    reference: str
    config: dict[str, Any]
    version: int = 1
    region: str | None = None
    """Whose API a probe asks."""
    history: list[tuple[float, bool]] = field(default_factory=list)
    closed_at: float | None = None
    opened: bool = False
    """It was open at some time."""

    @property
    def healthy(self) -> bool:
        """A new check counts as healthy until it has data."""
        return self.history[-1][1] if self.history else True

    @property
    def is_gate(self) -> bool:
        return bool(self.config["Type"] == "CALCULATED")

    @property
    def is_open(self) -> bool:
        return bool(self.config["HealthThreshold"] <= len(self.config["ChildHealthChecks"]))


class Route53:
    def __init__(self, timeline: Timeline, chaos: random.Random, answers: Callable[[str], bool]) -> None:
        self.timeline, self.chaos, self.region_answers = timeline, chaos, answers
        self.records: dict[Key, Mapping[str, Any]] = {}
        self.spread: dict[Key, Mapping[str, Any]] = {}
        """The records as name servers answer with them."""
        self.checks: dict[str, Check] = {}
        self.references: dict[str, str] = {}
        """Every CallerReference ever used, to its check: Route 53 never forgets one."""
        self.moves = 0
        """Counts whatever may change an answer, so that clients need not look at what did not move."""

    # ---- records ----

    def upsert(self, record: Mapping[str, Any]) -> None:
        key = _key(record)
        check = record.get("HealthCheckId")
        require(check is None or check in self.checks, "NoSuchHealthCheck", f"{key} names {check}")
        alias = record.get("AliasTarget")
        if alias and alias["HostedZoneId"] == record.get("HostedZoneId"):
            target = (alias["DNSName"], record["Type"])
            require(
                any(k[:2] == target for k in self.records), "InvalidChangeBatch", f"alias target {target} is not there"
            )
        twins = [
            k
            for k, r in self.records.items()
            if k[:2] == key[:2] and k != key and r.get("Region") == record.get("Region")
        ]
        require(not twins, "InvalidChangeBatch", f"{key} beside {twins}")
        self.records[key] = record
        self.timeline.after(self.chaos.uniform(5, 60), partial(self._spread, key))

    def delete(self, name: str, kind: str, identifier: str | None) -> None:
        key = (name, kind, identifier)
        if self.records.pop(key, None):
            self.timeline.after(self.chaos.uniform(5, 60), partial(self._spread, key))

    def _spread(self, key: Key) -> None:
        self.moves += 1
        if key in self.records:
            self.spread[key] = self.records[key]
        else:
            self.spread.pop(key, None)

    # ---- health checks ----

    def create_check(self, reference: str, config: Mapping[str, Any], region: str | None = None) -> Check:
        if reference in self.references:
            old = self.checks.get(self.references[reference])
            require(old is not None and old.config == config, "HealthCheckAlreadyExists", reference)
            assert old
            return old
        for child in config.get("ChildHealthChecks", ()):
            require(child in self.checks, "InvalidInput", f"child {child} is not there")
        check = Check(f"check-{len(self.references) + 1}", reference, dict(config), region=region)
        if check.is_gate:
            self._count(check)
        self.references[reference] = check.id
        self.checks[check.id] = check
        self._later(check.id, 30, 90)
        return check

    def update_gate(self, check_id: str, version: int, children: list[str], threshold: int) -> None:
        check = self.checks.get(check_id)
        if check is None:
            raise Refusal("NoSuchHealthCheck", check_id, passes=True)
        require(
            check.version == version, "HealthCheckVersionMismatch", f"{version} is not {check.version}", passes=True
        )
        for child in children:
            require(child in self.checks, "InvalidInput", f"child {child} is not there")
        check.version += 1
        check.config.update(ChildHealthChecks=children, HealthThreshold=threshold, Inverted=False, Disabled=False)
        self._count(check)
        self._later(check.id, 5, 45)

    def delete_check(self, check_id: str) -> None:
        users = [k for k, r in self.records.items() if r.get("HealthCheckId") == check_id]
        require(
            not users, "HealthCheckInUse", f"records {users} go by {check_id}"
        )  # AWS lets it; nobody can tell what follows
        if self.checks.pop(check_id, None):
            self.moves += 1

    def _count(self, check: Check) -> None:
        check.closed_at = None if check.is_open else (check.closed_at or self.timeline.now)
        check.opened = check.opened or check.is_open

    def api_changed(self, region: str) -> None:
        """Checkers find out: three failures, or three successes, ten seconds apart."""
        for check in self.checks.values():
            if check.region == region:
                self._later(check.id, 25, 60)

    def _later(self, check_id: str, least: float, most: float) -> None:
        self.timeline.after(self.chaos.uniform(least, most), partial(self._judge, check_id))

    def _judge(self, check_id: str) -> None:
        check = self.checks.get(check_id)
        if check is None:
            return
        healthy = self._counted(check) if check.is_gate else self.region_answers(check.region or "")
        if not check.history or check.history[-1][1] != healthy:
            check.history.append((self.timeline.now, healthy))
            self.moves += 1
            for parent in list(self.checks.values()):
                if check_id in parent.config.get("ChildHealthChecks", ()):
                    self._later(parent.id, 2, 30)

    def _counted(self, gate: Check) -> bool:
        healthy = sum(c in self.checks and self.checks[c].healthy for c in gate.config["ChildHealthChecks"])
        return bool(healthy >= gate.config["HealthThreshold"])

    def gate(self, prefix: str) -> Check | None:
        """The Region's traffic gate, by the start of its CallerReference; the one made last."""
        found = [c for c in self.checks.values() if c.reference.startswith(prefix)]
        return max(found, key=lambda c: int(c.reference.rsplit("/", 1)[1]), default=None)

    def samples(self, check: Check, minutes: int) -> list[tuple[float, float]]:
        """HealthCheckStatus by minute: the worst of each, once CloudWatch has it."""
        if not check.history:
            return []
        last = int((self.timeline.now - PUBLISHED_AFTER) // 60)
        first = max(last - minutes, int(check.history[0][0] // 60))
        changes = check.history
        found, index = [], 0
        for minute in range(first, last):
            begin, end = minute * 60.0, minute * 60.0 + 60
            while index + 1 < len(changes) and changes[index + 1][0] <= begin:
                index += 1
            worst, k = changes[index][1], index
            while k + 1 < len(changes) and changes[k + 1][0] < end:
                k += 1
                worst = worst and changes[k][1]
            found.append((begin, 1.0 if worst else 0.0))
        return found

    # ---- answers ----

    def answer(self, name: str, kind: str, nearest: tuple[str, ...]) -> tuple[str, Mapping[str, Any]] | None:
        """The latency record for whoever has the Regions this near: (Region, record). All unhealthy: all are as good."""
        found = {r["Region"]: r for k, r in self.spread.items() if k[0] == name and k[1] == kind}
        fit = {region for region, r in found.items() if self._fit(r.get("HealthCheckId"))} or set(found)
        region = next((r for r in nearest if r in fit), None)
        return None if region is None else (region, found[region])

    def _fit(self, check: str | None) -> bool:
        return check is None or check not in self.checks or self.checks[check].healthy


def _key(record: Mapping[str, Any]) -> Key:
    return (record["Name"], record["Type"], record.get("SetIdentifier"))
