"""What the page lists: troubles, drift, conditions, coverage, history, and what finishes aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.report.html import reading, tones
from reconciler.report.html.reading import Document
from reconciler.report.html.tones import Mark
from reconciler.report.status_text import GOOD_WHEN_FALSE
from reconciler.report.words import human_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    code: str
    where: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    disposition: Mark
    waived: bool
    path: str
    region: str
    reason: str
    by: str
    since: str
    desired: str
    observed: str
    missing: bool
    ways: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    kind: str
    state: Mark
    reason: str
    message: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    result: Mark
    revision: str
    generation: str
    first: str
    last: str
    took: str
    passes: str
    requests: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    checked: int
    fields: int
    full: str
    """When all was looked at."""

    @property
    def percent(self) -> float:
        return min(round(100 * self.checked / self.fields, 1), 100.0) if self.fields > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    what: str
    steps: str
    since: str
    awaited: str


def troubles(document: Document) -> tuple[Trouble, ...]:
    rows = [(p, "step") for p in reading.parts(document.get("problems"))]
    rows += [(r, "path") for r in reading.parts(document.get("refusals"))]
    return tuple(
        Trouble(
            code=reading.name(t.get("code"), "Problem"),
            where=reading.name(t.get(place)),
            message=reading.prose(t.get("message")),
        )
        for t, place in rows
    )


def waiting(document: Document) -> tuple[Trouble, ...]:
    return tuple(
        Trouble(
            code=reading.name(g.get("name"), "gate"),
            where=reading.name(g.get("region")),
            message=reading.prose(g.get("detail")),
        )
        for g in reading.parts(document.get("waitingFor"))
    )


def findings(document: Document) -> tuple[Finding, ...]:
    found = [_finding(f) for f in reading.parts(document.get("findings"))]
    return tuple(sorted(found, key=lambda f: (f.waived, _RANK.get(f.disposition.word, 1))))


_RANK = {"page": 0, "hold": 1, "heal": 2}


def _finding(told: Document) -> Finding:
    ways = reading.part(told.get("waysOut"))
    named = (("keep it: commit", "adopt"), ("take it back", "takeBack"))
    return Finding(
        disposition=tones.mark(tones.DISPOSITION, reading.name(told.get("disposition"))),
        waived=told.get("waived") is True,
        path=reading.name(told.get("path"), "unnamed"),
        region=reading.name(told.get("region")),
        reason=reading.prose(told.get("reason")),
        by=reading.prose(told.get("by")),
        since=reading.name(told.get("since")),
        desired=reading.prose(told.get("desired")),
        observed=reading.prose(told.get("observed")),
        missing=told.get("missing") is True,
        ways=tuple((word, way) for word, key in named if (way := reading.prose(ways.get(key)))),
    )


def conditions(document: Document) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            kind=reading.name(c.get("type"), "Condition"),
            state=_state(c),
            reason=reading.name(c.get("reason")),
            message=reading.prose(c.get("message")),
            since=reading.name(c.get("lastTransitionTime")),
        )
        for c in reading.parts(document.get("conditions"))
    )


def _state(told: Document) -> Mark:
    status = reading.name(told.get("status"), "Unknown")
    good = "False" if reading.name(told.get("type")) in GOOD_WHEN_FALSE else "True"
    if status not in {"True", "False"}:
        return Mark(word=status, tone="warn", sign="what", meaning="it cannot be told")
    if status == good:
        return Mark(word=status, tone="good", sign="yes", meaning="as it should be")
    busy = reading.name(told.get("type")) == "Reconciling"
    tone, sign = ("busy", "more") if busy else ("warn", "no")
    return Mark(word=status, tone=tone, sign=sign, meaning="worth a look")


def history(document: Document) -> tuple[Run, ...]:
    return tuple(map(_run, reading.parts(document.get("history"))))


def _run(told: Document) -> Run:
    first, last = reading.moment(told.get("first")), reading.moment(told.get("last"))
    return Run(
        result=tones.mark(tones.RESULT, reading.name(told.get("result"))),
        revision=reading.name(told.get("revision"))[:12],
        generation=reading.name(told.get("generation")),
        first=reading.name(told.get("first")),
        last=reading.name(told.get("last")),
        took=human_duration(last - first) if first and last else "",
        passes=reading.name(told.get("passes")),
        requests=reading.name(told.get("requests")),
    )


def coverage(document: Document) -> Coverage | None:
    looks = reading.part(document.get("looks"))
    told = reading.part(looks.get("coverage"))
    fields = reading.whole(told.get("fields"))
    if fields <= 0:
        return None
    return Coverage(checked=reading.whole(told.get("checked")), fields=fields, full=reading.name(looks.get("fullAt")))


def aside(document: Document) -> tuple[Aside, ...]:
    return tuple(
        Aside(
            what=reading.name(t.get("subject")) or reading.name(t.get("region")),
            steps=reading.prose(t.get("what")),
            since=reading.name(t.get("since")),
            awaited=reading.prose(t.get("waitingFor")),
        )
        for t in reading.parts(document.get("tombstones"))
    )


def notes(document: Document) -> Iterator[str]:
    """Words of people that hold: what is suspended, what waits for an approval and what was approved."""
    if told := reading.part(document.get("suspension")):
        what = ", ".join(reading.names(told.get("regions"))) or "everything"
        yield f"{what} is suspended by {reading.name(told.get('by'), 'somebody')}: {reading.prose(told.get('reason'))}"
    if told := reading.part(reading.part(document.get("plan")).get("approval")):
        hazards = ", ".join(reading.names(told.get("hazards")))
        yield (
            f"the plan waits for an approval ({hazards}): meridian approve {reading.name(document.get('topology'))} "
            f"--fingerprint {reading.name(told.get('fingerprint'))}"
        )
    if (told := reading.part(document.get("approval"))) and told.get("state") == "valid":
        yield f"approved by {reading.name(told.get('by'))} until {reading.name(told.get('expires'))}: {reading.prose(told.get('reason'))}"
