"""The numbered messages for people: one of them, all of them, and the page `MESSAGES.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from reconciler.model.messages import GROUPS, MESSAGES, Entry
from reconciler.report.words import Paint, columns, markdown_table, plain

_STYLES = {"error": "bad", "warning": "warn", "info": "dim"}
_HEAD = f"""# Messages

Every code that Meridian gives, with its number: in errors, refusals, problems, conditions and the log. Written by `make messages`
from `reconciler/model/messages`; `meridian explain CODE` prints the same. Numbers never change and are never given again.

*info*: nothing to be done. *warning*: nothing is broken, and somebody has to act, or time has to pass. *error*: it is broken.

There are {len(MESSAGES)}. A code that is not here is one of AWS's own, passed on as it came (`RequestRefused`).
"""


def entry_json(one: Entry) -> dict[str, Any]:
    return {
        "schemaVersion": "1",
        "kind": "Message",
        "number": one.number,
        "code": one.code,
        "level": str(one.level),
        "group": GROUPS[one.group],
        "meaning": one.meaning,
        "action": one.action,
    }


def entry_text(one: Entry, paint: Paint = plain) -> str:
    return "\n".join(
        (
            f"{one.number} {paint('bold', one.code)}, {paint(_STYLES[one.level], str(one.level))}: {GROUPS[one.group].lower()}",
            f"  means    {one.meaning}",
            f"  to do    {one.action}",
        )
    )


def list_text(entries: Iterable[Entry], paint: Paint = plain) -> str:
    """Number, level, code: the rest is asked for by name."""
    return "\n".join(_listed(entries, paint))


def entry_markdown(one: Entry) -> str:
    return _table((one,))


def page() -> str:
    """All of `MESSAGES.md`."""
    parts = [_HEAD]
    for group, entries in _grouped(MESSAGES.values()):
        parts.append(f"## {GROUPS[group]}\n\n{_table(entries)}\n")
    return "\n".join(parts)


def _grouped(entries: Iterable[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    ordered = sorted(entries, key=lambda one: one.number)
    return ((group, list(found)) for group, found in groupby(ordered, key=lambda one: one.group))


def _listed(entries: Iterable[Entry], paint: Paint) -> Iterator[str]:
    for group, found in _grouped(entries):
        yield paint("bold", GROUPS[group])
        yield from columns([(e.number, e.code, str(e.level)) for e in found])


def _table(entries: Iterable[Entry]) -> str:
    rows = ((e.number, f"`{e.code}`", str(e.level), e.meaning, e.action) for e in entries)
    return "\n".join(markdown_table(("number", "code", "level", "meaning", "what to do"), rows))
