"""A drift report: what differs from what was applied, what happens about each finding, and how much was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reconciler.model.change import Disposition, Finding, Waived
from reconciler.model.observed import known
from reconciler.model.outcome import Outcome
from reconciler.model.topology import Ignore
from reconciler.report.coverage import coverage_json, coverage_text
from reconciler.report.differing import parts
from reconciler.report.findings import finding_json, rank, waived_json
from reconciler.report.ways_out import adoption, taking_back
from reconciler.report.words import (
    Paint,
    count,
    human_duration,
    iso_time,
    one_line,
    place_of,
    plain,
)

NEXT = {
    Disposition.HEAL: "the next converge repairs it",
    Disposition.HOLD: "left as it is until a commit decides",
    Disposition.PAGE: "a person must look",
}
STYLES = {Disposition.HEAL: "warn", Disposition.HOLD: "bold", Disposition.PAGE: "bad"}
_LABEL, _WIDEST = 11, 40
_INDENT = " " * 8


def drift_json(outcome: Outcome) -> dict[str, Any]:
    found = outcome.diff
    return {
        "schemaVersion": "1",
        "kind": "DriftReport",
        "topology": outcome.topology,
        "drifted": bool(found.findings),
        "observedAt": iso_time(outcome.observed.at),
        "findings": [finding_json(f) for f in found.findings],
        "waived": [waived_json(w) for w in found.waived],
        "unusedWaivers": [_unused_json(entry, outcome) for entry in found.unused],
        "coverage": coverage_json(found.coverage),
    }


def _unused_json(entry: Ignore, outcome: Outcome) -> dict[str, Any]:
    expires = iso_time(entry.expires) if entry.expires else None
    return {"path": entry.path, "reason": entry.reason, "expires": expires, "expired": _over(entry, outcome)}


def drift_text(outcome: Outcome, paint: Paint = plain) -> str:
    """Grouped by Region, the worst of each first; then what is waived, and what was looked at."""
    found = outcome.diff
    if found.findings:
        lines = [paint("bold", f"{outcome.topology}: {counted(found.findings)}{_and_waived(outcome)}")]
        for place, some in by_place(found.findings):
            width = min(_WIDEST, max(len(ours) for f in some for _, ours, _ in finding_parts(f)))
            lines += ["", paint("bold", place)]
            for finding in sorted(some, key=rank):
                lines += _finding_text(place, finding, outcome, width, paint)
    else:
        style, text = _nothing_found(outcome)
        lines = [paint(style, text)]
    sections = (_waived_text(outcome, paint), unused_waivers(outcome), coverage_text(outcome, paint))
    return "\n".join([*lines, *(line for section in sections if section for line in ("", *section))])


def _nothing_found(outcome: Outcome) -> tuple[str, str]:
    if not any(known(s) for s in outcome.observed.stacks.values()):
        return "dim", f"{outcome.topology} is not deployed yet: nothing can drift."
    return "good", f"No drift found. {outcome.topology} is as it was deployed, where checked{_and_waived(outcome)}."


def _finding_text(place: str, finding: Finding, outcome: Outcome, width: int, paint: Paint) -> list[str]:
    name = finding.path.removeprefix(f"regions/{place}/").removeprefix(f"{place}/")
    lines = ["  " + paint(STYLES[finding.disposition], str(finding.disposition)) + f"  {name}"]
    lines += [_values(part, width) for part in finding_parts(finding)]
    rows = [
        ("why", one_line(finding.reason)),
        ("next", "" if NEXT[finding.disposition] in finding.reason else NEXT[finding.disposition]),
        ("disagreed", one_line(finding.disagreement)),
        ("since", since_said(finding, outcome)),
        ("by", one_line(finding.by or "")),
        ("adopt", _commit(finding)),
        ("take back", _undo(finding, outcome)),
    ]
    return [*lines, *(_INDENT + paint("dim", label.ljust(_LABEL)) + text for label, text in rows if text)]


def _values(part: tuple[str, str, str], width: int) -> str:
    where, ours, theirs = part
    if not theirs:
        return _INDENT + " " * _LABEL + ours
    below = f"   at {where}" if where else ""
    return f"{_INDENT}{'desired'.ljust(_LABEL)}{ours.ljust(width)}   observed  {theirs}{below}"


def finding_parts(finding: Finding) -> list[tuple[str, str, str]]:
    if finding.missing:
        desired = "a resource" if finding.desired is None else parts(finding.path, finding.desired, None)[0][1]
        return [("", desired, "gone")]
    return parts(finding.path, finding.desired, finding.observed)


def since_said(finding: Finding, outcome: Outcome) -> str:
    found = "" if finding.detected_by == "read" else f", found by {finding.detected_by}"
    if finding.since is None:
        return f"not seen before this look{found}"
    return f"{iso_time(finding.since)}, {human_duration(outcome.observed.at - finding.since)} ago{found}"


def _commit(finding: Finding) -> str:
    line = adoption(finding) if finding.disposition is Disposition.HOLD else ""
    return f"commit {line}" if line else ""


def _undo(finding: Finding, outcome: Outcome) -> str:
    return taking_back(finding, outcome.observed) if finding.disposition is Disposition.HOLD else ""


def _waived_text(outcome: Outcome, paint: Paint) -> list[str]:
    if not outcome.diff.waived:
        return []
    lines = [paint("bold", "Waived")]
    for waived in outcome.diff.waived:
        lines.append(f"  {waived.finding.path}: {_seen(waived.finding)}")
        lines.append(paint("dim", f"    {one_line(waived.ignore.reason)}; {until(waived)}"))
    return lines


def until(waived: Waived) -> str:
    return f"until {iso_time(waived.ignore.expires)}" if waived.ignore.expires else "for good"


def unused_waivers(outcome: Outcome) -> list[str]:
    """Entries that should go: what they waived is gone, or drift again."""
    lines = []
    for entry in outcome.diff.unused:
        said = f"drift.ignore {entry.path} ({one_line(entry.reason)})"
        if _over(entry, outcome) and entry.expires:
            lines.append(f"{said} is over since {iso_time(entry.expires)}: remove it, or move the date")
        else:
            lines.append(f"{said} has nothing to waive: remove it")
    return lines


def _over(entry: Ignore, outcome: Outcome) -> bool:
    return entry.expires is not None and entry.expires <= outcome.observed.at


def _and_waived(outcome: Outcome) -> str:
    return f", {len(outcome.diff.waived)} waived" if outcome.diff.waived else ""


def counted(findings: Iterable[Finding]) -> str:
    n = Counter(f.disposition for f in findings)
    parted = ", ".join(f"{n[d]} to {d}" for d in Disposition if n[d])
    return f"{count(sum(n.values()), 'drift finding')} ({parted})"


def _seen(finding: Finding) -> str:
    told = [
        f"{f'{where}: ' if where else ''}desired {ours}, observed {theirs}" if theirs else ours
        for where, ours, theirs in finding_parts(finding)
    ]
    return "; ".join(told)


def by_place(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """The place with the worst finding comes first."""
    places: dict[str, list[Finding]] = {}
    for finding in findings:
        places.setdefault(finding.region or place_of(finding.path), []).append(finding)
    return sorted(places.items(), key=lambda place: min(map(rank, place[1])))
