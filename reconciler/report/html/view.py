"""Everything that the page shows of one topology, read from its document once: templates only lay it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.report.html import headline, reading, records
from reconciler.report.html.reading import Document
from reconciler.report.html.records import Aside, Condition, Coverage, Finding, Run, Trouble
from reconciler.report.html.regions import Map, Region, maps, off_the_map, regions
from reconciler.report.html.timeline import Timeline, timeline
from reconciler.report.html.tones import Mark
from reconciler.report.html.tree import Branch, tree
from reconciler.report.words import human_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    name: str
    id: str
    aliases: tuple[str, ...]
    state: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    anchor: str
    name: str
    sentence: str
    state: Mark
    updated: str
    age: str
    """When the page was made, by the cloud's clock."""
    revision: str
    generation: str
    author: str
    repository: str
    troubles: tuple[Trouble, ...]
    waiting: tuple[Trouble, ...]
    notes: tuple[str, ...]
    regions: tuple[Region, ...]
    maps: tuple[Map, ...]
    off_the_map: tuple[Region, ...]
    edge: Edge | None
    timeline: Timeline | None
    findings: tuple[Finding, ...]
    conditions: tuple[Condition, ...]
    coverage: Coverage | None
    history: tuple[Run, ...]
    aside: tuple[Aside, ...]
    tree: tuple[Branch, ...]

    @property
    def serving(self) -> tuple[Region, ...]:
        return tuple(r for r in self.regions if r.traffic.word == "serving")

    @property
    def resources(self) -> int:
        return sum(b.resources for b in self.tree)

    @property
    def open(self) -> int:
        return sum(not f.waived for f in self.findings)


def view(document: Document, number: int, at: datetime) -> View:
    anchor = f"t{number}"
    shown = regions(document, anchor)
    updated, bundle = reading.moment(document.get("updatedAt")), reading.part(document.get("bundle"))
    return View(
        anchor=anchor,
        name=reading.name(document.get("topology"), "unnamed"),
        sentence=headline.sentence(document, shown),
        state=headline.overall(document),
        updated=reading.name(document.get("updatedAt")),
        age=human_duration(at - updated) if updated else "",
        revision=reading.name(document.get("desiredRevision"))[:12],
        generation=reading.name(document.get("generation")),
        author=reading.name(bundle.get("author")),
        repository=reading.name(bundle.get("repository")),
        troubles=records.troubles(document),
        waiting=records.waiting(document),
        notes=tuple(records.notes(document)),
        regions=shown,
        maps=maps(shown),
        off_the_map=off_the_map(shown),
        edge=_edge(document),
        timeline=timeline(document),
        findings=records.findings(document),
        conditions=records.conditions(document),
        coverage=records.coverage(document),
        history=records.history(document),
        aside=records.aside(document),
        tree=tree(document, shown),
    )


def _edge(document: Document) -> Edge | None:
    told = reading.part(document.get("edge"))
    if not told:
        return None
    status, enabled = reading.name(told.get("status"), "Unknown"), told.get("enabled") is not False
    tone, sign = {"Deployed": ("good", "yes"), "InProgress": ("busy", "more")}.get(status, ("warn", "what"))
    state = Mark(word=status, tone=tone, sign=sign, meaning="")
    return Edge(
        name=reading.name(told.get("domainName")),
        id=reading.name(told.get("distributionId")),
        aliases=tuple(reading.names(told.get("aliases"))),
        state=state if enabled else Mark(word="disabled", tone="bad", sign="no", meaning="nobody is served through it"),
    )
