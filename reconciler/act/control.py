"""The control plane's stacks: what of an earlier one is adopted, and which change sets may be executed.

Unlike a topology's, they hold nothing that serves: a rule, a role or a function may be replaced or go. What holds something is left
alone: revisions, messages, and the key that they are encrypted with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.plan import Step
from reconciler.model.requests import Adoption, ChangeSet
from reconciler.model.stacks import DesiredStack, Template

_HOLDS = frozenset({"AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::SQS::Queue"})
_ACTIONS = frozenset({"Add", "Import", "Modify", "Remove"})
_FOUND_BY = {"AWS::IAM::Role": "RoleName", "AWS::KMS::Key": "KeyId", "AWS::S3::Bucket": "BucketName"}
_NEEDED = {"AWS::IAM::Role": ("AssumeRolePolicyDocument",), "AWS::KMS::Key": ("KeyPolicy",)}
"""Properties that a type must have. The others follow in the update after the import, which writes them all: an import itself
changes nothing of what it finds."""


def control_objections(change_set: ChangeSet, step: Step, *, create: bool) -> Iterator[str]:  # noqa: ARG001
    for change in change_set.changes:
        what = ""
        if change.action not in _ACTIONS:
            what = f"{change.action} is never planned"
        elif change.resource_type in _HOLDS and change.replacement in {"True", "Conditional"}:
            what = "would be replaced, and what it holds lost"
        elif change.resource_type in _HOLDS and change.action == "Remove" and change.policy_action != "Retain":
            what = "would be deleted, with what it holds"
        if what:
            yield f"{change.logical_id} ({change.resource_type}): {what}"


def adopt(desired: DesiredStack, found: Mapping[str, str]) -> tuple[DesiredStack, tuple[Adoption, ...]]:
    """The stack with nothing but what was `found` (logical id to name or id), and what it adopts."""
    resources = {logical: desired.template.body["Resources"][logical] for logical in sorted(found)}
    adoptions = tuple(
        Adoption(
            logical_id=logical,
            resource_type=resource["Type"],
            identifier={_FOUND_BY[resource["Type"]]: found[logical]},
        )
        for logical, resource in resources.items()
    )
    body = {"Resources": {logical: _bare(resource, found[logical]) for logical, resource in resources.items()}}
    return DesiredStack(desired.ref, Template(desired.template.key, body), {}), adoptions


def _bare(resource: Mapping[str, Any], name: str) -> dict[str, Any]:
    kind = resource["Type"]
    named = {} if kind == "AWS::KMS::Key" else {_FOUND_BY[kind]: name}
    needed = {p: resource["Properties"][p] for p in _NEEDED.get(kind, ())}
    kept = {key: resource[key] for key in ("DeletionPolicy", "UpdateReplacePolicy")}
    return {"Type": kind, "Properties": named | needed, **kept}
