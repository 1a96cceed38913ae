"""One line of JSON per hosted pass: what happened, for people, and CloudWatch's metrics in it (embedded metric format).

CloudWatch Logs reads the metrics out of the line, so that a pass makes no call for them; every other field can be searched for.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.outcome import Outcome
from reconciler.report.words import iso_duration, one_line

NAMESPACE = "Meridian"
METRICS = ("Passes", "PassErrors", "LeaseSteals", "StalledTopologies")
_LONGEST = 300


def pass_line(
    topology: str,
    at: datetime,
    *,
    result: str,
    outcome: Outcome | None = None,
    error: str = "",
    stolen: bool = False,
    stalled: bool = False,
    after: timedelta | None = None,
    token: int = 0,
    why: str = "",
) -> str:
    """`result`: the outcome's, or why there is none; `why`: the reason that the message gave. Messages are cut; values of the
    desired state are not in it. What only CloudWatch reads comes last, for whoever reads it in a terminal at night."""
    line: dict[str, Any] = {
        "level": "error" if error else "warning" if stalled else "info",
        "event": "pass",
        "Topology": topology,
        "why": _cut(why),
        "result": result,
        "after": None if after is None else iso_duration(after),
        "token": token,
    }
    if error:
        line["error"] = _cut(error)
    if outcome:
        line |= {
            "revision": outcome.revision.commit,
            "generation": outcome.revision.generation,
            "requests": [f"{r.id} {r.call}" for r in outcome.requests],
            "inFlight": [str(ref) for ref in outcome.in_flight],
            "problems": [_cut(f"{p.step}: {p.code}: {p.message}") for p in outcome.problems],
            "refusals": [r.code for r in outcome.plan.refusals],
            "apiCalls": sum(outcome.api_calls.values()),
            "durationMs": outcome.duration // timedelta(milliseconds=1),
        }
    line |= {"Passes": 1, "PassErrors": int(bool(error)), "LeaseSteals": int(stolen), "StalledTopologies": int(stalled)}
    line["_aws"] = {
        "Timestamp": int(at.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [[]],  # the sum of all; Topology as one would cost $1.20 a month for each
                "Metrics": [{"Name": name, "Unit": "Count"} for name in METRICS],
            }
        ],
    }
    return json.dumps(line, separators=(",", ":"))


def _cut(text: str) -> str:
    return one_line(text)[:_LONGEST]
