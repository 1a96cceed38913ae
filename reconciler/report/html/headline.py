"""How things are, in one sentence that needs no glossary, and what there is to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.report.html import reading
from reconciler.report.html.reading import Document
from reconciler.report.html.regions import Region
from reconciler.report.html.tones import RESULT, Mark, mark
from reconciler.report.windows import opens_at
from reconciler.report.words import count


def sentence(document: Document, regions: Sequence[Region]) -> str:
    topology = reading.name(document.get("topology"), "this topology")
    serving = [r for r in regions if r.traffic.word == "serving"]
    writers = [r.name for r in regions if r.role.word == "writer"]
    return f"{topology} {'; '.join([_serves(document, serving), *_writes(writers), _to_do(document)])}."


def overall(document: Document) -> Mark:
    """Converged is good only while clients are served, and nothing that people have to see was found."""
    found = mark(RESULT, reading.name(document.get("result")))
    ready = _condition(document, "Ready")
    if found.word == "Converged" and ready and ready.get("status") != "True":
        return Mark(
            word="Not serving", tone="bad", sign="no", meaning="nothing is left to do, and still it is not served"
        )
    return found


def _serves(document: Document, serving: Sequence[Region]) -> str:
    condition = _condition(document, "Serving") or {}
    broken = condition.get("status") == "False" and reading.name(condition.get("reason")) != "TooFewRegions"
    if not serving or broken:
        return "serves nobody yet" if _first(document) else "serves nobody now"
    if len(serving) == 1:
        return f"serves from {serving[0].name} alone"
    return f"serves from {len(serving)} Regions"


def _first(document: Document) -> bool:
    return not reading.name(document.get("lastServingRevision"))


def _writes(writers: Sequence[str]) -> list[str]:
    return [f"{writers[0]} writes"] if len(writers) == 1 else []


def _to_do(document: Document) -> str:
    left, found = reading.whole(document.get("stepsLeft")), _open(document)
    match reading.name(document.get("result")):
        case "Converged":
            return _drifted(found) if found else "nothing to do"
        case "Progressing":
            return f"{count(left, 'step')} under way or to come"
        case "Waiting":
            return f"it waits, {count(left, 'step')} to come" if left else "it waits for the last change to take effect"
        case "Blocked":
            return _blocked(document)
        case "Stalled":
            return "it does not go on by itself: a person has to look"
        case "Failed":
            return "a step failed"
        case "Suspended":
            return "a person asked for it to be left alone"
        case _:
            return "nothing more is known"


def _blocked(document: Document) -> str:
    """Steps before the one that is refused may have been carried out."""
    told = [
        (reading.name(r.get("code")), reading.prose(r.get("message"))) for r in reading.parts(document.get("refusals"))
    ]
    if opens := opens_at(told):
        return f"it waits for a window: the control plane goes on at {opens}"
    if reading.part(document.get("plan")).get("approval") and {code for code, _ in told} == {"ApprovalRequired"}:
        return "it waits until somebody approves its plan"
    return "a rule refused, and nothing more of it is carried out"


def _drifted(found: int) -> str:
    return f"{count(found, 'thing')} changed by hand, see below"


def _open(document: Document) -> int:
    return sum(f.get("waived") is not True for f in reading.parts(document.get("findings")))


def _condition(document: Document, kind: str) -> Document | None:
    return next((c for c in reading.parts(document.get("conditions")) if c.get("type") == kind), None)
