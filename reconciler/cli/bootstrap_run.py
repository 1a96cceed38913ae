"""Brings one stack of the control plane to where it should be, and stays until it is: the same change sets as a pass makes, read
before they are executed. Killed anywhere and run again, it finds what was begun and goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from reconciler import act
from reconciler.cli import exits
from reconciler.model.errors import DeploymentFailed, ReconcilerError, Refused, Retry
from reconciler.model.observed import StackState, Unknown
from reconciler.model.outcome import Problem
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import Adoption, ContinueRollback, CreateChangeSet, DeleteChangeSet, DeleteStack
from reconciler.model.stacks import DesiredStack, StackRef
from reconciler.model.topology import Topology
from reconciler.observe.stacks import state_of
from reconciler.ports import Clock, Cloud, ControlPlane
from reconciler.report.bootstrap import Deployed

TRIES = 6
"""Calls in a row that may fail on AWS's side before we give up."""
REVISION = "control plane"


@dataclass(kw_only=True)
class Worker:
    """`pause` is the wall time between two looks at a stack; `tell` prints a line."""

    plane: ControlPlane
    cloud: Cloud
    clock: Clock
    topology: Topology
    tell: Callable[[str], None]
    pause: float
    sleep: Callable[[float], None] = time.sleep
    _said: dict[StackRef, str] = field(default_factory=dict)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def state(self, ref: StackRef) -> StackState | None:
        """The stack as it is. Raises `ReconcilerError` where AWS does not say: to take it for absent would make another."""
        for _ in range(TRIES):
            found = state_of(ref, self.plane.stack(ref, ref.name("")), {})
            if not isinstance(found, Unknown):
                return found
            self.sleep(self.pause)  # its template is asked for after its status: it may have gone in between
        raise exits.NotDone(f"{ref} cannot be read: {found}", code="StackUnread")

    def deploy(self, desired: DesiredStack, found: Mapping[str, str] | None = None) -> Deployed:
        """`found`: what of an earlier stack stands there, logical id to name; a new stack adopts it first."""
        state = self._rest(desired.ref)
        before = state is not None and state.template is not None and not state.beyond_update
        if found and not before:
            part, adoptions = act.adopt(desired, found)
            self.say(desired.ref, f"adopts {', '.join(sorted(found))}")
            self._bring(part, adoptions)
        changed = self._bring(desired, ())
        result = ("Updated" if before else "Created") if changed else "Unchanged"
        now = self.state(desired.ref)
        return Deployed(ref=desired.ref, result=result, status=now.status if now else "")

    def _bring(self, desired: DesiredStack, adoptions: tuple[Adoption, ...]) -> bool:
        """Whether anything had to be changed."""
        executed = recovered = False
        while True:
            state = self._rest(desired.ref)
            if executed and state is not None and state.complete:
                return True
            if executed and state is not None:
                raise _failure(state)
            if state is not None and (state.beyond_update or state.status == "UPDATE_ROLLBACK_FAILED"):
                if recovered:
                    raise _failure(state)
                recovered = True
                self._make(_recovery(desired.ref, state))
                continue
            if _is_so(desired, state):
                return False
            ended = self._next(desired, state, adoptions)
            if ended is not None:
                return ended
            executed = True

    def _next(self, desired: DesiredStack, state: StackState | None, adoptions: tuple[Adoption, ...]) -> bool | None:
        """Makes the change set and has it executed; False: CloudFormation sees nothing to change."""
        ref = desired.ref
        step = Step(action=StepAction.DEPLOY, target=str(ref.kind), region=ref.region, stack=ref, eta=timedelta())
        name = act.change_set_name(step, desired, state, ())
        while True:
            seen = self.cloud.change_set(ref, ref.name(""), name)
            move = act.deploy(
                step, self.topology, REVISION, desired, state, seen, name, objecting=act.control_objections
            )
            match move:
                case act.Wait():
                    self.sleep(self.pause)
                    continue
                case Problem():
                    raise Refused(move.message, code=move.code)
                case CreateChangeSet():
                    self._make(_adopting(move, adoptions))
                case DeleteChangeSet():
                    self._make(move)
                    if seen and seen.empty:
                        return False
                    if seen and seen.status == "FAILED":
                        raise DeploymentFailed(
                            f"{ref}: change set {name} failed: {seen.reason}", code="ChangeSetFailed"
                        )
                case _:
                    self._make(move)
                    return None

    def remove(self, ref: StackRef) -> Deployed:
        asked = False
        while True:
            state = self._rest(ref)
            if state is None:
                return Deployed(ref=ref, result="Removed" if asked else "Absent", status="")
            if asked:
                raise _failure(state)
            asked = True
            self._make(DeleteStack(stack=ref, stack_name=ref.name(""), stack_id=state.id or ref.name("")))

    def _rest(self, ref: StackRef) -> StackState | None:
        """The stack, once nothing moves in it."""
        while True:
            state = self.state(ref)
            if state is not None:
                self.say(ref, state.status)
            elif self._said.get(ref, "").startswith("DELETE_"):
                self.say(ref, "gone")
            if state is None or not state.in_progress:
                return state
            self.sleep(self.pause)

    def _make(self, request: act.Move) -> None:
        """Tried again while AWS is the one that fails: the same request again does no harm."""
        assert not isinstance(request, act.Wait | act.Done | Problem)
        for tries in range(TRIES):
            try:
                return self.cloud.perform(request)
            except ReconcilerError as error:
                if error.retry is Retry.NEVER or tries == TRIES - 1:
                    raise
                self.sleep(self.pause)
        return None

    def say(self, ref: StackRef, text: str) -> None:
        """Once each: polling repeats itself."""
        with self._telling:
            if self._said.get(ref) == text:
                return
            self._said[ref] = text
            if text != "REVIEW_IN_PROGRESS":
                self.tell(f"{self.clock.now():%H:%M:%S}  {ref}  {text}")


def _adopting(request: CreateChangeSet, adoptions: tuple[Adoption, ...]) -> CreateChangeSet:
    return replace(request, adopts=adoptions) if adoptions else request


def _recovery(ref: StackRef, state: StackState) -> DeleteStack | ContinueRollback:
    if state.status == "UPDATE_ROLLBACK_FAILED":
        return ContinueRollback(stack=ref, stack_name=ref.name(""))
    return DeleteStack(stack=ref, stack_name=ref.name(""), stack_id=state.id or ref.name(""))


def _is_so(desired: DesiredStack, state: StackState | None) -> bool:
    if state is None or not (state.complete or state.rolled_back):
        return False
    return state.template == desired.template.body and dict(state.parameters) == dict(desired.parameters or {})


def _failure(state: StackState) -> DeploymentFailed:
    first = state.failure
    what = f"{first.logical_id} ({first.resource_type}): {first.reason}" if first else state.status_reason
    name = state.ref.name("")
    return DeploymentFailed(f"stack {name} in {state.ref.region} is {state.status}; first failure: {what}")
