"""Words of notices: a subject, a first line that says it all, what to do. For people who are somewhere else, and on a telephone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from reconciler.model.notice import ITEMS, LINE, REVISION, SUBJECT, Event, Level, Notice
from reconciler.report.notices.ledger import LIMIT, WORST
from reconciler.report.notices.matters import condition, cut
from reconciler.report.notices.turning import Turn
from reconciler.report.words import count, iso_time

Document = Mapping[str, Any]


def worded(turn: Turn, before: Document, document: Document, at: datetime) -> Notice:
    name, first = str(document["topology"]), turn.matters[0].subject if turn.matters else ""
    number = len(turn.matters) + turn.more
    headline, todo = _said(turn, document, first, number)
    further = f" and {number - 1} more" if number > 1 and first else ""
    again = "still: " if turn.reminder else ""
    over = [f"no longer {_PLAIN.get(event, event)}" for event in turn.over]
    matters = turn.matters[:ITEMS]
    return Notice(
        id=_id(name, before, turn.event, [m.mark for m in turn.matters] or over),
        event=turn.event,
        level=turn.event.level,
        topology=name,
        at=iso_time(at),
        subject=_subject(f"[meridian] {name}: {again}{_BRIEF[turn.event].format(first=first)}{further}"),
        headline=cut(f"{name} {again}{headline}" + "".join(f"; {what}" for what in over), LINE),
        revision=cut(str(document.get("desiredRevision", "")), REVISION),
        generation=int(document.get("generation") or 0),
        items=tuple(matter.item for matter in matters),
        more=number - len(matters),
        todo=(*todo, *_where(document)),
        reminder=turn.reminder,
    )


def summary(before: Document, document: Document, at: datetime, left: Mapping[Event, int], since: str) -> Notice:
    """In place of those that were too many."""
    name, number = str(document["topology"]), sum(left.values())
    kinds = ", ".join(f"{count_} {event}" for event, count_ in sorted(left.items()))
    levels = {event.level for event in left}
    return Notice(
        id=_id(name, before, Event.MORE, [since, kinds]),
        event=Event.MORE,
        level=next((level for level in WORST if level in levels), Level.WARNING),
        topology=name,
        at=iso_time(at),
        subject=_subject(f"[meridian] {name}: and {count(number, 'more notice')}"),
        headline=f"{name}: and {count(number, 'more notice')} since {since} ({kinds}): at most {LIMIT} are sent in an hour",
        revision=cut(str(document.get("desiredRevision", "")), REVISION),
        generation=int(document.get("generation") or 0),
        more=number,
        todo=(f"what holds now: meridian status {name}", *_where(document)),
    )


def _said(turn: Turn, document: Document, first: str, number: int) -> tuple[str, Sequence[str]]:
    """The first line without the name, and what to do."""
    name = document["topology"]
    look, plan = f"look at it: meridian status {name}", "see what it would do: meridian plan"
    match turn.event:
        case Event.CONVERGED:
            commit, serving = str(document.get("desiredRevision", ""))[:12], condition(document, "Serving")
            serves = f": {serving['message']}" if serving else ""
            return f"converged on commit {commit} (generation {document.get('generation')}){serves}", (look,)
        case Event.RECOVERED:
            return "has recovered", (look,)
        case Event.REFUSED:
            what = f"refuses to go on, {count(number, 'reason')}: {first}"
            return f"{what}; nothing more of it is carried out", ("each line says the way out", plan, look)
        case Event.HELD:
            return f"leaves alone what was changed by hand: {first}", ("nothing is lost by waiting", look)
        case Event.PAGE:
            return f"needs a person: {first}", (f"all findings: meridian drift, and meridian status {name}",)
        case Event.STALLED:
            return f"is stalled ({first}): nothing is tried until something changes", (look, plan)
        case Event.ROLLED_BACK:
            return "stopped a rollout and put the last good revision back", ("commit a change to try again", look)
        case Event.APPROVAL:
            return f"waits for an approval: {first}", (plan, "or commit another change")
        case Event.WINDOW:
            approved = ", once its plan is approved" if (document.get("plan") or {}).get("approval") else ""
            return f"waits for a window, which opens at {first}", (f"it goes on by itself then{approved}", plan, look)
        case Event.SUSPENDED:
            return f"is suspended: {first}", (f"to go on: meridian resume {name} --reason TEXT", look)
        case Event.RESUMED:
            return "goes on: it is no longer suspended", (look,)
        case Event.WAIVER:
            return f"has a waiver that is about to expire: {first}", ("extend it in the document, or let it end", plan)
        case _:
            return "goes on after a pass that did not come to its end", (
                "nothing is lost; if it comes back: the log /meridian/control/reconcile, and the alarms",
                look,
            )


_BRIEF: Mapping[Event, str] = {
    Event.CONVERGED: "converged",
    Event.RECOVERED: "recovered",
    Event.REFUSED: "refused: {first}",
    Event.HELD: "held: {first}",
    Event.PAGE: "needs a person: {first}",
    Event.STALLED: "stalled: {first}",
    Event.ROLLED_BACK: "rolled back",
    Event.APPROVAL: "waits for an approval: {first}",
    Event.WINDOW: "waits for a window: {first}",
    Event.SUSPENDED: "suspended: {first}",
    Event.RESUMED: "resumed",
    Event.WAIVER: "about to expire: {first}",
    Event.INTERRUPTED: "a pass died",
}
_PLAIN = {str(Event.PAGE): "in need of a person", str(Event.ROLLED_BACK): "rolled back"}


def _where(document: Document) -> tuple[str, ...]:
    report = document.get("report")
    return (f"the page: s3://{report['bucket']}/{report['key']}, which meridian status links to",) if report else ()


def _subject(text: str) -> str:
    """As SNS takes it: printable ASCII on one line, a hundred characters."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in " ".join(text.split()))
    return plain if len(plain) <= SUBJECT else f"{plain[: SUBJECT - 3]}..."


def _id(name: str, before: Document, event: Event, told: Sequence[str]) -> str:
    text = json.dumps([name, before.get("updatedAt"), event, sorted(told)])
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24]
