"""What an update would do: every changed property of every resource, and whether the resource is replaced.

Both templates are resolved against the stack as it stands. What cannot be known before the update (ids of new
resources, attributes of changed ones) reads `{{changeSet:KNOWN_AFTER_APPLY}}`, as CloudFormation writes it. A resource that
refers to such a value changes too, so the comparison is repeated until nothing moves.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.services.cloudformation import engine
from ministack.services.cloudformation import stacks as stock

from local_aws.drift.shape import same
from local_aws.reverting import LiveResource
from local_aws.schemas import Path_, facts, recreation

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.engine._NO_VALUE",
    "ministack.services.cloudformation.engine._evaluate_conditions",
    "ministack.services.cloudformation.engine._intrinsic_references",
    "ministack.services.cloudformation.engine._resolve_refs",
    "ministack.services.cloudformation.stacks._default_resource_policy",
    "ministack.services.cloudformation.stacks._UNTAGGED_TYPES",
)

Record = dict[str, Any]
UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
_ATTRIBUTES = ("Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One changed value inside a resource's properties."""

    path: Path_
    before: Any
    after: Any

    @property
    def change(self) -> str:
        if self.before is _ABSENT:
            return "Add"
        return "Remove" if self.after is _ABSENT else "Modify"

    @property
    def unknown(self) -> bool:
        return self.after is not _ABSENT and UNKNOWN in as_text(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    changes: list[Record]
    outputs_changed: bool


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))


