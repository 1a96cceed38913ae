"""Whether steps with a hazard may start: inside the document's windows, or by an entry of `safety.allow` bound to this plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from reconciler.model.plan import Gate, Hazard, Refusal, Step, Wave
from reconciler.model.topology import Topology, Window
from reconciler.plan.scene import Scene

ALLOWED_BY_NAME = frozenset({Hazard.BLAST_RADIUS})
"""Hazards of steps that no window lets pass: only an `allow` with the fingerprint of the plan."""


def objections(scene: Scene, waves: tuple[Wave, ...], fingerprint: str) -> Iterator[Refusal]:
    """What keeps the plan from starting: a hazard anywhere in it that must be allowed by name, or one in its first wave while
    no window is open. What has begun goes on, whatever the hour; what finishes aside waits instead (`at_their_hour`)."""
    for step, hazard in _named(waves):
        if not _allowed(scene, hazard, step, fingerprint):
            yield _not_allowed(scene, hazard, fingerprint)
    for step in waves[0].steps if waves and not waves[0].aside else ():
        if late := _out_of_hours(scene, step, fingerprint):
            yield _closed(scene, late, step)


def at_their_hour(scene: Scene, waves: tuple[Wave, ...], fingerprint: str) -> Iterator[Wave]:
    """The waves, those aside that must not start now behind a gate: a refusal would keep the whole topology from Ready."""
    for wave in waves:
        if wave.aside and any(_out_of_hours(scene, step, fingerprint) for step in wave.steps):
            gate = Gate(name="window", region=None, detail=_next_window(scene))
            yield Wave(gates=(gate,), aside=True, chain=wave.chain)
        yield wave


def _out_of_hours(scene: Scene, step: Step, fingerprint: str) -> str | None:
    """A hazard of this step that may only start in a window, while none is open."""
    if step.begun or _in_window(scene):
        return None
    hazards = (h for h in step.hazards if h not in ALLOWED_BY_NAME)
    return next((h for h in hazards if not _allowed(scene, h, step, fingerprint)), None)


def _named(waves: tuple[Wave, ...]) -> list[tuple[Step, str]]:
    return [(s, h) for w in waves for s in w.steps for h in s.hazards if h in ALLOWED_BY_NAME and not s.begun]


def structure(topology: Topology) -> str:
    """Hash of which Regions serve and where the writer is: what an approval goes on for while its plan is carried out."""
    content = [[r.name, str(r.traffic)] for r in topology.regions], topology.database.writer
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def approvals(scene: Scene, waves: tuple[Wave, ...], fingerprint: str) -> Mapping[str, str]:
    """Hazards that the document allows by name, to the structure that they are allowed for: remembered, since the
    fingerprint of what is left of a plan differs from that of the whole."""
    found = {hazard for step, hazard in _named(waves) if entry(scene, hazard, step.region, fingerprint)}
    found |= {_past_dns(region) for region in scene.disregarded}
    return {hazard: structure(scene.topology) for hazard in sorted(found)}


def disregarded(scene: Scene, fingerprint: str) -> frozenset[str]:
    """Regions whose callers past DNS are cut off, because the document allows it by name."""
    hazard = Hazard.REQUESTS_PAST_DNS
    live = scene.live_regions
    return frozenset(r for r in live if _remembered(scene, _past_dns(r)) or entry(scene, hazard, r, fingerprint))


def _past_dns(region: str) -> str:
    return f"{Hazard.REQUESTS_PAST_DNS}/{region}"


def _allowed(scene: Scene, hazard: str, step: Step, fingerprint: str) -> bool:
    return _remembered(scene, hazard) or entry(scene, hazard, step.region, fingerprint)


def _remembered(scene: Scene, hazard: str) -> bool:
    approved = scene.motion.approved if scene.motion else {}
    return hazard in approved and approved[hazard] == structure(scene.topology)


def entry(scene: Scene, hazard: str, region: str | None, fingerprint: str) -> bool:
    """Whether the document allows this hazard in this very plan, and still does."""
    return any(
        a.hazard == hazard
        and a.region in (None, region)
        and a.fingerprint == fingerprint
        and a.expires > scene.observed.at
        for a in scene.topology.safety.allow
    )


def _in_window(scene: Scene) -> bool:
    windows, at = scene.topology.safety.windows, scene.observed.at
    return not windows or any(_opened(w, at) + w.duration > at for w in windows)


def _opened(window: Window, at: datetime) -> datetime:
    """When it last opened."""
    local = at.astimezone(ZoneInfo(window.time_zone))
    return next(CronSim(window.cron, local, reverse=True), datetime.min.replace(tzinfo=local.tzinfo))


def _opens(window: Window, at: datetime) -> datetime | None:
    return next(CronSim(window.cron, at.astimezone(ZoneInfo(window.time_zone))), None)


def _next_window(scene: Scene) -> str:
    opening = [t for w in scene.topology.safety.windows if (t := _opens(w, scene.observed.at))]
    return f"the next window opens at {min(opening):%Y-%m-%d %H:%M %Z}" if opening else "none of its windows ever opens"


def _closed(scene: Scene, hazard: str, step: Step) -> Refusal:
    return Refusal(
        code="WindowClosed",
        path="spec.safety.windows",
        message=f"{step.id} carries the hazard {hazard} and may start only in a window: {_next_window(scene)}; the "
        "control plane goes on by itself then; without one, converge again then, or change safety.windows",
    )


def _not_allowed(scene: Scene, hazard: str, fingerprint: str) -> Refusal:
    most = scene.topology.safety.max_concurrent_regions
    return Refusal(
        code="BlastRadius",
        path="spec.safety.maxConcurrentRegions",
        message=f"{scene.blast} Regions would not serve any more that do, or did when this last converged; at most {most} at once "
        "is allowed: take the others out in a commit after this one has converged, or add "
        f"{{hazard: {hazard}, fingerprint: {fingerprint}, expires: …}} to safety.allow",
    )
