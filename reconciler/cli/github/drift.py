"""`meridian github drift`: what was changed by hand, as an issue that comes and goes with it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from reconciler.cli import exits, inputs, output
from reconciler.cli.drifting import refuse_another_account
from reconciler.cli.github.workflow import Workflow, published, run_in_workflow
from reconciler.cli.looking import look_at_all
from reconciler.cli.settings import Settings
from reconciler.github.failures import GitHubRefused
from reconciler.load.bundle import folders
from reconciler.model.errors import ReconcilerError
from reconciler.model.facts import Sweep
from reconciler.model.outcome import Condition, Outcome
from reconciler.model.topology import Topology
from reconciler.report.conditions import UPLOAD_TAKES, without_bundle
from reconciler.report.drift import drift_text
from reconciler.report.github.issue import Issue, drift_issue, drift_summary

_OF_SOURCE = frozenset({"SourceBehind", "BundleRefused"})


def drift(settings: Settings, path: Path, *, label: str, strict: bool) -> int:
    return run_in_workflow(settings, partial(_drift, settings, path, label, strict))


def _drift(settings: Settings, path: Path, label: str, strict: bool, flow: Workflow) -> int:
    topologies = {t.name: t for t in inputs.topologies(path)}
    outcomes, codes = look_at_all(settings, topologies.values(), sweep=Sweep.FULL)
    refuse_another_account(outcomes)
    outcomes = [_with_source(outcome, topologies[outcome.topology]) for outcome in outcomes]
    issues = [drift_issue(outcome, flow.links) for outcome in outcomes]
    if issues:
        flow.runner.summary(drift_summary(issues))
    found, seen = {}, True
    for outcome, issue in zip(outcomes, issues, strict=True):
        found[outcome.topology] = {"open": issue.open, "findings": len(outcome.diff.findings)}
        output.show(f"{drift_text(outcome)}\n")
        seen &= _publish(flow, outcome, issue, label)
        codes.append(exits.of_drift(outcome, detailed=settings.detailed_exitcode, strict=strict))
    flow.runner.output("drift", json.dumps(found))
    return published(exits.combined(codes), seen=seen)


def _publish(flow: Workflow, outcome: Outcome, issue: Issue, label: str) -> bool:
    """What could not be read may drift: its issue is not closed. False where GitHub refused."""
    if flow.client is None:
        return True
    from reconciler.github.api import close_issue, upsert_issue

    unread = [*outcome.observed.unknown_facts(), *sorted(outcome.observed.unknown_regions())]
    if not issue.open and unread:
        output.tell(f"{outcome.topology}: its issue is left as it is: {', '.join(unread)} cannot be read")
        return True
    write = upsert_issue if issue.open else close_issue
    done, error = flow.attempt(partial(write, flow.client, issue.marker, label, issue.title, issue.body))
    if done:
        output.tell(f"{outcome.topology}: issue {done}")
    return not isinstance(error, GitHubRefused)


def _with_source(outcome: Outcome, topology: Topology) -> Outcome:
    """The outcome with what the last hosted pass said of Git: whoever looks from here cannot see that."""
    from reconciler import wiring

    try:
        status = wiring.recorded(topology.name, topology.home_region).status or {}
    except ReconcilerError as error:
        output.tell(f"{topology.name}: its status cannot be read: {error.message}")
        return outcome
    behind = _without_bundle(outcome, topology)
    said = [
        c
        for c in status.get("conditions", ())
        if c["type"] in _OF_SOURCE and not (behind and c["type"] == "SourceBehind")
    ]
    more = tuple(
        Condition(
            type=c["type"],
            status=c["status"],
            reason=c["reason"],
            message=c["message"],
            observed_generation=c["observedGeneration"],
            last_transition=outcome.observed.at,
        )
        for c in said
    )
    return replace(outcome, conditions=(*(c for c in outcome.conditions if c.type not in _OF_SOURCE), *behind, *more))


def _without_bundle(outcome: Outcome, topology: Topology) -> tuple[Condition, ...]:
    """SourceBehind, where the commit at hand should have a bundle by now. The control plane learns of a commit from the run that
    uploads it; of one whose run never began, or got no role, nobody tells it. Without a clone or a control plane there is nothing
    to compare."""
    from reconciler import wiring

    try:
        commit = wiring.commit_at_hand(topology.root, (topology.source, *folders([topology])))
        since = wiring.committed(topology.root)
        if since is None or datetime.now(UTC) - since < UPLOAD_TAKES:
            return ()
        bucket = wiring.revisions(topology.account, topology.home_region)
        # The list first: a bucket that is missing looks like one without the bundle to whoever asks for that alone.
        seen = bucket.described(topology.name) if topology.name in bucket.names() else None
    except ReconcilerError as error:
        if error.code not in {"NoCommit", "BucketMissing"}:
            output.tell(f"{topology.name}: whether its commit has a bundle cannot be told: {error.message}")
        return ()
    message = without_bundle(commit, since, seen.accepted if seen else None)
    if not message:
        return ()
    output.tell(f"{topology.name}: {message}")
    behind = Condition(
        type="SourceBehind",
        status="True",
        reason="NoBundle",
        message=message,
        observed_generation=seen.accepted.generation if seen else 0,
        last_transition=outcome.observed.at,
    )
    return (behind,)
