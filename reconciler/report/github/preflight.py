"""What is known before a plan runs: failed checks first, what a month costs, what a loss would cost; what passed is folded."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reconciler.model.preflight import Check, Cost, CostLine, Objective, Preflight, Verdict
from reconciler.report.github.escape import code, words
from reconciler.report.github.layout import ROWS, alert, fold, table, titled
from reconciler.report.github.limits import Section
from reconciler.report.preflight import unpriced
from reconciler.report.words import count, in_regions

_FIRST, _SHORTER = 5, 300
_OPEN = (Verdict.FAILED, Verdict.WARNED, Verdict.UNKNOWN)


def failed(preflight: Preflight) -> Section:
    """A failed check stands where a refusal does."""
    return Section(
        name="failed checks",
        weight=10,
        full=alert("CAUTION", [_failure(c) for c in preflight.failed]),
        short=alert("CAUTION", _first(preflight.failed)),
    )


def body(preflight: Preflight) -> list[Section]:
    open_ = [c for verdict in _OPEN for c in preflight.checks if c.verdict is verdict]
    rows = _rows(open_)
    header = ("", "preflight", "Region", "found", "way out")
    told = Section(
        name="the preflight",
        weight=7,
        full=titled(_counts(preflight), table(header, rows)) if rows else "",
        short=titled(_counts(preflight), table(header, rows, ROWS, "check")) if len(rows) > ROWS else "",
    )
    return [told, _cost(preflight.cost), _objectives(preflight.objectives)]


def folded(preflight: Preflight) -> list[Section]:
    passed = [c for c in preflight.checks if c.verdict is Verdict.PASSED]
    rows = [row[1:4] for row in _rows(passed)]
    checks = fold(f"{count(len(passed), 'preflight check')} passed", table(("preflight", "Region", "found"), rows))
    same = [o for o in preflight.objectives if o.before == o.after]
    kept = fold(
        "What a loss costs stays as it is", table(("of", "costs"), [(words(o.what), words(o.after)) for o in same])
    )
    lines = preflight.cost.lines if preflight.cost else ()
    costs = fold(f"What a month costs, {count(len(lines), 'line')}", _cost_table(lines))
    return [
        Section(name="the lines of the cost", weight=1, full=costs if lines else ""),
        Section(name="what a loss costs", weight=1, full=kept if same else ""),
        Section(name="passed checks", weight=0, full=checks if passed else ""),
    ]


def dollars(amount: Decimal | None) -> str:
    """Without the sign, which GitHub takes for the beginning of a formula."""
    return "not known" if amount is None else f"USD {amount:,.2f}"


def _failure(check: Check, longest: int = 2000) -> str:
    where = f" in {code(check.region)}" if check.region else ""
    way_out = f": {words(check.way_out, longest)}" if check.way_out else ""
    return f"**Preflight: {code(check.code)}** {words(check.subject, longest)}{where}: {words(check.detail, longest)}{way_out}"


def _first(checks: Sequence[Check]) -> list[str]:
    more = len(checks) - _FIRST
    return [*(_failure(c, _SHORTER) for c in checks[:_FIRST]), *([f"and {more} more"] if more > 0 else [])]


def _counts(preflight: Preflight) -> str:
    n = {v: sum(c.verdict is v for c in preflight.checks) for v in (*_OPEN, Verdict.PASSED)}
    return "Preflight: " + ", ".join(f"{number} {verdict}" for verdict, number in n.items() if number)


def _rows(checks: Sequence[Check]) -> list[tuple[str, ...]]:
    return [
        (
            str(c.verdict),
            f"{code(c.code)} {words(c.subject)}",
            code(c.region) if c.region else "",
            words(c.detail),
            words(c.way_out),
        )
        for c in checks
    ]


def _cost(cost: Cost | None) -> Section:
    if cost is None:
        return Section(name="the cost", weight=4, full="")
    change = cost.after - cost.before
    moved = f", {'+' if change > 0 else '−'}{abs(change):,.2f}" if change else ", as before"
    unknown = f"; not known: {_listed(unpriced(cost))}" if unpriced(cost) else ""
    now = f"{dollars(cost.before)} → " if change else ""
    text = f"**Cost a month**: {now}{dollars(cost.after)}{moved}; prices of {cost.priced.isoformat()}, use not counted{unknown}"
    return Section(name="the cost", weight=4, full=text)


def _listed(lines: Sequence[CostLine]) -> str:
    where: dict[str, list[str | None]] = {}
    for line in lines:
        where.setdefault(line.what, []).append(line.region)
    names = [in_regions(what, regions) for what, regions in where.items()]
    more = f" and {len(names) - _FIRST} more" if len(names) > _FIRST else ""
    return ", ".join(words(name) for name in names[:_FIRST]) + more


def _cost_table(lines: Sequence[CostLine]) -> str:
    rows = [
        (words(c.what), code(c.region) if c.region else "", dollars(c.before), dollars(c.after), words(c.basis))
        for c in lines
    ]
    return table(("of", "Region", "now", "then", "basis"), rows)


def _objectives(objectives: Sequence[Objective]) -> Section:
    changed = [(words(o.what), words(o.before), words(o.after)) for o in objectives if o.before != o.after]
    return Section(
        name="the change of what a loss costs",
        weight=4,
        full=titled("What a loss costs (data, time)", table(("of", "now", "then"), changed)),
    )
