"""What a fast sweep reads, as one digest: equal as long as nothing of it moved, whichever sweep read it.

It holds no times, metrics and counts that move by themselves, and of settings only those that no template has: the others are
compared with their templates. Health is in it as the last minute had it, so that a Region that falls ill is more than glanced at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.model.facts import Facts, RegionFacts
from reconciler.model.observed import Observed, Probe, Seen, StackState, TrafficGate, Unknown
from reconciler.model.topology import Topology

_OF_CLUSTER = ("DBClusterIdentifier", "Status", "EngineVersion", "GlobalWriteForwardingStatus", "PendingModifiedValues")


class Unread(Exception):
    """Something of it is not known."""


def glance(facts: Facts, topology: Topology, observed: Observed) -> str:
    """Empty where something could not be read: equal to nothing that was seen."""
    try:
        return hashlib.sha256(repr(_seen(facts, topology, observed)).encode()).hexdigest()[:32]
    except Unread:
        return ""


def _seen(facts: Facts, topology: Topology, observed: Observed) -> list[Any]:
    """Of every Region that the document names, and of what is there once."""
    checks = _known(facts.health_checks)
    return [
        {str(ref): _stack(state) for ref, state in sorted(observed.stacks.items()) if state is not None},
        _known(observed.global_cluster),
        _known(observed.distribution),
        sorted(map(repr, _known(observed.records))),
        sorted(check["Id"] for check in checks),
        {region: _gate(observed.gates.get(region)) for region in topology.region_names},
        {region: _probe(observed.probes.get(region)) for region in topology.region_names},
        {region: _cluster(facts.regions[region]) for region in topology.region_names},
    ]


def _known(value: Any) -> Any:
    if isinstance(value, Unknown):
        raise Unread
    return value


def _stack(seen: StackState | Unknown) -> tuple[str, ...]:
    state: StackState = _known(seen)
    return (state.mark, state.status, repr(sorted(state.parameters.items())))


def _gate(seen: Seen[TrafficGate]) -> TrafficGate | None:
    gate: TrafficGate | None = _known(seen)
    return gate and replace(gate, samples=())


def _probe(seen: Seen[Probe]) -> tuple[str, bool | None] | None:
    probe: Probe | None = _known(seen)
    return None if probe is None else (probe.id, probe.healthy)


def _cluster(region: RegionFacts) -> list[Any]:
    found: Mapping[str, Any] | None = _known(region.cluster)
    return [repr((found or {}).get(name)) for name in _OF_CLUSTER]
