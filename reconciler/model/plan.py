"""The plan: ordered waves of steps and the gates between them, or refusals that name their rule."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from reconciler.model.change import Change, Disposition, Finding, Tool
from reconciler.model.stacks import REGIONAL, StackRef
from reconciler.model.suspension import Suspension


class StepAction(StrEnum):
    DEPLOY = "deploy"
    """Bring a stack to its desired template and parameters."""
    REPAIR = "repair"
    """The same, by a change set that also writes drifted properties back."""
    PUT_BACK = "put-back"
    """Put drift back by a call of our own, the step's target, where a change set must not or cannot."""
    RECOVER = "recover"
    """Bring a failed stack back to a state from which it can be deployed."""
    CREATE_GATE = "create-gate"
    OPEN_GATE = "open-gate"
    CLOSE_GATE = "close-gate"
    """Drain a Region: DNS stops answering with it."""
    MEND_GATE = "mend-gate"
    """Put an inverted, disabled or always-open gate back to what it says."""
    DELETE_GATE = "delete-gate"
    """The last thing of a Region that left: until then the gate's reference says that something of it may be there."""
    SWITCHOVER = "switchover"
    """Move the writer to this Region, without loss. Cannot be aborted once begun."""
    MIGRATE = "migrate"
    """Apply the schema migrations that the database does not hold yet, where the writer is."""
    UNROUTE = "unroute"
    """Deploy the routing stack without a drained Region's records."""
    DETACH = "detach"
    """Take a Region's cluster out of the global database; it stands alone then, and is writable."""
    DELETE = "delete"
    """Delete a stack that the desired state has no place for any more."""
    DELETE_GLOBAL = "delete-global-cluster"
    """Delete the empty global cluster, which its stack leaves behind."""
    DELETE_VERSION = "delete-version"
    """Delete a version of the edge's function that nothing uses any more."""


class Goal(StrEnum):
    """What a plan is for."""

    CONVERGE = "converge"
    DESTROY = "destroy"


class Hazard(StrEnum):
    """Named dangers that a step can carry. A step with one starts only inside a window, if the document names windows."""

    WRITE_INTERRUPTION = "write-interruption"
    """Writes fail for up to some minutes while the writer moves."""
    DATA_DELETION = "data-deletion"
    """A Region's copy of the data goes, after a final snapshot."""
    DATABASE_RESTART = "database-restart"
    """The engine is upgraded: connections break, instance after instance."""
    BLAST_RADIUS = "blast-radius"
    """One commit takes more Regions out of service than `maxConcurrentRegions`: only with an `allow` of its own."""
    REQUESTS_PAST_DNS = "requests-past-dns"
    """Whoever calls a Region that is out of DNS by its own name is cut off: only with an `allow` of its own."""


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
    removes: frozenset[str] = frozenset()
    """Logical ids that this deployment may delete: the records of a Region that is drained and leaves."""
    reverts: frozenset[tuple[str, str]] = frozenset()
    """(logical id, dotted property) of the drift that a repair writes back, and no other; without a property, a resource that is
    made again."""
    begun: bool = False
    """AWS is already at it: no window or rule stops what has started."""
    subject: str = ""
    """What it is about where neither a stack nor a Region says it: a function's version."""
    why: str = ""

    @property
    def id(self) -> str:
        """A repair goes by the name of the deployment that it is: while it runs, nobody can tell the two apart."""
        verb = StepAction.DEPLOY if self.action is StepAction.REPAIR else self.action
        of_stack = self.stack if self.action is not StepAction.UNROUTE else None
        return f"{verb}/{self.subject or of_stack or self.region}"

    def repairs(self, finding: Finding) -> bool:
        """Whether this step puts it back."""
        match self.action:
            case StepAction.PUT_BACK:
                return finding.called and (self.target, self.region) == (str(finding.tool), place_of(finding))
            case StepAction.MEND_GATE:
                return finding.tool is Tool.GATE and finding.region == self.region
            case StepAction.REPAIR:
                healed = finding.disposition is Disposition.HEAL and finding.tool is Tool.CHANGE_SET
                return healed and finding.stack == self.stack
            case _:
                return False

    def within(self, regions: Collection[str]) -> bool:
        """It changes something of one of these Regions. A writer that moves concerns all, for all of them follow."""
        if self.action is StepAction.SWITCHOVER:
            return bool(regions)
        shared = self.stack is not None and self.stack.kind not in REGIONAL and self.action is not StepAction.UNROUTE
        shared = shared or self.action in {StepAction.DELETE_VERSION, StepAction.DELETE_GLOBAL}
        shared = shared or (self.action is StepAction.PUT_BACK and self.target == Tool.GLOBAL)
        return self.region in regions and not shared

    @property
    def abortable(self) -> bool:
        """Whether a newer commit may take over while it runs. A writer on its way, or a cluster leaving, is waited for."""
        return self.action not in {StepAction.SWITCHOVER, StepAction.DETACH, StepAction.DELETE}


