"""A status document as a screen's worth of blocks, at one instant: what is shown; how it fits a terminal is the terminal's affair.

Every text is one line and inert: documents hold words of AWS, of operators and of strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reconciler.report.flight import Flight, flight
from reconciler.report.happenings import when
from reconciler.report.progress import Event
from reconciler.report.status_text import GOOD_WHEN_FALSE, HEALTH_STYLES
from reconciler.report.suspension import said
from reconciler.report.words import columns, count, human_duration, one_line

NARROW = 80
"""Columns below which a Region's stacks have a line of their own."""
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    style: str
    text: str
    wraps: bool = False
    """It may go on in the next line; else what does not fit is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`rank`: the highest is shortened first, where the terminal is too short. `tail`: its last lines are worth most."""

    title: Line
    lines: tuple[Line, ...] = ()
    rank: int = 0
    tail: bool = False


def blocks(document: Document, events: Iterable[Event], now: datetime, width: int) -> tuple[Block, ...]:
    """The headline, then what is wrong, what is under way, the Regions, drift, and what happened last. Raises what reading a
    document that is none of ours raises: `AttributeError`, `KeyError`, `TypeError`, `ValueError`."""
    found = (
        Block(title=_headline(document, now), lines=tuple(_below(document))),
        Block(title=Line(style="bold", text="Needs a look"), lines=tuple(_conditions(document, now)), rank=1),
        _plan(document, now),
        Block(title=Line(style="bold", text="Regions"), lines=tuple(_regions(document, width)), rank=3),
        _drift(document, now),
        _events(events),
    )
    return tuple(b for b in found if b.lines or b is found[0])


def waiting(name: str, home: str, trouble: str = "") -> tuple[Block, ...]:
    """Of a topology that nothing is known of."""
    text = f"{name}: nothing is recorded in {home} yet, waiting for the first pass"
    return (Block(title=Line(style="bold", text=one_line(text)), lines=(unread(trouble),) if trouble else ()),)


def unread(trouble: str) -> Line:
    return Line(style="bad", text=one_line(trouble), wraps=True)


def ago(at: str, now: datetime) -> str:
    return human_duration(now - when(at))


def _headline(document: Document, now: datetime) -> Line:
    ready = next((c for c in document["conditions"] if c["type"] == "Ready"), None)
    style = "good" if ready and ready["status"] == "True" else "bad" if document["result"] in _BAD else "warn"
    generation = f"generation {document['generation']}, revision {str(document['desiredRevision'])[:12]}"
    text = f"{document['topology']}: {document['result']}, {ago(document['updatedAt'], now)} ago, {generation}"
    return Line(style=style, text=one_line(text))


_BAD = frozenset({"Failed", "Stalled"})


def _below(document: Document) -> Iterator[Line]:
    edge = document["edge"]
    if edge:
        disabled = "" if edge.get("enabled", True) else ", disabled"
        text = f"edge {edge['domainName'] or 'unreadable'}: {edge['status']}{disabled}"
        yield Line(style="warn" if disabled or edge["status"] != "Deployed" else "dim", text=one_line(text))
    if left_alone := said(document.get("suspension")):
        yield Line(style="warn", text=left_alone, wraps=True)


def _conditions(document: Document, now: datetime) -> Iterator[Line]:
    """Those that ask for somebody. Ready is in the headline; that something is under way, the plan shows. No message twice."""
    told: set[str] = set()
    for condition in document["conditions"]:
        kind = condition["type"]
        if kind in {"Ready", "Reconciling"} or condition["status"] == ("False" if kind in GOOD_WHEN_FALSE else "True"):
            continue
        message = one_line(condition["message"])
        why = f": {message}" if message and message not in told else ""
        told.add(message)
        known = "" if condition["status"] == "True" else f" is {condition['status']}"
        since = ago(condition["lastTransitionTime"], now)
        style = "bad" if kind in {"Stalled", "PassFailed", "Serving"} else "warn"
        yield Line(style=style, text=one_line(f"{kind}{known}, {condition['reason']} for {since}") + why, wraps=True)


