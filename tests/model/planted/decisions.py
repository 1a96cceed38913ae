"""Hands, silence, refusals, approvals and windows; and what a destroy may take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.diff import motion as hands
from reconciler.model.motion import Motion
from reconciler.model.plan import Wave
from reconciler.plan import gates, leaving, permission
from reconciler.plan.scene import Scene
from tests.model.planted.tools import Bug, both, changed, forgotten, instead, met, planning, told, without_rule

_destruction = leaving.destruction


def _destroying_all(scene: Scene) -> Iterator[Wave]:
    policy = replace(scene.topology.database, deletion_policy="snapshot")
    return _destruction(replace(scene, topology=replace(scene.topology, database=policy)))


DECISIONS = (
    Bug(
        "a gate closed by hand is opened",
        instead(hands, "held_gate", lambda *_: False),
        "a gate is closed by hand",
        "hands: ",
    ),
    Bug(
        "a gate's move is not written down",
        forgotten("intends", gates=1, asked=1),
        "a drain is called back",
        "ends with open gates",
    ),
    Bug(
        "what was declared when a gate was moved is not written down",
        forgotten("intends", asked=1),
        "a Region that is drained is opened by hand on the way",
        "hands: ",
    ),
    Bug(
        "a switchover of ours is never over",
        instead(Motion, "sees_writer", lambda motion, *_: motion),
        "a writer is moved back by hand before all is done",
        "waits for ever for migrate/",  # a writer that nobody of us put there may have lost what was applied
    ),
    Bug(
        "callers past DNS count though a commit cuts them off",
        instead(planning, "disregarded", lambda *_: frozenset()),
        "a Region that leaves is asked for ever, and a commit cuts that off",
        "waits for ever for quiet",
    ),
    Bug(
        "that callers are cut off is forgotten on the way",
        forgotten("intends", approved=1),
        "a Region that leaves is asked for ever, and a commit cuts that off",
        "waits for ever",
    ),
    Bug(
        "what does not answer counts as absent",
        told("unreadable", lambda _: {}),
        "a Region that leaves does not answer",
        "I20 ",
    ),
    Bug(
        "a zone that does not answer is not waited for",
        both(instead(gates, "facts_readable", lambda _: ())),
        "a Region leaves while the zone does not answer",
        "I20 ",
    ),
    Bug(
        "who writes need not be known",
        both(
            instead(gates, "facts_readable", lambda _: ()),
            met("one_writer"),
            instead(Scene, "deployable", lambda *_: True),
        ),
        "nobody tells who writes while a Region joins",
        "I5 ",
    ),
    Bug("the last Region may stop serving", without_rule("enough_regions_serve"), "nobody is to serve", "I1 "),
    Bug(
        "a Region closed by hand counts as one that can serve",
        without_rule("enough_regions_serve"),
        "a Region is drained while another is closed by hand",
        "I1 ",
    ),
    Bug("load does not count", without_rule("the_rest_carries_the_load"), "a loaded Region is drained", "overload: "),
    Bug(
        "a writer needs no successor",
        without_rule("the_writer_has_a_successor"),
        "the Region leaves to which the writer was moved by hand",
        "I4 ",
    ),
    Bug(
        "a silent writer hands over",
        both(without_rule("no_data_is_lost"), told("unread_members", lambda _: ())),
        "the writer does not answer",
        "I17 ",
    ),
    Bug(
        "the engine is upgraded whatever else moves",
        without_rule("the_engine_goes_up_alone"),
        "the engine is upgraded while a Region is half joined",
        "I6 ",
    ),
    Bug("engines go back", without_rule("the_engine_goes_up_alone"), "the engine is to go back", "AWS refuses"),
    Bug("networks are replaced", without_rule("nothing_is_replaced"), "the network is to change", "AWS refuses"),
    Bug("a deleted gate is made anew", without_rule("gates_stay"), "a gate is deleted by hand", "I3 "),
    Bug(
        "windows do not count",
        instead(permission, "_in_window", lambda _: True),
        "the writer moves only in a window",
        "window: ",
    ),
    Bug(
        "deletions carry no hazard",
        changed(
            leaving,
            "remains",
            lambda found: [replace(w, steps=tuple(replace(s, hazards=()) for s in w.steps)) for w in found],
        ),
        "Regions leave, their data only in a window",
        "window: ",
    ),
    Bug(
        "an approval is not written down",
        forgotten("intends", approved=1),
        "two Regions leave, allowed by name",
        "refused as BlastRadius",
    ),
    Bug(
        "nobody need allow that most Regions go",
        instead(leaving, "_hazards", lambda _: ()),
        "two Regions leave, and nobody allows it",
        "blast: ",
    ),
    Bug(
        "earlier intentions are not forgotten",
        forgotten("converged", writers=1),
        "a writer that moved is moved back by hand",
        "hands: ",
    ),
    Bug(
        "the edge is destroyed last",
        changed(leaving, "destruction", lambda found: [*found[2:], *found[:2]]),
        "all is destroyed",
        "I8 ",
    ),
    Bug(
        "destroy deletes data that is to stay",
        instead(leaving, "destruction", _destroying_all),
        "all but the data is destroyed",
        "I19 ",
    ),
)
