"""One finding as JSON, and the findings that the status document remembers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from reconciler.model.change import Disposition, Finding, Waived
from reconciler.model.coverage import Way
from reconciler.model.outcome import Outcome
from reconciler.model.redaction import digest
from reconciler.model.sightings import MOST, Sightings, key
from reconciler.report.ways_out import adoption, taking_back
from reconciler.report.words import clipped, iso_time, json_value, text_value

_WORST_FIRST = tuple(reversed(Disposition))
_SHOWN = 120
"""Characters of a value that the status keeps, for people; the hash tells values apart."""
_WAY = 400
"""Characters of a way out: longer than any command of ours, and a hundred of them fit into the table."""
NOBODY = "not known"
"""How `by` begins where CloudTrail could not be asked: worth saying, not worth keeping."""


def finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "path": finding.path,
        "region": finding.region,
        "desired": json_value(finding.path, finding.desired),
        "observed": json_value(finding.path, finding.observed),
        "missing": finding.missing,
        "disposition": str(finding.disposition),
        "reason": finding.reason,
        "detectedBy": finding.detected_by,
        "disagreement": finding.disagreement or None,
        "since": iso_time(finding.since) if finding.since else None,
        "by": finding.by,
        "returns": finding.returns,
    }


def waived_json(waived: Waived) -> dict[str, Any]:
    expires = waived.ignore.expires
    ignore = {"path": waived.ignore.path, "reason": waived.ignore.reason}
    return {**finding_json(waived.finding), "waiver": {**ignore, "expires": iso_time(expires) if expires else None}}


def rank(finding: Finding) -> int:
    """The worst is 0."""
    return _WORST_FIRST.index(finding.disposition)


def remembered(outcome: Outcome) -> list[Mapping[str, Any]]:
    """What the next pass finds of these findings: since when they are there. The worst first, should there be too many."""
    here = _here(outcome)
    return [*here, *(e for e in not_looked_at(outcome) if e["key"] not in {h["key"] for h in here})][:MOST]


def not_looked_at(outcome: Outcome) -> list[Mapping[str, Any]]:
    """Findings of earlier looks on what this one did not compare: not known to be gone. What is no more is forgotten."""
    ledger = outcome.diff.coverage.ledger
    left = {e.path for e in ledger if e.way in (Way.UNCHECKED, Way.CHANGE_SET)}
    done = {e.path for e in ledger if e.way in (Way.READ, Way.PROBE)}
    before = (
        (outcome.observed.recorded or {}).get("findings", ())
        if Sightings.recorded(outcome.observed.recorded).of
        else ()
    )
    here = {key(f) for f in (*outcome.diff.findings, *(w.finding for w in outcome.diff.waived))}
    return [e for e in before if e["key"] not in here and _among(e, left) and not _among(e, done)]


def _among(entry: Mapping[str, Any], paths: Collection[str]) -> bool:
    """At or below one of these, or on a resource that is one of these."""
    path, resource = entry["path"], "/" + entry["key"].split("#")[1]
    whole = (
        p for p in paths if len(resource) > 1 and p.endswith(resource) and entry["region"] in (None, *p.split("/"))
    )
    return any(path == p or path.startswith(p + "/") for p in paths) or any(True for _ in whole)


def _here(outcome: Outcome) -> list[dict[str, Any]]:
    found = sorted(outcome.diff.findings, key=rank)
    pairs: Iterable[tuple[Finding, bool]] = (
        *((f, False) for f in found),
        *((w.finding, True) for w in outcome.diff.waived),
    )
    return [_remembered(f, outcome, waived=waived) for f, waived in pairs]


def _remembered(finding: Finding, outcome: Outcome, *, waived: bool) -> dict[str, Any]:
    by = None if finding.by and finding.by.startswith(NOBODY) else finding.by
    return {
        "key": key(finding),
        "path": finding.path,
        "region": finding.region,
        "disposition": str(finding.disposition),
        "waived": waived,
        "reason": finding.reason,
        "since": iso_time(finding.since or outcome.observed.at),
        "by": by,
        "digest": digest(finding.path, finding.observed),
        "desired": text_value(finding.path, finding.desired, _SHOWN),
        "observed": text_value(finding.path, finding.observed, _SHOWN),
        "missing": finding.missing,
        "waysOut": _ways_out(finding, outcome),
    }


def _ways_out(finding: Finding, outcome: Outcome) -> dict[str, str]:
    """Of what is held: the line of the file that keeps it, and what takes it back; what has no such way is not named."""
    if finding.disposition is not Disposition.HOLD:
        return {}
    ways = {"adopt": adoption(finding), "takeBack": taking_back(finding, outcome.observed)}
    return {name: clipped(way, _WAY) for name, way in ways.items() if way}
