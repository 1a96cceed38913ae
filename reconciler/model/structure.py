"""What is remembered of stacks at rest, in the status: which template they hold and what their resources are called.

Both stay what they are until a stack's next operation, and every operation leaves another `mark`. What is remembered under a mark
was read after a listing that showed it, and is used only when a later listing shows it again. A mark never comes back (times only
rise, ids are given once), so nothing happened to the stack in between: not even while it was read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.model.observed import Observed, StackState, Unknown
from reconciler.model.stacks import DesiredStack, StackRef

_AT_REST = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
_TOUCHES_NOTHING = "CREATE_CHANGESET"
_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Of one stack. `ids` is empty where its resources were not read: no stack at rest has none."""

    mark: str
    template: str
    """Digest of the applied template."""
    key: str = ""
    """Of the desired template that is the same; empty: none was."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Logical to physical."""
    settled_at: datetime | None = None


Structure = Mapping[str, Remembered]
"""By the stack's address, as text."""


def mark_of(stack: Mapping[str, Any]) -> str:
    """The last operation of a stack as DescribeStacks shows it; empty unless it is over and left all of it as one template says.

    LastUpdatedTime moves with every operation but a creation [V CloudFormation API]. That an import and a rollback move it is [K]:
    the status, the change set and the operations' ids, each shown where AWS has it, tell them apart all the same.
    """
    if stack["StackStatus"] not in _AT_REST:
        return ""
    operations = [o.get("OperationId") for o in stack.get("LastOperations", ()) if _alters(o)]
    times = [str(stack.get(name, "")) for name in ("CreationTime", "LastUpdatedTime")]
    told = [stack.get("StackId", ""), stack["StackStatus"], *times, stack.get("ChangeSetId", ""), operations]
    return _hash(told)[:_DIGITS]


def _alters(operation: Mapping[str, Any]) -> bool:
    return operation.get("OperationType") != _TOUCHES_NOTHING


def digest_of(template: Mapping[str, Any]) -> str:
    return _hash(template)[:_DIGITS]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def remembered(observed: Observed, stacks: Mapping[StackRef, DesiredStack]) -> Structure:
    """What a look leaves to the next one. Of a stack that could not be read it is what was known before: it still is, if the
    stack shows the same mark when it can be read again."""
    before = recorded(observed.recorded)
    found: dict[str, Remembered] = {}
    for ref, state in sorted(observed.stacks.items()):
        name = str(ref)
        if isinstance(state, Unknown) and name in before:
            found[name] = before[name]
        elif isinstance(state, StackState) and state.mark and state.template:
            found[name] = _of(state, stacks.get(ref))
    return found


def _of(state: StackState, desired: DesiredStack | None) -> Remembered:
    same = desired is not None and not desired.held and desired.template.body == state.template
    return Remembered(
        mark=state.mark,
        template=digest_of(state.template or {}),
        key=desired.template.key if desired and same else "",
        ids=state.resources,
        settled_at=state.settled_at,
    )


def document(structure: Structure) -> dict[str, Any]:
    return {
        name: {
            "mark": stack.mark,
            "template": stack.template,
            "key": stack.key,
            "ids": dict(stack.ids),
            "settledAt": stack.settled_at.isoformat() if stack.settled_at else None,
        }
        for name, stack in structure.items()
    }


def recorded(status: Mapping[str, Any] | None) -> Structure:
    """Nothing where the status holds none that makes sense: then all is read."""
    try:
        return {str(name): _read(stack) for name, stack in (status or {}).get("structure", {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError):  # somebody else wrote into the table
        return {}


def _read(found: Mapping[str, Any]) -> Remembered:
    settled = found["settledAt"]
    return Remembered(
        mark=str(found["mark"]),
        template=str(found["template"]),
        key=str(found["key"]),
        ids={str(name): str(value) for name, value in found["ids"].items()},
        settled_at=datetime.fromisoformat(settled) if settled else None,
    )
