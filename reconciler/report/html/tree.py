"""The tree: topology, Region, stack, resource, each with how it is and what drifted on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.report.html import reading, tones
from reconciler.report.html.reading import Document
from reconciler.report.html.regions import Region
from reconciler.report.html.tones import Mark

EVERYWHERE = "whole topology"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    name: str
    type: str
    physical: str
    drift: Mark | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    kind: str
    state: Mark
    resources: tuple[Resource, ...]
    drift: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A Region, or what belongs to none."""

    name: str
    place: str
    state: Mark | None
    stacks: tuple[Stack, ...]

    @property
    def drift(self) -> int:
        return sum(s.drift for s in self.stacks)

    @property
    def resources(self) -> int:
        return sum(len(s.resources) for s in self.stacks)


@dataclass(slots=True, kw_only=True)
class _Found:
    """A stack while it is put together."""

    status: str = "at rest"
    ids: Mapping[str, object] = field(default_factory=dict)
    types: Mapping[str, object] = field(default_factory=dict)


def tree(document: Document, regions: Sequence[Region]) -> tuple[Branch, ...]:
    found = _stacks(document, regions)
    drift = _drift(document)
    by_region: dict[str, list[Stack]] = {r.name: [] for r in regions}
    shared: list[Stack] = []
    for (kind, region), stack in found.items():
        whole = _stack(kind, region, stack, drift)
        if kind in {"data", "api", "foundation"} and region in by_region:
            by_region[region].append(whole)
        else:
            shared.append(_renamed(whole, region))
    known = {r.name: r for r in regions}
    branches = [
        Branch(name=name, place=known[name].place, state=known[name].overall, stacks=tuple(stacks))
        for name, stacks in by_region.items()
    ]
    return (Branch(name=EVERYWHERE, place="", state=None, stacks=tuple(shared)), *branches)


def _renamed(stack: Stack, region: str) -> Stack:
    kind = f"{stack.kind} in {region}" if region else stack.kind
    return Stack(kind=kind, state=stack.state, resources=stack.resources, drift=stack.drift)


def _stacks(document: Document, regions: Sequence[Region]) -> dict[tuple[str, str], _Found]:
    """Those at rest with their resources, and the others by their state alone. Of stacks that belong to no Region an older document
    has those at rest alone."""
    types = dict(reading.entries(document.get("resources")))
    found: dict[tuple[str, str], _Found] = {}
    for address, told in reading.entries(document.get("structure")):
        kind, _, region = address.partition("/")
        stack = reading.part(told)
        of = reading.part(types.get(reading.name(stack.get("template"))))
        found[kind, region] = _Found(ids=reading.part(stack.get("ids")), types=of)
    for address, status in reading.entries(document.get("stacks")):
        kind, _, region = address.partition("/")
        found.setdefault((kind, region), _Found()).status = reading.name(status, "UNKNOWN")
    for one in regions:
        for kind, state in one.stacks:
            found.setdefault((kind, one.name), _Found()).status = state.word
    return dict(sorted(found.items()))


def _stack(kind: str, region: str, found: _Found, drift: Mapping[tuple[str, str, str], Mark]) -> Stack:
    logical = list(
        dict.fromkeys([*(n for n, _ in reading.entries(found.ids)), *(n for n, _ in reading.entries(found.types))])
    )
    ids, types = dict(reading.entries(found.ids)), dict(reading.entries(found.types))
    place = region if kind in {"data", "api", "foundation"} else ""
    resources = tuple(
        Resource(
            name=name,
            type=reading.name(types.get(name)),
            physical=reading.name(ids.get(name)),
            drift=drift.get((kind, place, name)),
        )
        for name in sorted(logical)
    )
    here = sum((k, r) == (kind, place) for k, r, _ in drift)
    return Stack(kind=kind, state=tones.of_stack(found.status), resources=resources, drift=here)


def _drift(document: Document) -> dict[tuple[str, str, str], Mark]:
    """By stack, Region and logical id; a field of the file counts for its stack."""
    found: dict[tuple[str, str, str], Mark] = {}
    for told in reading.parts(document.get("findings")):
        path = reading.name(told.get("path")).split("/")
        of_region = path[0] == "regions" and len(path) > 2
        kind, region = (path[2], path[1]) if of_region else (path[0], "")
        rest = path[3:] if of_region else path[1:]
        logical = reading.name(told.get("key")).split("#")[1:2]
        name = (logical[0] if logical else "") or (rest[0] if rest else "")
        if told.get("waived") is not True:
            found[kind, region, name] = tones.mark(tones.DISPOSITION, reading.name(told.get("disposition")))
    return found
