"""The two detectors' findings put together: what direct reads see now, and what CloudFormation said when it last compared.

Direct reads are newer, so where both look, drift that only CloudFormation saw is gone by now; unless the two disagreed when they
looked at the same time: then the finding says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.diff.catalogue import field_path, region_of
from reconciler.diff.disposition import judge_missing, row_of, row_of_missing
from reconciler.diff.readable import readable, write_only
from reconciler.model.change import CALLS, Disposition, Finding
from reconciler.model.detection import Detection, Drifted
from reconciler.model.observed import Live, StackState, Unknown

Seen = Mapping[str, Live]


def still_holds(state: StackState, detection: Detection | None) -> bool:
    """It speaks of what is deployed now."""
    return detection is not None and detection.changed_at == state.changed_at


def disputes(state: StackState, live: Seen, findings: Iterable[Finding], detection: Detection) -> frozenset[str]:
    """What only one of the two saw, of looks at the same time. `findings`: those of direct reads, of this stack."""
    direct = [f for f in findings if f.stack == state.ref and f.logical_id and (f.prop or f.missing)]
    alone = {d.key for d in detection.drifted if _read(live, d) and not any(_same(f, d) for f in direct)}
    types = {name: body["Type"] for name, body in (state.template or {}).get("Resources", {}).items()}
    for finding in direct:
        name = finding.logical_id or ""
        compared = readable(types.get(name, "")) and not write_only(types[name], finding.prop)
        compared = compared and not detection.passed_over(name, finding.prop)
        if compared and not any(_same(finding, d) for d in detection.drifted):
            alone.add(f"{name}.{finding.prop}")
    return frozenset(alone)


def merged(state: StackState, live: Seen, findings: Iterable[Finding], detection: Detection) -> Iterator[Finding]:
    """`findings`: of direct reads."""
    direct = tuple(findings)
    for finding in direct:
        if any(_same(finding, d) for d in detection.drifted):
            yield replace(finding, detected_by="both")
        elif f"{finding.logical_id}.{finding.prop}" in detection.disputed:
            yield replace(
                finding, disagreement=f"CloudFormation saw no drift of it at {detection.at:%Y-%m-%d %H:%M:%S}"
            )
        else:
            yield finding
    for drifted in detection.drifted:
        read = _read(live, drifted)
        if not any(_same(f, drifted) for f in direct) and (not read or drifted.key in detection.disputed):
            yield _finding(state, drifted, detection, disagreement="direct reads see no drift of it" if read else "")


def _finding(state: StackState, drifted: Drifted, detection: Detection, disagreement: str) -> Finding:
    """Values are text here, so a tool that needs them as they are has to wait until they are read."""
    name, prop = drifted.logical_id, drifted.prop
    gone = not prop
    row = row_of_missing(state.ref, drifted.resource_type) if gone else None
    row = row or row_of(state.ref, name, prop, drifted.desired, drifted.observed)
    disposition, reason = judge_missing(state.ref, drifted.resource_type) if gone else (row.disposition, row.why)
    if row.tool in CALLS and disposition is Disposition.HEAL:
        disposition, reason = Disposition.HOLD, f"{reason}; only CloudFormation sees it"
    return Finding(
        path=field_path(state.ref, name, prop)[0],
        region=region_of(state.ref, name),
        disposition=disposition,
        reason=reason,
        tool=row.tool,
        desired=drifted.desired,
        observed=drifted.observed,
        detected_by="change-set",
        disagreement=disagreement,
        since=detection.at,
        stack=state.ref,
        logical_id=name,
        prop=prop,
        missing=gone,
    )


def _read(live: Seen, drifted: Drifted) -> bool:
    """Direct reads look at it, too."""
    seen = live.get(drifted.logical_id)
    if seen is None or isinstance(seen, Unknown):
        return False
    if not drifted.prop:
        return True
    top = drifted.prop.partition(".")[0]
    return isinstance(seen, Mapping) and top in seen and not isinstance(seen[top], Unknown)


def _same(finding: Finding, drifted: Drifted) -> bool:
    """The same property, or one inside the other: the two do not cut lists and policies in the same way."""
    if finding.logical_id != drifted.logical_id or finding.missing != (not drifted.prop):
        return False
    ours, theirs = finding.prop, drifted.prop
    return ours == theirs or ours.startswith(theirs + ".") or theirs.startswith(ours + ".")
