"""A drift report: what differs from what was applied, what happens about each finding, and how much was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reconciler.model.change import Coverage, Disposition, Finding
from reconciler.model.observed import known
from reconciler.model.outcome import Outcome
from reconciler.report.words import (
    Paint,
    count,
    iso_time,
    json_value,
    markdown_table,
    one_line,
    place_of,
    plain,
    text_value,
)

NEXT = {
    Disposition.HEAL: "the next converge repairs it",
    Disposition.HOLD: "left as it is until a commit decides",
    Disposition.PAGE: "a person must look",
}
SHOWN_REASONS = 3
STYLES = {Disposition.HEAL: "warn", Disposition.HOLD: "bold", Disposition.PAGE: "bad"}


def drift_json(outcome: Outcome) -> dict[str, Any]:
    coverage = outcome.diff.coverage
    return {
        "schemaVersion": "1",
        "kind": "DriftReport",
        "topology": outcome.topology,
        "drifted": bool(outcome.diff.findings),
        "observedAt": iso_time(outcome.observed.at),
        "findings": [_finding_json(f) for f in outcome.diff.findings],
        "coverage": {
            "fields": coverage.fields,
            "checked": coverage.checked,
            "unchecked": [{"path": u.path, "why": u.why} for u in coverage.unchecked],
        },
    }


def drift_text(outcome: Outcome, paint: Paint = plain) -> str:
    findings = outcome.diff.findings
    if findings:
        lines = [paint("bold", f"{outcome.topology}: {_counts(findings)}")]
        for place, some in _by_place(findings):
            lines += ["", paint("bold", place)]
            for finding in some:
                lines += _finding_text(place, finding, paint)
    else:
        style, text = _nothing_found(outcome)
        lines = [paint(style, text)]
    return "\n".join([*lines, "", *_coverage_text(outcome, paint)])


def drift_markdown(outcome: Outcome) -> str:
    findings = outcome.diff.findings
    lines = [f"### {outcome.topology}: {_counts(findings) if findings else 'no drift found'}", ""]
    if findings:
        rows = [(f"`{f.path}`", f"`{_seen(f)}`", str(f.disposition), _why(f)) for f in findings]
        lines += [*markdown_table(("path", "found", "disposition", "why"), rows), ""]
    return "\n".join([*lines, *_coverage_text(outcome, plain)])


def complete(outcome: Outcome) -> bool:
    """Everything that could drift was compared."""
    coverage = outcome.diff.coverage
    return coverage.checked >= coverage.fields and not coverage.unchecked and not outcome.observed.unknown_regions()


def _nothing_found(outcome: Outcome) -> tuple[str, str]:
    if not any(known(s) for s in outcome.observed.stacks.values()):
        return "dim", f"{outcome.topology} is not deployed yet: nothing can drift."
    return "good", f"No drift found. {outcome.topology} is as it was deployed, where checked."


def _finding_text(place: str, finding: Finding, paint: Paint) -> list[str]:
    name = finding.path.removeprefix(f"regions/{place}/").removeprefix(f"{place}/")
    found = f"found by {finding.detected_by}" if finding.detected_by != "read" else ""
    since = f"since {iso_time(finding.since)}" if finding.since else ""
    by = f"by {one_line(finding.by)}" if finding.by else ""
    known_of = ", ".join(part for part in (since, by, found) if part)
    lines = [f"  {name}: {_seen(finding)}"]
    lines.append("    " + paint(STYLES[finding.disposition], str(finding.disposition)) + f": {_why(finding)}")
    return [*lines, *([paint("dim", f"    {known_of}")] if known_of else [])]


def _coverage_text(outcome: Outcome, paint: Paint) -> list[str]:
    coverage: Coverage = outcome.diff.coverage
    lines = [f"Checked {coverage.checked} of {count(coverage.fields, 'field')}."]
    reasons = Counter(u.why for u in coverage.unchecked)
    if reasons:
        most = reasons.most_common(SHOWN_REASONS)
        rest = reasons.total() - sum(n for _, n in most)
        lines = [f"{lines[0][:-1]}; not checked:", *(f"- {n}: {one_line(why)}" for why, n in most)]
        lines += [f"- {rest}: for other reasons; `--format json` names each"] if rest else []
    for region, unknown in outcome.observed.unknown_regions().items():
        lines.append(paint("bad", f"{region} could not be read ({one_line(str(unknown))}): not known to be in sync."))
    return lines


def _counts(findings: Iterable[Finding]) -> str:
    n = Counter(f.disposition for f in findings)
    parts = ", ".join(f"{n[d]} to {d}" for d in Disposition if n[d])
    return f"{count(sum(n.values()), 'drift finding')} ({parts})"


def _why(finding: Finding) -> str:
    reason, then = one_line(finding.reason), NEXT[finding.disposition]
    return f"{reason}; {then}" if reason and then not in reason else reason or then


def _seen(finding: Finding) -> str:
    if finding.missing and finding.desired is None:
        return "gone"
    observed = "gone" if finding.missing else f"observed {text_value(finding.path, finding.observed)}"
    return f"{observed}, desired {text_value(finding.path, finding.desired)}"


def _by_place(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    places: dict[str, list[Finding]] = {}
    for finding in findings:
        places.setdefault(finding.region or place_of(finding.path), []).append(finding)
    return list(places.items())


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "path": finding.path,
        "region": finding.region,
        "desired": json_value(finding.path, finding.desired),
        "observed": json_value(finding.path, finding.observed),
        "missing": finding.missing,
        "disposition": str(finding.disposition),
        "reason": finding.reason,
        "detectedBy": finding.detected_by,
        "since": iso_time(finding.since) if finding.since else None,
        "by": finding.by,
        "returns": finding.returns,
    }
