"""The planner's own model lies, or nobody asks it."""

from __future__ import annotations

from reconciler.model.plan import StepAction
from reconciler.model.stacks import StackKind
from reconciler.plan import effects, leaving
from tests.model.planted.tools import (
    Bug,
    asleep,
    both,
    changed,
    lied,
    met,
    same,
    told,
    waves,
    without_gates,
    without_steps,
)

LIES = (
    Bug(
        "the verifier sleeps, and records are not waited for",
        both(asleep, changed(waves, "_all", without_gates("dns"))),
        "DNS falls back on a Region that leaves",
        "clients: ",
    ),
    Bug(
        "the verifier sleeps, and a member's data is deleted",
        both(
            asleep,
            changed(
                leaving, "remains", lambda found: without_gates("member-gone")(without_steps(StepAction.DETACH)(found))
            ),
        ),
        "a Region leaves",
        "AWS refuses",
    ),
    Bug(
        "the verifier sleeps, and interfaces are left",
        both(asleep, met("interfaces_gone")),
        "a Region leaves",
        "foreseen",
    ),
    Bug(
        "the verifier sleeps, and the writer moves while a member is not at rest",
        both(asleep, changed(waves, "_switchover", without_gates("members-at-rest"))),
        "the writer moves while a member is modified",
        "AWS refuses",
    ),
    Bug(
        "an effect is left out: a deleted API",
        lied("_DONE", (StepAction.DELETE, StackKind.API), same),
        "a Region leaves",
        "I7 ",
    ),
    Bug(
        "an effect is left out: a switchover",
        lied("_DONE", (StepAction.SWITCHOVER, None), same),
        "the writer moves",
        "foreseen",
    ),
    Bug(
        "an effect is left out: the records",
        lied("_DONE", (StepAction.DEPLOY, StackKind.ROUTING), same),
        "a Region joins",
        "I3 ",
    ),
    Bug(
        "an effect is made up: a closed gate is drained at once",
        lied("_DONE", (StepAction.CLOSE_GATE, None), effects._to(gate="closed", drained=True, quiet=True, fresh=False)),
        "a Region leaves",
        "foreseen",
    ),
    Bug(
        "a failure is taken for success",
        lied("_FAILED", (StepAction.DEPLOY, StackKind.API), effects._deploy_api),
        "a Region joins",
        "foreseen",
    ),
    Bug(
        "a met gate says too much: the replica that is connected is near",
        lied(
            "_LEARNT",
            "database-available",
            (effects._may_be_member, {"available": True, "connected": True, "near": True}),
        ),
        "a Region joins whose replica lags",
        "foreseen",
    ),
    Bug(
        "the order of listings shows in the plan",
        told("leaving", lambda scene: tuple(r for r in scene.live_regions if r not in scene.topology.region_names)),
        "two Regions leave",
        "deterministic: ",
    ),
)
