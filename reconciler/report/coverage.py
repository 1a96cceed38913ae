"""How much was looked at, and how: as JSON with every entry, for people in two lines."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reconciler.model.coverage import Coverage, Way
from reconciler.model.outcome import Outcome
from reconciler.report.words import Paint, count, human_duration, iso_time, one_line

SHOWN_REASONS = 3


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    return {
        "fields": coverage.fields,
        "checked": coverage.checked,
        "percent": coverage.percent,
        "ways": {str(way): number for way, number in coverage.ways.items()},
        "unchecked": [
            {"path": u.path, "why": u.why, "values": u.values, "checkable": u.checkable} for u in coverage.unchecked
        ],
        "ledger": [
            {
                "path": e.path,
                "way": str(e.way),
                "values": e.values,
                "why": e.why or None,
                "at": iso_time(e.at) if e.at else None,
            }
            for e in coverage.ledger
        ],
    }


def complete(outcome: Outcome) -> bool:
    """Everything that can be compared was."""
    coverage = outcome.diff.coverage
    never = sum(u.values for u in coverage.unchecked if not u.checkable)
    return coverage.checked + never >= coverage.fields and not outcome.observed.unknown_regions()


def coverage_text(outcome: Outcome, paint: Paint) -> list[str]:
    coverage = outcome.diff.coverage
    lines = [
        f"Checked {coverage.checked} of {count(coverage.fields, 'value')} ({coverage.percent:g} %){_ways(outcome)}."
    ]
    reasons: Counter[str] = Counter()
    for left in coverage.unchecked:
        reasons[left.why] += left.values
    if reasons:
        most = [f"{n} {one_line(why)}" for why, n in reasons.most_common(SHOWN_REASONS)]
        rest = reasons.total() - sum(n for _, n in reasons.most_common(SHOWN_REASONS))
        more = [f"{rest} for other reasons"] if rest else []
        lines.append(f"Not checked: {'; '.join([*most, *more])} (`--format json` names each).")
    for region, unknown in outcome.observed.unknown_regions().items():
        lines.append(paint("bad", f"{region} could not be read ({one_line(str(unknown))}): not known to be in sync."))
    return lines


def _ways(outcome: Outcome) -> str:
    coverage, ways = outcome.diff.coverage, outcome.diff.coverage.ways
    age = human_duration(outcome.observed.at - coverage.oldest) if coverage.oldest else ""
    told = (
        (ways[Way.READ], "read"),
        (ways[Way.CHANGE_SET], f"by change set {age} ago"),
        (ways[Way.PROBE], "by what serves"),
    )
    named = ", ".join(f"{n} {how}" for n, how in told if n)
    return f": {named}" if named else ""
