"""One drift finding with its ways out: accept it by a commit, have it reverted, or leave it alone for a while."""

from __future__ import annotations

import re
from datetime import timedelta

from reconciler.model.change import Disposition, Finding
from reconciler.model.outcome import Outcome
from reconciler.report.drift import NEXT, finding_parts, since_said
from reconciler.report.github.escape import code, words
from reconciler.report.ways_out import adoption, taking_back

_WAIVED_FOR = timedelta(days=14)
_WAIVABLE = re.compile(r"(?=.{1,512}$)[A-Za-z0-9_.:@-]+(/[A-Za-z0-9_.:@-]+){0,19}")
"""What the document's schema takes for a path."""
_PLACED = re.compile(r"(.+?), ((?:at|under) .+)")


def finding_text(finding: Finding, outcome: Outcome) -> str:
    since = since_said(finding, outcome)
    lines = [
        _why(finding),
        words(finding.disagreement),
        words(f"since {since}" if finding.since else since),
        f"made by: {words(finding.by)}" if finding.by else "",
        *_ways_out(finding, outcome),
    ]
    said = "\n".join(f"- {line}" for line in lines if line)
    return f"**{finding.disposition}** {code(finding.path)}: {seen(finding)}\n\n{said}"


def seen(finding: Finding) -> str:
    if finding.missing:
        return "gone"
    told = []
    for where, ours, theirs in finding_parts(finding):
        place = f"{code(where)}: " if where else ""
        told.append(f"{place}desired {code(ours)}, observed {code(theirs)}" if theirs else words(ours))
    return "; ".join(told)


def waiver(finding: Finding, outcome: Outcome) -> str:
    """The line of the document that leaves it alone; empty where the document cannot name it."""
    if not _WAIVABLE.fullmatch(finding.path):
        return ""
    expires = (outcome.observed.at + _WAIVED_FOR).date().isoformat()
    return f'- {{path: "{finding.path}", reason: "say why", expires: "{expires}"}}'


def _why(finding: Finding) -> str:
    then = NEXT[finding.disposition]
    said = finding.reason and then not in finding.reason
    return f"{words(finding.reason)}; {then}" if said else words(finding.reason or then)


def _ways_out(finding: Finding, outcome: Outcome) -> list[str]:
    hold = finding.disposition is Disposition.HOLD
    entry = waiver(finding, outcome)
    return [
        _accept(adoption(finding)) if hold else "",
        _revert(taking_back(finding, outcome.observed) if hold else "", finding),
        f"waive: {code(entry)} under `spec.drift.ignore`" if entry else "",
    ]


def _accept(adopted: str) -> str:
    """`max: 96, under spec.database.capacity`: the line, and where it stands."""
    parts = _PLACED.fullmatch(adopted)
    return f"accept: commit {code(parts[1])}, {words(parts[2])}" if parts else ""


def _revert(undo: str, finding: Finding) -> str:
    if undo:
        return f"revert: {code(undo) if undo.startswith('aws ') else words(undo)}"
    heals = finding.disposition is Disposition.HEAL or finding.called
    return "revert: `meridian drift --heal`, or the next converge" if heals else ""
