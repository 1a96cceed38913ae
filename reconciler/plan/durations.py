"""How long steps usually take on AWS: what a plan's ETA is made of. Likely values, not promises (aws-facts §8.0)."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.stacks import StackKind

_CREATE = {
    StackKind.FOUNDATION: 1,
    StackKind.GLOBAL: 2,
    StackKind.DATA: 25,
    StackKind.API: 6,
    StackKind.ROUTING: 2,
    StackKind.EDGE: 9,
}
_UPDATE = {
    StackKind.FOUNDATION: 1,
    StackKind.GLOBAL: 1,
    StackKind.DATA: 6,
    StackKind.API: 3,
    StackKind.ROUTING: 2,
    StackKind.EDGE: 5,
}


def deployment(kind: StackKind, *, create: bool) -> timedelta:
    return timedelta(minutes=(_CREATE if create else _UPDATE)[kind])


PUTTING_BACK = timedelta(minutes=1)
RECOVERY = timedelta(minutes=4)
GATE_CREATION = timedelta(seconds=10)
GATE_MOVE = timedelta(seconds=90)
DRAIN_CLOSE = timedelta(minutes=1)
SWITCHOVER = timedelta(minutes=3)
DETACH = timedelta(minutes=3)
MIGRATION = timedelta(minutes=1)
_DELETE = {
    StackKind.GLOBAL: 1,
    StackKind.DATA: 20,
    StackKind.API: 6,
    StackKind.ROUTING: 2,
    StackKind.EDGE: 15,
}


def deletion(kind: StackKind) -> timedelta:
    return timedelta(minutes=_DELETE[kind])
