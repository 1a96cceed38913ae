"""CloudFormation: change sets and stacks, with every state in between; what an operation does to the rest is `provision`'s."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from reconciler.model.requests import ChangeSet, CreateChangeSet, DetectDrift, ResourceChange
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.aws.refusal import Refusal, require
from tests.fakes.aws.timeline import Timeline

MINUTES: Mapping[tuple[str, StackKind], tuple[float, float]] = {
    ("CREATE", StackKind.FOUNDATION): (0.5, 2),
    ("CREATE", StackKind.GLOBAL): (1, 3),
    ("CREATE", StackKind.DATA): (12, 35),
    ("CREATE", StackKind.API): (3, 9),
    ("CREATE", StackKind.ROUTING): (1, 3),
    ("CREATE", StackKind.EDGE): (4, 10),
    ("UPDATE", StackKind.DATA): (3, 15),
    ("UPDATE", StackKind.API): (1, 5),
    ("UPDATE", StackKind.EDGE): (2, 6),
    ("DELETE", StackKind.DATA): (8, 20),
    ("DELETE", StackKind.API): (1, 4),
    ("DELETE", StackKind.EDGE): (5, 15),
}
USUAL = (0.5, 2.0)
REPLACED_BY = {
    "AWS::EC2::VPC": {"CidrBlock"},
    "AWS::RDS::DBCluster": {"DBClusterIdentifier", "DatabaseName", "MasterUsername", "KmsKeyId"},
    "AWS::RDS::GlobalCluster": {"GlobalClusterIdentifier", "Engine", "StorageEncrypted"},
    "AWS::Route53::HealthCheck": {"HealthCheckConfig.Type", "HealthCheckConfig.RequestInterval"},
    "AWS::Route53::RecordSet": {"Name", "HostedZoneId"},
    "AWS::ApiGateway::DomainName": {"DomainName"},
}


class Provision(Protocol):
    """What stacks make, change and remove. Each may refuse, which fails the operation."""

    def start(self, ref: StackRef, old: Applied | None, new: Applied | None) -> None: ...
    def finish(self, ref: StackRef, old: Applied | None, new: Applied | None) -> None: ...
    def undo(self, ref: StackRef, old: Applied | None, new: Applied) -> None: ...
    def outputs(self, ref: StackRef) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Applied:
    template: Mapping[str, Any]
    parameters: Mapping[str, str]


@dataclass
class Made:
    """A change set; `born`: the state of the stack that it was made for."""

    request: CreateChangeSet
    ready: float
    born: int
    execution: str = ""
    """How its execution stands, once there is one."""

    @property
    def executed(self) -> bool:
        return bool(self.execution)


@dataclass
class Stack:
    ref: StackRef
    name: str
    id: str
    created: float
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    updated: float | None = None
    settled: float | None = None
    applied: Applied | None = None
    wanted: Applied | None = None
    """What a running operation brings."""
    tried: Applied | None = None
    """What a creation that rolled back would have brought: AWS still shows it."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    operations: int = 0
    sets: dict[str, Made] = field(default_factory=dict)
    running: Made | None = None
    """The change set that is being executed."""

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def executed(self, how: str) -> None:
        if self.running:
            self.running.execution, self.running = how, None


