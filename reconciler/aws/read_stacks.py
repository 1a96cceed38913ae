"""Reads a Region's stacks: one listing for all, and by name the applied template and the resources' ids of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from reconciler.aws.parallel import Reads
from reconciler.model.facts import Answer, Listing, StackFacts
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import EDGE_REGION, Topology

Ids = Mapping[str, str] | Unknown
"""Logical id to physical id of one stack's resources."""
_BEGINNINGS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "DELETE_IN_PROGRESS"}


class RegionStacks:
    """The reads of one Region's stacks, all begun before the first is waited for. The edge's ids come from outside, since
    others wait for them too."""

    def __init__(self, reads: Reads, topology: Topology, region: str, edge_ids: Future[Ids]) -> None:
        self._reads, self._region, self._edge_ids = reads, region, edge_ids
        self._names = _stack_names(topology, region)
        self.listing = reads.many("cloudformation", region, "describe_stacks", "Stacks")
        self._templates: dict[str, Future[Answer]] = {}
        self._ids: dict[str, Future[Ids]] = {}

    def has_regional(self) -> bool:
        """Whether a stack `data` or `api` is there. Waits for the listing."""
        seen = self.listing.result()
        regional = {self._names[StackKind.DATA], self._names[StackKind.API]}
        return not isinstance(seen, Unknown) and any(s["StackName"] in regional for s in seen)

    def start(self, *, whole: bool) -> None:
        """`whole` false leaves `data` and `api` out."""
        for kind, name in self._names.items():
            regional = kind in (StackKind.DATA, StackKind.API)
            if whole or not regional:
                self._templates[name] = _start_template(self._reads, self._region, name)
            if kind is StackKind.EDGE:
                self._ids[name] = self._edge_ids
            elif whole and regional:
                self._ids[name] = start_ids(self._reads, self._region, name)

    def ids(self, kind: StackKind) -> Ids:
        return self._ids[self._names[kind]].result()

    def facts(self) -> Mapping[str, StackFacts] | Unknown:
        found = self.listing.result()
        if isinstance(found, Unknown):
            return found
        ours = [stack for stack in found if stack["StackName"] in self._templates]
        events = {s["StackName"]: _start_events(self._reads, self._region, s["StackId"]) for s in ours if _failed(s)}
        return {
            name: StackFacts(
                stack=stack,
                template=self._templates[name].result(),
                resources=self._ids[name].result() if name in self._ids else {},
                events=events[name].result() if name in events else (),
            )
            for stack in ours
            if (name := stack["StackName"])
        }


def _stack_names(topology: Topology, region: str) -> dict[StackKind, str]:
    kinds = [StackKind.FOUNDATION, StackKind.DATA, StackKind.API]
    if region == topology.home_region:
        kinds += [StackKind.GLOBAL, StackKind.ROUTING]
    if region == EDGE_REGION:
        kinds.append(StackKind.EDGE)
    return {kind: StackRef(kind, region).name(topology.name) for kind in kinds}


def _failed(stack: Mapping[str, Any]) -> bool:
    return "FAILED" in stack["StackStatus"] or "ROLLBACK" in stack["StackStatus"]


def _start_template(reads: Reads, region: str, name: str) -> Future[Answer]:
    def read(client: Any) -> Mapping[str, Any]:
        body = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        return body if isinstance(body, Mapping) else {}

    return reads.one("cloudformation", region, read)


def start_ids(reads: Reads, region: str, name: str) -> Future[Ids]:
    def read(client: Any) -> Mapping[str, str]:
        pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
        return {
            item["LogicalResourceId"]: item["PhysicalResourceId"]
            for page in pages
            for item in page["StackResourceSummaries"]
            if item.get("PhysicalResourceId") and item["ResourceStatus"] != "DELETE_COMPLETE"
        }

    nothing: Mapping[str, str] = {}
    return reads.start("cloudformation", region, read, nothing)


def _start_events(reads: Reads, region: str, stack_id: str) -> Future[Listing]:
    """Events of the stack's latest operation, newest first."""

    def read(client: Any) -> Sequence[Mapping[str, Any]]:
        events: list[Mapping[str, Any]] = []
        for page in client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            for event in page["StackEvents"]:
                events.append(event)
                if event.get("PhysicalResourceId") == stack_id and event["ResourceStatus"] in _BEGINNINGS:
                    return events
        return events

    nothing: Sequence[Mapping[str, Any]] = ()
    return reads.start("cloudformation", region, read, nothing)
