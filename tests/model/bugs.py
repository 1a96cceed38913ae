"""Bugs to plant into the product, each with the scenarios that it is let loose on and the property that catches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from reconciler.diff import desired as desired_stacks
from reconciler.diff import motion as hands
from reconciler.model.motion import Motion
from reconciler.model.plan import StepAction, Wave
from reconciler.model.stacks import StackKind
from reconciler.plan import effects, gates, leaving, permission, steps
from reconciler.plan.scene import Scene

waves, planning, refusals = map(
    import_module, ("reconciler.plan.waves", "reconciler.plan", "reconciler.plan.rules.refusals")
)
Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Bug:
    """`name` says what the code does wrongly; `caught_by` begins, or is in, the sentence that the proof comes out with."""

    name: str
    plant: Plant
    scenario: str
    caught_by: str


def instead(where: Any, name: str, what: Any) -> Plant:
    return lambda patch: patch.setattr(where, name, what)


def told(name: str, what: Callable[[Scene], Any]) -> Plant:
    """The scene answers this question otherwise."""
    return instead(Scene, name, property(what))


def met(*names: str) -> Plant:
    """These gates always hold."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for name in names:
            real = getattr(gates, name)
            patch.setattr(gates, name, lambda *args, real=real: replace(real(*args), met=True))

    return plant


def changed(where: ModuleType, name: str, change: Callable[[list[Wave]], list[Wave]]) -> Plant:
    """The waves that this function yields come out otherwise."""
    real = getattr(where, name)
    return instead(where, name, lambda *args: iter(change(list(real(*args)))))


def without_gates(*names: str) -> Callable[[list[Wave]], list[Wave]]:
    return lambda found: [replace(w, gates=tuple(g for g in w.gates if g.name not in names)) for w in found]


def without_steps(action: StepAction) -> Callable[[list[Wave]], list[Wave]]:
    return lambda found: [replace(w, steps=tuple(s for s in w.steps if s.action is not action)) for w in found]


def at_once(found: list[Wave]) -> list[Wave]:
    """All steps in one wave, all gates after it."""
    return [Wave(steps=tuple(s for w in found for s in w.steps), gates=tuple(g for w in found for g in w.gates))]


def brought_forward(action: StepAction, kind: StackKind | None = None) -> Callable[[list[Wave]], list[Wave]]:
    """Waves with such a step come before the others."""

    def is_it(wave: Wave) -> bool:
        return any(s.action is action and (kind is None or (s.stack and s.stack.kind is kind)) for s in wave.steps)

    return lambda found: sorted(found, key=lambda wave: not is_it(wave))


def without_rule(name: str) -> Plant:
    return instead(refusals, "RULES", tuple(rule for rule in refusals.RULES if rule.__name__ != name))


def lied(table: str, key: Any, effect: Any) -> Plant:
    return lambda patch: patch.setitem(getattr(effects, table), key, effect)


def forgotten(method: str, **fields: Any) -> Plant:
    """What `Motion` writes down lacks these."""
    real = getattr(Motion, method)

    def writes(self: Motion, *args: Any) -> Motion:
        return replace(real(self, *args), **{name: getattr(self, name) for name in fields})

    return instead(Motion, method, writes)


def swapped(patch: pytest.MonkeyPatch) -> None:
    joining, drains = waves._joining, leaving.drains
    patch.setattr(waves, "_joining", drains)
    patch.setattr(leaving, "drains", joining)


def both(*plants: Plant) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        for one in plants:
            one(patch)

    return plant


def nothing(*_: Any) -> Iterator[Any]:
    return iter(())


def same(picture: Any, _: Any) -> Any:
    return picture


_destruction = leaving.destruction


def _moves(wave: Wave) -> bool:
    return any(s.action is StepAction.SWITCHOVER for s in wave.steps)


def _destroying_all(scene: Scene) -> Iterator[Wave]:
    policy = replace(scene.topology.database, deletion_policy="snapshot")
    return _destruction(replace(scene, topology=replace(scene.topology, database=policy)))