def _plan(document: Document, now: datetime) -> Block:
    plan = flight(document)
    rows = [*_running(plan, now)]
    rows += (Line(style="dim", text=one_line(f"· {step}  queued")) for step in plan.queued)
    for wait in plan.waiting:
        since = f"  {human_duration(now - wait.since)}" if wait.since else ""
        rows.append(Line(style="warn", text=one_line(f"… {wait.id}{since}  {wait.detail}"), wraps=True))
    if plan.later:
        more = f", {count(len(plan.later) - 2, 'more')}" if len(plan.later) > 2 else ""
        rows.append(Line(style="dim", text=one_line(f"then {', '.join(plan.later[:2])}{more}")))
    for stone in document["tombstones"]:
        what = f"aside {stone.get('subject') or stone['region']}: {stone['what']}; waiting for {stone['waitingFor']}"
        rows.append(Line(style="dim", text=one_line(what), wraps=True))
    return Block(title=Line(style="bold", text=_progress(plan, now)), lines=tuple(rows), rank=2)


def _progress(plan: Flight, now: datetime) -> str:
    if plan.began is None:
        return "Plan"
    eta = plan.eta(now)
    left = f"about {human_duration(eta)} left plus waiting" if eta else "only waiting left"
    return f"Plan: {plan.done} of {plan.total}, elapsed {human_duration(now - plan.began)}, {left}"


def _running(plan: Flight, now: datetime) -> Iterator[Line]:
    rows = []
    for step in plan.running:
        spent, usual = now - (step.began or now), plan.usual.get(step.id, timedelta())
        left = f"about {human_duration(usual - spent)} left" if usual > spent else "over its usual time"
        rows.append((one_line(step.id), human_duration(spent), left if usual else "", one_line(step.status)))
    late = [row[2].startswith("over") for row in rows]
    for is_late, text in zip(late, columns(rows, indent="▶ "), strict=True):
        yield Line(style="warn" if is_late else "", text=text)


def _regions(document: Document, width: int) -> Iterator[Line]:
    regions = document["regions"]
    narrow = width < NARROW
    stacks = [
        "" if r["health"] == "Healthy" else ", ".join(f"{k} {s}" for k, s in r["stacks"].items()) for r in regions
    ]
    rows = [
        (r["name"], r["traffic"], r["health"], r["databaseRole"], _lag(r), "" if narrow else built)
        for r, built in zip(regions, stacks, strict=True)
    ]
    table = columns([tuple(map(one_line, row)) for row in rows])
    for region, line, built in zip(regions, table, stacks, strict=True):
        yield Line(style=HEALTH_STYLES.get(region["health"], "warn"), text=line)
        if narrow and built:
            yield Line(style="dim", text=f"    {one_line(built)}")


def _lag(region: Mapping[str, Any]) -> str:
    lag = region.get("replicaLagMs")
    return "" if lag is None else f"{lag:.0f} ms behind"


def _drift(document: Document, now: datetime) -> Block:
    """What a person must look at first, then what is held, then what the next pass heals."""
    order = {"page": 0, "hold": 1, "heal": 2, "waived": 3}
    found = sorted(
        ((("waived" if f["waived"] else f["disposition"]), f) for f in document.get("findings", ())),
        key=lambda pair: order.get(pair[0], 0),
    )
    styles = {"page": "bad", "hold": "warn"}
    rows = []
    for disposition, finding in found:
        by = f", by {finding['by']}" if finding["by"] else ""
        text = f"  {disposition}  {finding['path']}  for {ago(finding['since'], now)}{by}"
        rows.append(Line(style=styles.get(disposition, "dim"), text=_indented(text)))
    counts = {kind: sum(1 for d, _ in found if d == kind) for kind, _ in found}
    title = ", ".join(
        f"{number} to {kind}" if kind != "waived" else f"{number} waived" for kind, number in counts.items()
    )
    return Block(title=Line(style="bold", text=one_line(f"Drift: {title}")), lines=tuple(rows), rank=4)


def _events(events: Iterable[Event]) -> Block:
    rows = tuple(
        Line(style=e.style, text=_indented(f"  {e.at:%H:%M:%S}  {one_line(e.what):<8}  {one_line(e.text)}"))
        for e in events
    )
    return Block(title=Line(style="bold", text="Events"), lines=rows, rank=5, tail=True)


def _indented(text: str) -> str:
    """On one line, with the blanks that align it."""
    return "".join(c if c.isprintable() else "?" for c in text)
