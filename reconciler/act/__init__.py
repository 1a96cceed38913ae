"""One step, as AWS stands now: the next request to make, a wait, or a problem. Pure; `loop` carries requests out.

Names are deterministic: a change set is named after what it does and the state of the stack it is made for. So whoever
died anywhere, the next pass finds what was begun and goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from reconciler.act.control import adopt, control_objections
from reconciler.act.gates import move_gate
from reconciler.act.inspecting_drift import detection, unexpected
from reconciler.act.inspection import Objecting, objections
from reconciler.act.leaving import delete_global, delete_stack, delete_version, detach, switchover
from reconciler.act.moves import Done, Move, Wait
from reconciler.act.putting_back import put_back
from reconciler.act.schema import migrate
from reconciler.model.change import Finding
from reconciler.model.observed import StackState
from reconciler.model.outcome import Problem
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import (
    ChangeSet,
    ContinueRollback,
    CreateChangeSet,
    DeleteChangeSet,
    DeleteStack,
    ExecuteChangeSet,
)
from reconciler.model.stacks import DesiredStack
from reconciler.model.topology import Topology

__all__ = [
    "Done",
    "Move",
    "Wait",
    "adopt",
    "change_set_name",
    "control_objections",
    "delete_global",
    "delete_stack",
    "delete_version",
    "deploy",
    "detach",
    "detection",
    "migrate",
    "move_gate",
    "put_back",
    "recover",
    "switchover",
    "unexpected",
]


def change_set_name(
    step: Step, desired: DesiredStack, state: StackState | None, drift: Iterable[Finding], predecessor: str = ""
) -> str:
    """`meridian-` and 20 hexadecimal digits of what goes in: template, parameters, mode, drift to revert, stack's state.

    It is the request token, too. The same attempt, made again by whoever finds it half done, has the same name; one after a failure
    has another: the failure moved the stack's last change, or where the stack never came to life and was deleted, it left its id
    in the journal (`predecessor`).
    """
    born = None if state is None or state.template is None else state.changed_at
    content = [
        desired.template.body,
        dict(desired.parameters or {}),
        step.action,
        sorted([f.path, json.dumps(f.observed, sort_keys=True, default=str)] for f in drift),
        born.isoformat() if isinstance(born, datetime) else predecessor or "new",
    ]
    return "meridian-" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]


def deploy(
    step: Step,
    topology: Topology,
    commit: str,
    desired: DesiredStack,
    state: StackState | None,
    change_set: ChangeSet | None,
    name: str,
    objecting: Objecting = objections,
) -> Move:
    """Next move of a deployment or repair. `change_set` is the one called `name`, if there is one."""
    ref = desired.ref
    stack_name = ref.name(topology.name)
    if state is not None and state.in_progress:
        return Wait(f"{ref} is {state.status}")
    if desired.parameters is None:
        return Wait(f"{ref} waits for values that do not exist yet")
    create = state is None or state.template is None
    if change_set is None:
        return CreateChangeSet(
            stack=ref,
            stack_name=stack_name,
            name=name,
            create=create,
            template=desired.template.body,
            parameters=desired.parameters,
            description=f"meridian {topology.name} {commit}",
            assets=desired.template.assets,
            bucket=f"meridian-assets-{topology.account}-{ref.region}",
            revert_drift=step.action is StepAction.REPAIR,
        )
    if change_set.pending:
        return Wait(f"change set {name} is {change_set.status}")
    if change_set.of_no_use:
        return DeleteChangeSet(stack=ref, stack_name=stack_name, name=name)
    against = tuple(objecting(change_set, step, create=create))
    if against:
        return Problem(
            code="UnplannedChange",
            step=step.id,
            message=f"change set {name} does more than planned, it was not executed: {'; '.join(against)}",
        )
    if change_set.execution_status != "AVAILABLE":
        return Wait(f"change set {name} is {change_set.execution_status}")
    return ExecuteChangeSet(stack=ref, stack_name=stack_name, name=name)


def recover(step: Step, topology: Topology, state: StackState | None) -> Move:
    """Bring a failed stack to where it can be deployed again: one that never came to life is deleted, a stuck rollback goes on."""
    if step.stack is None or state is None or state.in_progress:
        return Wait("nothing to recover")
    name = step.stack.name(topology.name)
    if state.status == "UPDATE_ROLLBACK_FAILED":
        return ContinueRollback(stack=step.stack, stack_name=name)
    return DeleteStack(stack=step.stack, stack_name=name, stack_id=state.id or name)
