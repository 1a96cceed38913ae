"""How Regions are drained and leave: too early, in the wrong order, not at all."""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff import desired as desired_stacks
from reconciler.model.plan import StepAction
from reconciler.plan import leaving
from tests.model.planted.tools import (
    Bug,
    at_once,
    both,
    brought_forward,
    changed,
    instead,
    met,
    nothing,
    swapped,
    waves,
    without_gates,
    without_steps,
)

TRAFFIC = (
    Bug("Regions that leave are not drained", instead(leaving, "drains", nothing), "a Region leaves", "I8 "),
    Bug("old answers are not waited out", met("drained"), "a Region leaves", "I8 "),
    Bug("a Region that is still asked is taken for quiet", met("quiet"), "a Region that leaves is still asked", "I8 "),
    Bug("all drains go in one wave", changed(leaving, "drains", at_once), "two Regions leave", "I16 "),
    Bug("what leaves goes before what joins", swapped, "the only Region is replaced", "I1 "),
    Bug(
        "drains do not mind who is sick",
        changed(leaving, "drains", without_gates("traffic-gate", "probe-healthy")),
        "a Region is drained while another is sick",
        "I1 ",
    ),
    Bug(
        "records go first", both(changed(waves, "_all", brought_forward(StepAction.UNROUTE))), "a Region leaves", "I8 "
    ),
    Bug(
        "the API goes before its records",
        changed(leaving, "removal", brought_forward(StepAction.DELETE)),
        "a Region leaves",
        "I2 ",
    ),
    Bug(
        "records that go are not waited for",
        changed(leaving, "removal", without_gates("dns")),
        "a Region leaves",
        "I2 ",
    ),
    Bug("DNS has always spread", met("dns_propagated"), "DNS falls back on a Region that leaves", "clients: "),
    Bug(
        "the API stays",
        changed(leaving, "removal", without_steps(StepAction.DELETE)),
        "a Region leaves",
        "I7 ",
    ),
    Bug(
        "interfaces are not waited for",
        changed(leaving, "remains", without_gates("interfaces")),
        "a Region leaves",
        "I7 ",
    ),
    Bug("interfaces are never left", met("interfaces_gone"), "a Region leaves", "I7 "),
    Bug(
        "a member's data is deleted",
        changed(leaving, "remains", without_steps(StepAction.DETACH)),
        "a Region leaves",
        "I7 ",
    ),
    Bug(
        "a cluster on its way out is deleted",
        changed(leaving, "remains", without_gates("member-gone")),
        "a Region leaves",
        "I7 ",
    ),
    Bug(
        "a cluster that is being changed is to leave",
        changed(leaving, "remains", without_gates("database-available")),
        "a Region leaves whose cluster is being changed",
        "AWS refuses",
    ),
    Bug(
        "the gate goes before the data",
        changed(leaving, "remains", brought_forward(StepAction.DELETE_GATE)),
        "a Region leaves",
        "I8 ",
    ),
    Bug(
        "the gate stays",
        changed(leaving, "remains", without_steps(StepAction.DELETE_GATE)),
        "a Region leaves",
        "ends with gates",
    ),
    Bug(
        "records of a Region that leaves are dropped from the template at once",
        instead(desired_stacks, "with_leaving", lambda desired, *_: desired),
        "a Region is replaced",
        "I3 ",
    ),
    Bug(
        "what only takes its time keeps the topology from Ready",
        changed(waves, "_all", lambda found: [replace(w, aside=False) for w in found]),
        "network interfaces linger",
        "Ready: ",
    ),
    Bug(
        "a drain is not waited for",
        changed(leaving, "drains", without_gates("drained", "quiet")),
        "a Region is drained",
        "clients: ",
    ),
)
