"""`DeploymentMode=REVERT_DRIFT`: the live state as the starting point of an update, so that it writes the template back.

Types without a reader fall back to comparing templates; write-only properties are compared with the last deployment; tag
keys that somebody else set are left alone. A resource that was deleted outside is created again.
"""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import now_iso
from ministack.services.cloudformation.provisioners import _tag_map

from local_aws import drift
from local_aws.registry.schemas import TypeFacts, facts
from local_aws.registry.validation import at

PATCHED: tuple[str, ...] = ("ministack.services.cloudformation.provisioners._tag_map",)

Record = dict[str, Any]
_SECRET = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResource:
    """What differs from the last deployment: `changed` values, and properties that are `gone`."""

    status: str
    changed: Record
    gone: frozenset[str]
    ignored: list[Record]
    seen_at: str

    def over(self, properties: Record) -> Record:
        """The properties as they really are. What nobody touched stays as it was written, secrets unresolved."""
        kept = {key: value for key, value in properties.items() if key not in self.gone}
        return kept | {key: value for key, value in self.changed.items() if key in properties}


def read(stack: Record) -> dict[str, LiveResource]:
    """The live state of every resource of the stack that can be read."""
    resources = stack.get("_resources") or {}
    return {
        logical_id: _read_one(stack, logical_id, record)
        for logical_id, record in resources.items()
        if drift.supports(record.get("ResourceType", ""))
    }


def _read_one(stack: Record, logical_id: str, record: Record) -> LiveResource:
    known, deployed = facts(record["ResourceType"]), record.get("Properties") or {}
    live = drift.look(stack, record)
    kept = dict.fromkeys(_managed(record["ResourceType"], deployed), "MANAGED_BY_AWS") | _sensitive(stack, logical_id)
    fixed = {path[0] for path in known.create_only if len(path) == 1}  # drift is not reconciled by replacement (§9.3)
    readable = (live.expected.keys() & deployed.keys()) - fixed - kept.keys()
    compared = readable if live.status == "MODIFIED" else set()
    changed = {
        key: copy.deepcopy(live.properties[key])
        for key in compared
        if key in live.properties and live.properties[key] != live.expected[key]
    }
    if known.tags in changed:
        changed[known.tags] = _own_tags(deployed.get(known.tags), changed[known.tags])
    gone = frozenset(key for key in compared if key not in live.properties)
    ignored = _ignored(known, deployed, kept)
    return LiveResource(status=live.status, changed=changed, gone=gone, ignored=ignored, seen_at=now_iso())


def _managed(kind: str, deployed: Record) -> Iterator[str]:
    """Properties that AWS changes by itself are kept as they are [V, User Guide, drift-aware change sets: the EngineVersion of an
    instance with automatic minor upgrades, which are the default]. A cluster's EngineVersion is not in that list."""
    automatic = str(deployed.get("AutoMinorVersionUpgrade", True)).lower() == "true"
    if kind == "AWS::RDS::DBInstance" and "EngineVersion" in deployed and automatic:
        yield "EngineVersion"


def _sensitive(stack: Record, logical_id: str) -> dict[str, str]:
    """A value that is a secret's is not compared [V, API reference, ResourceDriftIgnoredAttribute]."""
    written = ((stack.get("_template") or {}).get("Resources", {}).get(logical_id) or {}).get("Properties") or {}
    return {
        name: "SENSITIVE_PROPERTY" for name, value in written.items() if _SECRET.search(json.dumps(value, default=str))
    }


def _ignored(known: TypeFacts, deployed: Record, kept: dict[str, str]) -> list[Record]:
    """Write-only values are not in what AWS answers; the others above are left alone on purpose."""
    reasons = dict.fromkeys(known.write_only, "WRITE_ONLY_PROPERTY") | {(name,): why for name, why in kept.items()}
    found = {path: why for path, why in reasons.items() if any(True for _ in at(deployed, path))}
    return [{"Path": f"/Properties/{'/'.join(path)}", "Reason": why} for path, why in sorted(found.items())]


def _own_tags(deployed: Any, live: Any) -> Any:
    """Keys that the template does not know are not ours to remove."""
    own = _tag_map(deployed)
    kept = {key: value for key, value in _tag_map(live).items() if key in own}
    return [{"Key": k, "Value": v} for k, v in kept.items()] if isinstance(deployed, list) else kept


def stack_status(live: dict[str, LiveResource]) -> str:
    statuses = {found.status for found in live.values()}
    if statuses & {"MODIFIED", "DELETED"}:
        return "DRIFTED"
    return "UNKNOWN" if "UNKNOWN" in statuses else "IN_SYNC"


def prepare(stack: Record, template: Record) -> None:
    """Make the stack's record say what is really there, so that the update sees the difference and removes it.

    A roll-back then goes back to what was there, as on AWS; what the stack had deployed is kept for `deployed_again`.
    """
    resources = stack.get("_resources") or {}
    stack["_deployed"] = dict(resources)
    for logical_id, found in read(stack).items():
        if logical_id not in template.get("Resources", {}):
            continue
        if found.status == "DELETED":
            del resources[logical_id]
        elif found.status == "MODIFIED":
            record = resources[logical_id]
            resources[logical_id] = {**record, "Properties": found.over(record.get("Properties") or {})}


def deployed_again(stack: Record) -> None:
    """After a roll-back, or a refusal to begin: drift is measured against the last deployment again."""
    resources = stack["_resources"]
    for logical_id, deployed in stack.pop("_deployed", {}).items():
        resources[logical_id] = resources.get(logical_id, deployed) | {"Properties": deployed.get("Properties") or {}}
