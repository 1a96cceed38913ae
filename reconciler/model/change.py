"""Differences: changes that a plan carries out, and drift findings with their disposition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.model.coverage import Coverage, Unchecked
from reconciler.model.repairs import Repairs
from reconciler.model.stacks import StackRef
from reconciler.model.topology import Ignore

__all__ = [
    "CALLS",
    "Action",
    "Change",
    "Coverage",
    "Diff",
    "Disposition",
    "Finding",
    "Origin",
    "Tool",
    "Unchecked",
    "Waived",
]


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"


class Origin(StrEnum):
    GIT = "git"
    DRIFT = "drift"
    ROLLOUT = "rollout"
    UPGRADE = "upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between desired and applied. `path` is the desired field, else the stack's resource property."""

    path: str
    action: Action
    origin: Origin
    stack: StackRef | None = None
    desired: Any = None
    applied: Any = None
    observed: Any = None
    logical_id: str | None = None


class Disposition(StrEnum):
    HEAL = "heal"
    HOLD = "hold"
    PAGE = "page"


class Tool(StrEnum):
    """What puts drift back, where it is put back: always the least that reaches it."""

    NONE = "none"
    CHANGE_SET = "change-set"
    """A drift-aware change set of its stack."""
    GATE = "gate"
    CLUSTER = "cluster"
    """ModifyDBCluster, for what a change set must not touch. The others are one call each, too."""
    GLOBAL = "global-cluster"
    PARAMETERS = "parameters"
    KEY = "key"
    RECORD = "record"
    """The record that validates a certificate's domain name, which no template has."""
    PROBE = "probe"
    """Switches a Region's probe on, which no template can."""


CALLS = frozenset({Tool.CLUSTER, Tool.GLOBAL, Tool.PARAMETERS, Tool.KEY, Tool.RECORD, Tool.PROBE})
"""Tools that are a call of our own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One drifted property, or one resource that is gone (`observed` is then None and `missing` true)."""

    path: str
    region: str | None
    disposition: Disposition
    reason: str
    desired: Any = None
    observed: Any = None
    detected_by: str = "read"
    since: datetime | None = None
    """When a pass first saw it; None: no pass has, this look is the first."""
    by: str | None = None
    """Who, with which call, from where and when, as CloudTrail has it; None: not asked, or nothing there yet."""
    stack: StackRef | None = None
    logical_id: str | None = None
    prop: str = ""
    """The property of that resource, dotted; empty for the resource as a whole."""
    missing: bool = False
    tool: Tool = Tool.CHANGE_SET
    """What puts it back, if it is to be healed; a finding that pages and has a call for a tool is put back at once, too."""
    disagreement: str = ""
    """What the other detector says, if it looked at the same and saw no drift."""
    returns: int = 0
    """How often it came back after a repair of ours; above 0 only where it is left alone for that."""

    @property
    def called(self) -> bool:
        """A call of our own puts it back."""
        return self.disposition is not Disposition.HOLD and self.tool in CALLS and not self.returns


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """A finding that the document wants nobody to act on, and the entry of `drift.ignore` that says so."""

    finding: Finding
    ignore: Ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """All that desired, applied and observed disagree on."""

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    waived: tuple[Waived, ...] = ()
    unused: tuple[Ignore, ...] = ()
    """Entries of `drift.ignore` that nothing was found for, or whose time is over."""
    touched: Mapping[StackRef, frozenset[str]] = field(default_factory=dict)
    """Logical ids that a deployment of a stack's changes may touch."""
    coverage: Coverage = field(default_factory=lambda: Coverage(fields=0, checked=0))
    repairs: Repairs = field(default_factory=Repairs)
    """What is known of earlier repairs, after this look."""
    failed_rollout: Mapping[str, str] | None = None
    """A rollout that made a Region sick just now, as `Motion.broken` remembers it."""

    def changed(self, ref: StackRef) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if c.stack == ref)

    def to_heal(self, ref: StackRef) -> tuple[Finding, ...]:
        """What a drift-aware change set of this stack is to write back."""
        healed = (f for f in self.findings if f.stack == ref and f.disposition is Disposition.HEAL)
        return tuple(f for f in healed if f.tool is Tool.CHANGE_SET)

    def put_back(self, ref: StackRef) -> tuple[Finding, ...]:
        """What is put back by calls of our own, the urgent first of all."""
        return tuple(f for f in self.findings if f.stack == ref and f.called)

    def held(self, ref: StackRef) -> tuple[Finding, ...]:
        """What a repair of this stack must not touch: somebody's hand, a matter for a person, what no repair can win, and what
        the document waives."""
        left = tuple(f for f in self.findings if f.stack == ref and f.disposition is not Disposition.HEAL)
        return (*left, *(w.finding for w in self.waived if w.finding.stack == ref))

    def by_hand(self, ref: StackRef) -> tuple[Finding, ...]:
        """What no deployment of this stack may touch, either: whoever set it meant it."""
        return tuple(f for f in self.held(ref) if not f.returns)

    @property
    def left_alone(self) -> frozenset[str]:
        """Paths where no step may move anything: held for a person, or waived."""
        held = (f.path for f in self.findings if f.disposition is Disposition.HOLD)
        return frozenset((*held, *(w.finding.path for w in self.waived)))