def place_of(finding: Finding) -> str | None:
    """The Region in which a finding is put back."""
    return finding.stack.region if finding.stack else finding.region


SUSPENDED = "suspended"
"""Gate of a Region that a person wants left alone."""


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
    aside: bool = False
    """What is left of something that is out of service already, and takes its time: it never keeps a topology from Ready."""
    chain: str = ""
    """Of what, where it is aside: a Region, or the edge. Chains do not wait for each other."""

    def left_alone(self, suspension: Suspension) -> Wave:
        """Without its steps in suspended Regions, each replaced by a gate: what comes later waits."""
        left = tuple(s for s in self.steps if s.within(suspension.regions))
        if not left:
            return self
        places = dict.fromkeys(s.region for s in left)
        gates = (
            Gate(
                name=SUSPENDED,
                region=r,
                detail=f"{', '.join(s.id for s in left if s.region == r)} left alone: {suspension}",
            )
            for r in places
        )
        return replace(self, steps=tuple(s for s in self.steps if s not in left), gates=(*self.gates, *gates))

    @property
    def waiting_for(self) -> tuple[Gate, ...]:
        return tuple(g for g in self.gates if not g.met)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why there is no plan: the rule's name, the field it speaks of, and the way out."""

    code: str
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the replay of a plan came to: `prefixes` states on the way, `faulted` ones where a step failed, half-applied or
    repeated, and the violations found in any of them, each as a sentence that begins with the invariant's name."""

    prefixes: int = 0
    faulted: int = 0
    violations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    topology: str
    revision: str
    fingerprint: str
    changes: tuple[Change, ...] = ()
    waves: tuple[Wave, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    verification: Verification = Verification()
    approved: Mapping[str, str] = field(default_factory=dict)
    """Hazards that are let pass by name, to what for: see `Motion.approved`."""
    unapproved: tuple[str, ...] = ()
    """Hazards that wait for an approval of this plan, where the document asks for one."""
    withheld: tuple[Wave, ...] = ()
    """What would be done if all that is refused were let pass: by an approval, an entry of the document, or in its hour. Whoever
    lets it pass has to see what; it is never carried out from here."""
    notes: tuple[str, ...] = field(default=())
    """What the reader should know though nothing is done about it: a public API, a Region that cannot be read."""

    def left_alone(self, suspension: Suspension | None) -> Plan:
        """The plan as it is carried out while Regions are suspended. Its fingerprint is that of all there is to do."""
        if suspension is None or suspension.whole:
            return self
        return replace(self, waves=tuple(w.left_alone(suspension) for w in self.waves))

    @property
    def converged(self) -> bool:
        """Nothing to do and nothing to wait for, but for what finishes aside."""
        return not self.refusals and all(w.aside for w in self.waves)

    @property
    def tombstones(self) -> tuple[Wave, ...]:
        """What finishes aside, in order."""
        return tuple(w for w in self.waves if w.aside)

    @property
    def current(self) -> tuple[Step, ...]:
        """Steps to be carried out now: the first wave's, or once only asides are left, those of each chain's first wave."""
        if not self.converged:
            return self.waves[0].steps if self.waves else ()
        firsts = {w.chain: w for w in reversed(self.waves)}
        return tuple(s for w in reversed(firsts.values()) for s in w.steps)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(s for w in self.waves for s in w.steps)

    @property
    def eta(self) -> timedelta:
        """The longest step of each wave, added up, but for what finishes aside; waiting on gates comes on top."""
        longest = (max((s.eta for s in w.steps), default=timedelta()) for w in self.waves if not w.aside)
        return sum(longest, timedelta())
