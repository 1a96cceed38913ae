"""Which passes are kept in full, and how the status names their records.

A pass that asked for something, failed, or came to something else than the one before is kept. One that found all as it was is
kept once an hour: a topology that waits makes thousands of passes a day, and a record of each would cost more than all the rest of
its control plane, and say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.facts import Facts
from reconciler.model.redaction import iso_time

IDLE = timedelta(hours=1)


def named(status: Mapping[str, Any], facts: Facts, key: str, *, asked: bool) -> tuple[Mapping[str, Any], str | None]:
    """The status with the latest kept record's key in its newest entry of the history; and this pass's key, if it is kept."""
    before = facts.recorded if isinstance(facts.recorded, Mapping) else {}
    history = [dict(entry) for entry in status.get("history", ())]
    old: Mapping[str, Any] = next(iter(before.get("history", ())), {})
    if not history or history[0] == old:
        return status, None  # what the pass is about to do: its outcome is yet to come
    kept = asked or _judged(status) != _judged(before) or _due(old, facts.at)
    if kept:
        history[0] |= {"record": key, "recordedAt": iso_time(facts.at)}
    elif history[0]["first"] == old.get("first"):
        history[0] |= {name: old[name] for name in ("record", "recordedAt") if name in old}
    return {**status, "history": history}, key if kept else None


def _judged(status: Mapping[str, Any]) -> Any:
    """What the pass came to, without times and words."""
    return (
        status.get("desiredRevision"),
        status.get("result"),
        [c.get("code") for c in (*status.get("problems", ()), *status.get("refusals", ()))],
        [(c.get("type"), c.get("status"), c.get("reason")) for c in status.get("conditions", ())],
        [(g.get("name"), g.get("region")) for g in status.get("waitingFor", ())],
    )


def _due(old: Mapping[str, Any], now: datetime) -> bool:
    try:
        return now - datetime.fromisoformat(old["recordedAt"]) >= IDLE
    except (KeyError, TypeError, ValueError):
        return True
