"""Carries out the first open wave of a plan: asks `act` for each step's next move and makes the request.

Never waits for AWS to finish: what runs there is found again by the next pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from reconciler import act
from reconciler.diff import disputes
from reconciler.model.detection import Detection
from reconciler.model.errors import LeaseLost, ReconcilerError, Retry, Throttled
from reconciler.model.observed import StackState, known
from reconciler.model.outcome import Outcome, Problem, Sent
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import (
    ChangeSet,
    ContinueRollback,
    CreateChangeSet,
    DeleteChangeSet,
    DeleteStack,
    ExecuteChangeSet,
    PrepareDatabase,
)
from reconciler.model.run import Run
from reconciler.model.stacks import DesiredStack, StackRef
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Cloud, Lease

_TRIES = 20
_DELETIONS = 5
"""Of one stack in one run: what is in use is let go of in time, so a deletion may fail first and succeed later."""
_REQUESTS_PER_STEP = 2
"""In one pass: creating a change set and executing it, if `Run.patience` lets the pass wait for it."""


@dataclass(frozen=True, kw_only=True)
class Driver:
    """Everything a wave needs; `lease` is asked before every write."""

    cloud: Cloud
    clock: Clock
    lease: Lease
    topology: Topology
    stacks: Mapping[StackRef, DesiredStack]
    seen: Outcome
    run: Run

    def first_wave(self) -> tuple[tuple[Sent, ...], tuple[Problem, ...]]:
        """Requests that were made and problems that were met; the steps of a wave run together. What finishes aside is tried
        again whatever the problem, for as long as it takes: nobody waits for it."""
        self.run.begun.clear()
        self.run.finished.clear()
        self.run.detections.clear()
        steps, aside = self.seen.plan.current, self.seen.plan.converged
        if not steps:
            return (), ()
        step = partial(self._step, aside=aside)
        if self.run.threads == 1:
            results = list(map(step, steps))
        else:
            with ThreadPoolExecutor(min(self.run.threads, len(steps))) as pool:
                results = list(pool.map(step, steps))
        sent = tuple(s for sents, _ in results for s in sents)
        return sent, tuple(replace(p, retry=p.retry or aside) for _, p in results if p)

    def _step(self, step: Step, *, aside: bool = False) -> tuple[tuple[Sent, ...], Problem | None]:
        sent: list[Sent] = []
        try:
            for _ in range(_REQUESTS_PER_STEP):
                move = self._next(step)
                if isinstance(move, act.Done):
                    self.run.finished.add(step.id)
                if isinstance(move, act.Wait | act.Done):
                    return tuple(sent), None
                if isinstance(move, Problem):
                    return tuple(sent), move
                self.lease.check()
                self.lease.working_on(step.id)
                self.cloud.perform(move)
                del self.run.troubles[step.id]
                sent.append(Sent(id=step.id, call=move.call, region=step.region))
                if not self._goes_on(step, move):
                    break
            return tuple(sent), None
        except LeaseLost:
            raise
        except ReconcilerError as error:
            return tuple(sent), self._trouble(step, error, for_ever=aside)

    def _trouble(self, step: Step, error: ReconcilerError, *, for_ever: bool) -> Problem:
        """A problem that passes is tried again, but not for ever, unless nobody waits for the step, or AWS only asks to slow down:
        no throttle, of a read or of a write, ever fails a deployment."""
        for_ever = for_ever or isinstance(error, Throttled)
        self.run.troubles[step.id] += 1
        if error.retry is Retry.NEVER:
            return Problem(code=error.code, step=step.id, message=error.message)
        if self.run.troubles[step.id] > _TRIES and not for_ever:
            message = f"given up after {_TRIES} tries in a row: {error.message}"
            return Problem(code="Stalled", step=step.id, message=message)
        return Problem(code=error.code, step=step.id, message=error.message, retry=True)

    def _goes_on(self, step: Step, request: act.Move) -> bool:
        """Whether the same pass may make the step's next request: only after what takes seconds."""
        if isinstance(request, (ExecuteChangeSet, DeleteStack, ContinueRollback)):
            if step.action is StepAction.DELETE:
                self.run.deletions[request.stack] += 1
            else:
                deploys = isinstance(request, ExecuteChangeSet)
                (self.run.executed if deploys else self.run.recovered).add(request.stack)
            self.run.begun.add(request.stack)
        if isinstance(request, DeleteChangeSet):
            self.run.put_away.add(request.name)
        return isinstance(request, CreateChangeSet | PrepareDatabase) and self.run.patience > 0

    def _next(self, step: Step) -> act.Move:
        topology, observed = self.topology, self.seen.observed
        if step.action is StepAction.MIGRATE:
            return self._migration(step)
        match step.action:
            case StepAction.SWITCHOVER:
                return act.switchover(step, topology, observed)
            case StepAction.DETACH:
                return act.detach(step, topology, observed)
            case StepAction.DELETE:
                return self._not_again(step) or act.delete_stack(step, topology, observed)
            case StepAction.DELETE_GLOBAL:
                return act.delete_global(topology, observed)
            case StepAction.DELETE_VERSION:
                return act.delete_version(step)
            case StepAction.PUT_BACK:
                return act.put_back(step, topology, observed, filter(step.repairs, self.seen.diff.findings))
        if step.stack is None:
            region = step.region or ""
            return act.move_gate(step, topology, known(observed.gates.get(region)), known(observed.probes.get(region)))
        return self._of_stack(step)

    def _migration(self, step: Step) -> act.Move:
        schema = self.cloud.schema(step.region or "", self.topology.migrator)
        self.run.attempt = self.run.attempt or self.seen.observed.at.isoformat()
        return act.migrate(step, self.topology, self.seen.observed, schema, self.run.attempt)

    def _of_stack(self, step: Step) -> act.Move:
        state = known(self.seen.observed.stacks.get(step.stack)) if step.stack else None
        failure = self._failed_in_this_run(step, state)
        if failure:
            return failure
        if step.action is StepAction.RECOVER:
            return act.recover(step, self.topology, state)
        return self._deployment(step, state)

    def _deployment(self, step: Step, state: StackState | None) -> act.Move:
        ref = step.stack
        assert ref is not None
        desired = self.stacks[ref]
        predecessor = self.seen.motion.failed.get(str(ref), "") if self.seen.motion else ""
        name = act.change_set_name(step, desired, state, self.seen.diff.to_heal(ref), predecessor)
        change_set = None
        if (state is None or not state.in_progress) and desired.parameters is not None:
            change_set = self.cloud.change_set(ref, ref.name(self.topology.name), name)
        waited = 0.0
        while change_set and change_set.pending and waited < self.run.patience:
            self.clock.sleep(1)
            waited += 1
            change_set = self.cloud.change_set(ref, ref.name(self.topology.name), name)
        if change_set and change_set.of_no_use and name in self.run.put_away:
            drifted = ", ".join(f.path for f in self.seen.diff.to_heal(ref))
            nothing = f"CloudFormation sees nothing to change in {ref}"
            nothing += f", though it reads as drifted: {drifted}; undo that by hand" if drifted else ""
            if state:
                self._told(state, change_set)
            code, why = ("NothingToChange", nothing) if change_set.empty else ("ChangeSetFailed", change_set.reason)
            return Problem(code=code, step=step.id, message=why)
        if change_set and state and self._learns(step, state, change_set):
            return DeleteChangeSet(stack=ref, stack_name=ref.name(self.topology.name), name=name)
        move = act.deploy(step, self.topology, self.seen.revision.commit, desired, state, change_set, name)
        if step.action is StepAction.REPAIR and isinstance(move, Problem):
            self.lease.check()
            self.cloud.perform(DeleteChangeSet(stack=ref, stack_name=ref.name(self.topology.name), name=name))
        return move

    def _learns(self, step: Step, state: StackState, change_set: ChangeSet) -> bool:
        """A repair's change set shows drift that it was not made for: that is judged before anything is written back. Once; what is
        still unexpected then is refused."""
        ready = step.action is StepAction.REPAIR and change_set.execution_status == "AVAILABLE"
        if not ready or not any(act.unexpected(change_set, step)):
            return False
        known = self.seen.motion.detections.get(str(state.ref)) if self.seen.motion else None
        found = self._told(state, change_set)
        return not (known and found and (known.changed_at, known.drifted) == (found.changed_at, found.drifted))

    def _told(self, state: StackState, change_set: ChangeSet) -> Detection | None:
        """A repair's change set is a comparison by CloudFormation, too: what it told is kept."""
        found = act.detection(change_set, self.clock.now(), state.changed_at)
        if found is None:
            return None
        live = {name: one for (ref, name), one in self.seen.observed.live.items() if ref == state.ref}
        direct = [f for f in self.seen.diff.findings if f.detected_by != "change-set"]
        self.run.detections[state.ref] = replace(found, disputed=disputes(state, live, direct, found))
        return found

    def _failed_in_this_run(self, step: Step, state: StackState | None) -> Problem | None:
        """A stack that failed after this run began on it is not tried again: the same inputs would fail again."""
        if state is None:
            return None
        deployed = step.stack in self.run.executed and state.failed
        stuck = step.stack in self.run.recovered and state.status.endswith("_FAILED")
        if step.stack is None or not (deployed or stuck):
            return None
        return self._failure(step, state, "DeploymentFailed")

    def _not_again(self, step: Step) -> Problem | None:
        """A deletion that failed is tried again, but not for ever."""
        state = known(self.seen.observed.stacks.get(step.stack)) if step.stack else None
        if state is None or state.status != "DELETE_FAILED" or self.run.deletions[state.ref] < _DELETIONS:
            return None
        return self._failure(step, state, "DeletionFailed")

    def _failure(self, step: Step, state: StackState, code: str) -> Problem:
        first = state.failure
        what = f"{first.logical_id} ({first.resource_type}): {first.reason}" if first else state.status_reason
        name = state.ref.name(self.topology.name)
        return Problem(
            code=code,
            step=step.id,
            message=f"stack {name} in {state.ref.region} is {state.status}; first failure: {what}",
        )
