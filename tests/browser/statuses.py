"""Documents to make pages of: those that were recorded, and those that somebody with bad intentions would write."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.report.html import page

GOLDEN = Path(__file__).parents[1] / "golden" / "status"
NAMES = (
    *("converged", "adding-a-region", "held-failover", "stalled", "waiting-for-a-window", "waiting-for-approval"),
    *("twelve-regions", "nothing-yet"),
)


def status(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return found


def made(*documents: dict[str, Any]) -> str:
    """Four minutes after the first was recorded."""
    return page(documents, datetime.fromisoformat(documents[0]["updatedAt"]) + timedelta(minutes=4))


def everywhere(value: Any, text: Callable[[str], str]) -> Any:
    """The same with another text in every place that holds one, and in every name of a mapping that is data."""
    match value:
        case dict():
            return {k if k in FIELDS else text(k): everywhere(v, text) for k, v in value.items()}
        case list():
            return [everywhere(v, text) for v in value]
        case str():
            return text(value)
        case _:
            return value


def _fields(schema: Any) -> set[str]:
    """Names that a document has by its schema: what stands under other names is data."""
    own = set(schema.get("properties", ()))
    deeper = (part for part in schema.values() if isinstance(part, (dict, list)))
    parts = [p for part in deeper for p in (part.values() if isinstance(part, dict) else part) if isinstance(p, dict)]
    return own.union(*(_fields(p) for p in [*parts, *(p for p in schema.values() if isinstance(p, dict))]))


FIELDS = frozenset(
    _fields(
        json.loads((Path(__file__).parents[2] / "reconciler/report/schemas/Status.json").read_text(encoding="utf-8"))
    )
    | {"looks", "coverage", "checked", "fields", "fullAt", "lookedAt", "structure", "template", "ids", "settledAt"}
)
