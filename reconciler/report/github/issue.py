"""The one issue that a topology has while something of it drifts: what, since when, by whom, and the ways out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.model.change import Finding
from reconciler.model.outcome import Outcome
from reconciler.report.coverage import coverage_text
from reconciler.report.drift import by_place, counted, until, unused_waivers
from reconciler.report.findings import not_looked_at, rank
from reconciler.report.github.escape import clean, code, words
from reconciler.report.github.finding import finding_text, seen
from reconciler.report.github.layout import ROWS, alert, bullets, fold, table, titled
from reconciler.report.github.limits import COMMENT, SUMMARY, Limit, Section, fit
from reconciler.report.github.links import Links, commit_link, link
from reconciler.report.words import count, iso_time, plain

_FIRST = 10
"""Findings of one place that are told where there is little room."""
_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """`marker` begins the body, and is how the issue is found again. `open`: whether there is anything to say; where there is not,
    the body says so, for the issue that is closed with it."""

    title: str
    body: str
    marker: str
    open: bool


def marker(name: str) -> str:
    return f"<!-- meridian:drift:{re.sub('[^a-z0-9-]', '?', name)} -->"


def drift_issue(outcome: Outcome, links: Links) -> Issue:
    """What an earlier look found and this one could not look at again is not known to be gone."""
    is_open = bool(outcome.diff.findings or _not_again(outcome) or _behind(outcome))
    mark = marker(outcome.topology)
    head, foot = f"{mark}\n{_headline(outcome)}", _foot(outcome, links, is_open=is_open)
    return Issue(
        title=f"{clean(outcome.topology, _NAME)}: {_said(outcome)}",
        body=fit(head, _sections(outcome), foot, "`meridian drift` prints the whole", COMMENT),
        marker=mark,
        open=is_open,
    )


def drift_summary(issues: Sequence[Issue], *, limit: Limit = SUMMARY) -> str:
    """Of a run that looked at several topologies; from the last on left out where there is no room."""
    sections = [
        Section(name=words(issue.title), weight=-place, full=issue.body.removeprefix(f"{issue.marker}\n"))
        for place, issue in enumerate(issues)
    ]
    return fit("", sections, "", "each issue has its own", limit)


def drift_markdown(outcome: Outcome) -> str:
    """All of it, however long, for whoever is no issue."""
    return "\n\n".join([_headline(outcome), *(s.full for s in _sections(outcome) if s.full)])


def _headline(outcome: Outcome) -> str:
    return f"### {words(outcome.topology)}: {_said(outcome)}"


def _said(outcome: Outcome) -> str:
    found, earlier = outcome.diff.findings, _not_again(outcome)
    said = counted(found) if found else "no drift found"
    said += f", {len(earlier)} not looked at again" if earlier else ""
    return said + (", source behind" if _behind(outcome) else "")


def _sections(outcome: Outcome) -> list[Section]:
    behind = [f"**Source behind.** {words(b)}" for b in _behind(outcome)]
    return [
        Section(name="what is behind", weight=9, full=alert("WARNING", behind)),
        *(_of_place(place, some, outcome) for place, some in by_place(outcome.diff.findings)),
        _earlier(_not_again(outcome)),
        *_aside(outcome),
    ]


def _not_again(outcome: Outcome) -> list[Mapping[str, Any]]:
    return [entry for entry in not_looked_at(outcome) if not entry["waived"]]


def _of_place(place: str, found: Sequence[Finding], outcome: Outcome) -> Section:
    """One section each, so that a place full of findings does not drown the others; the worst stay longest."""
    told = [finding_text(f, outcome) for f in sorted(found, key=rank)]
    title, more = f"#### {words(place, _NAME)}", len(told) - _FIRST
    return Section(
        name=code(place, _NAME),
        weight=8 - min(map(rank, found)),
        full="\n\n".join((title, *told)),
        short="\n\n".join((title, *told[:_FIRST], f"and {count(more, 'more finding')}")) if more > 0 else "",
    )


def _behind(outcome: Outcome) -> list[str]:
    """What this look, or the last status, says of a source that is ahead of what is in force."""
    now = [(c.type, c.status, c.message) for c in outcome.conditions]
    recorded = (outcome.observed.recorded or {}).get("conditions", ())
    before = [(c.get("type"), c.get("status"), str(c.get("message", ""))) for c in recorded]
    return [m for kind, status, m in (*now, *before) if (kind, status) == ("SourceBehind", "True")][:1]


def _earlier(entries: Sequence[Mapping[str, Any]]) -> Section:
    rows = [
        (
            str(e["disposition"]),
            code(str(e["path"])),
            words(str(e["reason"])),
            code(str(e["since"])),
            words(str(e["by"] or "")),
        )
        for e in entries
    ]
    header = ("", "path", "why", "since", "by")
    return Section(
        name="earlier findings",
        weight=4,
        full=titled("Found by an earlier full look, and not looked at again", table(header, rows)),
        short=titled("Found by an earlier full look, and not looked at again", table(header, rows, ROWS, "finding")),
    )


def _aside(outcome: Outcome) -> list[Section]:
    """What is waived, waivers that should go, and how much was looked at."""
    waived = [
        (code(w.finding.path), seen(w.finding), words(w.ignore.reason), words(until(w))) for w in outcome.diff.waived
    ]
    looked = "\n".join(words(line) for line in coverage_text(outcome, plain))
    return [
        Section(name="what is waived", weight=1, full=_folded(f"{len(waived)} waived", waived)),
        Section(name="idle waivers", weight=2, full=bullets([words(line) for line in unused_waivers(outcome)])),
        Section(name="what was looked at", weight=3, full=looked),
    ]


def _folded(title: str, rows: Sequence[Sequence[str]]) -> str:
    return fold(title, table(("path", "found", "reason", "until"), rows))


def _foot(outcome: Outcome, links: Links, *, is_open: bool) -> str:
    closes = "This issue closes once a look finds nothing any more." if is_open else "Nothing is left to do here."
    facts = [
        f"looked at {code(iso_time(outcome.observed.at))}",
        f"commit {commit_link(links.commit, links)}" if links.commit else "",
        link("run", links.run) if links.run else "",
    ]
    return f"---\n\n{' · '.join(f for f in facts if f)}\n\n{closes}"
