"""What the words of a status mean: for the eye a tone and a sign, for a newcomer a sentence. Words that are not known stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`tone`: good, busy, warn, bad or off, which the style sheet colours. `sign`: the name of a symbol of the page, so that colour
    is never all there is to tell by."""

    word: str
    tone: str
    sign: str
    meaning: str


def _marks(*rows: tuple[str, str, str, str]) -> Mapping[str, Mark]:
    return {w: Mark(word=w, tone=tone, sign=sign, meaning=meaning) for w, tone, sign, meaning in rows}


TRAFFIC = _marks(
    ("serving", "good", "yes", "its gate is open: DNS sends it the clients that it is nearest to"),
    ("joining", "busy", "more", "it is being made ready behind a closed gate: no client is sent there yet"),
    ("draining", "busy", "more", "its gate is closed; clients that still remember it are served to their end"),
    ("drained", "off", "pause", "its gate is closed: no client is sent there"),
    ("leaving", "busy", "more", "it is on its way out"),
    ("quarantined", "bad", "no", "nobody can look into it, so it is left alone"),
    ("unknown", "warn", "what", "whether clients are sent there is not known"),
)
HEALTH = _marks(
    ("Healthy", "good", "yes", "its stacks are complete and its probe answers"),
    ("Progressing", "busy", "more", "something of it is under way"),
    ("Suspended", "off", "pause", "a person asked for it to be left alone"),
    ("Degraded", "bad", "no", "something of it failed"),
    ("Missing", "off", "pause", "nothing of it is there yet"),
    ("Unknown", "warn", "what", "it cannot be told"),
)
ROLE = _marks(
    ("writer", "good", "write", "all writes to the database are made here"),
    ("reader", "good", "read", "it has a copy of the database and forwards writes to the writer"),
    ("none", "off", "pause", "it has no database"),
    ("unknown", "warn", "what", "the database's members cannot be read"),
)
RESULT = _marks(
    ("Converged", "good", "yes", "AWS is as the file in Git says"),
    ("Progressing", "busy", "more", "steps are under way"),
    ("Waiting", "busy", "more", "nothing to send now: something has to come true first"),
    ("Blocked", "warn", "no", "a rule refused: nothing more of it is carried out"),
    ("Stalled", "bad", "no", "it does not go on by itself: a person has to look"),
    ("Failed", "bad", "no", "a step failed"),
    ("Suspended", "off", "pause", "a person asked for it to be left alone"),
)
DISPOSITION = _marks(
    ("heal", "busy", "more", "put back by the next pass"),
    ("hold", "warn", "pause", "left as it is until a commit decides: somebody may have had a reason"),
    ("page", "bad", "no", "a person has to look: data or all of the traffic may be at risk"),
)
STACK = _marks(("at rest", "good", "yes", "its last operation is over"))


def mark(of: Mapping[str, Mark], word: str) -> Mark:
    return of.get(word) or Mark(word=word or "unknown", tone="off", sign="what", meaning="")


def of_stack(status: str) -> Mark:
    """CloudFormation's words: what ends in COMPLETE is over, unless it was a rollback."""
    if status in STACK:
        return STACK[status]
    rows = (
        ("FAILED", "bad", "no", "its last operation failed"),
        ("ROLLBACK", "warn", "no", "its last operation was taken back"),
        ("IN_PROGRESS", "busy", "more", "an operation is under way"),
        ("COMPLETE", "good", "yes", "its last operation is over"),
    )
    for ending, tone, sign, meaning in rows:
        if ending in status:
            return Mark(word=status, tone=tone, sign=sign, meaning=meaning)
    return mark({}, status)
