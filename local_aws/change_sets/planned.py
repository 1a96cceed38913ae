"""What an update would do: every changed property of every resource, and whether the resource is replaced.

Both templates are resolved against the stack as it stands. What cannot be known before the update (ids of new
resources, attributes of changed ones) reads `{{changeSet:KNOWN_AFTER_APPLY}}`, as CloudFormation writes it. A resource that
refers to such a value changes too, so the comparison is repeated until nothing moves.
"""

import copy
from dataclasses import dataclass
from typing import Any

from ministack.services.cloudformation import engine

from local_aws.change_sets.planned_resource import ATTRIBUTES, Scene
from local_aws.change_sets.reverting import LiveResource
from local_aws.registry.validation import UNKNOWN

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.engine._NO_VALUE",
    "ministack.services.cloudformation.engine._evaluate_conditions",
    "ministack.services.cloudformation.engine._resolve_refs",
)

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    changes: list[Record]
    outputs_changed: bool


# ---- the two sides -----------------------------------------------------------------------------------------------------


class _Unknown(dict[str, Any]):
    """The attributes of a resource that does not exist yet, or that an update may change."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> str:
        return UNKNOWN


def foreseen(stack: Record, template: Record, params: Record, conditions: Record) -> dict[str, Record]:
    """The template's resources as an operation would ask for them, while nothing is known of any resource."""
    return _resolved_with(stack, template, params, _present({}, template, {}), conditions)


def _resolved(stack: Record, template: Record, params: Record, present: Record) -> dict[str, Record]:
    """The resources as they may be shown."""
    shown = {name: p | {"Value": "****"} if p.get("NoEcho") else p for name, p in params.items()}
    return _resolved_with(stack, template, shown, present, engine._evaluate_conditions(template, params))


def _resolved_with(
    stack: Record, template: Record, params: Record, present: Record, conditions: Record
) -> dict[str, Record]:
    """The template's resources, without those whose condition is false, intrinsics resolved as far as possible."""
    found = {}
    for logical_id, resource in template.get("Resources", {}).items():
        if conditions.get(resource.get("Condition"), True):
            plain = {key: resource[key] for key in ("Properties", *ATTRIBUTES) if key in resource}
            found[logical_id] = resource | _resolve(plain, stack, template, params, present, conditions)
    return found


def _resolve(
    value: Record, stack: Record, template: Record, params: Record, present: Record, conditions: Record
) -> Record:
    arguments = (present, params, conditions, template.get("Mappings", {}), stack["StackName"], stack["StackId"])
    try:
        return _without_nothing(engine._resolve_refs(copy.deepcopy(value), *arguments))
    except (ValueError, KeyError, TypeError):
        return copy.deepcopy(value)  # cannot be resolved yet: both sides then show what the template says


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item is not engine._NO_VALUE}
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    return value


def _present(records: Record, template: Record, replacements: dict[str, str]) -> Record:
    """The resources that a reference can be resolved against, given what this update does to them."""
    present = {}
    for logical_id in template.get("Resources", {}):
        record = records.get(logical_id)
        replacement = replacements.get(logical_id)
        if record is None or replacement in ("Add", "True", "Conditional"):
            present[logical_id] = {"PhysicalResourceId": UNKNOWN, "Attributes": _Unknown()}
        elif replacement == "False":
            present[logical_id] = {"PhysicalResourceId": record["PhysicalResourceId"], "Attributes": _Unknown()}
        else:
            present[logical_id] = record
    return present


# ---- the plan ----------------------------------------------------------------------------------------------------------


def plan(
    stack: Record, template: Record, params: Record, *, retag: bool, live: dict[str, LiveResource] | None = None
) -> Plan:
    """`live`: what each resource is now, when drift is to be reverted; None compares template with template."""
    old_template, old_params = stack.get("_template") or {}, stack.get("_resolved_params") or {}
    records = stack.get("_resources") or {}
    before = _resolved(stack, old_template, old_params, records)
    changed_params = {k for k, v in params.items() if old_params.get(k, {}).get("Value") != v.get("Value")}
    replacements: dict[str, str] = {}
    while True:
        after = _resolved(stack, template, params, _present(records, template, replacements))
        scene = Scene(
            before=before,
            after=after,
            raw=template.get("Resources", {}),
            records=records,
            replacements=replacements,
            changed_params=changed_params,
            live=live,
            retag=retag,
        )
        changes = [change for key in sorted(before.keys() | after.keys()) if (change := scene.change(key))]
        found = {c["LogicalResourceId"]: c.get("Replacement", c["Action"]) for c in changes if c["Action"] != "Remove"}
        found = {key: value for key, value in found.items() if not _only_tags(changes, key)}
        if found == replacements:
            break
        replacements = found
    return Plan(changes=changes, outputs_changed=old_template.get("Outputs", {}) != template.get("Outputs", {}))


def _only_tags(changes: list[Record], key: str) -> bool:
    """A change of stack tags alone does not make references to the resource unknown."""
    change = next(c for c in changes if c["LogicalResourceId"] == key)
    return change["Action"] == "SyncWithActual" or change.get("Scope") == ["Tags"]
