"""`DeploymentMode=REVERT_DRIFT`: the live state as the starting point of an update, so that it writes the template back.

Types without a reader fall back to comparing templates; write-only properties are compared with the last deployment; tag
keys that somebody else set are left alone. A resource that was deleted outside is created again.
"""

import copy
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import now_iso
from ministack.services.cloudformation.provisioners import _tag_map

from local_aws import drift
from local_aws.schemas import facts

PATCHED: tuple[str, ...] = ("ministack.services.cloudformation.provisioners._tag_map",)

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResource:
    """`merged`: the deployed properties with the live values in place of those that can be read."""

    status: str
    merged: Record
    ignored: list[Record]
    seen_at: str


def read(stack: Record) -> dict[str, LiveResource]:
    """The live state of every resource of the stack that can be read."""
    resources = stack.get("_resources") or {}
    return {
        logical_id: _read_one(stack, record)
        for logical_id, record in resources.items()
        if drift.supports(record.get("ResourceType", ""))
    }


def _read_one(stack: Record, record: Record) -> LiveResource:
    deployed = copy.deepcopy(record.get("Properties") or {})
    live = drift.look(stack, record)
    merged = deployed
    if live.status == "MODIFIED":
        fixed = {path[0] for path in facts(record["ResourceType"]).create_only if len(path) == 1}
        for key in (live.expected.keys() & deployed.keys()) - fixed:  # drift is not reconciled by replacement (§9.3)
            merged.pop(key)
            if key in live.properties:
                merged[key] = live.properties[key]
        _drop_foreign_tags(record["ResourceType"], record.get("Properties") or {}, merged)
    ignored = [
        {"Path": f"/Properties/{'/'.join(path)}", "Reason": "WRITE_ONLY_PROPERTY"}
        for path in sorted(facts(record["ResourceType"]).write_only)
        if path[0] in deployed
    ]
    return LiveResource(status=live.status, merged=merged, ignored=ignored, seen_at=now_iso())


def _drop_foreign_tags(resource_type: str, deployed: Record, merged: Record) -> None:
    """Keys that the template does not know are not ours to remove."""
    name = facts(resource_type).tags
    if not name or name not in merged:
        return
    own = _tag_map(deployed.get(name))
    kept = {key: value for key, value in _tag_map(merged[name]).items() if key in own}
    listed = isinstance(deployed.get(name), list)
    merged[name] = [{"Key": k, "Value": v} for k, v in kept.items()] if listed else kept


def stack_status(live: dict[str, LiveResource]) -> str:
    statuses = {found.status for found in live.values()}
    if statuses & {"MODIFIED", "DELETED"}:
        return "DRIFTED"
    return "UNKNOWN" if "UNKNOWN" in statuses else "IN_SYNC"


def prepare(stack: Record, template: Record) -> None:
    """Make the stack's record say what is really there, so that the update sees the difference and removes it."""
    resources = stack.get("_resources") or {}
    for logical_id, found in read(stack).items():
        if logical_id not in template.get("Resources", {}):
            continue
        if found.status == "DELETED":
            del resources[logical_id]
        elif found.status == "MODIFIED":
            resources[logical_id] = {**resources[logical_id], "Properties": found.merged}
