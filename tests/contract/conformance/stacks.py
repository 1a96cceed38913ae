"""A stack for conformance tests: of things that cost nothing, driven by change sets, and removed at the end."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from tests.contract.conformance.conftest import Target

HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
CAUSE = "WaitCondition timed out"


class Stack:
    def __init__(self, aws: Target, what: str = "s") -> None:
        self.aws, self.name, self.client = aws, aws.name(what), aws.client("cloudformation")
        self._count = 0
        aws.later(self._remove)

    def log(self, days: int = 1, what: str = "", **more: Any) -> dict[str, Any]:
        """A log group: has a property that can change, and is free while nothing is in it."""
        properties = {"LogGroupName": f"/{self.name}{what}", "RetentionInDays": days}
        return {"Type": "AWS::Logs::LogGroup", "Properties": properties, **more}

    def failing(self, *after: str) -> dict[str, Any]:
        """A resource that cannot be created: nobody signals it. Needs a resource `Handle`."""
        properties = {"Handle": {"Ref": "Handle"}, "Timeout": "1", "Count": 1}
        return {"Type": "AWS::CloudFormation::WaitCondition", "Properties": properties, "DependsOn": [*after, "Handle"]}

    def arguments(self, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        tags = [{"Key": key, "Value": value} for key, value in self.aws.tags.items()]
        body = json.dumps({"Resources": resources, **more.pop("template", {})})
        return {"StackName": self.name, "TemplateBody": body, "Tags": tags, **more}

    def request(self, resources: dict[str, Any], kind: str = "UPDATE", **more: Any) -> dict[str, Any]:
        self._count += 1
        arguments = {"ChangeSetType": kind, "ChangeSetName": f"c{self._count}", **more}
        return self.arguments(resources, **arguments)

    def change_set(self, resources: dict[str, Any], kind: str = "UPDATE", **more: Any) -> dict[str, Any]:
        """Created, and described when it is ready or has failed."""
        made = self.client.create_change_set(**self.request(resources, kind, **more))
        return self.described(made["Id"])

    def described(self, change_set: str, **more: Any) -> dict[str, Any]:
        def ready() -> Any:
            found = self.client.describe_change_set(StackName=self.name, ChangeSetName=change_set, **more)
            return found["Status"] in ("CREATE_COMPLETE", "FAILED") and found

        found: dict[str, Any] = self.aws.until(ready)
        return found

    def execute(self, change_set: dict[str, Any], **more: Any) -> str:
        before = self._moment()
        self.client.execute_change_set(StackName=self.name, ChangeSetName=change_set["ChangeSetId"], **more)
        self.aws.until(lambda: self._moment() != before)  # it may begin a moment after the call
        return self.settled()

    def _moment(self) -> tuple[Any, ...]:
        now = self.stack()
        return now["StackStatus"], now.get("LastUpdatedTime")

    def run(self, resources: dict[str, Any], kind: str = "UPDATE", **more: Any) -> str:
        return self.execute(self.change_set(resources, kind, **more))

    def stack(self, name: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_stacks(StackName=name or self.name)["Stacks"][0]
        return found

    def settled(self, name: str = "") -> str:
        """The status after the operation."""

        def status() -> Any:
            now = self.stack(name)["StackStatus"]
            return not now.endswith("_IN_PROGRESS") and now

        found: str = self.aws.until(status)
        return found

    def statuses(self, logical_id: str = "", name: str = "") -> list[str]:
        """What a resource, or the stack itself, went through, the oldest first; a status may be told several times."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=name or self.name)
        events = [event for page in pages for event in page["StackEvents"]]
        found = [e["ResourceStatus"] for e in events if e["LogicalResourceId"] == (logical_id or self.name)][::-1]
        return [status for status, _ in itertools.groupby(found)]

    def retention(self, what: str = "") -> int | None:
        logs = self.aws.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=f"/{self.name}{what}")["logGroups"]
        return groups[0].get("retentionInDays") if groups else None

    def events(self, **what: Any) -> Sequence[dict[str, Any]]:
        pages = self.client.get_paginator("describe_events").paginate(**(what or {"StackName": self.name}))
        return [event for page in pages for event in page["OperationEvents"]]

    def _remove(self) -> None:
        """On a real account until it is gone: it cannot go while it is being changed."""
        found = self.stack()
        identity = found["StackId"]
        if self.aws.real and found["StackStatus"] != "REVIEW_IN_PROGRESS":
            self.settled(identity)
        if found.get("EnableTerminationProtection"):
            self.client.update_termination_protection(StackName=identity, EnableTerminationProtection=False)
        self.client.delete_stack(StackName=identity)
        if self.aws.real:
            assert self.settled(identity) == "DELETE_COMPLETE"
