"""The one comment that a pull request has for a topology: its plan, so that somebody who was just woken up understands it."""

from __future__ import annotations

import re

from reconciler.model.outcome import Outcome
from reconciler.model.preflight import Preflight
from reconciler.report.github import preflight as before
from reconciler.report.github import sections
from reconciler.report.github.limits import COMMENT, Section, fit
from reconciler.report.github.links import Links, whole_link

_NOWHERE = Links()


def marker(name: str) -> str:
    """Begins a topology's comment, and is how the comment is found again; nothing else in a comment can look like it."""
    return f"<!-- meridian:plan:{re.sub('[^a-z0-9-]', '?', name)} -->"


def comment(outcome: Outcome, preflight: Preflight | None, links: Links) -> str:
    """What fits into a comment, the least important left out first."""
    head = f"{marker(outcome.topology)}\n{sections.headline(outcome)}"
    return fit(head, _sections(outcome, preflight), sections.foot(outcome, links), whole_link(links), COMMENT)


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
