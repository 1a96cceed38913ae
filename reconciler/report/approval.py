"""What is said of approvals: which one a plan waits for, which one was given, and what `approve` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.approval import Approval
from reconciler.model.outcome import Outcome
from reconciler.report.words import one_line


def awaited(outcome: Outcome) -> dict[str, Any] | None:
    """For whoever may approve, person or workflow: what of; null where the plan waits for nobody's word."""
    plan = outcome.plan
    return {"fingerprint": plan.fingerprint, "hazards": list(plan.unapproved)} if plan.unapproved else None


def given(outcome: Outcome) -> dict[str, Any] | None:
    """The last approval by command, and whether it is of any use now."""
    found = outcome.observed.approval
    if not isinstance(found, Approval):
        return None
    return {**found.document(), "state": found.state(outcome.plan.fingerprint, outcome.observed.at)}


def said(document: Mapping[str, Any] | None) -> str:
    """One line of a status: who approved what, while it matters."""
    if not document:
        return ""
    what = f"approval of {document['fingerprint']} by {document['by']} at {document['at']}"
    words = {
        "valid": f"valid until {document['expires']}",
        "expired": f"expired at {document['expires']}, without effect",
        "revoked": f"revoked by {document['revoked']}",
        "other-plan": "not of the plan as it is now; what began by it goes on",
    }
    return one_line(f"{what}: {words.get(document['state'], document['state'])}: {document['reason']}")


def approval_json(
    name: str, before: Approval | None, now: Approval | None, waiting: str | None, woken: str
) -> dict[str, Any]:
    """`woken`: why the control plane could not be told; empty if it was."""
    return {
        "schemaVersion": "1",
        "kind": "Approval",
        "topology": name,
        "changed": before != now,
        "approval": now and now.document(),
        "before": before and before.document(),
        "awaited": waiting,
        "woken": before != now and not woken,
    }


def approval_text(name: str, before: Approval | None, now: Approval | None, waiting: str | None, woken: str) -> str:
    if now is None:
        return f"nothing of {name} was approved"
    if now.revoked:
        done = "is revoked" if before != now else "was revoked already"
        lines = [f"the approval of {now.fingerprint} of {name} {done}; what AWS has begun goes on to its end"]
    else:
        lines = [
            f"{name}: the plan {now.fingerprint} is approved until {now.expires.isoformat()}: {one_line(now.reason)}"
        ]
        if waiting is None:
            lines.append("warning: its status shows no plan that waits for an approval")
        elif waiting != now.fingerprint:
            lines.append(f"warning: its status shows that another plan waits: {waiting}")
    if before != now and woken:
        lines.append(f"the control plane could not be told: it looks within a quarter of an hour ({one_line(woken)})")
    return "\n".join(lines)
