"""Applied stacks against live resources: drift findings with their disposition, and what could not be checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.diff.catalogue import field_path, region_of
from reconciler.diff.disposition import judge_missing, row_of, row_of_missing
from reconciler.diff.ledger import Scope, summed
from reconciler.diff.resolve import UNRESOLVED, resolved_properties
from reconciler.diff.whole import compared
from reconciler.model.change import Finding
from reconciler.model.coverage import Entry
from reconciler.model.detection import Detection
from reconciler.model.facts import LATER
from reconciler.model.observed import Live, Missing, StackState, Unknown
from reconciler.model.shapes import Undeclared

Reading = tuple[tuple[Finding, ...], tuple[Entry, ...]]
"""Findings, and how each declared value was checked or why not."""


def stack_drift(
    state: StackState, live: Mapping[str, Live], account: str, detection: Detection | None = None
) -> Reading:
    """Compare one settled stack. `live`: logical id to what AWS reports of it."""
    findings: list[Finding] = []
    entries: list[Entry] = []
    scope = Scope(state=state, detection=detection)
    declared = resolved_properties(state, account, types := _types(state))
    for name, kind in types.items():
        seen = live.get(name)
        if isinstance(seen, Missing):
            findings.append(_missing(state, name, kind))
            entries += (e for key, value in declared[name].items() for e in scope.read(name, kind, key, value))
        elif seen is None or isinstance(seen, Unknown):
            entries += scope.entries(name, kind, declared[name], _why(seen))
        else:
            findings += _deviating(state, name, kind, declared[name], seen)
            entries += _covered(scope, name, kind, declared[name], seen)
    return tuple(findings), summed(entries)


def _types(state: StackState) -> Mapping[str, str]:
    return {name: body.get("Type", "") for name, body in (state.template or {}).get("Resources", {}).items()}


def _why(seen: object) -> str:
    """Why a reading that should be there is not; empty where nobody meant to read."""
    return (seen.message if seen == LATER else str(seen)) if isinstance(seen, Unknown) else ""


def _deviating(
    state: StackState, name: str, kind: str, declared: Mapping[str, Any], live: Mapping[str, Any]
) -> Iterator[Finding]:
    for key, value in declared.items():
        if key in live and not isinstance(live[key], Unknown):
            for d in compared(kind, key, value, _seen(live[key])):
                if d.left is not UNRESOLVED:
                    yield _finding(state, name, d.path, d.left, d.right)
    for key, seen in _undeclared(declared, live):
        if seen.desired != seen.observed:
            yield _finding(state, name, key, seen.desired, seen.observed)


def _undeclared(declared: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[tuple[str, Undeclared]]:
    yield from ((key, seen) for key, seen in live.items() if isinstance(seen, Undeclared) and key not in declared)


def _seen(live: Any) -> Any:
    return live.observed if isinstance(live, Undeclared) else live


def _covered(
    scope: Scope, name: str, kind: str, declared: Mapping[str, Any], live: Mapping[str, Any]
) -> Iterator[Entry]:
    """A reader leaves out what it cannot read, or gives the `Unknown` that says why."""
    for key, value in declared.items():
        if key in live and not isinstance(live[key], Unknown):
            yield from scope.read(name, kind, key, value, _seen(live[key]))
        else:
            yield from scope.unread(name, kind, key, value, _why(live.get(key)))


def _finding(state: StackState, name: str, prop: str, declared: Any, live: Any) -> Finding:
    row = row_of(state.ref, name, prop, declared, live)
    return Finding(
        path=field_path(state.ref, name, prop)[0],
        region=region_of(state.ref, name),
        disposition=row.disposition,
        reason=row.why,
        tool=row.tool,
        desired=declared,
        observed=live,
        stack=state.ref,
        logical_id=name,
        prop=prop,
    )


def _missing(state: StackState, name: str, kind: str) -> Finding:
    disposition, reason = judge_missing(state.ref, kind)
    return Finding(
        path=field_path(state.ref, name, "")[0],
        region=region_of(state.ref, name),
        disposition=disposition,
        reason=reason,
        tool=row_of_missing(state.ref, kind).tool,
        stack=state.ref,
        logical_id=name,
        missing=True,
    )


def unread(state: StackState, account: str) -> tuple[Entry, ...]:
    """A stack whose operation runs or failed: its live values mean nothing yet."""
    why = f"stack is {state.status}" if not state.complete else "stack settled while it was read"
    declared = resolved_properties(state, account, types := _types(state))
    scope = Scope(state=state)
    return summed(e for name, kind in types.items() for e in scope.entries(name, kind, declared[name], why))
