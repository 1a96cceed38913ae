"""How Regions are made and opened, and how settings come to those that serve."""

from __future__ import annotations

from reconciler.diff import desired as desired_stacks
from reconciler.model.plan import StepAction
from reconciler.model.stacks import StackKind, StackRef
from tests.model.planted.tools import (
    Bug,
    at_once,
    both,
    brought_forward,
    changed,
    instead,
    met,
    nothing,
    waves,
    without_gates,
)

JOINING = (
    Bug(
        "gates open before there are records",
        changed(waves, "_joining", brought_forward(StepAction.OPEN_GATE)),
        "a Region joins",
        "I3 ",
    ),
    Bug(
        "an unproven Region opens", changed(waves, "_joining", without_gates("probe-healthy")), "a Region joins", "I15 "
    ),
    Bug(
        "a Region opens before its replica follows",
        changed(waves, "_joining", without_gates("replica-lag")),
        "a Region joins whose replica lags",
        "I15 ",
    ),
    Bug("gates open right after each other", met("gate_soaked"), "two Regions join", "soak: "),
    Bug(
        "APIs come before their databases",
        changed(waves, "_joining", brought_forward(StepAction.DEPLOY, StackKind.API)),
        "a Region joins",
        "I15 ",
    ),
    Bug("settings do not soak", met("stack_soaked"), "a setting changes", "soak: "),
    Bug("settings go everywhere at once", changed(waves, "_settings", at_once), "a setting changes", "I15 "),
    Bug(
        "the writer's engine is upgraded first",
        both(
            instead(waves, "_sick_first", lambda scene, kind: [StackRef(kind, r) for r in scene.topology.region_names]),
            met("members_upgraded"),
        ),
        "the engine is upgraded",
        "I6 ",
    ),
    Bug(
        "the global cluster is upgraded before its members",
        changed(waves, "_all", brought_forward(StepAction.DEPLOY, StackKind.GLOBAL)),
        "the engine is upgraded",
        "I6 ",
    ),
    Bug(
        "a setting that made a Region sick goes on",
        both(
            changed(waves, "_settings", without_gates("traffic-gate", "probe-healthy")),
            instead(desired_stacks, "held_back", lambda stacks, _: stacks),
        ),
        "a setting makes a Region sick",
        "spread: ",
    ),
    Bug(
        "what made a Region sick is not put back",
        instead(desired_stacks, "held_back", lambda stacks, _: stacks),
        "a setting makes a Region sick",
        "waits for ever",
    ),
    Bug("failures are not cleared away", instead(waves, "_recoveries", nothing), "a setting changes", "AWS refuses"),
    Bug(
        "what served before needs no proof to serve again",
        changed(waves, "_joining", without_gates("probe-healthy")),
        "a Region serves again that is not well",
        "I15 ",
    ),
    Bug(
        "all databases are made at once",
        changed(waves, "_joining", at_once),
        "made from nothing",
        "I5 ",
    ),
    Bug(
        "the edge comes before anybody serves",
        changed(waves, "_all", brought_forward(StepAction.DEPLOY, StackKind.EDGE)),
        "made from nothing",
        "I1 ",
    ),
    Bug(
        "the global cluster comes last",
        changed(waves, "_all", lambda found: brought_forward(StepAction.DEPLOY, StackKind.GLOBAL)(found[::-1])[::-1]),
        "made from nothing",
        "I5 ",
    ),
)
