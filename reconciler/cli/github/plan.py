"""`meridian github plan`: a pull request shows what merging it would do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reconciler.cli import exits, inputs, output
from reconciler.cli.bundling import of_account, refuse_vanished
from reconciler.cli.github.commenting import publish
from reconciler.cli.github.workflow import Workflow, published, run_in_workflow
from reconciler.cli.preflighting import Planned, plan_all
from reconciler.cli.settings import Settings
from reconciler.load.placing import places, spot
from reconciler.model.bundle import BundleRefused
from reconciler.model.errors import InvalidDesiredState, ReconcilerError
from reconciler.model.outcome import Outcome
from reconciler.model.preflight import Preflight
from reconciler.model.topology import Topology
from reconciler.report.github.annotations import Annotation
from reconciler.report.github.comment import whole
from reconciler.report.github.summary import invalid_summary, plan_summary, vanished_summary
from reconciler.report.plan import plan_json
from reconciler.report.plan_text import plan_text


def plan(settings: Settings, path: Path, *, offline: bool, out: Path) -> int:
    return run_in_workflow(settings, partial(_plan, settings, path, offline, out))


def _plan(settings: Settings, path: Path, offline: bool, out: Path, flow: Workflow) -> int:
    declared: tuple[str, ...] | None = None
    try:
        topologies = _read(path, flow)
        declared = tuple(t.name for t in topologies)
        planned, codes = plan_all(settings, topologies, offline=offline)
    except Exception:
        publish(flow, path, (), declared)
        raise
    for outcome, preflight in planned:
        _keep(outcome, preflight, out)
        output.show(f"{plan_text(outcome, preflight=preflight)}\n")
    gone = None if offline else _vanished(path, topologies)
    if gone:
        flow.runner.summary(vanished_summary(gone))
        flow.note("error", gone.code, gone.message)
    if planned:
        flow.runner.summary(plan_summary(planned, flow.links))
    flow.runner.output("plans", json.dumps([_said(outcome) for outcome, _ in planned]))
    flow.notes += _refusals(path, topologies, planned)
    detailed = settings.detailed_exitcode
    codes += [exits.of_plan(o, detailed=detailed, preflight=p) for o, p in planned]
    seen = publish(flow, path, planned, declared)
    return exits.BLOCKED if gone else published(exits.combined(codes), seen=seen)


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


def _vanished(path: Path, topologies: Sequence[Topology]) -> BundleRefused | None:
    """Why the upload of this folder would be refused as a whole: somebody took a document away, or moved it."""
    from reconciler import wiring

    repository = wiring.repository(topologies[0].root)
    if not repository or not path.is_dir():
        return None
    try:
        ours, _ = of_account(topologies)
        refuse_vanished(repository, ours, wiring.revisions(ours[0].account, ours[0].home_region))
    except BundleRefused as refused:
        return refused
    except ReconcilerError as error:
        # Without a bucket nothing was uploaded yet; another account's documents are refused by their plans.
        if error.code not in {"BucketMissing", "WrongAccount"}:
            output.tell(f"whether a document is gone that was uploaded cannot be told: {error.message}")
    return None


def _keep(outcome: Outcome, preflight: Preflight, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{outcome.topology}.json").write_text(output.dumps(plan_json(outcome, preflight)) + "\n")
    (out / f"{outcome.topology}.md").write_text(whole(outcome, preflight) + "\n")


def _said(outcome: Outcome) -> dict[str, Any]:
    return {
        "topology": outcome.topology,
        "fingerprint": outcome.plan.fingerprint,
        "changes": len(outcome.plan.changes),
        "refused": bool(outcome.plan.refusals),
        "converged": outcome.plan.converged,
    }


def _refusals(path: Path, topologies: Iterable[Topology], planned: Sequence[Planned]) -> Iterator[Annotation]:
    """At the line of the field that asks for what is refused; what the account lacks is at the file."""
    refused = [o for o, _ in planned if o.plan.refusals]
    fields = places(path) if refused else {}
    files = {t.name: t.source for t in topologies}
    for outcome, preflight in planned:
        note = partial(Annotation, level="error", file=files.get(outcome.topology, ""))
        for refusal in outcome.plan.refusals:
            at = spot(fields.get(outcome.topology, {}), refusal.path)
            message = f"{refusal.path}: {refusal.message}" if refusal.path else refusal.message
            title = f"{refusal.code} ({outcome.topology})"
            yield note(title=title, message=message, line=at.line, column=at.column)
        for check in preflight.failed:
            message = f"{check.subject}: {check.detail}; {check.way_out}".removesuffix("; ")
            yield note(title=f"{check.code} ({outcome.topology})", message=message, line=1, column=1)