def leaves(before: Any, after: Any, path: Path_ = ()) -> Iterator[Leaf]:
    if same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from leaves(before.get(key, _ABSENT), after.get(key, _ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            pair = [side[index] if index < len(side) else _ABSENT for side in (before, after)]
            yield from leaves(*pair, (*path, str(index)))
    else:
        yield Leaf(path=path, before=before, after=after)


# ---- the two sides -----------------------------------------------------------------------------------------------------


class _Unknown(dict[str, Any]):
    """The attributes of a resource that does not exist yet, or that an update may change."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> str:
        return UNKNOWN


def _resolved(stack: Record, template: Record, params: Record, present: Record) -> dict[str, Record]:
    """The template's resources, without those whose condition is false, intrinsics resolved as far as possible."""
    conditions = engine._evaluate_conditions(template, params)
    shown = {name: p | {"Value": "****"} if p.get("NoEcho") else p for name, p in params.items()}
    found = {}
    for logical_id, resource in template.get("Resources", {}).items():
        if conditions.get(resource.get("Condition"), True):
            plain = {key: resource[key] for key in ("Properties", *_ATTRIBUTES) if key in resource}
            found[logical_id] = resource | _resolve(plain, stack, template, shown, present, conditions)
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
        scene = _Scene(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Everything that decides what happens to one resource."""

    before: dict[str, Record]
    after: dict[str, Record]
    raw: Record
    records: Record
    replacements: dict[str, str]
    changed_params: set[str]
    live: dict[str, LiveResource] | None
    retag: bool

    def change(self, key: str) -> Record | None:
        if key not in self.after:
            return self._remove(key)
        now = self.live.get(key) if self.live else None
        if key not in self.before or (now and now.status == "DELETED"):
            return self._add(key, now)
        if self.before[key].get("Type") != self.after[key].get("Type"):
            return self._modify(key, [_detail_of_type()], now, replacement="True")
        details = self._details(key, now)
        if not details:
            return None
        return self._modify(key, details, now, replacement=_replacement(details))

    def _head(self, key: str, action: str, resource: Record) -> Record:
        physical = self.records.get(key, {}).get("PhysicalResourceId")
        head = {"Action": action, "LogicalResourceId": key, "ResourceType": resource.get("Type", "")}
        if physical:
            head["PhysicalResourceId"] = physical
        return head | {"Scope": [], "Details": []}

    def _remove(self, key: str) -> Record:
        resource = self.before[key]
        change = self._head(key, "Remove", resource) | {"BeforeContext": context(resource)}
        return change | _policy(resource, "DeletionPolicy", "")

    def _add(self, key: str, now: LiveResource | None) -> Record:
        change = self._head(key, "Add", self.after[key]) | {"AfterContext": context(self.after[key])}
        if now:
            change.pop("PhysicalResourceId", None)
            change |= {"ResourceDriftStatus": "DELETED", "PreviousDeploymentContext": context(self.before[key])}
        return change

    def _modify(self, key: str, details: list[Record], now: LiveResource | None, *, replacement: str) -> Record:
        resource = self.after[key]
        old = self.before[key]
        shown = old | ({"Properties": now.over(old.get("Properties") or {})} if now else {})
        change = self._head(key, "Modify", resource) | {
            "Replacement": replacement,
            "Scope": list(dict.fromkeys(d["Target"]["Attribute"] for d in details)),
            "Details": details,
            "BeforeContext": context(shown),
            "AfterContext": context(resource),
        }
        if replacement != "False":
            change |= _policy(resource, "UpdateReplacePolicy", "ReplaceAnd")
        if self.live is None:
            return change
        if all(d["Target"].get("AttributeChangeType") == "SyncWithActual" for d in details):
            change["Action"] = "SyncWithActual"
        change["PreviousDeploymentContext"] = context(self.before[key])
        change["ResourceDriftStatus"] = now.status if now else "UNSUPPORTED"
        if now:
            change["ResourceDriftIgnoredAttributes"] = now.ignored
        return change

    def _details(self, key: str, now: LiveResource | None) -> list[Record]:
        old, new = self.before[key], self.after[key]
        details = []
        if self.retag and _takes_tags(new.get("Type", "")):
            details.append({"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}, "Evaluation": "Static"})
        old_props, new_props = old.get("Properties") or {}, new.get("Properties") or {}
        starting = now.over(old_props) if now else old_props
        for leaf in leaves(starting, new_props):
            details += self._leaf(key, leaf, old_props, now)
        if now:
            details += _synced(new.get("Type", ""), old_props, new_props, now)
        for name in _ATTRIBUTES:
            if old.get(name) != new.get(name):
                target = {"Attribute": name, "RequiresRecreation": "Never"}
                details.append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
        return details

    def _leaf(self, key: str, leaf: Leaf, previous: Record, now: LiveResource | None) -> list[Record]:
        resource_type = self.after[key].get("Type", "")
        needs = recreation(resource_type, leaf.path)
        deployed = at(previous, leaf.path)
        drifted = now is not None and not same_or_absent(deployed, leaf.before)
        if drifted and same_or_absent(deployed, leaf.after) and needs == "Always":
            return []  # drift of an immutable property cannot be reverted
        target = _target(leaf, needs)
        if now:
            target |= {"BeforeValueFrom": "ACTUAL_STATE", "AfterValueFrom": "TEMPLATE"}
        if drifted and now:
            target["Drift"] = _drift(deployed, leaf.before, now.seen_at)
        causes = self._causes(key, leaf)
        if drifted and same_or_absent(deployed, leaf.after):
            return [{"Target": target, "Evaluation": "Static", "ChangeSource": "NoModification"}]
        details = []
        if not (leaf.unknown and causes):
            evaluation = "Dynamic" if causes or leaf.unknown else "Static"
            details.append({"Target": target, "Evaluation": evaluation, "ChangeSource": "DirectModification"})
        return details + [{"Target": target, **cause} for cause in causes]

    def _causes(self, key: str, leaf: Leaf) -> list[Record]:
        """The parameters and resources that this value refers to and that change."""
        raw = _raw_at(self.raw[key].get("Properties") or {}, leaf.path)
        found = []
        for name, attribute in engine._intrinsic_references(raw):
            if name in self.changed_params and attribute is None:
                cause = ("ParameterReference", name, "Static")
            elif name in self.replacements and (attribute or self.replacements[name] != "False"):
                source = "ResourceAttribute" if attribute else "ResourceReference"
                sure = "Static" if self.replacements[name] == "True" else "Dynamic"
                cause = (source, f"{name}.{attribute}" if attribute else name, sure)
            else:
                continue
            row = dict(zip(("ChangeSource", "CausingEntity", "Evaluation"), cause, strict=True))
            if row not in found:
                found.append(row)
        return found


def _synced(resource_type: str, old: Record, new: Record, now: LiveResource) -> list[Record]:
    """What the template asks for and somebody has already done by hand: only the stack's record follows."""
    details = []
    for leaf in leaves(old, new):
        actual = at(now.over(old), leaf.path)
        if same_or_absent(actual, leaf.after):
            target = _target(leaf, recreation(resource_type, leaf.path)) | {
                "AttributeChangeType": "SyncWithActual",
                "RequiresRecreation": "Never",
                "Drift": _drift(leaf.before, actual, now.seen_at),
            }
            details.append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
    return details


def _target(leaf: Leaf, needs: str) -> Record:
    target = {
        "Attribute": "Properties",
        "Name": leaf.path[0],
        "RequiresRecreation": needs,
        "Path": "/Properties/" + "/".join(leaf.path),
        "AttributeChangeType": leaf.change,
    }
    if leaf.before is not _ABSENT:
        target["BeforeValue"] = as_text(leaf.before)
    if leaf.after is not _ABSENT:
        target["AfterValue"] = as_text(leaf.after)
    return target


def _drift(deployed: Any, actual: Any, seen_at: str) -> Record:
    values = {"PreviousValue": deployed, "ActualValue": actual}
    found = {name: as_text(value) for name, value in values.items() if value is not _ABSENT}
    return found | {"DriftDetectionTimestamp": seen_at}


def at(value: Any, path: Path_) -> Any:
    for key in path:
        if isinstance(value, dict):
            value = value.get(key, _ABSENT)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return _ABSENT
    return value


def _raw_at(value: Any, path: Path_) -> Any:
    """The template's text for a path, as deep as it goes before an intrinsic function takes over."""
    for key in path:
        inner = at(value, (key,))
        if inner is _ABSENT:
            return value
        value = inner
    return value


def same_or_absent(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return same(one, other)


def _replacement(details: list[Record]) -> str:
    needs = {(d["Target"]["RequiresRecreation"], d["Evaluation"]) for d in details}
    if ("Always", "Static") in needs:
        return "True"
    return "Conditional" if any(need != "Never" for need, _ in needs) else "False"


def _detail_of_type() -> Record:
    target = {"Attribute": "Properties", "RequiresRecreation": "Always"}
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _takes_tags(resource_type: str) -> bool:
    return facts(resource_type).tags is not None and resource_type not in stock._UNTAGGED_TYPES


def _policy(resource: Record, attribute: str, prefix: str) -> Record:
    policy = resource.get(attribute, stock._default_resource_policy(resource, attribute))
    action = {"RetainExceptOnCreate": "Retain"}.get(policy, policy)
    return {"PolicyAction": prefix + action} if action in ("Delete", "Retain", "Snapshot") else {}


def context(resource: Record) -> str:
    shown = {"Properties": resource.get("Properties") or {}}
    return json.dumps(shown | {key: resource[key] for key in _ATTRIBUTES if key in resource}, default=str)
