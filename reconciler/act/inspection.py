"""A change set is read before it is executed: whatever the plan did not foresee stops the step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from reconciler.act.inspecting_drift import unexpected
from reconciler.model.plan import Step
from reconciler.model.requests import ChangeSet, ResourceChange

_MAY_LEAVE = frozenset({"AWS::ApiGateway::Deployment", "AWS::Lambda::Version"})
"""Types that a template lets go of and AWS keeps: superseded deployments and edge versions."""


_ACTIONS = frozenset({"Add", "Modify", "Remove", "SyncWithActual"})
_HELD_PATHS = ("/Properties/DistributionConfig/Enabled", "/Properties/DistributionConfig/Aliases")


class Objecting(Protocol):
    def __call__(self, change_set: ChangeSet, step: Step, *, create: bool) -> Iterator[str]:
        """What speaks against executing this change set."""


def objections(change_set: ChangeSet, step: Step, *, create: bool) -> Iterator[str]:
    """What speaks against executing this change set; nothing when it does just what the plan says."""
    for change in change_set.changes:
        reason = _objection(change, step, create=create)
        if reason:
            yield f"{change.logical_id} ({change.resource_type}): {reason}"
    yield from unexpected(change_set, step)


def _objection(change: ResourceChange, step: Step, *, create: bool) -> str:
    if change.action not in _ACTIONS:
        return f"{change.action} is never planned"
    if create:
        return "" if change.action == "Add" else f"{change.action} in a new stack"
    if change.action == "Remove":
        if change.logical_id in step.removes and change.resource_type == "AWS::Route53::RecordSet":
            return ""
        kept = change.resource_type in _MAY_LEAVE and change.policy_action == "Retain"
        return "" if kept else "would be deleted"
    if change.replacement in {"True", "Conditional"}:
        what = ", ".join(change.properties)
        return f"{'would' if change.replacement == 'True' else 'might'} be replaced (by {what or 'a change of what it refers to'})"
    if change.logical_id not in step.allow:
        return f"{change.action} was not planned"
    return _of_motion(change)


def _of_motion(change: ResourceChange) -> str:
    """Whatever the template or the drift, a deployment never moves what is moved in an incident, nor detaches a cluster."""
    if change.resource_type == "AWS::RDS::DBCluster" and "GlobalClusterIdentifier" in change.properties:
        return "would leave or change its global database"
    if change.resource_type == "AWS::CloudFront::Distribution":
        moved = [p.rsplit("/", 1)[-1] for p in change.paths if p.startswith(_HELD_PATHS)]
        return f"would undo what was changed by hand ({', '.join(moved)})" if moved else ""
    return ""
