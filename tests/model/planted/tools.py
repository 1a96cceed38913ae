"""What a planted bug is, and the ways to plant one: into the real code, for the length of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from reconciler.model.motion import Motion
from reconciler.model.plan import StepAction, Verification, Wave
from reconciler.model.stacks import StackKind
from reconciler.plan import effects, gates, leaving
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
            patch.setattr(gates, name, lambda *args, real=real, **how: replace(real(*args, **how), met=True))

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


def asleep(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planning, "verify", lambda *_: Verification())


def nothing(*_: Any) -> Iterator[Any]:
    return iter(())


def same(picture: Any, _: Any) -> Any:
    return picture
