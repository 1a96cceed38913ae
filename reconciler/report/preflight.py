"""A preflight as JSON and on a terminal: what failed first, what passed only counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from reconciler.model.messages import number
from reconciler.model.preflight import Check, Cost, CostLine, Preflight, Verdict
from reconciler.report.words import Paint, columns, in_regions, one_line, plain

STYLES = {Verdict.FAILED: "bad", Verdict.WARNED: "warn", Verdict.UNKNOWN: "warn", Verdict.PASSED: "good"}
_TOLD = (Verdict.FAILED, Verdict.WARNED, Verdict.UNKNOWN)
UNKNOWN = "unknown"


def preflight_json(preflight: Preflight) -> dict[str, Any]:
    return {
        "checks": [
            {
                "code": c.code,
                "number": number(c.code),
                "subject": c.subject,
                "region": c.region,
                "verdict": str(c.verdict),
                "detail": c.detail,
                "wayOut": c.way_out,
            }
            for c in preflight.checks
        ],
        "cost": _cost_json(preflight.cost) if preflight.cost else None,
        "objectives": [{"what": o.what, "before": o.before, "after": o.after} for o in preflight.objectives],
    }


def _cost_json(cost: Cost) -> dict[str, Any]:
    return {
        "currency": "USD",
        "period": "month",
        "priced": cost.priced.isoformat(),
        "before": _number(cost.before),
        "after": _number(cost.after),
        "lines": [
            {
                "what": line.what,
                "region": line.region,
                "before": _number(line.before),
                "after": _number(line.after),
                "basis": line.basis,
            }
            for line in cost.lines
        ],
    }


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(round(amount, 2))


def failures_text(preflight: Preflight, paint: Paint = plain) -> list[str]:
    """What stands in the way, like a refusal."""
    lines: list[str] = []
    for check in preflight.failed:
        lines.append(paint("bad", f"Preflight failed: {check.code}") + f"  {_place(check)}")
        lines.append(f"  {_told(check)}")
    return lines


def checks_text(preflight: Preflight, paint: Paint = plain) -> list[str]:
    """How many passed; each that did not, but for those that failed, which stand further up."""
    if not preflight.checks:
        return []
    lines = [paint("bold", f"Preflight: {counted(preflight)}")]
    rest = [c for c in preflight.checks if c.verdict in {Verdict.WARNED, Verdict.UNKNOWN}]
    for check in rest:
        lines.append(paint(STYLES[check.verdict], f"  {check.verdict} {check.code}") + f"  {_place(check)}")
        lines.append(f"    {_told(check)}")
    return lines


def counted(preflight: Preflight) -> str:
    """Such as `50 checks passed, 1 warned`."""
    found = Counter(c.verdict for c in preflight.checks)
    parts = [f"{found[Verdict.PASSED]} checks passed" if found[Verdict.PASSED] != 1 else "1 check passed"]
    parts += [f"{found[verdict]} {verdict}" for verdict in _TOLD if found[verdict]]
    return ", ".join(parts)


def cost_text(preflight: Preflight, paint: Paint = plain) -> list[str]:
    cost = preflight.cost
    if cost is None:
        return []
    lines = [paint("bold", f"Cost: {total(cost)}")]
    if changed(cost):
        lines += columns([(place, sums) for place, sums in _by_place(cost)])
    return [*lines, *(paint("dim", f"  {note}") for note in _notes(cost))]


def total(cost: Cost) -> str:
    """Such as `0.00 → 4,801.80 USD a month`; what is unknown comes on top."""
    known = money(cost.after) if cost.before == cost.after else f"{money(cost.before)} → {money(cost.after)}"
    return f"{known} USD a month{' and what is unknown' if unpriced(cost) else ''}, before use"


def changed(cost: Cost) -> bool:
    return any(line.before != line.after for line in cost.lines)


def money(amount: Decimal | None) -> str:
    return UNKNOWN if amount is None else f"{round(amount, 2):,.2f}"


def _by_place(cost: Cost) -> Iterator[tuple[str, str]]:
    """One line for each Region: what all of it costs, and of what that is the sum."""
    places: dict[str | None, list[CostLine]] = {}
    for line in cost.lines:
        if not (line.before is None and line.after is None):
            places.setdefault(line.region, []).append(line)
    for place, lines in places.items():
        before, after = _sum(line.before for line in lines), _sum(line.after for line in lines)
        sums = money(after) if before == after else f"{money(before)} → {money(after)}"
        most = max(lines, key=lambda line: max(line.before or Decimal(), line.after or Decimal()))
        mostly = "mostly " if len(lines) > 1 else ""
        yield place or "once", f"{sums}  {mostly}{most.what}: {most.basis}"


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    found = list(amounts)
    known = [a for a in found if a is not None]
    return sum(known, Decimal()) if len(known) == len(found) else None


def unpriced(cost: Cost) -> tuple[CostLine, ...]:
    """What is unknown though the topology fixes it: what use costs, nobody can know beforehand."""
    return tuple(
        line for line in cost.unknown if not (line.before is None and line.after is None and line.region is None)
    )


def _notes(cost: Cost) -> Iterator[str]:
    for line in unpriced(cost):
        yield f"unknown: {in_regions(line.what, [line.region])}, {line.basis}"
    use = [line.what for line in cost.unknown if line not in unpriced(cost)]
    yield from (f"on top: {what}" for what in use)
    yield f"list prices of {cost.priced.isoformat()}, without free tiers and taxes"


def objectives_text(preflight: Preflight, paint: Paint = plain) -> list[str]:
    """Only what the plan changes."""
    found = [o for o in preflight.objectives if o.before != o.after]
    if not found:
        return []
    now = {o.before for o in found}
    same = f" (now: {now.pop()})" if len(now) == 1 and len(found) > 1 else ""
    lines = [paint("bold", f"What a loss costs{same}")]
    for objective in found:
        lines.append(f"  {objective.what}: {objective.after}")
        lines += [] if same else [paint("dim", f"    now: {objective.before}")]
    return lines


def _place(check: Check) -> str:
    return one_line(in_regions(check.subject, [check.region]))


def _told(check: Check) -> str:
    return one_line(f"{check.detail}: {check.way_out}" if check.way_out else check.detail)
