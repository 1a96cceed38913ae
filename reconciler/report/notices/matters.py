"""What holds of a topology that somebody should be told of, each with a key that stays the same for as long as it is the same.

Keys hold no times, numbers and words of messages, which change from pass to pass; those of refusals and stalls hold the generation,
for another commit that fares no better is news.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.notice import LINE, WAY, Event, Item
from reconciler.model.outcome import Result
from reconciler.model.suspension import Suspension
from reconciler.model.topology import Topology
from reconciler.report.windows import opens_at
from reconciler.report.words import iso_time, one_line

SOON = timedelta(hours=72)
"""So long before its end a waiver is told of."""
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """An entry of the document that is without effect from some time on."""

    field: str
    of: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is in no status document. `waivers` None: the desired state is not at hand. `stolen`: the pass took its lease from a
    holder that had let it run out."""

    waivers: tuple[Expiring, ...] | None = ()
    stolen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    event: Event
    key: str
    line: str
    ways: tuple[str, ...] = ()
    subject: str = ""
    """In a few words."""

    @property
    def mark(self) -> str:
        return f"{self.event}/{_hash(self.key)}"

    @property
    def item(self) -> Item:
        return Item(line=cut(self.line, LINE), ways=tuple(cut(way, WAY) for way in self.ways if way))


def expiring(topology: Topology) -> tuple[Expiring, ...]:
    """All that expires one day."""
    ignored = (Expiring(field="drift.ignore", of=i.path, expires=i.expires) for i in topology.drift.ignore if i.expires)
    allowed = (
        Expiring(field="safety.allow", of=" ".join(filter(None, (a.hazard, a.region))), expires=a.expires)
        for a in topology.safety.allow
    )
    return (*ignored, *allowed)


def matters(document: Document, at: datetime, beside: Beside) -> tuple[Matter, ...]:
    """The worst first within each event, as the document has them."""
    return (
        *_stalled(document),
        *_refused(document),
        *_findings(document),
        *_awaited(document),
        *_suspended(document),
        *_waivers(beside, at),
        *_interrupted(document, beside),
    )


def inconclusive(document: Document) -> bool:
    """The pass came to no end: what it did not look at may still hold."""
    broken = any(problem.get("step") == "pass" for problem in document.get("problems", ()))
    return broken or condition(document, "PassFailed") is not None


def condition(document: Document, kind: str) -> Document | None:
    return next((c for c in document.get("conditions", ()) if c["type"] == kind and c["status"] == "True"), None)


def cut(text: str, most: int) -> str:
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _stalled(document: Document) -> Iterator[Matter]:
    problems = {p["code"]: p for p in document.get("problems", ())}
    generation = str(document.get("generation"))
    if failed := problems.get("RolloutFailed"):
        yield Matter(event=Event.ROLLED_BACK, key=generation, line=failed["message"], subject="RolloutFailed")
        return
    told = condition(document, "Stalled")
    if told and document.get("result") == Result.STALLED:
        said = problems.get("Stalled") or {"message": told["message"], "step": ""}
        where = f"{said['step']}: " if said["step"] else ""
        yield Matter(event=Event.STALLED, key=generation, line=f"{where}{said['message']}", subject=str(told["reason"]))


def _refused(document: Document) -> Iterator[Matter]:
    bundle = condition(document, "BundleRefused")
    if bundle:
        key = f"bundle/{bundle['reason']}/{bundle['message']}"
        line = f"the bundle: {bundle['reason']}: {bundle['message']}"
        yield Matter(event=Event.REFUSED, key=key, line=line, subject=f"the bundle: {bundle['reason']}")
    refusals = [r for r in document.get("refusals", ()) if not _asks(document, r)]
    opens = opens_at((r["code"], r["message"]) for r in refusals)
    event = Event.WINDOW if opens else Event.REFUSED
    for refusal in refusals:
        code, path = refusal["code"], refusal["path"]
        if bundle and (code, path) == (bundle["reason"], ""):
            continue  # the same, said twice
        at = f" at {path}" if path else ""
        key = f"{document.get('generation')}/{code}/{path}"
        yield Matter(event=event, key=key, line=f"{code}{at}: {refusal['message']}", subject=opens or f"{code}{at}")
    yield from _unplanned(document)


