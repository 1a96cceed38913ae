"""A plan as JSON, and what it changes; `plan_text` has the forms for people."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reconciler.model.change import Action, Change, Finding, Origin
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Gate, Goal, Plan, Step, StepAction, Wave
from reconciler.model.preflight import Preflight
from reconciler.report.approval import awaited
from reconciler.report.preflight import preflight_json
from reconciler.report.words import clipped, human_duration, iso_duration, json_value

MOST_LEFT, _DETAIL = 200, 300
"""Steps of a plan that a status document has room for, and characters of what a gate waits for."""


def plan_json(outcome: Outcome, preflight: Preflight | None = None) -> dict[str, Any]:
    plan = outcome.plan
    looked_at = {"preflight": preflight_json(preflight)} if preflight else {}
    return {
        "schemaVersion": "1",
        "kind": "Plan",
        "topology": plan.topology,
        "revision": plan.revision,
        "fingerprint": plan.fingerprint,
        "goal": str(outcome.goal),
        "converged": plan.converged,
        "result": str(outcome.result),
        "eta": iso_duration(plan.eta),
        "changes": [_change_json(c) for c in planned_changes(outcome)],
        "waves": [_wave_json(w) for w in plan.waves],
        "verification": {
            "prefixes": plan.verification.prefixes,
            "faultedStates": plan.verification.faulted,
            "violations": len(plan.verification.violations),
        },
        "refusals": [{"code": r.code, "path": r.path, "message": r.message} for r in plan.refusals],
        "problems": [{"code": p.code, "step": p.step, "message": p.message} for p in outcome.problems],
        "notes": list(plan.notes),
        "approval": awaited(outcome),
        "withheld": [_wave_json(w) for w in plan.withheld],
        **looked_at,
    }


def left_json(plan: Plan) -> list[dict[str, Any]]:
    """What is left of a plan, for the status document: its steps, and the gates that do not hold yet. The steps are cut off after
    so many; how many there are is said beside it."""
    room = MOST_LEFT
    waves: list[dict[str, Any]] = []
    for wave in plan.waves:
        steps, gates = wave.steps[:room], wave.waiting_for[:room]
        room -= max(len(steps), len(gates))
        if steps or gates:
            waves.append(
                {"aside": wave.aside, "steps": list(map(_left_step, steps)), "gates": list(map(_left_gate, gates))}
            )
    return waves


def _left_step(step: Step) -> dict[str, Any]:
    shown = _step_json(step)
    return {name: shown[name] for name in ("id", "action", "target", "region", "hazards", "eta")}


def _left_gate(gate: Gate) -> dict[str, Any]:
    return {"id": gate.id, "name": gate.name, "region": gate.region, "detail": clipped(gate.detail, _DETAIL)}


def gate_json(gate: Gate) -> dict[str, Any]:
    return {"name": gate.name, "region": gate.region, "detail": gate.detail, "met": gate.met}


def planned_changes(outcome: Outcome) -> tuple[Change, ...]:
    """What the plan changes: what the desired state brings along, and the drift that some step of it repairs; or all that it
    deletes, where the topology is destroyed."""
    if outcome.goal is Goal.DESTROY:
        return tuple(_as_deletion(s) for s in outcome.plan.steps if s.action in _DELETIONS)
    known = {(c.path, c.stack) for c in outcome.plan.changes}
    drifted = (
        f
        for f in outcome.diff.findings
        if (f.path, f.stack) not in known and any(step.repairs(f) for step in outcome.plan.steps)
    )
    return (*outcome.plan.changes, *(_as_change(f) for f in drifted))


_DELETIONS = (StepAction.DELETE, StepAction.DELETE_GATE, StepAction.DELETE_GLOBAL)


def _as_deletion(step: Step) -> Change:
    if step.action is StepAction.DELETE_GLOBAL:
        path = "global/cluster"
    elif step.stack is not None and str(step.stack) == step.target:
        path = step.target
    else:
        path = f"regions/{step.region}/{step.target}"
    return Change(path=path, action=Action.DELETE, origin=Origin.GIT, stack=step.stack)


def _as_change(finding: Finding) -> Change:
    return Change(
        path=finding.path,
        action=Action.CREATE if finding.missing else Action.UPDATE,
        origin=Origin.DRIFT,
        stack=finding.stack,
        desired=finding.desired,
        applied=finding.desired,
        observed=finding.observed,
        logical_id=finding.logical_id,
    )


def summary(outcome: Outcome) -> str:
    """The plan in half a line, such as `+2 ~5 -0, replaced 0, ETA 23m`."""
    plan = outcome.plan
    changes = planned_changes(outcome)
    if plan.converged and not changes:
        return "no changes" if outcome.goal is Goal.CONVERGE else "nothing left to destroy"
    n = Counter(c.action for c in changes)
    text = "destroy: " if outcome.goal is Goal.DESTROY else ""
    text += f"+{n[Action.CREATE]} ~{n[Action.UPDATE]} -{n[Action.DELETE]}, replaced {n[Action.REPLACE]}"
    if plan.refusals:
        return f"refused ({text})" if changes else "refused"
    return f"{text}, ETA {human_duration(plan.eta)}" if plan.steps else f"{text}, only waiting"


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "path": change.path,
        "action": str(change.action),
        "origin": str(change.origin),
        "stack": str(change.stack) if change.stack else None,
        "desired": json_value(change.path, change.desired),
        "observed": json_value(change.path, change.observed),
        "applied": json_value(change.path, change.applied),
    }


def _wave_json(wave: Wave) -> dict[str, Any]:
    return {
        "steps": [_step_json(s) for s in wave.steps],
        "gates": [gate_json(g) for g in wave.gates],
        "aside": wave.aside,
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "action": str(step.action),
        "target": step.target,
        "region": step.region,
        "hazards": list(step.hazards),
        "eta": iso_duration(step.eta),
        "begun": step.begun,
        "abortable": step.abortable,
        "why": step.why,
    }
