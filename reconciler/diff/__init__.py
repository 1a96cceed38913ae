"""Three-way difference of desired, observed and applied: changes, each with its origin, and drift, each with its disposition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.diff.beside import beside_findings
from reconciler.diff.desired import desired_stacks, template_keys
from reconciler.diff.drift import stack_drift, unread
from reconciler.diff.motion import motion_changes, motion_findings
from reconciler.diff.rollout import failed_rollout
from reconciler.diff.settling import carried_out, settling
from reconciler.diff.templates import stack_changes, touched
from reconciler.model.change import Change, Coverage, Diff, Disposition, Finding, Unchecked
from reconciler.model.observed import Live, Observed, Unknown
from reconciler.model.stacks import DesiredStack, StackRef
from reconciler.model.topology import Topology

__all__ = ["carried_out", "desired_stacks", "diff", "template_keys"]


def diff(topology: Topology, stacks: Mapping[StackRef, DesiredStack], observed: Observed) -> Diff:
    """Everything that desired, applied and observed disagree on."""
    changes: list[Change] = []
    findings: list[Finding] = [*motion_findings(topology, observed), *beside_findings(topology, observed)]
    unchecked: list[Unchecked] = []
    allowed: dict[StackRef, frozenset[str]] = {}
    checked = 0
    live = _by_stack(observed)
    for ref, desired in stacks.items():
        state = observed.stacks.get(ref)
        mine = stack_changes(desired, state)
        if isinstance(state, Unknown):
            unchecked.append(Unchecked(path=str(ref), why=str(state)))
        elif state and state.template:
            found, count, left = _drift(desired, observed, live.get(ref, {}))
            mine, found = _observed_too(mine, found)
            findings += found
            checked += count
            unchecked += left
            heals = topology.drift.mode == "heal"
            drifted = frozenset(
                f.logical_id for f in found if heals and f.logical_id and f.disposition is Disposition.HEAL
            )
            if mine or drifted:
                allowed[ref] = touched(desired, mine, drifted, state.template)
        changes += mine
    kept, judged, repairs = settling(observed, tuple(changes), tuple(findings))
    allowed = {ref: names for ref, names in allowed.items() if _to_do(ref, kept, judged)}
    changes = [*kept, *motion_changes(topology, observed)]
    failing = failed_rollout(topology, stacks, observed)
    coverage = Coverage(fields=checked + len(unchecked), checked=checked, unchecked=tuple(unchecked))
    return Diff(
        changes=tuple(changes),
        findings=judged,
        touched=allowed,
        coverage=coverage,
        failed_rollout=failing,
        repairs=repairs,
    )


def _to_do(ref: StackRef, changes: tuple[Change, ...], findings: tuple[Finding, ...]) -> bool:
    drifted = any(f.stack == ref and f.disposition is Disposition.HEAL for f in findings)
    return drifted or any(c.stack == ref for c in changes)


def _by_stack(observed: Observed) -> Mapping[StackRef, Mapping[str, Live]]:
    found: dict[StackRef, dict[str, Live]] = {}
    for (ref, name), seen in observed.live.items():
        found.setdefault(ref, {})[name] = seen
    return found


def _drift(
    desired: DesiredStack, observed: Observed, live: Mapping[str, Live]
) -> tuple[tuple[Finding, ...], int, tuple[Unchecked, ...]]:
    state = observed.stack(desired.ref.kind, desired.ref.region)
    if state is None:
        return (), 0, ()
    if state.in_progress or not state.stands or state.moved_after(observed.at):
        return (), 0, tuple(unread(state))  # some of its values may have been read before it settled
    return stack_drift(state, live, observed.account)


def _observed_too(
    changes: tuple[Change, ...], findings: tuple[Finding, ...]
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """A property that a commit changes anyway is no drift: the change shows what is observed there."""
    drifted = {f.path: f for f in findings}
    merged = tuple(replace(c, observed=drifted[c.path].observed) if c.path in drifted else c for c in changes)
    taken = {c.path for c in changes}
    return merged, tuple(f for f in findings if f.path not in taken)
