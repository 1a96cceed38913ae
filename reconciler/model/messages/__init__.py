"""Every code that Meridian gives, numbered: what it means, and what to do. `MESSAGES.md` is this as a page, `meridian explain`
prints one entry; documents as JSON and the log carry the numbers.

A number never changes and is never given again, so that it can be searched for, alarmed on and quoted in a run book. Its first two
digits are its group. A code that nothing gives any more moves to `RETIRED`. AWS's own codes are not here: `RequestRefused` stands
for all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache

from reconciler.model.messages import (
    aws,
    bundles,
    checks,
    commands,
    desired,
    happenings,
    passes,
    refusals,
    states,
)
from reconciler.model.messages.entry import Entry, Level

__all__ = ["AWS", "GROUPS", "MESSAGES", "PREFIX", "RETIRED", "Entry", "Level", "entry", "find", "near", "number"]

PREFIX = "MRD"
GROUPS: Mapping[int, str] = {
    10: "Files and YAML",
    11: "Shape of the document",
    12: "Rules of the document",
    20: "Refused: what a commit asks for",
    21: "Refused: how things stand on AWS",
    22: "Refused: hours and permissions",
    30: "Steps of a pass",
    31: "Passes",
    40: "AWS and the network",
    41: "What could not be read",
    50: "Bundles",
    51: "Templates",
    52: "Run records",
    60: "The command",
    61: "GitHub",
    70: "Results of a pass",
    71: "Conditions",
    72: "Reasons of conditions",
    80: "Preflight",
    81: "Drift",
    90: "The log",
}
_TABLES = (desired, refusals, passes, aws, bundles, commands, states, checks, happenings)
MESSAGES: Mapping[str, Entry] = {
    row[1]: Entry(f"{PREFIX}{row[0]}", *row[1:]) for table in _TABLES for row in table.ENTRIES
}
"""By code."""
RETIRED: Mapping[str, str] = {}
"""Number to code, of those that nothing gives any more."""
AWS = MESSAGES["RequestRefused"]
_MOST_NEAR = 3


def entry(code: str) -> Entry:
    """What a code means; a code that is not ours is AWS's."""
    return MESSAGES.get(code, AWS)


def number(code: str) -> str:
    return entry(code).number


def find(text: str) -> Entry | None:
    """The entry of a code or a number, however it is written: `LeaseHeld`, `leaseheld`, `MRD3101`, `3101`."""
    return _by_key().get(_key(text))


def near(text: str) -> tuple[str, ...]:
    """Codes that somebody may have meant."""
    keys = difflib.get_close_matches(_key(text), _by_key(), n=_MOST_NEAR, cutoff=0.6)
    named = dict.fromkeys(_by_key()[key].code for key in keys)
    return tuple(named) or tuple(code for code in MESSAGES if _key(text) and _key(text) in code.lower())[:_MOST_NEAR]


def _key(text: str) -> str:
    """`3101` and `MRD3101` are one."""
    plain = text.strip().lower()[:80]
    return f"{PREFIX.lower()}{plain}" if plain.isdecimal() else plain


@cache
def _by_key() -> Mapping[str, Entry]:
    return {key.lower(): one for one in MESSAGES.values() for key in (one.code, one.number)}
