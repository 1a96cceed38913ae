"""What is kept and told of a failover: the journal entry, which is also the document, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.report.words import human_duration, iso_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """`state`: Intended (about to be asked for), Done, Failed, or AlreadyWriter (nothing had to be done)."""

    topology: str
    source: str | None
    """The writer that it moves away from."""
    target: str
    state: str
    began: datetime
    ended: datetime | None = None
    reason: str = ""
    journal: str | None = None
    """Where it is kept; None: nowhere."""


def failover_json(failover: Failover) -> dict[str, Any]:
    return {
        "schemaVersion": "1",
        "kind": "Failover",
        "topology": failover.topology,
        "from": failover.source,
        "to": failover.target,
        "state": failover.state,
        "began": iso_time(failover.began),
        "ended": iso_time(failover.ended) if failover.ended else None,
        "reason": failover.reason,
        "journal": failover.journal,
        "next": what_next(failover),
    }


def failover_text(failover: Failover) -> str:
    if failover.state == "AlreadyWriter":
        head = f"{failover.target} is the writer of {failover.topology} already: nothing was done."
    else:
        took = human_duration((failover.ended or failover.began) - failover.began)
        head = f"{failover.target} is the writer of {failover.topology} now, after {took}."
    return "\n".join([head, *(f"- {line}" for line in what_next(failover))])


def what_next(failover: Failover) -> list[str]:
    """For whoever has just failed over, in the order in which it matters."""
    lines = [
        f"commit `database.writer: {failover.target}`: until then every converge leaves the writer where it is, and says so",
    ]
    if failover.source and failover.source != failover.target:
        lines.append(
            f"{failover.source} stays a member and is built anew from {failover.target} as soon as its Region is there; what it "
            f"had and {failover.target} had not is, if Aurora could save it, in its snapshot "
            f"rds:unplanned-global-failover-{failover.topology}-{failover.source}-…"
        )
    if failover.journal:
        lines.append(f"this is kept in {failover.journal}")
    return lines
