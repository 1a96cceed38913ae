"""A strict cloud in memory on a virtual clock: change sets, stacks that take time and can fail, gates moved by version.

Runs the real planner, act and driver against it, with a crash before or after any request. Shares no legality code with the
planner or with the embedded AWS.
"""

from __future__ import annotations

import random
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.drive import Driver, Run
from reconciler.model.errors import StalePlan, Throttled
from reconciler.model.observed import StackState, TrafficGate
from reconciler.model.requests import (
    ChangeSet,
    ContinueRollback,
    CreateChangeSet,
    CreateGate,
    DeleteChangeSet,
    DeleteStack,
    ExecuteChangeSet,
    ResourceChange,
    UpdateGate,
)
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology
from tests.fakes.world import OUTPUTS, World


class CrashError(BaseException):
    """The reconciler died here."""


class IllegalError(AssertionError):
    """AWS would have refused this."""


@dataclass
class Operation:
    request: ExecuteChangeSet
    ends: datetime
    fails: bool


@dataclass
class Simulation:
    """One AWS. `chaos` decides delays, failures and throttles; `crash_before`/`crash_after`: the n-th request."""

    desired: Topology
    chaos: random.Random = field(default_factory=random.Random)
    failing: float = 0.0
    throttling: float = 0.0
    crash_before: int = 0
    crash_after: int = 0
    requests: int = 0
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(self.desired)
        self.sets: dict[tuple[StackRef, str], tuple[datetime, CreateChangeSet, bool]] = {}
        self.running: dict[StackRef, Operation] = {}
        self.serving_once = False

    # ---- the Clock and Cloud ports, as far as a driver needs them ----

    def now(self) -> datetime:
        return self.world.now

    def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)

    def change_set(self, stack: StackRef, _stack_name: str, name: str) -> ChangeSet | None:
        if (stack, name) not in self.sets:
            return None
        ready, request, executed = self.sets[stack, name]
        if self.world.now < ready:
            return ChangeSet(name=name, status="CREATE_IN_PROGRESS", execution_status="UNAVAILABLE")
        changes = tuple(self._changes(stack, request))
        if not changes:
            return ChangeSet(
                name=name, status="FAILED", execution_status="UNAVAILABLE", reason="didn't contain changes"
            )
        state = "EXECUTE_COMPLETE" if executed else "AVAILABLE"
        return ChangeSet(name=name, status="CREATE_COMPLETE", execution_status=state, changes=changes)

    def perform(self, request: object) -> None:
        self.requests += 1
        if self.requests == self.crash_before:
            raise CrashError
        if self.chaos.random() < self.throttling:
            raise Throttled("slow down")
        self.trace.append(f"{self.world.now:%H:%M} {type(request).__name__} {getattr(request, 'stack', '')}")
        self._carry_out(request)
        if self.requests == self.crash_after:
            raise CrashError

    def _carry_out(self, request: object) -> None:
        match request:
            case CreateChangeSet():
                self._create(request)
            case ExecuteChangeSet():
                self._execute(request)
            case DeleteChangeSet():
                del self.sets[request.stack, request.name]
            case DeleteStack():
                self._legal(self.world.stacks[request.stack].status == "ROLLBACK_COMPLETE", "deletes a living stack")
                del self.world.stacks[request.stack]
                self.sets = {k: v for k, v in self.sets.items() if k[0] != request.stack}
            case ContinueRollback():
                raise IllegalError("nothing here rolls back half-way")
            case CreateGate():
                self._legal(request.region not in self.world.gates, "a second gate")
                self.world.gates[request.region] = TrafficGate(
                    id=f"gate-{request.region}",
                    reference=request.reference,
                    children=request.children,
                    threshold=request.threshold,
                    version=1,
                )
            case UpdateGate():
                self._move(request)

    def _create(self, request: CreateChangeSet) -> None:
        state = self.world.stacks.get(request.stack)
        self._legal(request.stack not in self.running, "a change set while the stack changes")
        self._legal(request.create == (state is None or state.template is None), "CREATE or UPDATE mixed up")
        if (request.stack, request.name) in self.sets:
            return  # AlreadyExists
        if state is None:
            self.world.stacks[request.stack] = StackState(
                ref=request.stack, status="REVIEW_IN_PROGRESS", changed_at=self.world.now
            )
        ready = self.world.now + timedelta(seconds=self.chaos.randint(1, 20))
        self.sets[request.stack, request.name] = (ready, request, False)

    def _execute(self, request: ExecuteChangeSet) -> None:
        _, made, executed = self.sets[request.stack, request.name]
        if executed:
            return  # the same token
        self._legal(request.stack not in self.running, "two operations on one stack")
        self.sets[request.stack, request.name] = (self.world.now, made, True)
        state = self.world.stacks[request.stack]
        verb = "CREATE" if state.template is None else "UPDATE"
        self.world.stacks[request.stack] = replace(
            state, status=f"{verb}_IN_PROGRESS", changed_at=self.world.now, template=state.template or made.template
        )
        ends = self.world.now + timedelta(minutes=self.chaos.randint(1, 30))
        self.running[request.stack] = Operation(request, ends, self.chaos.random() < self.failing)

    def _move(self, request: UpdateGate) -> None:
        gate = self.world.gates[request.region]
        if gate.version != request.version:
            raise StalePlan("version moved")
        if request.threshold == len(gate.children):
            observed = self.world.observed()
            self._legal(bool(observed.probes[request.region]), "opens a gate without a probe")
            self._legal(any(r.kind is StackKind.ROUTING for r in self.world.stacks), "opens a gate without records")
        self.world.gates[request.region] = replace(gate, threshold=request.threshold, version=gate.version + 1)

    # ---- time ----

    def pass_time(self, seconds: float) -> None:
        self.world.now += timedelta(seconds=seconds)
        for ref, operation in list(self.running.items()):
            if operation.ends <= self.world.now:
                del self.running[ref]
                self._finish(ref, operation)

    def _finish(self, ref: StackRef, operation: Operation) -> None:
        _, made, _ = self.sets[ref, operation.request.name]
        state = self.world.stacks[ref]
        created = state.status == "CREATE_IN_PROGRESS"
        if operation.fails:
            status = "ROLLBACK_COMPLETE" if created else "UPDATE_ROLLBACK_COMPLETE"
            self.world.stacks[ref] = replace(state, status=status, settled_at=self.world.now)
            return
        outputs = {n: f"{n}-{ref.region}" for n in OUTPUTS} if ref.kind is StackKind.DATA else {}
        self.world.stacks[ref] = replace(
            state,
            status="CREATE_COMPLETE" if created else "UPDATE_COMPLETE",
            template=made.template,
            parameters=dict(made.parameters),
            outputs=outputs,
            settled_at=self.world.now,
        )
        if ref.kind is StackKind.DATA and self.world.writer is None:
            self.world.writer = ref.region

    def _changes(self, ref: StackRef, request: CreateChangeSet) -> list[ResourceChange]:
        before = (self.world.stacks[ref].template or {}).get("Resources", {})
        after = request.template["Resources"]
        return [
            ResourceChange(
                action="Modify" if name in before else "Add", logical_id=name, resource_type=after[name]["Type"]
            )
            for name in after
            if before.get(name) != after[name] or not before
        ]

    # ---- running the reconciler ----

    def one_pass(self, run: Run) -> bool:
        """One pass of the real planner and driver; true once there is nothing left to do."""
        self.check()
        seen, stacks = self.world.seen()
        assert not seen.plan.refusals, seen.plan.refusals
        driver = Driver(
            cloud=self, clock=self, lease=Held(), topology=self.desired, stacks=stacks, seen=seen, run=run
        )  # fmt: skip
        driver.first_wave()
        self.check()
        return seen.plan.converged

    def converge(self, limit: int = 600) -> int:
        """Passes until converged; a crash starts a new process that knows nothing. Gives the number of passes."""
        run = Run(patience=30)
        for number in range(limit):
            try:
                if self.one_pass(run):
                    return number
            except CrashError:
                run = Run(patience=30)
            if run.executed and any(s.failed for s in self.world.stacks.values()):
                run = Run(patience=30)  # it failed in this run: somebody starts converge again
            self.pass_time(self.chaos.randint(10, 300))
        raise AssertionError("not converged:\n" + "\n".join(self.trace[-40:]))

    def check(self) -> None:
        """What holds at every instant: once something serves, something serves; nothing points at what is not there."""
        observed = self.world.observed()
        stands = {r for r in self.world.gates if (s := observed.stack(StackKind.API, r)) and s.stands}
        open_gates = {r for r, g in self.world.gates.items() if g.is_open}
        self._legal(open_gates <= stands, f"open gates without an API: {open_gates - stands}")
        self.serving_once = self.serving_once or bool(open_gates)
        self._legal(bool(open_gates) or not self.serving_once, "nothing serves any more")
        founders = [
            ref
            for ref, s in self.world.stacks.items()
            if ref.kind is StackKind.DATA and s.template and "Master" in s.template["Resources"]
        ]
        self._legal(len(founders) <= 1, "two founders")

    def _legal(self, condition: bool, what: str) -> None:
        if not condition:
            raise IllegalError(what + "\n" + "\n".join(self.trace[-30:]))


class Held(nullcontext):
    def check(self) -> None:
        """Nobody takes this lease away."""
