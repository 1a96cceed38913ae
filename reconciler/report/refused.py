"""The status document of a topology whose only bundle is refused: nothing can be planned, and yet somebody has to be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.model.bundle import Refusal
from reconciler.model.messages import number
from reconciler.model.outcome import Result
from reconciler.report.words import iso_time

_OVER = frozenset({"Ready", "Blocked", "Reconciling", "Stalled", "Suspended", "BundleRefused"})
_NOTHING: Mapping[str, Any] = {
    "generation": 0,
    "observedGeneration": 0,
    "desiredRevision": "",
    "lastAttemptedRevision": None,
    "lastAppliedRevision": None,
    "lastServingRevision": None,
    "conditions": [],
    "regions": [],
    "edge": None,
    "waitingFor": [],
    "stepsLeft": 0,
    "tombstones": [],
    "history": [],
}
"""What is known where no pass has been."""


def refused_status(name: str, refusal: Refusal, previous: Mapping[str, Any] | None, at: datetime) -> dict[str, Any]:
    """What an earlier pass found stays, but that the topology is ready."""
    before = {**_NOTHING, **(previous or {})}
    old = {c["type"]: c for c in before["conditions"]}
    now = iso_time(at)

    def condition(kind: str, status: str, reason: str) -> dict[str, Any]:
        same = kind in old and old[kind]["status"] == status
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": refusal.message,
            "observedGeneration": before["observedGeneration"],
            "lastTransitionTime": old[kind]["lastTransitionTime"] if same else now,
        }

    return {
        **before,
        "schemaVersion": "1",
        "kind": "Status",
        "topology": name,
        "result": str(Result.BLOCKED),
        "updatedAt": now,
        "requeueAfter": None,
        "conditions": [
            condition("Ready", "False", str(Result.BLOCKED)),
            condition("Blocked", "True", refusal.code),
            condition("BundleRefused", "True", refusal.code),
            *(c for kind, c in old.items() if kind not in _OVER),
        ],
        "problems": [],
        "refusals": [{"code": refusal.code, "number": number(refusal.code), "path": "", "message": refusal.message}],
    }