class CloudFormation:
    """`fails`: asked at the start of every operation whether it shall fail, for no reason of ours."""

    def __init__(self, timeline: Timeline, chaos: random.Random, provision: Provision) -> None:
        self.timeline, self.chaos, self.provision = timeline, chaos, provision
        self.stacks: dict[StackRef, Stack] = {}
        self.fails: Callable[[StackRef, str], bool] = lambda _ref, _verb: False
        self.started: Callable[[StackRef, str], None] = lambda _ref, _verb: None
        self.drifted: dict[StackRef, tuple[ResourceChange, ...]] = {}
        """What a drift-aware change set shows of a stack."""
        self._number = 0

    # ---- change sets ----

    def create_change_set(self, request: CreateChangeSet) -> None:
        stack = self.stacks.get(request.stack)
        if stack and request.name in stack.sets:
            return  # AlreadyExistsException
        fresh = stack is None or stack.status == "REVIEW_IN_PROGRESS"
        require(
            request.create == fresh,
            "ValidationError",
            f"{request.stack} {'already exists' if request.create else 'does not exist'}",
        )
        if stack is None:
            self._number += 1
            stack_id = f"arn:{request.stack_name}:{request.stack.region}:{self._number}"
            stack = Stack(request.stack, request.stack_name, stack_id, self.timeline.now)
            self.stacks[request.stack] = stack
        updatable = stack.status.endswith("_COMPLETE") and stack.status not in {"ROLLBACK_COMPLETE", "DELETE_COMPLETE"}
        require(fresh or updatable, "ValidationError", f"{request.stack} is {stack.status}")
        declared = set(request.template.get("Parameters", {}))
        require(
            declared == set(request.parameters), "ValidationError", f"parameters {declared} {set(request.parameters)}"
        )
        json.dumps(request.template)
        ready = self.timeline.now + self.chaos.uniform(1, 15)
        stack.sets[request.name] = Made(request, ready, stack.operations)

    def detect(self, request: DetectDrift) -> None:
        """As a change set of what is applied already: nothing drifts here but what a test writes into `drifted`."""
        stack = self.stacks.get(request.stack)
        applied = stack.applied if stack else None
        require(applied is not None, "ValidationError", f"{request.stack} does not exist", passes=True)
        same = CreateChangeSet(
            stack=request.stack,
            stack_name=request.stack_name,
            name=request.name,
            create=False,
            template=applied.template,
            parameters=applied.parameters,
            description="",
            revert_drift=True,
        )
        self.create_change_set(same)

    def change_set(self, ref: StackRef, name: str) -> ChangeSet | None:
        stack = self.stacks.get(ref)
        made = stack.sets.get(name) if stack else None
        if stack is None or made is None:
            return None
        if self.timeline.now < made.ready:
            return ChangeSet(name=name, status="CREATE_IN_PROGRESS", execution_status="UNAVAILABLE")
        if made.executed:
            return ChangeSet(name=name, status="CREATE_COMPLETE", execution_status=made.execution)
        if made.born != stack.operations:
            return ChangeSet(name=name, status="CREATE_COMPLETE", execution_status="OBSOLETE")
        drifted = self.drifted.get(ref, ()) if made.request.revert_drift else ()
        changes = (*changes_of(stack.applied, made.request), *drifted)
        if not changes:
            why = "The submitted information didn't contain changes."
            return ChangeSet(name=name, status="FAILED", execution_status="UNAVAILABLE", reason=why)
        return ChangeSet(name=name, status="CREATE_COMPLETE", execution_status="AVAILABLE", changes=changes)

    def delete_change_set(self, ref: StackRef, name: str) -> None:
        stack, seen = self.stacks.get(ref), self.change_set(ref, name)
        if stack and seen:
            idle = not seen.pending and seen.execution_status != "EXECUTE_IN_PROGRESS"
            require(idle, "InvalidChangeSetStatus", f"{name} is {seen.status}, {seen.execution_status}")
            del stack.sets[name]

    # ---- operations ----

    def execute(self, ref: StackRef, name: str) -> None:
        stack = self.stacks.get(ref)
        made = stack.sets.get(name) if stack else None
        if stack is None or made is None:
            raise Refusal("ChangeSetNotFound", name, passes=True)
        if made.executed:
            return  # the same token
        seen = self.change_set(ref, name)
        assert seen
        require(
            seen.execution_status == "AVAILABLE",
            "InvalidChangeSetStatus",
            f"{name} is {seen.execution_status}",
            passes=True,
        )
        made.execution, stack.running = "EXECUTE_IN_PROGRESS", made
        verb = "UPDATE" if stack.applied else "CREATE"
        self._begin(stack, verb, Applied(made.request.template, dict(made.request.parameters)))

    def delete(self, ref: StackRef, stack_id: str) -> None:
        stack = self.stacks.get(ref)
        if stack is None or (stack.id != stack_id and stack.name != stack_id) or stack.status == "DELETE_IN_PROGRESS":
            return
        require(
            not stack.busy, "ValidationError", f"{ref} is {stack.status}"
        )  # AWS lets some of these; we ask for none
        if stack.status == "REVIEW_IN_PROGRESS":
            del self.stacks[ref]
            return
        self._begin(stack, "DELETE", None)

    def continue_rollback(self, ref: StackRef) -> None:
        stack = self.stacks.get(ref)
        if stack is None or stack.status != "UPDATE_ROLLBACK_FAILED":
            raise Refusal("ValidationError", f"{ref} is not UPDATE_ROLLBACK_FAILED", passes=True)
        stack.status, stack.updated = "UPDATE_ROLLBACK_IN_PROGRESS", self.timeline.now
        stack.operations += 1
        self.timeline.after(self.chaos.uniform(30, 180), partial(self._rolled_back, stack, stack.operations))

    def _begin(self, stack: Stack, verb: str, wanted: Applied | None) -> None:
        self.started(stack.ref, verb)
        stack.status, stack.wanted, stack.failure, stack.reason = f"{verb}_IN_PROGRESS", wanted, "", ""
        stack.operations += 1
        if verb != "CREATE":
            stack.updated = self.timeline.now
        least, most = MINUTES.get((verb, stack.ref.kind), USUAL)
        seconds = self.chaos.uniform(least, most) * 60
        number, fails = stack.operations, self.fails(stack.ref, verb)
        self.timeline.after(seconds * 0.4, partial(self._half, stack, number))
        self.timeline.after(seconds, partial(self._end, stack, number, fails))

    def _half(self, stack: Stack, number: int) -> None:
        if stack.operations == number and stack.busy:
            try:
                self.provision.start(stack.ref, stack.applied, stack.wanted)
            except Refusal as refusal:
                self._failed(stack, str(refusal))

    def _end(self, stack: Stack, number: int, fails: bool) -> None:
        if stack.operations != number or not stack.status.startswith(("CREATE_IN", "UPDATE_IN", "DELETE_IN")):
            return
        if fails:
            self._failed(stack, "Resource handler returned message: internal failure")
            return
        try:
            self.provision.finish(stack.ref, stack.applied, stack.wanted)
        except Refusal as refusal:
            self._failed(stack, str(refusal))
            return
        if stack.wanted is None:
            del self.stacks[stack.ref]
            return
        stack.status = "UPDATE_COMPLETE" if stack.applied else "CREATE_COMPLETE"
        stack.applied, stack.wanted, stack.settled = stack.wanted, None, self.timeline.now
        stack.outputs = self.provision.outputs(stack.ref)
        stack.executed("EXECUTE_COMPLETE")

    def _failed(self, stack: Stack, why: str) -> None:
        stack.failure = why
        if stack.wanted is None:
            stack.status, stack.settled = "DELETE_FAILED", self.timeline.now
            return
        stack.status = "UPDATE_ROLLBACK_IN_PROGRESS" if stack.applied else "ROLLBACK_IN_PROGRESS"
        self.timeline.after(self.chaos.uniform(20, 240), partial(self._rolled_back, stack, stack.operations))

    def _rolled_back(self, stack: Stack, number: int) -> None:
        if stack.operations != number:
            return
        stuck = stack.applied is not None and self.fails(stack.ref, "ROLLBACK")
        stack.settled = self.timeline.now
        stack.executed("EXECUTE_FAILED")
        if stuck:
            stack.status = "UPDATE_ROLLBACK_FAILED"
            return
        assert stack.wanted
        self.provision.undo(stack.ref, stack.applied, stack.wanted)
        stack.status = "UPDATE_ROLLBACK_COMPLETE" if stack.applied else "ROLLBACK_COMPLETE"
        if stack.applied is None:
            stack.reason, stack.tried = stack.failure, stack.wanted
        stack.wanted = None


