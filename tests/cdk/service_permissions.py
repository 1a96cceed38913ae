"""What CloudFormation needs to be allowed for our templates, from the registry's schemas: the content of `permissions.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint

from local_aws.iam import permissions
from local_aws.registry import schemas

ACTIONS = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
READS = ("Describe", "Get", "List")
CONTENT = {
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectMetadata",
    "dynamodb:GetItem",
    "secretsmanager:GetSecretValue",
}
"""Reads of what is kept, not of how: only where a handler cannot do without."""

Templates = dict[str, dict[str, Any]]


def generated(templates: Templates) -> dict[str, dict[str, list[str]]]:
    """`templates` are those that CloudFormation deploys with the service role."""
    resources = [r for template in templates.values() for r in template["Resources"].values()]
    deploy = {a for r in resources for a in _of(r, "create", "update", "delete", "read")}
    delete = {a for r in resources for a in _of(r, "delete", "read")}
    return {"deploy": _sorted(deploy), "delete": _sorted(delete)}


def _of(resource: dict[str, Any], *verbs: str) -> Iterator[str]:
    kind, properties = resource["Type"], resource.get("Properties", {})
    for verb in verbs:
        needed = set(permissions.needed(kind, verb, properties))
        yield from needed
        for action in schemas.facts(kind).permissions.get(verb, ()):
            service, _, name = action.partition(":")
            own = service == schemas.service_of(kind)
            if own and name.startswith(READS) and action not in CONTENT:
                yield action
            if verb == "delete" and resource.get("DeletionPolicy") == "Snapshot" and name.endswith("Snapshot"):
                yield action


def _sorted(actions: set[str]) -> dict[str, list[str]]:
    """Apart: those that take no resource, which only `*` allows."""
    anything = {action for action in actions if not _takes_a_resource(action)}
    return {"anything": sorted(anything), "scoped": sorted(actions - anything)}


@cache
def _known() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ACTIONS.read_text())
    return found


def _takes_a_resource(action: str) -> bool:
    service, _, name = action.partition(":")
    if name.startswith("Describe") and service in ("rds", "cloudwatch"):  # asked for all of them at once
        return False
    known = _known().get(service, {}).get("Actions", {})
    return service == "apigateway" or bool(known.get(name.lower(), {}).get("Resources"))
