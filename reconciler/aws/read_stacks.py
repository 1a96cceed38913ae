"""Reads a Region's stacks: one listing for all, and where a stack is not as remembered its template and its resources' ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.aws.at_hand import TemplatesAtHand
from reconciler.aws.parallel import Reads, done
from reconciler.aws.recorded import Recorded
from reconciler.model.facts import Answer, Listing, StackFacts
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.structure import Remembered, Structure, mark_of, recorded
from reconciler.model.topology import EDGE_REGION, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """One stack's. `ids`: logical to physical; `settled_at`: when one of them last changed its state."""

    ids: Mapping[str, str]
    settled_at: datetime | None = None


Listed = Resources | Unknown
STAGE = "live"
"""Of every Region's API."""
NOTHING = Resources(ids={})
_BEGINNINGS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "DELETE_IN_PROGRESS"}


class RegionStacks:
    """The reads of one Region's stacks: the listing at once, and the rest of what it shows that is not `known` as it is there.
    The edge's resources come from outside, since others wait for them too, and so does a listing that has begun."""

    def __init__(
        self,
        reads: Reads,
        topology: Topology,
        region: str,
        listing: Future[Listing] | None,
        edge: Future[Listed],
        known: Known,
    ) -> None:
        self._reads, self._region, self._edge, self._known = reads, region, edge, known
        self._names = stack_names(topology, region)
        self.listing = listing or start_listing(reads, region)
        self._templates: dict[str, Future[Answer]] = {}
        self._resources: dict[str, Future[Listed]] = {}

    def has_regional(self) -> bool:
        """Whether a stack `data` or `api` is there. Waits for the listing."""
        seen = self.listing.result()
        regional = {self._names[StackKind.DATA], self._names[StackKind.API]}
        return not isinstance(seen, Unknown) and any(s["StackName"] in regional for s in seen)

    def only_data(self) -> bool:
        """Whether there is a stack `data` and no `api`."""
        seen = self.listing.result()
        names = set() if isinstance(seen, Unknown) else {s["StackName"] for s in seen}
        return self._names[StackKind.DATA] in names and self._names[StackKind.API] not in names

    def start(self, *, whole: bool) -> None:
        """`whole` false leaves `data` and `api` out. Waits for the listing and for what is known."""
        for kind, name in self._names.items():
            regional = kind in (StackKind.DATA, StackKind.API)
            if regional and not whole:
                continue
            ref = StackRef(kind, self._region)
            stack = named(self.listing.result(), name)
            self._templates[name] = start_template_of(self._reads, ref, stack, self._known)
            if kind is StackKind.EDGE:
                self._resources[name] = self._edge
            elif kind is StackKind.ROUTING or regional:  # the others neither soak nor are asked for ids
                self._resources[name] = start_resources_of(self._reads, ref, stack, self._known)

    def ids(self, kind: StackKind) -> Mapping[str, str] | Unknown:
        found = self._resources[self._names[kind]].result()
        return found if isinstance(found, Unknown) else found.ids

    def facts(self) -> Mapping[str, StackFacts] | Unknown:
        found = self.listing.result()
        if isinstance(found, Unknown):
            return found
        ours = [stack for stack in found if stack["StackName"] in self._templates]
        events = {s["StackName"]: start_events(self._reads, self._region, s["StackId"]) for s in ours if failed(s)}
        return {s["StackName"]: self._facts(s, events.get(s["StackName"])) for s in ours}

    def _facts(self, stack: Mapping[str, Any], events: Future[Listing] | None) -> StackFacts:
        name = stack["StackName"]
        resources = self._resources[name].result() if name in self._resources else NOTHING
        return StackFacts(
            stack=stack,
            template=self._templates[name].result(),
            resources=resources if isinstance(resources, Unknown) else resources.ids,
            settled_at=None if isinstance(resources, Unknown) else resources.settled_at,
            events=events.result() if events else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the status remembers of stacks, as soon as it is read, and the templates at hand."""

    structure: Future[Structure]
    at_hand: TemplatesAtHand

    def of(self, ref: StackRef, stack: Mapping[str, Any]) -> Remembered | None:
        """If the stack is as it was then."""
        found, mark = self.structure.result().get(str(ref)), mark_of(stack)
        return found if found and mark and found.mark == mark else None

    def id(self, ref: StackRef, logical_id: str) -> str | None:
        """What a resource was called when its stack was last read."""
        found = self.structure.result().get(str(ref))
        return found.ids.get(logical_id) if found else None


def known_structure(topology: Topology, status: Future[Recorded | Unknown], at_hand: TemplatesAtHand) -> Structure:
    """Of a status that cannot be read, nothing. Waits for it, and for the templates that the stacks are known to hold."""
    found = status.result()
    structure = recorded(None if isinstance(found, Unknown) else found.status)
    at_hand.fetch(topology, structure.values())
    return structure


def start_listing(reads: Reads, region: str) -> Future[Listing]:
    return reads.many("cloudformation", region, "describe_stacks", "Stacks")


def named(listing: Listing, name: str) -> Answer:
    return listing if isinstance(listing, Unknown) else next((s for s in listing if s["StackName"] == name), None)


def start_template_of(reads: Reads, ref: StackRef, stack: Answer, known: Known) -> Future[Answer]:
    """The template of a stack that was listed. By its id, so that it is not another stack's that came in its place."""
    if stack is None or isinstance(stack, Unknown):
        return done(stack)
    remembered = known.of(ref, stack)
    body = known.at_hand.get(remembered.template) if remembered else None
    return done(body) if body is not None else start_template(reads, ref.region, stack["StackId"], known.at_hand)


def start_resources_of(reads: Reads, ref: StackRef, stack: Answer, known: Known) -> Future[Listed]:
    if stack is None or isinstance(stack, Unknown):
        return done(stack or NOTHING)
    remembered = known.of(ref, stack)
    if remembered and remembered.ids:
        return done(Resources(ids=remembered.ids, settled_at=remembered.settled_at))
    return start_resources(reads, ref.region, stack["StackId"])


def stack_names(topology: Topology, region: str) -> dict[StackKind, str]:
    kinds = [StackKind.FOUNDATION, StackKind.DATA, StackKind.API]
    if region == topology.home_region:
        kinds += [StackKind.GLOBAL, StackKind.ROUTING]
    if region == EDGE_REGION:
        kinds.append(StackKind.EDGE)
    return {kind: StackRef(kind, region).name(topology.name) for kind in kinds}


def failed(stack: Mapping[str, Any]) -> bool:
    return "FAILED" in stack["StackStatus"] or "ROLLBACK" in stack["StackStatus"]


def start_template(reads: Reads, region: str, name: str, at_hand: TemplatesAtHand | None = None) -> Future[Answer]:
    """`name` may be an id. What is read is kept at hand."""

    def read(client: Any) -> Mapping[str, Any]:
        body = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        if not isinstance(body, Mapping):
            return {}  # YAML is not ours: nothing can be said of such a stack
        if at_hand:
            at_hand.keep(body)
        return body

    return reads.one("cloudformation", region, read)


def start_resources(reads: Reads, region: str, name: str) -> Future[Listed]:
    def read(client: Any) -> Resources:
        pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
        found = [item for page in pages for item in page["StackResourceSummaries"]]
        return Resources(
            ids={
                item["LogicalResourceId"]: item["PhysicalResourceId"]
                for item in found
                if item.get("PhysicalResourceId") and item["ResourceStatus"] != "DELETE_COMPLETE"
            },
            settled_at=max((item["LastUpdatedTimestamp"] for item in found), default=None),
        )

    return reads.start("cloudformation", region, read, NOTHING)


def start_events(reads: Reads, region: str, stack_id: str) -> Future[Listing]:
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