def changes_of(applied: Applied | None, request: CreateChangeSet) -> list[ResourceChange]:
    """What a change set says it would do."""
    before = dict(applied.template["Resources"]) if applied else {}
    after = request.template["Resources"]
    turned = {p for p, v in request.parameters.items() if applied and applied.parameters.get(p) != v}
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            found.append(ResourceChange(action="Add", logical_id=name, resource_type=new["Type"]))
        elif new is None:
            kept = old.get("DeletionPolicy", "Delete")
            found.append(
                ResourceChange(action="Remove", logical_id=name, resource_type=old["Type"], policy_action=kept)
            )
        elif old != new or any(f'"Ref": "{p}"' in json.dumps(new) for p in turned):
            properties, paths = _differing(old, new)
            replaced = bool((set(properties) | paths) & REPLACED_BY.get(new["Type"], set()))
            found.append(
                ResourceChange(
                    action="Modify",
                    logical_id=name,
                    resource_type=new["Type"],
                    replacement=str(replaced),
                    properties=properties,
                )
            )
    return found


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[tuple[str, ...], set[str]]:
    ours, theirs = new.get("Properties", {}), old.get("Properties", {})
    names = tuple(sorted(k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k)))
    nested = {
        f"{k}.{inner}"
        for k in names
        if isinstance(ours.get(k), dict) and isinstance(theirs.get(k), dict)
        for inner in ours[k].keys() | theirs[k].keys()
        if ours[k].get(inner) != theirs[k].get(inner)
    }
    return names, nested
