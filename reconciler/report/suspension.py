"""What `suspend`, `resume` and `history` show: who wants what left alone, and what passes came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.suspension import Suspension
from reconciler.report.words import Paint, columns, count, inert, markdown_table, one_line, plain

Document = Mapping[str, Any]


def suspension_json(name: str, before: Suspension | None, now: Suspension | None) -> dict[str, Any]:
    return {
        "schemaVersion": "1",
        "kind": "Suspension",
        "topology": name,
        "changed": before != now,
        "suspended": now is not None,
        "suspension": now and now.document(),
        "before": before and before.document(),
    }


def suspension_text(name: str, before: Suspension | None, now: Suspension | None) -> str:
    if now is None:
        return f"{name} goes on with the next pass" if before else f"{name} was not suspended"
    what = name if now.whole else f"{', '.join(now.regions)} of {name}"
    is_now = "stays suspended" if before == now else "is suspended"
    under_way = "; what AWS has begun goes on to its end" if before != now else ""
    return f"{what} {is_now}: {one_line(now.reason)}{under_way}"


def said(document: Mapping[str, Any] | None) -> str:
    """One line of a status: who suspended what."""
    suspension = Suspension.recorded(document)
    if suspension is None:
        return ""
    return one_line(f"{', '.join(suspension.regions) or 'everything'} is {suspension}")


def history_json(
    status: Document, suspension: Mapping[str, Any] | None, resumed: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Newest first."""
    return {
        "schemaVersion": "1",
        "kind": "History",
        "topology": status["topology"],
        "entries": list(status["history"]),
        "suspension": suspension,
        "resumed": resumed,
    }


def history_text(document: Document, paint: Paint = plain) -> str:
    document = inert(document)
    lines = [
        paint("bold", f"{document['topology']}: {count(len(document['entries']), 'entry', 'entries')}, newest first")
    ]
    lines += [paint("warn", now)] if (now := said(document["suspension"])) else []
    lines += columns(_rows(document))
    if before := document["resumed"]:
        lines.append(paint("dim", one_line(f"last resumed by {before['by']} at {before['at']}: {before['reason']}")))
    return "\n".join(lines)


def history_markdown(document: Document) -> str:
    document = inert(document)
    header = ("to", "from", "result", "generation", "revision", "passes", "requests")
    lines = [f"### {document['topology']}: history", ""]
    lines += [f"> {now}", ""] if (now := said(document["suspension"])) else []
    return "\n".join([*lines, *markdown_table(header, _rows(document))])


def _rows(document: Document) -> list[tuple[str, ...]]:
    return [
        (
            e["last"],
            e["first"],
            e["result"],
            f"generation {e['generation']}",
            str(e["revision"])[:12],
            count(e["passes"], "pass", "passes"),
            count(e["requests"], "request"),
        )
        for e in document["entries"]
    ]
