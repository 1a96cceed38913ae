"""The summary of a run that followed commits: for each topology where it stands, and if it did not get there, why, since when, what
was taken back, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.report.github.escape import code, words
from reconciler.report.github.links import Links, commit_link, link
from reconciler.report.github.rollout import (
    Phase,
    Rollout,
    approvals,
    awaits_window,
    condition,
    failing,
    phase,
    replaced,
)
from reconciler.report.github.rollout_states import deployments
from reconciler.report.words import markdown_table

LARGEST = 900 * 1024
"""Bytes. A summary above 1 MiB is not shown at all, and a step may have written something before."""
_HEADLINES = {
    Phase.QUEUED: "not picked up yet",
    Phase.DEPLOYING: "still being deployed",
    Phase.SERVING: "serving",
    Phase.BLOCKED: "blocked",
    Phase.SUSPENDED: "suspended",
    Phase.FAILED: "the rollout failed",
    Phase.REFUSED: "its bundle was refused",
    Phase.SUPERSEDED: "superseded",
    Phase.ROLLED_BACK: "rolled back",
}


def rollout_summary(rollouts: Sequence[Rollout], links: Links) -> str:
    """What does not fit is left out topology by topology, from the last on."""
    text = ""
    for number, rollout in enumerate(rollouts):
        section = "\n".join(_section(rollout, links)) + "\n\n"
        if len((text + section).encode()) > LARGEST:
            return f"{text}{len(rollouts) - number} more topologies: `meridian status` shows them.\n"
        text += section
    return text


def _section(rollout: Rollout, links: Links) -> Iterable[str]:
    now = phase(rollout)
    yield f"### {words(rollout.name)}: {_HEADLINES[now]}"
    yield ""
    yield f"Commit {commit_link(rollout.commit, links)}, generation {rollout.generation}. {_sentence(rollout, now)}"
    yield ""
    if now in {Phase.BLOCKED, Phase.FAILED, Phase.REFUSED} or _found(rollout):
        yield from _trouble(rollout)
    rows = [_row(rollout, d.region, d.state, d.description) for d in deployments(rollout)]
    yield from markdown_table(("Region", "deployment", "traffic", "health", "stacks", "what it says"), rows)
    if now is not Phase.SERVING:
        yield ""
        yield from _ways_out(rollout, now)


def _sentence(rollout: Rollout, now: Phase) -> str:
    match now:
        case Phase.SERVING:
            return f"{link(rollout.domain, f'https://{rollout.domain}')} is served by it."
        case Phase.QUEUED if failing(rollout):
            return (
                "The bundle is uploaded; no pass on it has come to an end yet, and the next one tries again by itself."
            )
        case Phase.QUEUED:
            return "The bundle is uploaded; the reconciler takes it up by itself."
        case Phase.DEPLOYING if awaits_window(rollout):
            return "What is left of it starts in the next window, by itself, whether anybody follows it or not."
        case Phase.DEPLOYING:
            return "The reconciliation goes on by itself, whether anybody follows it or not."
        case Phase.SUPERSEDED | Phase.ROLLED_BACK:
            return f"It was {words(replaced(rollout))}."
        case Phase.SUSPENDED:
            return "It is left alone until somebody resumes it."
        case Phase.BLOCKED:
            return "Nothing more of it is carried out: what serves goes on serving."
        case Phase.REFUSED:
            return "Nothing of it takes effect: the commit before it stays in force."
        case _:
            return (
                "What serves goes on serving; nothing is tried again until a commit, or what is seen of AWS, changes."
            )


def _trouble(rollout: Rollout) -> Iterable[str]:
    status = rollout.status or {}
    refused = condition(status, "BundleRefused") if not rollout.ours else None
    found = [*_found(rollout), *([(refused["reason"], "", refused["message"])] if refused else ())]
    yield "**What is wrong**"
    yield ""
    for name, place, message in found:
        where = f" at {code(place)}" if place else ""
        yield f"- {code(name)}{where}"
        yield from (f"  - {words(line)}" for line in message.splitlines() if line.strip())
    since = next((c["lastTransitionTime"] for k in ("Stalled", "Blocked") if (c := condition(status, k))), "")
    if since:
        yield f"- since {code(since)}"
    yield from _taken_back(rollout)
    yield ""


def _found(rollout: Rollout) -> list[tuple[str, str, str]]:
    """Code, place and message of what the last pass on this commit met."""
    status, trouble = rollout.status or {}, failing(rollout)
    if trouble is not None:
        return [(trouble["code"], trouble["step"], trouble["message"])]
    if not rollout.ours:
        return []
    refused = [(r["code"], r["path"], r["message"]) for r in status.get("refusals", ())]
    return refused + [(p["code"], p["step"], p["message"]) for p in status.get("problems", ())]


def _taken_back(rollout: Rollout) -> Iterable[str]:
    """Stacks that AWS rolled back."""
    for name, region in rollout.by_region.items():
        rolled = [f"{kind} ({status})" for kind, status in region["stacks"].items() if "ROLLBACK" in status]
        if rolled:
            yield f"- taken back in {code(name)}: {', '.join(code(stack) for stack in rolled)}"


def _row(rollout: Rollout, region: str, state: str, told: str) -> tuple[str, ...]:
    seen = rollout.by_region.get(region) if rollout.ours else None
    stacks = ", ".join(code(f"{k} {v}") for k, v in seen["stacks"].items()) if seen else ""
    traffic, health = (code(seen["traffic"]), code(seen["health"])) if seen else ("", "")
    return code(region), state, traffic, health, stacks, words(told)


def _ways_out(rollout: Rollout, now: Phase) -> Iterable[str]:
    name = rollout.name
    yield "**What to do**"
    yield ""
    for asked in approvals(rollout):
        command = f"meridian approve {name} --fingerprint {asked['fingerprint']} --reason …"
        yield f"- read the plan, then approve it: {code(command)}"
    match now:
        case Phase.DEPLOYING if awaits_window(rollout):
            yield "- nothing; run this job again to follow it further, or commit another `safety.windows`"
        case Phase.QUEUED if not failing(rollout):
            pass
        case Phase.FAILED | Phase.QUEUED:
            yield "- commit what makes it right, or the change taken back; where a right or a quota was missing, grant it and wait"
        case Phase.BLOCKED if not approvals(rollout):
            yield "- commit what the refusal asks for"
        case Phase.SUSPENDED:
            yield f"- let it go on: {code(f'meridian resume {name} --reason …')}, or take `suspend: true` out of the file"
        case Phase.REFUSED:
            yield "- commit something newer, from a clone in which nothing is changed; the workflow uploads it"
        case Phase.ROLLED_BACK:
            yield "- nothing, if the rollback was meant; commit something newer to go forward again"
    yield f"- look from a terminal: {code(f'meridian status {name}')}, {code(f'meridian history {name}')}"
