"""Whole stacks as drift: one that stood when this topology last converged and is gone, or is stuck where nothing can be deployed.

What becomes of them is planned as for any stack that is not there or failed; what a person must look at, the rules refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.diff.disposition import row_of_stack
from reconciler.model.change import Action, Change, Finding, Origin, Tool
from reconciler.model.motion import Motion
from reconciler.model.observed import Observed, StackState, known
from reconciler.model.stacks import REGIONAL, StackKind, StackRef
from reconciler.model.topology import EDGE_REGION, Topology, Traffic

_OF_A_REGION = (StackKind.DATA, StackKind.API)


def lost_stacks(topology: Topology, refs: Iterable[StackRef], observed: Observed) -> Iterator[Finding]:
    """Nothing of a topology that is being destroyed, or of which nothing is known from before."""
    motion = Motion.recorded(observed.recorded)
    if motion is None or motion.destroying:
        return
    for ref in refs:
        seen = observed.stacks.get(ref)
        gone = seen is None or (isinstance(seen, StackState) and seen.template is None and not seen.in_progress)
        stuck = isinstance(seen, StackState) and (seen.beyond_update or seen.status == "UPDATE_ROLLBACK_FAILED")
        if (gone or stuck) and _stood(topology, ref, motion, observed):
            yield _finding(ref, None if gone or not isinstance(seen, StackState) else seen)


def as_drift(changes: Iterable[Change], lost: Iterable[Finding]) -> tuple[Change, ...]:
    """A stack that is made again because somebody deleted it: no commit asks for that."""
    refs = {f.stack for f in lost if f.missing}
    return tuple(
        replace(c, origin=Origin.DRIFT) if c.stack in refs and c.action is Action.CREATE and c.logical_id is None else c
        for c in changes
    )


def stack_path(ref: StackRef) -> str:
    return f"regions/{ref.region}/{ref.kind}" if ref.kind in REGIONAL else str(ref.kind)


def _stood(topology: Topology, ref: StackRef, motion: Motion, observed: Observed) -> bool:
    """It was there when all was as declared, and nothing of ours took it away since: a stack that we gave up on is another
    story, and so is a Region that was drained to leave."""
    if str(ref) in motion.failed:
        return False
    if ref.kind is StackKind.FOUNDATION:
        return ref.region in (*motion.traffic, *({topology.home_region, EDGE_REGION} if motion.traffic else ()))
    if ref.kind not in _OF_A_REGION:
        return bool(motion.traffic)
    gate, before = known(observed.gates.get(ref.region)), motion.traffic.get(ref.region)
    return gate is not None and before is not None and (gate.is_open or before == Traffic.DRAINED)


def _finding(ref: StackRef, state: StackState | None) -> Finding:
    row = row_of_stack(ref, gone=state is None)
    return Finding(
        path=stack_path(ref),
        region=ref.region if ref.kind in REGIONAL else None,
        disposition=row.disposition,
        reason=row.why,
        tool=Tool.NONE,
        observed=state.status if state else None,
        stack=ref,
        missing=state is None,
    )
