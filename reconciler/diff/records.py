"""The latency records of Regions that leave: they stay in the routing stack until their Region is drained.

They come from the applied template, so that nothing is synthesised for a state in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from reconciler.model.observed import Observed, StackState
from reconciler.model.stacks import DesiredStack, StackKind, Template, gate_parameter, record_ids, routed_regions
from reconciler.model.topology import Topology


def with_leaving(desired: DesiredStack, topology: Topology, observed: Observed) -> DesiredStack:
    """The routing stack as it should be now: with the records of Regions that leave, less those of the first one that is
    drained, and that only while nothing else is to change in the stack: a removal is a deployment of its own."""
    state = observed.stack(StackKind.ROUTING, desired.ref.region)
    routed = routed_and_leaving(topology, state)
    if state is None or not routed:
        return desired
    whole = _merged(desired, state, routed)
    if whole.template.body != state.template or whole.parameters != state.parameters:
        return whole
    span = timedelta(seconds=topology.routing.drain_seconds)
    unread = observed.unknown_regions()
    for region in (r for r in routed if r not in unread):
        since = observed.drained_since(region)
        if since is not None and since + span <= observed.at:
            return _merged(desired, state, tuple(r for r in routed if r != region))
    return whole


def routed_and_leaving(topology: Topology, state: StackState | None) -> tuple[str, ...]:
    """Regions that have records and no place in the document any more, sorted; told from the applied template."""
    return tuple(sorted(routed_regions(state.template if state else None).difference(topology.region_names)))


def _merged(desired: DesiredStack, state: StackState, regions: tuple[str, ...]) -> DesiredStack:
    if not regions or state.template is None:
        return desired
    body: dict[str, Any] = dict(desired.template.body)
    kept = [name for region in regions for name in record_ids(region)]
    body["Resources"] = {**body["Resources"], **_some(state.template.get("Resources", {}), kept)}
    names = [gate_parameter(region) for region in regions]
    if "Parameters" in state.template:
        body["Parameters"] = {**body.get("Parameters", {}), **_some(state.template["Parameters"], names)}
    values = None if desired.parameters is None else {**desired.parameters, **_some(state.parameters, names)}
    template = Template(desired.template.key, body, desired.template.assets)
    return replace(desired, template=template, parameters=values)


def _some(mapping: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: mapping[name] for name in names if name in mapping}
