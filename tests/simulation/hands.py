"""Operators' hands in an incident, by seed: gates closed and opened, the writer moved, the distribution disabled, beside Meridian.

While a hand stands and no commit speaks of it, nothing that Meridian asks for may undo it. Known limits, which this operator
keeps out of: a gate moved between a pass's look and its own move, or after a pass that died there, gets the very version that
Meridian meant to give it, and is taken for its own; a writer taken back before Meridian has seen it where the commit wants it
for three minutes may be an old answer; what a commit said and Meridian has neither done nor found done is the commit's.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from reconciler.model.motion import Motion
from reconciler.model.observed import known
from reconciler.model.outcome import Outcome, Result
from reconciler.model.requests import (
    DeleteStack,
    Detach,
    ExecuteChangeSet,
    Request,
    Switchover,
    UpdateGate,
)
from reconciler.model.stacks import StackKind
from reconciler.model.topology import Topology, Traffic
from tests.fakes.aws.account import Account
from tests.fakes.aws.refusal import Refusal

WRITER, DISTRIBUTION = "the writer", "the distribution"
SEEN_FOR = 180.0
"""Seconds after which no answer is older than a switchover that was seen done."""
LIKELY, SELDOM, MOST = 0.3, 0.08, 4
"""Share of runs that have an operator; how often such a one acts between two passes; and how often in a run."""
FRESH = 1200.0
"""Seconds for which what Meridian moved draws the operator's eye: there, hands fall in the middle of a transition."""
_BEGINS = 20.0
"""Seconds, at most, from asking for a switchover until nothing takes writes."""


