"""What an update does to one resource: which of its values change, why, and whether it is replaced."""

import json
from dataclasses import dataclass
from typing import Any

from ministack.services.cloudformation import engine
from ministack.services.cloudformation import stacks as stock

from local_aws.change_sets.leaves import ABSENT, Leaf, as_text, at, leaves, same_or_absent
from local_aws.change_sets.reverting import LiveResource
from local_aws.registry.schemas import Path_, facts, recreation

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.engine._intrinsic_references",
    "ministack.services.cloudformation.stacks._default_resource_policy",
    "ministack.services.cloudformation.stacks._UNTAGGED_TYPES",
)

Record = dict[str, Any]
ATTRIBUTES = ("Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
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
        for name in ATTRIBUTES:
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
    if leaf.before is not ABSENT:
        target["BeforeValue"] = as_text(leaf.before)
    if leaf.after is not ABSENT:
        target["AfterValue"] = as_text(leaf.after)
    return target


def _drift(deployed: Any, actual: Any, seen_at: str) -> Record:
    values = {"PreviousValue": deployed, "ActualValue": actual}
    found = {name: as_text(value) for name, value in values.items() if value is not ABSENT}
    return found | {"DriftDetectionTimestamp": seen_at}


def _raw_at(value: Any, path: Path_) -> Any:
    """The template's text for a path, as deep as it goes before an intrinsic function takes over."""
    for key in path:
        inner = at(value, (key,))
        if inner is ABSENT:
            return value
        value = inner
    return value


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
    return json.dumps(shown | {key: resource[key] for key in ATTRIBUTES if key in resource}, default=str)
