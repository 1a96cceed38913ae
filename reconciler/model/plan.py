"""The plan: ordered waves of steps and the gates between them, or refusals that name their rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from reconciler.model.change import Change
from reconciler.model.stacks import StackRef


class StepAction(StrEnum):
    DEPLOY = "deploy"
    """Bring a stack to its desired template and parameters."""
    REPAIR = "repair"
    """The same, by a change set that also writes drifted properties back."""
    RECOVER = "recover"
    """Bring a failed stack back to a state from which it can be deployed."""
    CREATE_GATE = "create-gate"
    OPEN_GATE = "open-gate"
    MEND_GATE = "mend-gate"
    """Put an inverted, disabled or always-open gate back to what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do. `target` is the stack kind, or `gate`; `allow` lists the logical ids that may change (deployments)."""

    action: StepAction
    target: str
    region: str | None
    eta: timedelta
    stack: StackRef | None = None
    hazards: tuple[str, ...] = ()
    allow: frozenset[str] = frozenset()
    why: str = ""

    @property
    def id(self) -> str:
        """A repair goes by the name of the deployment that it is: while it runs, nobody can tell the two apart."""
        verb = StepAction.DEPLOY if self.action is StepAction.REPAIR else self.action
        return f"{verb}/{self.stack or self.region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition that must hold before the next wave. `met`: as observed now; `detail` says what is waited for."""

    name: str
    region: str | None
    detail: str
    met: bool = False

    @property
    def id(self) -> str:
        return f"{self.name}/{self.region}" if self.region else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Steps that may run together; then gates, all of which must hold before the next wave starts."""

    steps: tuple[Step, ...] = ()
    gates: tuple[Gate, ...] = ()

    @property
    def waiting_for(self) -> tuple[Gate, ...]:
        return tuple(g for g in self.gates if not g.met)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why there is no plan: the rule's name, the field it speaks of, and the way out."""

    code: str
    path: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    topology: str
    revision: str
    fingerprint: str
    changes: tuple[Change, ...] = ()
    waves: tuple[Wave, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What the reader should know though nothing is done about it: a public API, a Region that cannot be read."""

    @property
    def converged(self) -> bool:
        """Nothing to do and nothing to wait for."""
        return not (self.waves or self.refusals)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(s for w in self.waves for s in w.steps)

    @property
    def eta(self) -> timedelta:
        """The longest step of each wave, added up; waiting on gates comes on top."""
        return sum((max((s.eta for s in w.steps), default=timedelta()) for w in self.waves), timedelta())
