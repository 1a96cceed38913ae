"""`meridian github converge`: the commit at hand, followed until it serves. AWS converges by itself; this only looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from reconciler.cli import exits, inputs, output
from reconciler.cli.bundling import of_account
from reconciler.cli.github.following import Following, exit_code, wait
from reconciler.cli.github.workflow import Workflow, run_in_workflow
from reconciler.cli.settings import Settings
from reconciler.load.bundle import folders
from reconciler.model.bundle import Accepted
from reconciler.model.errors import ReconcilerError
from reconciler.model.topology import Topology
from reconciler.model.unknown import Unknown
from reconciler.report.github.escape import words
from reconciler.report.github.layout import alert
from reconciler.report.github.rollout import ENDS, Phase, Rollout, approvals, phase, replaced, why
from reconciler.report.github.rollout_summary import rollout_summary

_GOOD = frozenset({Phase.SERVING, Phase.SUPERSEDED})


def converge(settings: Settings, path: Path, *, timeout: timedelta) -> int:
    return run_in_workflow(settings, partial(_converge, path, timeout))


def _converge(path: Path, timeout: timedelta, flow: Workflow) -> int:
    from reconciler import wiring

    topologies, skipped = of_account(inputs.topologies(path))
    for name, message in sorted((t.name, done.message) for t, done in skipped.items()):
        output.tell(f"{name}: not followed, {message}")
    commit = wiring.commit_at_hand(topologies[0].root, _paths(topologies))
    recorded, clock = wiring.watched()
    following = Following(
        commit=commit,
        read=lambda t: recorded(t.name, t.home_region).status,
        uploaded=_uploaded,
        digest=wiring.desired_digest,
        clock=clock,
        publish=_publisher(flow),
        tell=output.tell,
        pause=wait,
    )
    exits.stop_after(timeout, "not serving")
    try:
        following.follow(topologies)
    except exits.Stopped:
        output.tell("nobody follows it from here on: the reconciliation goes on by itself, `meridian status` shows it")
        for rollout in following.rollouts.values():
            if phase(rollout) not in ENDS:
                following.publish(replace(rollout, left=True))
        raise
    finally:
        _told(flow, list(following.rollouts.values()), following.missing)
    failed = [exits.of_error(error) for error in following.missing.values()]
    return exits.combined([*failed, *(exit_code(r) for r in following.rollouts.values())])


def _paths(topologies: Sequence[Topology]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(t.source for t in topologies), *folders(topologies)]))


def _uploaded(topology: Topology) -> Accepted | Unknown | None:
    """What cannot be read here only leaves us with what the status says."""
    from reconciler import wiring

    try:
        seen = wiring.revisions(topology.account, topology.home_region).described(topology.name)
    except ReconcilerError as error:
        return Unknown(error.code, error.message)
    return seen.accepted if seen else None


def _publisher(flow: Workflow) -> Callable[[Rollout], None]:
    client, run = flow.client, flow.run
    if client is None or run is None:
        return lambda _: None
    from reconciler.cli.github.publishing import Publisher

    said: set[str] = set()

    def complain(error: ReconcilerError) -> None:
        if error.message not in said:
            said.add(error.message)
            output.tell(f"{error.code}: {error.message}")
            flow.note("warning", error.code, error.message)

    each: dict[str, Publisher] = {}

    def publish(rollout: Rollout) -> None:
        each.setdefault(rollout.name, Publisher(client=client, run=run.url, complain=complain))(rollout)

    return publish


def _told(flow: Workflow, rollouts: Sequence[Rollout], missing: Mapping[str, ReconcilerError]) -> None:
    """What this run leaves behind, however it ends."""
    for name, error in missing.items():
        flow.runner.summary(f"### {words(name)}: not uploaded\n\n{alert('CAUTION', [words(error.message)])}")
        flow.note("error", f"{error.code} ({name})", error.message)
    if not rollouts:
        return
    phases: Mapping[str, Any] = {r.name: str(phase(r)) for r in rollouts}
    flow.runner.output("phases", json.dumps(phases))
    flow.runner.output("approvals", json.dumps([a for r in rollouts for a in approvals(r)]))
    flow.runner.summary(rollout_summary(rollouts, flow.links))
    for rollout in rollouts:
        now = phase(rollout)
        if now not in _GOOD:
            reason = replaced(rollout) if now is Phase.ROLLED_BACK else why(rollout)
            level = "warning" if now in {Phase.QUEUED, Phase.DEPLOYING} else "error"
            flow.note(level, f"{rollout.name}: {now}", reason)
