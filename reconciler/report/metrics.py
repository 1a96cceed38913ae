"""What a hosted pass tells the log: a line for itself, and one for each service that it called and each kind of drift it found.

CloudWatch reads the metrics out of the lines, so that a pass makes no call for them. No dimension names the topology: alarms need
the sum, each series costs $0.30 a month, and which topology it was the line says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from reconciler.model.control import COUNTED
from reconciler.model.errors import LeaseHeld, ReconcilerError
from reconciler.model.logged import Line, Unit
from reconciler.model.outcome import Outcome, Result
from reconciler.report.windows import opens_at
from reconciler.report.words import iso_duration, one_line

OTHER = "other"
_LONGEST = 300
_TIMES = {
    Result.CONVERGED: "TimeToConverge",
    **dict.fromkeys((Result.PROGRESSING, Result.WAITING, Result.FAILED), "TimeUnderWay"),
}
"""What ends with somebody's word (refused, stalled, suspended) has an alarm of its own, or needs none."""


def pass_line(
    topology: str,
    at: datetime,
    *,
    result: str,
    code: str,
    outcome: Outcome | None = None,
    error: str = "",
    stolen: bool = False,
    stalled: bool = False,
    after: timedelta | None = None,
    token: int | None = None,
    why: str = "",
    run: str | None = None,
    took: timedelta | None = None,
) -> Line:
    """`result`: the outcome's, or why there is none; `why`: the reason that the message gave; `took`: since
    the commit's first pass. Messages are cut; values of the desired state are not in it."""
    more: dict[str, Any] = {"why": cut(why), "result": result, "after": None if after is None else iso_duration(after)}
    if error:
        more["error"] = cut(error)
    return Line(
        event="pass",
        code=code,
        topology=topology,
        revision=outcome.revision.commit if outcome else None,
        generation=outcome.revision.generation if outcome else None,
        run=run,
        token=token,
        more=more | (_told(outcome) if outcome else {}),
        metrics=_metrics(outcome, failed=bool(error), stolen=stolen, stalled=stalled, took=took),
        at=at,
    )


def left_alone(event: str, why: ReconcilerError, topology: str, at: datetime, reason: str) -> Line:
    """Of a message that no pass was made for: somebody else is at it, or it was an old timer."""
    waits = {"LeaseWaits": (1.0, Unit.COUNT)} if isinstance(why, LeaseHeld) else {}
    more = {"why": cut(reason), "told": cut(why.message)}
    return Line(event=event, code=why.code, topology=topology, more=more, metrics=waits, at=at)


def beside(line: Line, outcome: Outcome | None) -> tuple[Line, ...]:
    """What is told beside the line of a pass, each with a dimension of its own."""
    return (*_calls(line, outcome), *_drift(line, outcome)) if outcome else ()


def cut(text: str) -> str:
    return one_line(text)[:_LONGEST]


def code_of(outcome: Outcome) -> str:
    """What an outcome comes down to, as in the reason of its condition: a refusal, a problem, else the result itself."""
    codes = [*(r.code for r in outcome.plan.refusals), *(p.code for p in outcome.problems)]
    return codes[0] if codes else str(outcome.result)


def time_under_way(outcome: Outcome, before: Mapping[str, Any] | None) -> timedelta | None:
    """From the first pass of this generation until now, up to the pass in which it first converged. `before`: the last status."""
    revision = outcome.revision
    now = {"revision": revision.commit, "generation": revision.generation, "digest": revision.digest}
    try:
        history = (before or {}).get("history", ())
        same = list(takewhile(lambda entry: all(entry[k] == v for k, v in now.items()), history))
        if any(entry["result"] == Result.CONVERGED for entry in same):
            return None
        first = datetime.fromisoformat(same[-1]["first"]) if same else outcome.observed.at
        return max(timedelta(), outcome.observed.at - first)
    except (KeyError, TypeError, ValueError):  # whoever may write to the table wrote something else there
        return None


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "requests": [f"{r.id} {r.call}" for r in outcome.requests],
        "inFlight": [str(ref) for ref in outcome.in_flight],
        "problems": [cut(f"{p.step}: {p.code}: {p.message}") for p in outcome.problems],
        "refusals": [r.code for r in outcome.plan.refusals],
        "apiCalls": sum(outcome.api_calls.values()),
        "durationMs": outcome.duration // timedelta(milliseconds=1),
    }


def _metrics(
    outcome: Outcome | None, *, failed: bool, stolen: bool, stalled: bool, took: timedelta | None
) -> dict[str, tuple[float, Unit]]:
    counts = {"Passes": 1, "PassErrors": failed, "LeaseSteals": stolen, "StalledTopologies": stalled}
    found = {name: (float(count), Unit.COUNT) for name, count in counts.items()}
    if outcome:
        found["Refusals"] = (float(_refusals(outcome)), Unit.COUNT)
        found["PassDuration"] = (outcome.duration / timedelta(milliseconds=1), Unit.MILLISECONDS)
    name = _TIMES.get(outcome.result) if outcome else None
    if took is not None and name:
        found[name] = (took.total_seconds(), Unit.SECONDS)
    return found


def _refusals(outcome: Outcome) -> int:
    """Those that somebody has to do something about, for an alarm goes by them: what waits for a window goes on by itself, and what
    waits for an approval has a notice. What a change set would do unasked blocks as well, and is no refusal of the plan."""
    refusals = outcome.plan.refusals
    left = [(r.code, r.message) for r in refusals if r.code != "ApprovalRequired"]
    if refusals and (not left or opens_at(left)):
        return 0
    return max(len(refusals), outcome.result is Result.BLOCKED)


def _calls(line: Line, outcome: Outcome) -> Iterator[Line]:
    """Of the services whose throttles a pass could meet; the others together."""
    counts: Counter[str] = Counter()
    for service, count in outcome.api_calls.items():
        counts[service if service in COUNTED else OTHER] += count
    for service, count in sorted(counts.items()):
        yield _beside(line, "calls", "CallsCounted", "AwsCalls", count, ("Service", service))


def _drift(line: Line, outcome: Outcome) -> Iterator[Line]:
    counts = Counter(str(finding.disposition) for finding in outcome.diff.findings)
    for disposition, count in sorted(counts.items()):
        code = disposition.capitalize()
        yield _beside(line, "drift", code, "DriftFindings", count, ("Disposition", disposition))


def _beside(line: Line, event: str, code: str, metric: str, count: int, dimension: tuple[str, str]) -> Line:
    return Line(
        event=event,
        code=code,
        topology=line.topology,
        revision=line.revision,
        generation=line.generation,
        run=line.run,
        token=line.token,
        metrics={metric: (float(count), Unit.COUNT)},
        dimension=dimension,
        at=line.at,
    )
