"""What is known before a plan runs: checks against the account and the world outside, what a month costs, what data may be lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Verdict(StrEnum):
    """`unknown` is no pass: it could not be read, or nobody can know it beforehand."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at. `code` is PascalCase and stable, such as `QuotaTooSmall`; a failed one names its way out."""

    code: str
    subject: str
    """What was looked at, such as `vpcs`."""
    region: str | None
    verdict: Verdict
    detail: str
    """What was found, with the numbers."""
    way_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """US dollars a month for one thing; None where it is not known, never a guess."""

    what: str
    region: str | None
    before: Decimal | None
    after: Decimal | None
    basis: str = ""
    """What was multiplied, such as `2 × 8 ACU × 730 h × 0.12`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a month costs before and after, as far as it is fixed by the topology and not by its use."""

    lines: tuple[CostLine, ...]
    priced: date
    """When the price table was read."""

    @property
    def before(self) -> Decimal:
        return sum((line.before for line in self.lines if line.before is not None), Decimal())

    @property
    def after(self) -> Decimal:
        return sum((line.after for line in self.lines if line.after is not None), Decimal())

    @property
    def unknown(self) -> tuple[CostLine, ...]:
        return tuple(line for line in self.lines if line.before is None or line.after is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a loss of `what` would cost before and after the plan: data (RPO) and time (RTO), in words with their reason."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    checks: tuple[Check, ...] = ()
    cost: Cost | None = None
    objectives: tuple[Objective, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.verdict is Verdict.FAILED)