@dataclass
class Hands:
    """`held`: Region, WRITER or DISTRIBUTION to the state in which the operator put its gate or it: open, where, enabled."""

    account: Account
    topology: Topology
    chaos: random.Random
    there: bool
    told: Callable[[str], None]
    held: dict[str, bool | str] = field(default_factory=dict)
    acts: Counter[str] = field(default_factory=Counter)
    spoken: set[str] = field(default_factory=set)
    """What a commit spoke of (or, of the writer, Meridian is about) and no pass has done or found done since."""
    _fresh: dict[str, tuple[float, bool | str | None]] = field(default_factory=dict)
    """What Meridian moved: when, and from what."""
    _seen_since: float | None = None
    _moved_at: float = -_BEGINS
    _dark: bool = False

    # ---- what there is ----

    def _state(self, subject: str) -> bool | str | None:
        aurora = self.account.aurora
        if subject == WRITER:
            return aurora.group and (aurora.group.moving[2] if aurora.group.moving else aurora.group.writer)
        if subject == DISTRIBUTION:
            return self.account.cloudfront.config and self.account.cloudfront.config["Enabled"]
        gate = self.account.route53.gate(self.topology.gate_reference_prefix(subject))
        return gate and gate.is_open

    def _declared(self, subject: str) -> bool | str | None:
        if subject in {WRITER, DISTRIBUTION}:
            return self.topology.database.writer if subject == WRITER else True
        wanted = subject in self.topology.region_names
        return self.topology.region(subject).traffic is Traffic.SERVING if wanted else None

    def standing(self) -> list[str]:
        """Hands that stand against the document."""
        return [s for s, put in self.held.items() if put == self._state(s) and self._declared(s) not in {None, put}]

    def keeps(self, subject: str) -> bool:
        """The hand is not to be undone."""
        return subject in self.standing() and subject not in self.spoken

    def adopted(self) -> Topology:
        """The document as a commit would write it to keep what stands."""
        stands = {s: self.held[s] for s in self.standing()}
        traffic = {r: Traffic.SERVING if is_open else Traffic.DRAINED for r, is_open in stands.items()}
        regions = tuple(replace(r, traffic=traffic.get(r.name, r.traffic)) for r in self.topology.regions)
        writer = str(stands.get(WRITER, self.topology.database.writer))
        return replace(self.topology, regions=regions, database=replace(self.topology.database, writer=writer))

    # ---- the operator ----

    def act(self, chance: float = SELDOM) -> bool:
        """Between two passes: now and then something is put where the document does not want it, or back."""
        if not self.there:
            return False
        standing, most = self.standing(), self.acts.total() >= MOST
        free = [] if most else [s for s in (*self.topology.region_names, WRITER, DISTRIBUTION) if self._free(s)]
        fresh = [s for s in free if self.account.timeline.now - self._fresh.get(s, (-FRESH,))[0] < FRESH]
        if self.chaos.random() >= (max(chance, 0.3) if fresh else chance):
            return False
        if standing and (most or self.chaos.random() < 0.3):
            return self.undo(self.chaos.choice(standing))
        return bool(free) and self._move(self.chaos.choice(fresh or free), back=bool(fresh))

    def _move(self, subject: str, *, back: bool) -> bool:
        put: bool | str | None = not self._state(subject)
        if subject == WRITER:
            others = [r for r in self.account.aurora.group.members if r != self._state(WRITER)]
            put = self._fresh[WRITER][1] if back else self.chaos.choice(others)
        if not self._puts(subject, put):
            return False
        self.held[subject] = put
        self.acts[_kind(subject, put) + (", just after Meridian moved it" if back else "")] += 1
        return True

    def undo(self, subject: str) -> bool:
        done = self._puts(subject, self._declared(subject))
        if done:
            del self.held[subject]
        return done

    def _free(self, subject: str) -> bool:
        """As the last commit wants it, by Meridian's doing or with its knowledge, and nobody would lose by it for long."""
        if subject in self.spoken or self._state(subject) != self._declared(subject):
            return False
        if subject == WRITER:
            return len(self.account.aurora.group.members) > 1
        if subject == DISTRIBUTION:
            return self.account.cloudfront.serves and self.chaos.random() < 0.3
        document = self.account.documents.get(self.topology.name)
        motion = Motion.recorded(json.loads(document)) if document else None
        gate = self.account.route53.gate(self.topology.gate_reference_prefix(subject))
        if motion is None or motion.gates.get(subject, 0) > gate.version:
            return False  # some pass meant to move it, and died
        return gate.is_open or self._whole(subject)

    def _whole(self, region: str) -> bool:
        routed = [r for r in self.account.route53.records.values() if r.get("Region") == region]
        return len(routed) == 2 and self.account.answers(region)

    def _puts(self, subject: str, put: bool | str) -> bool:
        """False: AWS does not let anybody do that now, or stacks are at it or too few others serve, and an operator looks."""
        kinds = {WRITER: (StackKind.DATA, StackKind.GLOBAL), DISTRIBUTION: (StackKind.EDGE,)}.get(subject, ())
        if any(stack.busy for ref, stack in self.account.stacks.stacks.items() if ref.kind in kinds):
            return False
        if subject == WRITER:
            if self.account.aurora.group.moving:
                return False
            self.account.aurora.switchovers_fail = False
            try:
                self.account.aurora.switch_over(str(put), str(self._state(WRITER)))
            except Refusal:
                return False
            self._moved_at = self.account.timeline.now
        elif subject == DISTRIBUTION:
            front = self.account.cloudfront
            front.put({**front.config, "Enabled": put}, front.used)
            self._dark = True
        else:
            others = [r for r in self.topology.region_names if r != subject and self._state(r) and self._whole(r)]
            if not put and len(others) < max(1, self.topology.safety.min_serving):
                return False
            gate = self.account.route53.gate(self.topology.gate_reference_prefix(subject))
            children = gate.config["ChildHealthChecks"]
            self.account.route53.update_gate(gate.id, gate.version, children, len(children) + (not put))
        where = {WRITER: f" to {put}", DISTRIBUTION: ""}.get(subject, f" of {subject}")
        self.told(f"operator {_kind(subject, put)}{where}")
        self.account.timeline.changed()
        return True

    # ---- what Meridian does and finds ----

    def committed(self, topology: Topology) -> None:
        """Whatever the commit says anew of a gate or of the writer decides."""
        subjects = {*self.topology.region_names, *topology.region_names, WRITER}
        before = {s: self._declared(s) for s in subjects}
        self.topology = topology
        self.spoken |= {s for s in subjects if self._declared(s) != before[s]}
        self._seen_since = None if WRITER in self.spoken else self._seen_since

    def looked(self, outcome: Outcome | None) -> None:
        """After a pass; None: it died, or could not leave its record."""
        self.held = {s: put for s, put in self.held.items() if put == self._state(s)}
        self.spoken -= {s for s in self.spoken if s != WRITER and self._state(s) == self._declared(s)}  # it is done
        if outcome is None:
            self._seen_since = None
        elif outcome.result is Result.CONVERGED:
            self.spoken.clear()
        else:
            database = known(outcome.observed.global_cluster)
            there = database and database.writer == self.topology.database.writer and not database.failover
            at = self.account.timeline.now
            self._seen_since = (self._seen_since or at) if there else None
            if there and at - self._seen_since > SEEN_FOR:
                self.spoken.discard(WRITER)

    def overruled(self, request: Request) -> Iterator[str]:
        """What is wrong with a request that is about to be made."""
        region = getattr(request, "region", None)
        match request:
            case UpdateGate():
                opens = request.threshold <= len(request.children)
                if opens != self._state(region):
                    if self.keeps(region):
                        yield f"an operator put the gate of {region} where it is"
                    self._moves(region)
            case Switchover():
                if self.keeps(WRITER):
                    yield f"an operator moved the writer to {self.held[WRITER]}"
                self._moves(WRITER)
                self.spoken.add(WRITER)
                self._seen_since = None
            case ExecuteChangeSet() if request.stack.kind is StackKind.EDGE and self.keeps(DISTRIBUTION):
                yield "an operator disabled the distribution"
            case Detach() | DeleteStack():
                of = region or request.stack.region
                wreck = isinstance(request, DeleteStack) and self._never_lived(request)
                if self.keeps(WRITER) and self.held[WRITER] == of and not wreck:
                    yield f"an operator moved the writer to {of}"

    def _never_lived(self, request: DeleteStack) -> bool:
        """To make it again, which takes nothing from whoever writes there."""
        stack = self.account.stacks.stacks.get(request.stack)
        return stack is not None and stack.applied is None

    def _moves(self, subject: str) -> None:
        self._fresh[subject] = (self.account.timeline.now, self._state(subject))

    # ---- what clients lose by it ----

    @property
    def silences(self) -> bool:
        """Nothing takes writes now since an operator moves the writer."""
        silences = self.account.aurora.silences
        return bool(silences) and 0 <= silences[-1][0] - self._moved_at <= _BEGINS

    @property
    def darkens(self) -> bool:
        """The distribution is disabled by hand, or not yet back from that."""
        front = self.account.cloudfront
        self._dark = self._dark and not (front.serves and front.config["Enabled"])
        return self._dark

    @property
    def closes_out(self) -> bool:
        """Some Region would answer, but for an operator who closed its gate."""
        return any(self.held[s] is False and s != DISTRIBUTION and self.account.answers(s) for s in self.standing())


def _kind(subject: str, put: bool | str) -> str:
    if subject == WRITER:
        return "moves the writer"
    if subject == DISTRIBUTION:
        return f"{'enables' if put else 'disables'} the distribution"
    return f"{'opens' if put else 'closes'} the gate"
