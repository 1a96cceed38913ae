"""Reads one change set: what it would do, and what a drift-aware one says of drift."""

from __future__ import annotations

from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model.requests import ChangeSet, PropertyDrift, ResourceChange


def describe_change_set(clients: Clients, region: str, stack_name: str, name: str) -> ChangeSet | None:
    """One change set with the changes of all its pages, or None."""
    client = clients.reader("cloudformation", region)
    page: dict[str, Any] = {}
    changes: list[ResourceChange] = []
    more: dict[str, str] = {}
    try:
        while not page or more:
            page = client.describe_change_set(
                StackName=stack_name, ChangeSetName=name, IncludePropertyValues=True, **more
            )
            changes += (_resource_change(c["ResourceChange"]) for c in page.get("Changes", ()) if "ResourceChange" in c)
            more = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
    except failures.AwsError as error:
        if failures.absent(error):
            return None
        raise failures.translated(error, "cloudformation:DescribeChangeSet", region) from error
    return ChangeSet(
        name=name,
        status=page["Status"],
        execution_status=page.get("ExecutionStatus", "UNAVAILABLE"),
        reason=page.get("StatusReason", ""),
        changes=tuple(changes),
    )


def _resource_change(change: dict[str, Any]) -> ResourceChange:
    """What is told of drift is told of drift-aware change sets only [V: API reference, ResourceChange]."""
    targets = [detail.get("Target", {}) for detail in change.get("Details", ())]
    properties = {t["Name"] for t in targets if t.get("Attribute") == "Properties" and t.get("Name")}
    return ResourceChange(
        action=change["Action"],
        logical_id=change["LogicalResourceId"],
        resource_type=change["ResourceType"],
        replacement=change.get("Replacement"),
        policy_action=change.get("PolicyAction"),
        properties=tuple(sorted(properties)),
        paths=tuple(sorted({t["Path"] for t in targets if t.get("Path")})),
        drift=change.get("ResourceDriftStatus", ""),
        drifted=tuple(dict.fromkeys(_drift(t) for t in targets if t.get("Drift") and t.get("Path"))),
        ignored={_dotted(i["Path"]): i["Reason"] for i in change.get("ResourceDriftIgnoredAttributes", ())},
    )


def _drift(target: dict[str, Any]) -> PropertyDrift:
    drift = target["Drift"]
    return PropertyDrift(
        prop=_dotted(target["Path"]),
        deployed=drift.get("PreviousValue"),
        actual=drift.get("ActualValue"),
        kept=target.get("AttributeChangeType") == "SyncWithActual",
        changed=target.get("AfterValue") != drift.get("PreviousValue"),
    )


def _dotted(path: str) -> str:
    """`/Properties/Tags/0/Value` is a JSON pointer [K]; ours leave `Properties` out."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.removeprefix("/Properties").split("/") if part]
    return ".".join(part.replace(".", "\\.") for part in parts)
