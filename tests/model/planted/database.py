"""Who writes, who inherits, and who may take over."""

from __future__ import annotations

from reconciler.diff import desired as desired_stacks
from reconciler.diff import motion as hands
from reconciler.model.plan import StepAction, Wave
from reconciler.plan import gates, leaving
from tests.model.planted.tools import (
    Bug,
    both,
    changed,
    forgotten,
    instead,
    met,
    nothing,
    told,
    waves,
    without_gates,
    without_steps,
)


def _moves(wave: Wave) -> bool:
    return any(s.action is StepAction.SWITCHOVER for s in wave.steps)


DATABASE = (
    Bug(
        "the writer moves while a member is not at rest",
        met("members_at_rest"),
        "the writer moves while a member is modified",
        "I6 ",
    ),
    Bug(
        "pending modifications do not count",
        instead(gates, "_unrest", lambda scene, member: ""),
        "the writer moves while a modification is pending",
        "I6 ",
    ),
    Bug("lag does not count", met("replica_lag"), "the writer moves to a Region that lags", "I6 "),
    Bug("versions do not count", met("versions_equal"), "the writer moves while versions differ", "I6 "),
    Bug(
        "the writer moves last",
        changed(waves, "_all", lambda found: [*(w for w in found if not _moves(w)), *filter(_moves, found)]),
        "the founder leaves",
        "I4 ",
    ),
    Bug("the writer stays", instead(waves, "_switchover", nothing), "the founder leaves", "I4 "),
    Bug("nobody inherits", instead(desired_stacks, "_heir", lambda *_: None), "the founder leaves", "waits for ever"),
    Bug(
        "nobody inherits, and nobody minds",
        both(
            instead(desired_stacks, "_heir", lambda *_: None),
            changed(waves, "_switchover", without_steps(StepAction.DEPLOY)),
            changed(leaving, "remains", without_gates("master-kept")),
        ),
        "the founder leaves",
        "I13 ",
    ),
    Bug(
        "the first Region of the file founds the database",
        instead(desired_stacks, "founder", lambda topology, _: topology.region_names[0]),
        "made from nothing, the second Region writing",
        "steps were left before the wave",
    ),
    Bug(
        "a switchover is not written down",
        forgotten("sees_writer", writers=1),
        "the writer moves and is called back",
        "ends with writer",
    ),
    Bug(
        "a writer moved by hand is moved back",
        instead(hands, "writer_moved_by_hand", lambda *_: False),
        "the writer is moved by hand",
        "hands: ",
    ),
    Bug(
        "a cluster that left joins again",
        told("half_removed", lambda _: ()),
        "a Region that leaves is called back",
        "I15 ",
    ),
)
