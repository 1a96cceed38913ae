"""CloudFormation stacks: state, what was applied, and the resource that failed first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.facts import Facts, RegionFacts, StackFacts
from reconciler.model.observed import Failure, Seen, StackState, Unknown, known
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.structure import mark_of
from reconciler.model.topology import EDGE_REGION, Topology
from reconciler.observe.attributes import attributes


def stack_states(facts: Facts, topology: Topology) -> Mapping[StackRef, Seen[StackState]]:
    """Every stack that may exist in a Region that was asked; None where there is none."""
    return {
        ref: _state(facts, topology, ref, region_facts)
        for region, region_facts in facts.regions.items()
        for ref in _refs(topology, region)
    }


def _refs(topology: Topology, region: str) -> list[StackRef]:
    kinds = [StackKind.FOUNDATION, StackKind.DATA, StackKind.API]
    if region == topology.home_region:
        kinds += [StackKind.GLOBAL, StackKind.ROUTING]
    if region == EDGE_REGION:
        kinds.append(StackKind.EDGE)
    return [StackRef(kind, region) for kind in kinds]


def _state(facts: Facts, topology: Topology, ref: StackRef, region: RegionFacts) -> Seen[StackState]:
    if isinstance(region.stacks, Unknown):
        return region.stacks
    found = region.stacks.get(ref.name(topology.name))
    ids = known(found.resources) or {} if found else {}
    return state_of(ref, found, attributes(facts, topology, ref, ids))


def state_of(ref: StackRef, found: StackFacts | None, known_attributes: Mapping[str, str]) -> Seen[StackState]:
    """One stack; None where there is none."""
    if found is None or found.stack["StackStatus"] == "DELETE_COMPLETE":
        return None
    stack, ids = found.stack, known(found.resources) or {}
    template = found.template
    if stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        template = None  # it has none, whatever AWS answers
    elif isinstance(template, Unknown):
        return template  # without its template, a stack's state would read as "nothing applied yet"
    elif not template:
        return Unknown(
            "TemplateUnread", f"{stack['StackName']} is {stack['StackStatus']} and AWS gives no template of it"
        )
    return StackState(
        ref=ref,
        id=stack.get("StackId", ""),
        status=stack["StackStatus"],
        status_reason=stack.get("StackStatusReason", ""),
        changed_at=stack.get("LastUpdatedTime") or stack["CreationTime"],
        settled_at=found.settled_at,
        parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in stack.get("Parameters", ())},
        outputs={o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())},
        template=template or None,
        resources=ids,
        attributes=known_attributes,
        failure=_failure(found),
        mark=mark_of(stack),
    )


def _failure(found: StackFacts) -> Failure | None:
    """What failed first: later failures of the same operation are mostly its consequences, or cancelled for it."""
    events = known(found.events) or ()
    failed = [e for e in reversed(events) if _is_cause(e)]
    own = found.stack.get("StackId")
    return next((_as_failure(e) for e in _resources_first(failed, own)), None)


def _is_cause(event: Mapping[str, Any]) -> bool:
    reason = event.get("ResourceStatusReason", "").lower()
    return event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason


def _resources_first(events: Sequence[Mapping[str, Any]], stack_id: str | None) -> list[Mapping[str, Any]]:
    """The stack's own event only repeats what one of its resources said."""
    return sorted(events, key=lambda e: e.get("PhysicalResourceId") == stack_id)


def _as_failure(event: Mapping[str, Any]) -> Failure:
    return Failure(
        logical_id=event["LogicalResourceId"],
        resource_type=event.get("ResourceType", ""),
        reason=event.get("ResourceStatusReason", ""),
    )
