"""`meridian github plan`: a pull request shows what merging it would do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reconciler.cli import exits, inputs, output
from reconciler.cli.github.workflow import Workflow, published, run_in_workflow
from reconciler.cli.looking import look_at_all
from reconciler.cli.settings import Settings
from reconciler.github.failures import GitHubRefused
from reconciler.load.placing import places, spot
from reconciler.model.errors import InvalidDesiredState
from reconciler.model.outcome import Outcome
from reconciler.model.preflight import Preflight
from reconciler.model.topology import Topology
from reconciler.report.github.annotations import Annotation
from reconciler.report.github.comment import comment, marker, whole
from reconciler.report.github.summary import invalid_summary, plan_summary
from reconciler.report.plan import plan_json
from reconciler.report.plan_text import plan_text

Item = tuple[Outcome, Preflight | None]


def plan(settings: Settings, path: Path, *, offline: bool, out: Path) -> int:
    return run_in_workflow(settings, partial(_plan, settings, path, offline, out))


def _plan(settings: Settings, path: Path, offline: bool, out: Path, flow: Workflow) -> int:
    topologies = _read(path, flow)
    outcomes, codes = look_at_all(settings, topologies, offline=offline)
    items: list[Item] = [(outcome, None) for outcome in outcomes]  # the place of each one's preflight
    for outcome, preflight in items:
        _keep(outcome, preflight, out)
        output.show(f"{plan_text(outcome)}\n")
    if items:
        flow.runner.summary(plan_summary(items, flow.links))
    flow.runner.output("plans", json.dumps([_said(outcome) for outcome in outcomes]))
    flow.notes += _refusals(path, topologies, outcomes)
    codes += [exits.of_plan(o, detailed=settings.detailed_exitcode) for o in outcomes]
    seen = _comments(flow, items)
    return published(exits.combined(codes), seen=seen)


def _read(path: Path, flow: Workflow) -> tuple[Topology, ...]:
    try:
        loaded = inputs.read(path)
    except InvalidDesiredState as error:
        flow.runner.summary(invalid_summary(error, flow.links))
        raise
    for warning in loaded.warnings:
        output.tell(f"warning: {warning}")
        note = Annotation(
            level="warning",
            title=warning.code,
            message=warning.message,
            file=warning.file,
            line=warning.line,
            column=warning.column,
        )
        flow.notes.append(note)
    return loaded.topologies


def _keep(outcome: Outcome, preflight: Preflight | None, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{outcome.topology}.json").write_text(output.dumps(plan_json(outcome)) + "\n")
    (out / f"{outcome.topology}.md").write_text(whole(outcome, preflight) + "\n")


def _said(outcome: Outcome) -> dict[str, Any]:
    return {
        "topology": outcome.topology,
        "fingerprint": outcome.plan.fingerprint,
        "changes": len(outcome.plan.changes),
        "refused": bool(outcome.plan.refusals),
        "converged": outcome.plan.converged,
    }


def _refusals(path: Path, topologies: Iterable[Topology], outcomes: Sequence[Outcome]) -> Iterator[Annotation]:
    """At the line of the field that asks for what is refused."""
    refused = [o for o in outcomes if o.plan.refusals]
    fields = places(path) if refused else {}
    files = {t.name: t.source for t in topologies}
    for outcome in refused:
        for refusal in outcome.plan.refusals:
            at = spot(fields.get(outcome.topology, {}), refusal.path)
            yield Annotation(
                level="error",
                title=f"{refusal.code} ({outcome.topology})",
                message=f"{refusal.path}: {refusal.message}" if refusal.path else refusal.message,
                file=files.get(outcome.topology, ""),
                line=at.line,
                column=at.column,
            )


def _comments(flow: Workflow, items: Sequence[Item]) -> bool:
    """False where GitHub refused one. Where it is down, the summary has to do."""
    run, client = flow.run, flow.client
    if run is None or run.pull_request is None or client is None:
        return True
    if run.pull_request.fork:
        message = "no comment: the pull request comes from a fork, whose token may only read; the plan is in the job's summary"
        output.tell(message)
        flow.note("notice", "Fork", message)
        return True
    from reconciler.github.api import upsert_comment

    seen = True
    for outcome, preflight in items:
        text = comment(outcome, preflight, flow.links)
        write = partial(upsert_comment, client, run.pull_request.number, marker(outcome.topology), text)
        done, error = flow.attempt(write)
        seen &= not isinstance(error, GitHubRefused)
        if done:
            output.tell(f"{outcome.topology}: comment {done}")
    return seen
