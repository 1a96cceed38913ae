"""Applied stacks against live resources: drift findings with their disposition, and what could not be checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.diff.catalogue import field_path, region_of
from reconciler.diff.compare import leaves
from reconciler.diff.disposition import judge, judge_missing
from reconciler.diff.resolve import UNRESOLVED, resolved_properties
from reconciler.diff.whole import compared
from reconciler.model.change import Finding, Unchecked
from reconciler.model.observed import Live, Missing, StackState, Unknown

Reading = tuple[tuple[Finding, ...], int, tuple[Unchecked, ...]]
"""Findings, the number of values compared, and what was not."""


def stack_drift(state: StackState, live: Mapping[str, Live], account: str) -> Reading:
    """Compare one settled stack. `live`: logical id to what AWS reports of it."""
    findings: list[Finding] = []
    unchecked: list[Unchecked] = []
    checked = 0
    types = {name: body["Type"] for name, body in (state.template or {}).get("Resources", {}).items()}
    declared = resolved_properties(state, account, [n for n in types if n in live])
    for name, kind in types.items():
        seen = live.get(name)
        if isinstance(seen, Missing):
            findings.append(_missing(state, name, kind))
            checked += leaves(declared[name])
        elif seen is None or isinstance(seen, Unknown):
            why = str(seen) if seen else f"{kind} has no reader"
            unchecked.append(Unchecked(path=field_path(state.ref, name, "")[0], why=why))
        else:
            deviating, count, left = _compare(state, name, kind, declared[name], seen)
            findings += deviating
            checked += count
            unchecked += left
    return tuple(findings), checked, tuple(unchecked)


def _compare(
    state: StackState, name: str, kind: str, declared: Mapping[str, Any], live: Mapping[str, Any]
) -> tuple[list[Finding], int, list[Unchecked]]:
    findings, unchecked, count = [], [], 0
    for key, value in declared.items():
        if key not in live:
            unchecked.append(Unchecked(path=field_path(state.ref, name, key)[0], why="not read"))
            continue
        count += leaves(value)
        for d in compared(kind, key, value, live[key]):
            if d.left is UNRESOLVED:
                count -= 1
                why = "refers to an attribute that the stack does not tell"
                unchecked.append(Unchecked(path=field_path(state.ref, name, d.path)[0], why=why))
            else:
                findings.append(_finding(state, name, d.path, d.left, d.right))
    return findings, count, unchecked


def _finding(state: StackState, name: str, prop: str, declared: Any, live: Any) -> Finding:
    disposition, reason = judge(state.ref, name, prop, declared, live)
    return Finding(
        path=field_path(state.ref, name, prop)[0],
        region=region_of(state.ref, name),
        disposition=disposition,
        reason=reason,
        desired=declared,
        observed=live,
        stack=state.ref,
        logical_id=name,
    )


def _missing(state: StackState, name: str, kind: str) -> Finding:
    disposition, reason = judge_missing(state.ref, kind)
    return Finding(
        path=field_path(state.ref, name, "")[0],
        region=region_of(state.ref, name),
        disposition=disposition,
        reason=reason,
        stack=state.ref,
        logical_id=name,
        missing=True,
    )


def unread(state: StackState) -> Iterator[Unchecked]:
    """A stack whose operation runs or failed: its live values mean nothing yet."""
    why = f"stack is {state.status}" if not state.complete else "stack settled while it was read"
    for name in (state.template or {}).get("Resources", {}):
        yield Unchecked(path=field_path(state.ref, name, "")[0], why=why)
