"""How values, times and durations are written, for machines and for people; and what may not be written at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from reconciler.model.plan import Step
from reconciler.model.redaction import iso_duration, iso_time, without_secrets

__all__ = [
    "Paint",
    "clipped",
    "columns",
    "count",
    "human_duration",
    "in_regions",
    "inert",
    "iso_duration",
    "iso_time",
    "json_value",
    "markdown_table",
    "one_line",
    "place_of",
    "plain",
    "text_value",
    "together",
    "verb_of",
]

json_value = without_secrets
Paint = Callable[[str, str], str]
"""(style, text) to text: how a terminal shows `good`, `bad`, `warn`, `dim` and `bold`."""


def plain(style: str, text: str) -> str:  # noqa: ARG001
    """The paint of files and pipes."""
    return text


def human_duration(span: timedelta) -> str:
    """For people: `45s`, `23m`, `1h05m`; seconds only while they matter."""
    seconds = round(max(span.total_seconds(), 0.0))
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 600:
        return f"{seconds // 60}m{seconds % 60:02d}s" if seconds % 60 else f"{seconds // 60}m"
    if seconds < 3600:
        return f"{round(seconds / 60)}m"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02d}m"


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def text_value(path: str, value: Any, width: int = 60) -> str:
    """The value on one line, shortened in its middle when it is long; nothing reads `(none)`."""
    shown = json_value(path, value)
    if shown is None:
        return "(none)"
    if isinstance(shown, dict) and shown.get("redacted") is True:
        return f"(redacted, sha256 {shown['sha256']})"
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, sort_keys=True)
    text = one_line(text)
    if len(text) <= width:
        return text
    head = (width - 1) * 2 // 3
    return f"{text[:head]}…{text[head + 1 - width :]}"


def one_line(text: str) -> str:
    """Text from elsewhere, safe to show: no line breaks, no control characters that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def clipped(text: str, longest: int) -> str:
    """The beginning of a text that would take too much room."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def each_line(text: str) -> str:
    """The same where lines mean something: each is as safe to show."""
    return "\n".join(map(one_line, text.splitlines()))


def inert(value: Any) -> Any:
    """A document from a table that others can write, with nothing in it that a terminal would obey. Lines stay lines."""
    if isinstance(value, str):
        return "".join(c if c.isprintable() or c == "\n" else " " if c.isspace() else "?" for c in value)
    if isinstance(value, Mapping):
        return {inert(key): inert(held) for key, held in value.items()}
    return [inert(held) for held in value] if isinstance(value, list) else value


def place_of(path: str) -> str:
    """What a path is about: a Region by its name, else its first part."""
    parts = path.split("/")
    return parts[1] if parts[0] == "regions" and len(parts) > 1 else parts[0]


def verb_of(step: Step) -> str:
    """What is done to what, without the Region: `deploy/data`, `create-gate`."""
    return step.id.removesuffix(f"/{step.region}")


def together(steps: Sequence[Step]) -> str:
    """The same step in several Regions: `deploy/data in us-east-1, eu-west-1`."""
    verb = verb_of(steps[0])
    return in_regions(verb, [s.region if s.id != verb else None for s in steps])


def in_regions(name: str, regions: Iterable[str | None]) -> str:
    """What is in no Region keeps its bare name."""
    places = ", ".join(region for region in regions if region)
    return f"{name} in {places}" if places else name


def columns(rows: Iterable[Sequence[str]], indent: str = "  ", gap: str = "  ") -> list[str]:
    """Rows as aligned lines; the last column is left ragged. Paint the finished lines, not the cells."""
    table = [tuple(row) for row in rows]
    if not table:
        return []
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]) - 1)]
    return [
        (indent + gap.join((*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]))).rstrip()
        for row in table
    ]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return [*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)]
