"""Clients that send a read and a write every second, and count what becomes of them.

Each place asks the distribution, whose router asks DNS and keeps the answer, as `handlers/edge_router` does. What nothing can
change is counted without looking at every second of it.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field

from reconciler.model.topology import Topology
from tests.fakes.aws.account import Account
from tests.simulation.hands import Hands

PLACES = 3
STALE = 60.0
"""So long the router goes on with an old answer when there is no new one; then it passes the request through."""


@dataclass
class Place:
    nearest: tuple[str, ...]
    region: str | None = None
    """The router's answer, and until when it is fresh."""
    fresh: float = -1.0
    resolved: str | None = None
    """The resolver's, which keeps it for its TTL."""
    kept: float = -1.0
    lost_at: dict[tuple[str, float], float] = field(default_factory=dict)
    """Outage (Region, since when) to the seconds of it in which the place went on asking there."""


@dataclass
class Clients:
    """`lost`: by class. `unexplained`: what nothing excuses; a run that has any is wrong."""

    account: Account
    topology: Topology
    chaos: random.Random
    regions: tuple[str, ...]
    hands: Hands
    places: list[Place] = field(default_factory=list)
    sent: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    last_asked: dict[str, float] = field(default_factory=dict)
    begun: bool = False
    """Somebody has been served: from then on everybody is."""
    gone_home: bool = False
    """The API is being destroyed: nobody asks any more."""
    worst_cut: float = 0.0
    """Longest that one place went on asking a Region that was cut though another could have answered."""

    def __post_init__(self) -> None:
        for _ in range(PLACES):
            order = list(self.regions)
            self.chaos.shuffle(order)
            self.places.append(Place(tuple(order)))

    def passes(self, start: float, end: float) -> None:
        """Nothing on AWS changes in between: only answers that somebody keeps run out."""
        if self.gone_home or (not self.begun and not self._edge()):
            return
        for place in self.places:
            self._place(place, start, end)

    def changed(self) -> None:
        pass

    def _place(self, place: Place, start: float, end: float) -> None:
        second = float(math.ceil(start))
        while second < end:
            region = self._choose(place, second)
            until = end
            if place.region != self._now(place):
                until = min(end, max(place.fresh, second + 1))  # an old answer: it lasts until it runs out
            elif end > place.fresh:
                self._refreshed(place, end)
            count = max(1, math.ceil(until) - int(second))
            self._asked(place, region, second, count)
            second += count

    def _refreshed(self, place: Place, at: float) -> None:
        """It has asked again and again, with the same answer; nobody knows when last."""
        ttl = float(self.topology.routing.ttl_seconds)
        place.resolved, place.kept = place.region, at + self.chaos.uniform(0, ttl)
        place.fresh = at + self.chaos.uniform(0, min(max(ttl, 5.0), 60.0))

    def _now(self, place: Place) -> str | None:
        found = self.account.route53.answer(f"{self.topology.route_name}.", "CNAME", place.nearest)
        return found[0] if found else None

    def _choose(self, place: Place, at: float) -> str | None:
        if at < place.fresh and place.region:
            return place.region
        answer = self._resolve(place, at)
        if answer is not None:
            place.region = answer
            return answer
        if place.region and at < place.fresh + STALE:
            return place.region
        place.region = None
        found = self.account.route53.answer(f"{self.topology.origin_name}.", "A", place.nearest)
        return found[0] if found else None

    def _resolve(self, place: Place, at: float) -> str | None:
        if at >= place.kept:
            found = self.account.route53.answer(f"{self.topology.route_name}.", "CNAME", place.nearest)
            place.resolved = found[0] if found else None
            ttl = float(found[1]["TTL"]) if found else 2.0
            place.kept = at + ttl
        if place.resolved is not None:
            place.fresh = at + min(max(place.kept - at, 5.0), 60.0)
        return place.resolved

    # ---- what becomes of a request ----

    def _edge(self) -> bool:
        """The domain leads to a distribution that serves."""
        return (
            self.account.cloudfront.serves
            and (f"{self.topology.domain.name}.", "A", None) in self.account.route53.spread
        )

    def _asked(self, place: Place, region: str | None, at: float, count: int) -> None:
        self.sent += 2 * count
        account = self.account
        if self.hands.darkens and not self._edge():
            self.lost["while an operator kept the distribution disabled"] += 2 * count
            return
        if region is None or not self._edge():
            self._lose(place, at, count, "edge", f"no way to any Region (router says {region})")
            return
        self.last_asked[region] = max(self.last_asked.get(region, 0.0), at + count - 1)
        requests, second, left = account.regions[region].requests, at, count
        while left > 0:
            minute = second // 60 * 60
            here = min(left, int(minute + 60 - second))
            requests[minute] = requests.get(minute, 0.0) + 2.0 * here
            second, left = second + here, left - here
        if account.answers(region):
            self.begun = True
            self._write(place, region, at, count)
        elif account.regions[region].cut or account.regions[region].broken:
            self._cut(place, region, at, count)
        else:
            self._lose(place, at, 2 * count, "read", f"{region} does not answer")

    def _write(self, place: Place, region: str, at: float, count: int) -> None:
        aurora = self.account.aurora
        cluster = aurora.clusters[region]
        if not cluster.member:
            self._lose(place, at, count, "split", f"a write to {region}, which stands alone")
        elif not aurora.takes_writes():
            by_hand = self.hands.silences
            self.lost[
                f"write while {'an operator moved the writer' if by_hand else 'the writer moved or restarted'}"
            ] += count
        elif not aurora.clusters[aurora.group.writer].reads:
            self._lose(place, at, count, "write", f"the writer {aurora.group.writer} has no instance")

    def _cut(self, place: Place, region: str, at: float, count: int) -> None:
        what = "that was cut" if self.account.regions[region].cut else "with a broken release"
        if any(r != region and self.account.answers(r) for r in self._routed()):
            self.lost[f"to a Region {what}, until others took over"] += 2 * count
            outage = (region, self.account.regions[region].cut_at)  # or one release: what is lost to it adds up
            spent = place.lost_at.get(outage, 0.0) + count
            place.lost_at[outage] = spent
            self.worst_cut = max(self.worst_cut, spent)
        else:
            others = "an operator kept others out" if self.hands.closes_out else "no other could take over"
            self.lost[f"to a Region {what}, {others}"] += 2 * count

    def _routed(self) -> set[str]:
        """Regions that DNS would answer with, were they healthy."""
        dns = self.account.route53
        name = f"{self.topology.route_name}."
        checks = {r["Region"]: dns.checks.get(r["HealthCheckId"]) for k, r in dns.spread.items() if k[0] == name}
        return {region for region, check in checks.items() if check is None or check.is_open}

    def _lose(self, place: Place, at: float, count: int, kind: str, why: str) -> None:
        if self.begun:
            self.lost[f"unexplained: {kind}"] += count
            if len(self.unexplained) < 20:
                self.unexplained.append(f"{at:.0f} s: {count} requests lost: {why}")
