"""The one comment that a pull request has for a topology: its plan, so that somebody who was just woken up understands it."""

from __future__ import annotations

import re
from collections.abc import Collection

from reconciler.model.outcome import Outcome
from reconciler.model.preflight import Preflight
from reconciler.report.github import preflight as before
from reconciler.report.github import sections
from reconciler.report.github.escape import code
from reconciler.report.github.layout import alert
from reconciler.report.github.limits import COMMENT, Section, fit
from reconciler.report.github.links import Links, link, whole_link

MARKERS = "<!-- meridian:plan:"
"""Begins the marker of each."""
_NOWHERE = Links()
_FIRST = re.compile(rf"{MARKERS}(?P<name>[a-z0-9-]+) -->(?P<source>.*)")
_WARNED = re.compile(r"(?:>.*\n)+\n")
"""What stands where a comment has its headline."""
_PATH = 100


def marker(name: str) -> str:
    """Begins a topology's comment, and is how the comment is found again; nothing else in a comment can look like it."""
    return f"{MARKERS}{re.sub('[^a-z0-9-]', '?', name)} -->"


def comment(outcome: Outcome, preflight: Preflight | None, links: Links, source: str = "") -> str:
    """What fits into a comment, the least important left out first. `source`: the path that was planned, if a later run is to know
    it: it can tell only of that path's topologies whether they are still there."""
    head = f"{marker(outcome.topology)}{_of(source) if source else ''}\n{sections.headline(outcome)}"
    return fit(head, _sections(outcome, preflight), sections.foot(outcome, links), whole_link(links), COMMENT)


def overtaken(source: str, planned: Collection[str], declared: Collection[str] | None, links: Links, body: str) -> str:
    """A comment as it stands now: with a warning on top, where this run has no plan in its place. `declared`: the topologies that
    the path declares; None where that cannot be told. The warning is short enough for the longest comment."""
    first, _, rest = body.partition("\n")
    found = _FIRST.fullmatch(first.rstrip())
    if found is None or found["source"] != _of(source) or found["name"] in planned:
        return body
    commit = code(links.commit[:12])
    if declared is None or found["name"] in declared:
        told = f"Commit {commit} could not be planned: {link('the run', links.run)} says why."
    else:
        told = f"At commit {commit} its document is no longer there."
    warning = alert("WARNING", [f"The plan below is of an earlier commit. {told}"])
    return f"{first}\n{warning}\n\n{_WARNED.sub('', rest, count=1) if rest.startswith('>') else rest}"


def _of(source: str) -> str:
    return f"<!-- of {re.sub('[^A-Za-z0-9._/-]', '?', source)[-_PATH:]} -->"


def whole(outcome: Outcome, preflight: Preflight | None, links: Links = _NOWHERE) -> str:
    """All of it, however long."""
    texts = (
        sections.headline(outcome),
        *(s.full for s in _sections(outcome, preflight)),
        sections.foot(outcome, links),
    )
    return "\n\n".join(text for text in texts if text)


def _sections(outcome: Outcome, preflight: Preflight | None) -> list[Section]:
    way, state = sections.in_the_way(outcome), sections.state(outcome)
    return [
        Section(name="what is refused", weight=10, full=way, short=sections.in_the_way(outcome, short=True)),
        *([before.failed(preflight)] if preflight else []),
        Section(name="the extent", weight=9, full=state),
        *sections.body(outcome),
        *(before.body(preflight) if preflight else []),
        sections.notes(outcome),
        *sections.folded(outcome),
        *(before.folded(preflight) if preflight else []),
    ]
