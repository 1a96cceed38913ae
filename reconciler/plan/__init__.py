"""Changes become waves of steps and gates, or refusals that name their rule. Pure: the same inputs give the same plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.model.change import Diff
from reconciler.model.observed import Observed
from reconciler.model.plan import Goal, Hazard, Plan, Refusal, Wave
from reconciler.model.redaction import without_secrets as shown
from reconciler.model.stacks import DesiredStack, StackRef
from reconciler.model.topology import Topology
from reconciler.plan import client_keys
from reconciler.plan.permission import approvals, at_their_hour, disregarded, objections
from reconciler.plan.picture import Picture, picture
from reconciler.plan.rules import refusals
from reconciler.plan.scene import Scene
from reconciler.plan.verify import verify
from reconciler.plan.waves import waves

__all__ = ["plan"]


def plan(
    topology: Topology,
    revision: str,
    observed: Observed,
    diff: Diff,
    stacks: Mapping[StackRef, DesiredStack],
    goal: Goal = Goal.CONVERGE,
) -> Plan:
    """The plan from `observed` to `topology`, replayed before it is returned. With a refusal there are no waves: nothing is
    done in part."""
    scene = Scene(topology=topology, observed=observed, diff=diff, stacks=stacks, goal=goal)
    refused = refusals(scene)
    path = () if refused else waves(scene)
    fingerprint = _fingerprint(diff, path, refused)
    if unheard := disregarded(scene, fingerprint):
        scene = replace(scene, disregarded=unheard)
        path = () if refused else waves(scene)
    refused = refused or tuple(dict.fromkeys(objections(scene, path, fingerprint)))
    path = tuple(at_their_hour(scene, path, fingerprint))
    proof = verify(_start(scene), path, topology, goal)
    refused = refused or tuple(map(_unsafe, proof.violations))
    return Plan(
        topology=topology.name,
        revision=revision,
        fingerprint=fingerprint,
        changes=diff.changes,
        waves=() if refused else path,
        refusals=refused,
        proposed=path if refused and not proof.violations else (),
        verification=proof,
        approved=approvals(scene, path, fingerprint),
        notes=tuple(_notes(scene)),
    )


def _start(scene: Scene) -> Picture:
    now = picture(scene.topology, scene.observed)
    return now.put(*(p.but(quiet=True) for r, p in now.places.items() if r in scene.disregarded and p.gate != "open"))


def _unsafe(violation: str) -> Refusal:
    """Our bug, and better a plan that is refused than one that breaks what it promises."""
    return Refusal(
        code="UnsafePlan",
        path="",
        message=f"the replay of this plan broke an invariant: {violation}; nothing is done, please report it",
    )


def _fingerprint(diff: Diff, path: tuple[Wave, ...], refused: tuple[Refusal, ...]) -> str:
    """Hash of what would be done and what it is for; not of revisions, statuses, metrics or times."""
    content: Any = {
        "changes": [
            [c.path, c.action, c.origin, shown(c.path, c.desired), shown(c.path, c.applied)] for c in diff.changes
        ],
        # Not in the order of waves: it follows who is healthy.
        "steps": sorted((s.id, sorted(s.allow), s.hazards) for w in path for s in w.steps),
        "refusals": [[r.code, r.path] for r in refused],
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _notes(scene: Scene) -> list[str]:
    notes = [*client_keys.notes(scene)]
    if scene.topology.api.origin_auth == "none":
        notes.append("auth.origin is none: Regions answer callers that bypass the edge")
    notes += [
        f"{Hazard.REQUESTS_PAST_DNS} is allowed in {region}: whoever calls {scene.topology.region_origin(region)} is cut off"
        for region in sorted(scene.disregarded)
    ]
    notes += [
        f"{region} cannot be read ({reason}): nothing is done there, and it is not taken for healthy"
        for region, reason in scene.unreadable.items()
    ]
    notes += [
        f"{', '.join(dict.fromkeys(f.path for f in heals))} stays as it is while something else in stack {ref} is held: "
        "writing back drift would undo that too"
        for ref in scene.stacks
        if (heals := scene.diff.to_heal(ref)) and scene.diff.held(ref) and scene.topology.drift.mode == "heal"
    ]
    return notes
