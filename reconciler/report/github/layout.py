"""Pieces of GitHub's Markdown that several texts are made of. What goes into them is inert already."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.report.words import count, markdown_table

ROWS = 60
"""Of a table's short form."""


def fold(title: str, body: str) -> str:
    """The title stands in HTML: words and numbers of ours alone."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>" if body else ""


def alert(kind: str, lines: Sequence[str]) -> str:
    """CAUTION, WARNING or NOTE; other viewers show a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in (f"[!{kind}]", *lines)) if lines else ""


def titled(title: str, *bodies: str) -> str:
    """Bold, then each body on its own; nothing where there is none."""
    given = [body for body in bodies if body]
    return "\n\n".join([f"**{title}**", *given]) if given else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]], most: int | None = None, noun: str = "row") -> str:
    """At most so many rows, and how many more there are; columns in which nothing stands are left out."""
    if not rows:
        return ""
    used = [n for n in range(len(header)) if any(row[n] for row in rows)]
    shown = [[row[n] for n in used] for row in rows[:most]]
    lines = markdown_table([header[n] for n in used], shown)
    more = len(rows) - len(shown)
    return "\n".join([*lines, *(["", f"and {count(more, f'more {noun}')}"] if more else [])])


def bullets(lines: Sequence[str], most: int | None = None) -> str:
    more = len(lines) - len(lines[:most])
    return "\n".join(f"- {line}" for line in (*lines[:most], *([f"and {more} more"] if more else [])))
