"""What happened between one status document and the next, told line by line: from the timeline, and from what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from reconciler.report.progress import Event
from reconciler.report.status_text import GOOD_WHEN_FALSE
from reconciler.report.suspension import said
from reconciler.report.timeline import TimedGate, TimedStep, recorded
from reconciler.report.words import human_duration, one_line

Document = Mapping[str, Any]
_BEGINNINGS = frozenset({"started", "waiting"})
_STYLES = {"Converged": "good", "Failed": "bad", "Stalled": "bad", "Blocked": "warn", "Suspended": "warn"}


def happened(before: Document | None, after: Document) -> tuple[Event, ...]:
    """In the order of time. Of the first document that is seen: how things stand, and what is under way."""
    at = when(after["updatedAt"])
    if before is None:
        standing = Event(at=at, style=_STYLES.get(after["result"], ""), what="status", text=_standing(after))
        return (*_sorted(_under_way(after)), standing)
    events = list(_news(before, after))
    for differences in (_commit, _regions, _edge, _findings, _troubles, _conditions, _suspension, _aside, _result):
        events += (Event(at=at, style=s, what=w, text=one_line(t)) for s, w, t in differences(before, after))
    return _sorted(events)


def _sorted(events: Iterable[Event]) -> tuple[Event, ...]:
    """What ended makes room for what began in the same moment."""
    return tuple(sorted(events, key=lambda e: (e.at, e.what in _BEGINNINGS)))


def _news(before: Document, after: Document) -> Iterator[Event]:
    """Of the timeline. By name and not by time: when a step began, AWS may say later, and better."""
    same = (before.get("timeline") or {}).get("began") == (after.get("timeline") or {}).get("began")
    told = Counter((e.what, e.text) for e in (timed(before) if same else _under_way(before)))
    for event in timed(after):
        key = (event.what, event.text)
        if told[key] > 0:
            told[key] -= 1
        else:
            yield event


def _under_way(document: Document) -> Iterator[Event]:
    timeline = recorded(document.get("timeline"))
    if timeline:
        yield from (e for s in timeline.steps if s.runs for e in _of_step(s))
        yield from (e for g in timeline.gates if g.met is None for e in _of_gate(g))


def timed(document: Document) -> tuple[Event, ...]:
    """All that the timeline tells, in the order of time."""
    timeline = recorded(document.get("timeline"))
    if timeline is None:
        return ()
    events = [e for s in timeline.steps for e in _of_step(s)] + [e for g in timeline.gates for e in _of_gate(g)]
    return _sorted(events)


def when(text: str) -> datetime:
    """Raises `ValueError` for what is no time of ours."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return at.astimezone(UTC)


def _standing(document: Document) -> str:
    return one_line(f"{document['result']}, generation {document['generation']}, {_revision(document)}")


def _revision(document: Document) -> str:
    return f"revision {str(document['desiredRevision'])[:12]}"


def _of_step(step: TimedStep) -> Iterator[Event]:
    name = one_line(step.id)
    if step.began:
        yield Event(at=step.began, style="", what="started", text=name)
    if step.began and step.ended:
        took = human_duration(step.ended - step.began)
        if step.status:
            text = f"{name} after {took}: the stack is {one_line(step.status)}"
            yield Event(at=step.ended, style="bad", what="ended", text=text)
        else:
            yield Event(at=step.ended, style="good", what="done", text=f"{name} after {took}")


def _of_gate(gate: TimedGate) -> Iterator[Event]:
    """What it waits for changes from pass to pass, and is not told again."""
    name = one_line(gate.id)
    yield Event(at=gate.since, style="dim", what="waiting", text=name)
    if gate.met:
        yield Event(at=gate.met, style="good", what="met", text=f"{name} after {human_duration(gate.met - gate.since)}")


Told = Iterable[tuple[str, str, str]]
"""(style, what, text)."""


