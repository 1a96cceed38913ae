"""What GitHub is told of a rollout: the state of each Region's deployment, and of the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.report.github.rollout import Phase, Rollout, approvals, condition, failing, phase, replaced, why
from reconciler.report.words import count, one_line

SHORT = 140
"""Characters of a description on GitHub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What the deployment of a Region is to say."""

    region: str
    environment: str
    state: str
    description: str
    unless_done: bool = False
    """A deployment that was a success by then stays one."""


def environment(name: str, region: str) -> str:
    return f"{name}/{region}"


def deployments(rollout: Rollout) -> tuple[Deployed, ...]:
    """One for each declared Region, and for those that leave."""
    now = phase(rollout)
    found = {region: _declared(rollout, now, region) for region in rollout.regions}
    for region, seen in rollout.by_region.items():
        if region not in rollout.regions and rollout.ours and seen["traffic"] in {"leaving", "drained"}:
            found[region] = ("inactive", "no longer declared")
    return tuple(
        Deployed(
            region=r,
            environment=environment(rollout.name, r),
            state=state,
            description=_short(told),
            unless_done=state == "failure" and _was_reached(rollout, r),
        )
        for r, (state, told) in found.items()
    )


def path(before: str | None, wanted: str) -> tuple[str, ...]:
    """The states to set, in GitHub's order: queued, in_progress, then success or failure. What was done never waits again; what
    failed may be tried again."""
    if wanted == "inactive":
        return () if before in {None, "inactive"} else ("inactive",)
    backwards = (before is not None and wanted == "queued") or (before, wanted) == ("success", "in_progress")
    if wanted == before or backwards:
        return ()
    if (before, wanted) == ("success", "failure"):
        return ("failure",)
    way = ("queued", "in_progress", wanted) if wanted != "queued" else ("queued",)
    done = {None: 0, "in_progress": 2, "failure": 1}.get(before, 1)
    return tuple(dict.fromkeys(way[done:]))


def commit_status(rollout: Rollout) -> tuple[str, str]:
    """State and description. Green means serving, or contained in what is to serve instead."""
    now, status = phase(rollout), rollout.status
    match now:
        case Phase.QUEUED:
            state, told = "pending", f"queued: generation {rollout.generation} is not picked up yet"
            if trouble := failing(rollout):
                told = f"queued: passes fail, and are tried again: {trouble['code']}: {trouble['message']}"
        case Phase.DEPLOYING:
            state, told = "pending", _progress(rollout)
        case Phase.SERVING:
            regions = count(len(rollout.regions), "Region")
            state, told = "success", f"serving: generation {rollout.generation} in {regions}"
        case Phase.SUPERSEDED | Phase.ROLLED_BACK:
            state, told = ("success" if now is Phase.SUPERSEDED else "failure"), replaced(rollout)
        case Phase.REFUSED:
            state, told = "failure", f"bundle refused: {(condition(status, 'BundleRefused') or {}).get('reason', '')}"
        case _:
            waits = now is Phase.SUSPENDED or approvals(rollout)
            state, told = ("pending" if waits else "failure"), f"{now.lower()}: {why(rollout)}"
    if rollout.left:
        told = f"goes on, followed by nobody until this job runs again; {told}"
    return state, _short(told)


def _declared(rollout: Rollout, now: Phase, region: str) -> tuple[str, str]:
    if now in {Phase.SUPERSEDED, Phase.ROLLED_BACK}:
        return "inactive", replaced(rollout)
    if now is Phase.REFUSED:
        return "failure", "the bundle was refused"
    if now is Phase.FAILED and not rollout.ours:
        return "failure", f"not reached: {why(rollout)}"
    seen = rollout.by_region.get(region)
    if now is Phase.QUEUED or seen is None:
        return "queued", f"generation {rollout.generation} waits for its turn"
    if broken := _broken(rollout, region, seen):
        return "failure", broken
    health, told = seen["health"], _told(seen)
    # What is refused, suspended or taken back has no steps left: that a Region is healthy then says nothing of our commit.
    held = str((rollout.status or {})["result"])
    if held in {"Blocked", "Suspended"}:
        return "queued", f"{held.lower()}: {why(rollout)}"
    if now is Phase.SERVING or (health == "Healthy" and not _taken_back(rollout)):
        return "success", f"{seen['traffic']}, {told}"
    if now is Phase.FAILED:
        return "failure", f"not reached: {why(rollout)}"
    return ("queued", f"{now.lower()}: {told}") if health == "Missing" else ("in_progress", told)


def _taken_back(rollout: Rollout) -> bool:
    """The rollout made a Region sick: no other gets it, whatever the plan had for them."""
    return any(p["code"] == "RolloutFailed" for p in (rollout.status or {}).get("problems", ()))


def _was_reached(rollout: Rollout, region: str) -> bool:
    """The Regions that had it before keep it; which those are, their deployments know."""
    seen = rollout.by_region.get(region)
    return rollout.ours and seen is not None and _taken_back(rollout) and not _broken(rollout, region, seen)


def _broken(rollout: Rollout, region: str, seen: Mapping[str, Any]) -> str:
    if seen["health"] == "Degraded":
        return _told(seen)
    problems = (rollout.status or {}).get("problems", ())
    found = next((p for p in problems if p["step"].endswith(f"/{region}") and _lasting(rollout)), None)
    return f"{found['code']}: {found['message']}" if found else ""


def _lasting(rollout: Rollout) -> bool:
    return (rollout.status or {}).get("result") in {"Failed", "Stalled"}


def _told(seen: Mapping[str, Any]) -> str:
    return next((str(c["message"]) for c in seen["conditions"] if c["type"] == "Ready"), str(seen["health"]))


def _progress(rollout: Rollout) -> str:
    states = [d.state for d in deployments(rollout) if d.region in rollout.regions]
    done = f"deploying: {states.count('success')} of {count(len(states), 'Region')} done"
    status = rollout.status or {}
    return f"{done}; {why(rollout)}" if status.get("problems") or status.get("refusals") else done


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= SHORT else line[: SHORT - 1] + "…"
