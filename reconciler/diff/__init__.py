"""Three-way difference of desired, observed and applied: changes, each with its origin, and drift, each with its disposition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.diff import ledger
from reconciler.diff.beside import beside_findings
from reconciler.diff.database_findings import database_findings, database_unread
from reconciler.diff.desired import desired_stacks, template_keys
from reconciler.diff.detected import disputes, merged, still_holds
from reconciler.diff.drift import Reading, stack_drift, unread
from reconciler.diff.lost import as_drift, lost_stacks
from reconciler.diff.motion import motion_changes, motion_findings
from reconciler.diff.rollout import failed_rollout
from reconciler.diff.settling import carried_out, settling
from reconciler.diff.templates import stack_changes, touched
from reconciler.diff.waivers import Waivers
from reconciler.model.change import Change, Diff, Disposition, Finding, Tool
from reconciler.model.coverage import Coverage, Entry, Way
from reconciler.model.detection import Detection
from reconciler.model.motion import Motion
from reconciler.model.observed import Live, Observed, StackState, Unknown
from reconciler.model.sightings import Sightings
from reconciler.model.stacks import DesiredStack, StackRef
from reconciler.model.topology import Topology

__all__ = ["carried_out", "desired_stacks", "diff", "disputes", "template_keys"]


def diff(
    topology: Topology,
    stacks: Mapping[StackRef, DesiredStack],
    observed: Observed,
) -> Diff:
    """Everything that desired, applied and observed disagree on."""
    waivers = Waivers(topology.drift.ignore, observed.at)
    motion = Motion.recorded(observed.recorded)
    detections = motion.detections if motion else {}
    changes: list[Change] = []
    lost = tuple(lost_stacks(topology, stacks, observed))
    findings: list[Finding] = [*waivers.judged(motion_findings(topology, observed)), *lost]
    entries: list[Entry] = list(ledger.of_motion(topology, observed))
    allowed: dict[StackRef, frozenset[str]] = {}
    live = _by_stack(observed)
    for ref, desired in stacks.items():
        state = observed.stacks.get(ref)
        mine = stack_changes(desired, state)
        if isinstance(state, Unknown):
            entries.append(Entry(path=str(ref), way=Way.UNCHECKED, why=str(state)))
        elif state and state.template:
            detection = detections.get(str(ref))
            found, covered = _drift(state, observed, live.get(ref, {}), detection)
            if detection and still_holds(state, detection) and (state.complete or state.rolled_back):
                found = tuple(merged(state, live.get(ref, {}), found, detection))
            mine, found = _observed_too(mine, found)
            found = waivers.judged(found)
            findings += found
            entries += covered
            heals = topology.drift.mode == "heal"
            drifted = frozenset(f.logical_id for f in found if heals and f.logical_id and _by_change_set(f))
            if mine or drifted:
                allowed[ref] = touched(desired, mine, drifted, state.template)
        changes += mine
    findings += waivers.judged(beside_findings(topology, observed))
    findings += waivers.judged(database_findings(topology, observed, findings))
    entries += database_unread(observed)
    kept, judged, repairs = settling(observed, tuple(changes), tuple(findings))
    judged = (*(f for f in judged if not f.returns), *waivers.judged(f for f in judged if f.returns))
    allowed = {ref: names for ref, names in allowed.items() if _to_do(ref, kept, judged)}
    changes = [*as_drift(kept, lost), *motion_changes(topology, observed)]
    seen = Sightings.recorded(observed.recorded)
    return Diff(
        changes=tuple(changes),
        findings=seen.told(judged),
        waived=waivers.waived(seen.told),
        unused=waivers.unused,
        touched=allowed,
        coverage=Coverage.of((*entries, *_settings(stacks, observed, entries))),
        failed_rollout=failed_rollout(topology, stacks, observed),
        repairs=repairs,
    )


def _settings(stacks: Mapping[StackRef, DesiredStack], observed: Observed, entries: list[Entry]) -> tuple[Entry, ...]:
    """What the document says nothing of can be told once every stack was read."""
    whole = all(isinstance(s := observed.stacks.get(ref), StackState) and s.template for ref in stacks)
    return tuple(ledger.of_settings(entries)) if whole else ()


def _to_do(ref: StackRef, changes: tuple[Change, ...], findings: tuple[Finding, ...]) -> bool:
    drifted = any(f.stack == ref and _by_change_set(f) for f in findings)
    return drifted or any(c.stack == ref for c in changes)


def _by_change_set(finding: Finding) -> bool:
    return finding.disposition is Disposition.HEAL and finding.tool is Tool.CHANGE_SET


def _by_stack(observed: Observed) -> Mapping[StackRef, Mapping[str, Live]]:
    found: dict[StackRef, dict[str, Live]] = {}
    for (ref, name), seen in observed.live.items():
        found.setdefault(ref, {})[name] = seen
    return found


def _drift(state: StackState, observed: Observed, live: Mapping[str, Live], detection: Detection | None) -> Reading:
    if state.in_progress or not state.stands or state.moved_after(observed.at):
        return (), unread(state, observed.account)  # some of its values may have been read before it settled
    return stack_drift(state, live, observed.account, detection)


def _observed_too(
    changes: tuple[Change, ...], findings: tuple[Finding, ...]
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """A property that a commit changes anyway is no drift: the change shows what is observed there."""
    drifted = {f.path: f for f in findings}
    merged = tuple(replace(c, observed=drifted[c.path].observed) if c.path in drifted else c for c in changes)
    taken = {c.path for c in changes}
    return merged, tuple(f for f in findings if f.path not in taken)