def _commit(before: Document, after: Document) -> Told:
    if (before["generation"], before["desiredRevision"]) != (after["generation"], after["desiredRevision"]):
        yield "bold", "commit", f"generation {after['generation']}, {_revision(after)}"


def _result(before: Document, after: Document) -> Told:
    if before["result"] != after["result"]:
        yield _STYLES.get(after["result"], ""), "result", f"{before['result']} → {after['result']}"


def _regions(before: Document, after: Document) -> Told:
    old, new = ({r["name"]: r for r in d["regions"]} for d in (before, after))
    for name, region in new.items():
        if name not in old:
            yield "bold", "Region", f"{name} is there: {region['traffic']}, {region['health']}"
            continue
        for field, called in (("traffic", "traffic"), ("databaseRole", "database"), ("health", "health")):
            if old[name][field] != region[field]:
                bad = field == "health" and region[field] in {"Degraded", "Missing"}
                yield "bad" if bad else "", "Region", f"{name}: {called} {old[name][field]} → {region[field]}"
    yield from (("warn", "Region", f"{name} is gone") for name in old if name not in new)


def _edge(before: Document, after: Document) -> Told:
    old, new = ((d["edge"] or {}).get("status", "absent") for d in (before, after))
    if old != new:
        yield "", "edge", f"{old} → {new}"


def _findings(before: Document, after: Document) -> Told:
    old, new = ({_finding(f): f for f in d.get("findings", ())} for d in (before, after))
    for key, finding in new.items():
        if key not in old:
            by = f" by {finding['by']}" if finding["by"] else ""
            yield "warn", "drift", f"{_disposition(finding)} {finding['path']}{by}"
    yield from (("good", "drift", f"{f['path']} is gone") for key, f in old.items() if key not in new)


def _finding(finding: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, (finding["path"], finding["region"], finding.get("key"), _disposition(finding))))


def _disposition(finding: Mapping[str, Any]) -> str:
    return "waived" if finding["waived"] else str(finding["disposition"])


def _troubles(before: Document, after: Document) -> Told:
    for kind, place, style in (("problems", "step", "bad"), ("refusals", "path", "warn")):
        old = {(p["code"], p[place]) for p in before.get(kind, ())}
        for trouble in after.get(kind, ()):
            if (trouble["code"], trouble[place]) not in old:
                what = "trouble" if kind == "problems" else "refused"
                yield style, what, f"{trouble['code']} {trouble[place]}: {trouble['message']}"


def _conditions(before: Document, after: Document) -> Told:
    """Not Ready and Reconciling: the result says both. What is wrong is told with its message, unless a problem says it."""
    old, new = (
        {c["type"]: c for c in d["conditions"] if c["type"] not in {"Ready", "Reconciling"}} for d in (before, after)
    )
    for kind, condition in new.items():
        known = old.get(kind)
        if known is None or (known["status"], known["reason"]) != (condition["status"], condition["reason"]):
            good = condition["status"] == ("False" if kind in GOOD_WHEN_FALSE else "True")
            told = "" if good else f": {condition['message']}"
            yield "good" if good else "warn", "now", f"{kind} is {condition['status']}, {condition['reason']}{told}"
    yield from (("good", "now", f"{kind} is over") for kind in old if kind not in new)


def _suspension(before: Document, after: Document) -> Told:
    old, new = said(before.get("suspension")), said(after.get("suspension"))
    if old != new:
        yield "warn", "suspend" if new else "resumed", new or "goes on"


def _aside(before: Document, after: Document) -> Told:
    old, new = ({(t["region"], t.get("subject", "")): t for t in d["tombstones"]} for d in (before, after))
    yield from (("dim", "aside", f"{_stone(t)}: {t['what']}") for key, t in new.items() if key not in old)
    yield from (("good", "aside", f"{_stone(t)} is finished") for key, t in old.items() if key not in new)


def _stone(stone: Mapping[str, Any]) -> str:
    return str(stone.get("subject") or stone["region"])
