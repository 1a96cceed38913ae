"""The summary of a workflow's run: the plan of each topology, or what is wrong with the desired state."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.bundle import BundleRefused
from reconciler.model.errors import InvalidDesiredState, Problem
from reconciler.model.outcome import Outcome
from reconciler.model.preflight import Preflight
from reconciler.report.github.comment import comment, marker, whole
from reconciler.report.github.escape import clean, code, words
from reconciler.report.github.layout import alert, table
from reconciler.report.github.limits import SUMMARY, Limit, Section, fit
from reconciler.report.github.links import Links, commit_link, link, whole_link
from reconciler.report.plan import summary
from reconciler.report.words import count

_LISTED = 500
"""Topologies, or problems, of the table on top."""


def plan_summary(items: Sequence[tuple[Outcome, Preflight | None]], links: Links, *, limit: Limit = SUMMARY) -> str:
    """Each plan whole while there is room, then as its comment has it; from the last on left out, but for its line on top."""
    head = "### No topology" if not items else "" if len(items) == 1 else _overview(items)
    sections = [
        Section(
            name=code(outcome.topology),
            weight=-place,
            full=whole(outcome, preflight, links),
            short=comment(outcome, preflight, links).removeprefix(f"{marker(outcome.topology)}\n"),
        )
        for place, (outcome, preflight) in enumerate(items)
    ]
    return fit(head, sections, "", whole_link(links), limit)


def invalid_summary(error: InvalidDesiredState, links: Links) -> str:
    """Every problem at its place, as far as there is room; the log has them all."""
    found = error.problems
    head = f"### The desired state is invalid: {count(len(found), 'problem')}"
    said = alert("CAUTION", ["Nothing was read from AWS, and nothing is planned."])
    rows = [(_place(p), code(p.path, 300) if p.path else "", words(p.message, 600), code(p.code, 60)) for p in found]
    log = f"{link('the log', links.run)} has them all" if links.run else "the log has them all"
    listed = Section(
        name="problems",
        weight=1,
        full=_problems(rows, len(rows)),
        short=_problems(rows, _LISTED) if len(rows) > _LISTED else "",
    )
    few = Section(name="the others", weight=0, full="")
    foot = f"commit {commit_link(links.commit, links)}" if links.commit else ""
    return fit(f"{head}\n\n{said}", [listed, few], foot, log, SUMMARY)


def vanished_summary(refused: BundleRefused) -> str:
    """What a pull request does to the folder as a whole."""
    return f"### Merged, this uploads nothing\n\n{alert('CAUTION', [words(refused.message)])}"


def _problems(rows: Sequence[Sequence[str]], most: int) -> str:
    return table(("where", "field", "what is wrong, what is allowed", "code"), rows, most, "problem")


def _place(problem: Problem) -> str:
    return code(f"{clean(problem.file, 200)}:{problem.line}:{problem.column}")


def _overview(items: Sequence[tuple[Outcome, Preflight | None]]) -> str:
    rows = [
        (code(outcome.topology), summary(outcome), _stands_in_the_way(outcome, preflight))
        for outcome, preflight in items
    ]
    header = ("topology", "plan", "in the way")
    return f"### {count(len(items), 'topology', 'topologies')}\n\n{table(header, rows, _LISTED, 'topology')}"


def _stands_in_the_way(outcome: Outcome, preflight: Preflight | None) -> str:
    codes = [
        *(r.code for r in outcome.plan.refusals),
        *(p.code for p in outcome.problems),
        *(c.code for c in (preflight.failed if preflight else ())),
    ]
    return ", ".join(code(c, 60) for c in list(dict.fromkeys(codes))[:5])