def _unplanned(document: Document) -> Iterator[Matter]:
    """It blocks as a refusal does, and is found while acting."""
    for problem in document.get("problems", ()) if document.get("result") == Result.BLOCKED else ():
        if problem["code"] == "UnplannedChange":
            code, step = problem["code"], problem["step"]
            yield Matter(
                event=Event.REFUSED,
                key=f"{document.get('generation')}/{code}/{step}",
                line=f"{step}: {code}: {problem['message']}",
                ways=("undo what was changed by hand on that stack",),
                subject=f"{code} at {step}",
            )


def _asks(document: Document, refusal: Document) -> bool:
    """A plan that waits for an approval is refused, too; `_awaited` tells of it, with the command that approves."""
    return refusal["code"] == "ApprovalRequired" and bool((document.get("plan") or {}).get("approval"))


def _findings(document: Document) -> Iterator[Matter]:
    events = {"hold": Event.HELD, "page": Event.PAGE}
    for finding in document.get("findings", ()):
        event = events.get(finding["disposition"])
        if event is None or finding["waived"]:
            continue
        path, region = finding["path"], finding["region"]
        place = f"{path} in {region}" if region and region not in path else path
        by = f", by {finding['by']}" if finding["by"] else ""
        ways = _both(finding) if event is Event.HELD else ()
        yield Matter(
            event=event,
            key=str(finding.get("key") or f"{path}#{region}"),
            line=f"{place}: {finding['reason']}{by}, since {finding['since']}",
            ways=ways,
            subject=place,
        )


def _both(finding: Document) -> tuple[str, ...]:
    """The two ways out of what is held."""
    ways = finding.get("waysOut") or {}
    keep = ways.get("adopt") or "commit what is there, if a field of the document can say it"
    undo = ways.get("takeBack") or "set it back by hand"
    return f"to keep it: {keep}", f"to undo it: {undo}"


def _awaited(document: Document) -> Iterator[Matter]:
    approval = (document.get("plan") or {}).get("approval")
    if approval:
        mark, hazards = str(approval["fingerprint"]), ", ".join(map(str, approval["hazards"]))
        command = f"meridian approve {document['topology']} --fingerprint {mark} --reason TEXT"
        yield Matter(
            event=Event.APPROVAL, key=mark, line=f"the plan {mark} carries {hazards}", ways=(command,), subject=hazards
        )


def _suspended(document: Document) -> Iterator[Matter]:
    found = Suspension.recorded(document.get("suspension"))
    if found:
        what = ", ".join(found.regions) or "everything"
        yield Matter(event=Event.SUSPENDED, key=f"{found.at}/{what}", line=f"{what} is {found}", subject=what)
    elif document.get("result") == Result.SUSPENDED:
        yield Matter(event=Event.SUSPENDED, key="document", line="suspended by the document", subject="by the document")


def _waivers(beside: Beside, at: datetime) -> Iterator[Matter]:
    for waiver in beside.waivers or ():
        if at <= waiver.expires <= at + SOON:
            moment = iso_time(waiver.expires)
            yield Matter(
                event=Event.WAIVER,
                key=f"{waiver.field}/{waiver.of}/{moment}",
                line=f"{waiver.field} {waiver.of} is without effect from {moment} on",
                subject=f"{waiver.field} {waiver.of}",
            )


def _interrupted(document: Document, beside: Beside) -> Iterator[Matter]:
    if beside.stolen:
        line = "a pass died, or could not renew its lease; this one took over, and looked at everything anew"
        yield Matter(event=Event.INTERRUPTED, key=str(document["topology"]), line=line, subject="its lease ran out")


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:12]
