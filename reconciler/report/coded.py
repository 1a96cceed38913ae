"""Refusals and problems as JSON: whatever has a code has its number beside it, for `meridian explain`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.model.messages import number
from reconciler.model.outcome import Problem
from reconciler.model.plan import Refusal


def refusals_json(refusals: Iterable[Refusal]) -> list[dict[str, Any]]:
    return [{"code": r.code, "number": number(r.code), "path": r.path, "message": r.message} for r in refusals]


def problems_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [{"code": p.code, "number": number(p.code), "step": p.step, "message": p.message} for p in problems]