BUGS = (
    # ---- who is drained, and when ----
    Bug("Regions that leave are not drained", instead(leaving, "drains", nothing), "a Region leaves", "I8 "),
    Bug("old answers are not waited out", met("drained"), "a Region leaves", "I8 "),
    Bug("a Region that is still asked is taken for quiet", met("quiet"), "a Region that leaves is still asked", "I8 "),
    Bug("all drains go in one wave", changed(leaving, "drains", at_once), "two Regions leave", "I16 "),
    Bug("what leaves goes before what joins", swapped, "the only Region is replaced", "I1 "),
    Bug(
        "drains do not mind who is sick",
        changed(leaving, "drains", without_gates("traffic-gate")),
        "a Region is drained while another is sick",
        "I1 ",
    ),
    # ---- how a Region leaves ----
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
        "a Region leaves",
        "RemovalRefused",
    ),
    Bug(
        "what only takes its time keeps the topology from Ready",
        changed(waves, "_all", lambda found: [replace(w, aside=False) for w in found]),
        "network interfaces linger",
        "Ready: ",
    ),
    # ---- the writer ----
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
            instead(steps, "inherit", lambda ref: steps.create_gate(ref.region)),
            changed(leaving, "remains", without_gates("master-kept")),
        ),
        "the founder leaves",
        "I13 ",
    ),
    Bug(
        "the first Region of the file founds the database",
        instead(desired_stacks, "founder", lambda topology, _: topology.region_names[0]),
        "made from nothing, the second Region writing",
        "ends with writer",
    ),
    Bug(
        "a switchover is not written down",
        forgotten("intends", writers=1),
        "the writer moves and is called back",
        "waits for ever",
    ),
    Bug(
        "a writer moved by hand is moved back",
        instead(hands, "writer_moved_by_hand", lambda *_: False),
        "the writer is moved by hand",
        "hands: ",
    ),
    # ---- joining ----
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
        changed(waves, "_joining", without_gates("replica-lag", "replica-connected")),
        "a Region joins",
        "I15 ",
    ),
    Bug("gates open right after each other", met("gate_soaked"), "two Regions serve again", "soak: "),
    Bug(
        "APIs come before their databases",
        changed(waves, "_joining", brought_forward(StepAction.DEPLOY, StackKind.API)),
        "a Region joins",
        "I15 ",
    ),
    # ---- settings ----
    Bug("settings do not soak", met("stack_soaked"), "a setting changes", "soak: "),
    Bug("settings go everywhere at once", changed(waves, "_settings", at_once), "a setting changes", "I15 "),
    Bug(
        "the writer's engine is upgraded first",
        told("rollout_order", lambda scene: scene.topology.region_names),
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
            instead(waves, "_others_do_well", lambda *_: ()),
            met("probe_healthy"),
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
    # ---- hands, and what does not answer ----
    Bug(
        "a gate closed by hand is opened",
        instead(hands, "held_gate", lambda *_: False),
        "a gate is closed by hand",
        "hands: ",
    ),
    Bug("a gate's move is not written down", forgotten("intends", gates=1), "a drain is called back", "waits for ever"),
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
    # ---- refusals and words ----
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
    Bug("a silent writer hands over", without_rule("no_data_is_lost"), "the writer does not answer", "I6 "),
    Bug(
        "the engine is upgraded whatever else moves",
        without_rule("the_engine_goes_up_alone"),
        "the engine is upgraded while a Region joins",
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
        "a Region leaves only in a window",
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
    # ---- destroy ----
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
    # ---- lies ----
    Bug(
        "an effect is left out: a deleted API",
        lied("_DONE", (StepAction.DELETE, StackKind.API), same),
        "a Region leaves",
        "foreseen",
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
        "a Region joins",
        "foreseen",
    ),
    Bug(
        "the order of listings shows in the plan",
        told("leaving", lambda scene: tuple(r for r in scene.live_regions if r not in scene.topology.region_names)),
        "two Regions leave",
        "deterministic: ",
    ),
)
