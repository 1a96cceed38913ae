"""The one comment that a pull request has for a topology: its plan, so that somebody who was just woken up understands it."""

from __future__ import annotations

import re

from reconciler.model.outcome import Outcome
from reconciler.model.preflight import Preflight
from reconciler.report.github.links import Links


def marker(name: str) -> str:
    """Begins a topology's comment, and is how the comment is found again; nothing else in a comment can look like it."""
    return f"<!-- meridian:plan:{re.sub('[^a-z0-9-]', '?', name)} -->"


def comment(outcome: Outcome, preflight: Preflight | None, links: Links) -> str:
    """What fits into a comment, the least important left out first."""
    return f"{marker(outcome.topology)}\n{whole(outcome, preflight)}"


def whole(outcome: Outcome, preflight: Preflight | None) -> str:
    """All of it, however long."""
    return f"### {outcome.topology}"
