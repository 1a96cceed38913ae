"""Pictures, steps and waves for the tests of the verifier, and one good plan that removes the Region which founded the database."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.plan import Gate, Step, StepAction, Wave
from reconciler.model.stacks import StackKind, StackRef, record_ids
from reconciler.plan.picture import Picture, Place

ONCE = {StackKind.ROUTING, StackKind.GLOBAL, StackKind.EDGE}
HOME = "us-east-1"


def place(region: str, **changes) -> Place:
    """A Region that serves and is at rest."""
    whole = {
        "gate": "open",
        "drained": False,
        "quiet": False,
        "records": "all",
        "api": "up",
        "healthy": True,
        "linked": True,
        "data": "member",
        "available": True,
        "connected": True,
        "near": True,
        "version": "16.8",
    }
    return Place(region=region, **{**whole, **changes})


def out_of_traffic(region: str, **changes) -> Place:
    """A Region that was drained: its gate is closed, and nobody asks it anything."""
    return place(region, **{"gate": "closed", "drained": True, "quiet": True, **changes})


def pictured(*places: Place, **changes) -> Picture:
    """A topology that serves; its first Region is the founder and writes."""
    whole = {"writer": places[0].region, "engine": "16.8", "global_stack": True, "global_cluster": True}
    led = {"edge": True, "served": True, "versions": frozenset({"7"})}
    return Picture(places={p.region: p for p in places}, **{**whole, **led, **changes})


def step(verb: str, **changes) -> Step:
    """`deploy/api/eu-west-1`, `delete/edge`, `close-gate/eu-west-1`: by its id, as plans print it."""
    action, _, rest = verb.partition("/")
    first, _, region = rest.partition("/")
    kind = StackKind(first) if first in set(StackKind) else None
    stack = StackRef(kind, region or HOME) if kind else None
    changes.setdefault("region", region or (HOME if kind else first))
    if action == StepAction.UNROUTE:
        stack = StackRef(StackKind.ROUTING, HOME)
        changes.setdefault("removes", frozenset(record_ids(first)))
    if action == StepAction.DELETE_VERSION:
        changes |= {"subject": first, "region": HOME}
    return Step(action=StepAction(action), target=str(kind or "gate"), stack=stack, eta=timedelta(minutes=1), **changes)


def gate(name: str) -> Gate:
    kind, _, region = name.partition("/")
    return Gate(name=kind, region=region or None, detail="")


def wave(steps: str = "", gates: str = "") -> Wave:
    """By ids, separated by spaces."""
    return Wave(steps=tuple(map(step, steps.split())), gates=tuple(map(gate, gates.split())))
