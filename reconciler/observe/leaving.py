"""What still holds a Region that is drained or leaves: requests that come in all the same, interfaces that Lambda keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reconciler.model.facts import Facts
from reconciler.model.observed import Seen, StackState, TrafficGate, Unknown, known
from reconciler.model.stacks import StackKind, StackRef


def interfaces(facts: Facts, stacks: Mapping[StackRef, Seen[StackState]]) -> Mapping[str, int | Unknown]:
    """How many are left in the Regions that have a network and no functions any more."""
    found: dict[str, int | Unknown] = {}
    for region, region_facts in facts.regions.items():
        api, data = (stacks.get(StackRef(kind, region)) for kind in (StackKind.API, StackKind.DATA))
        if api is None and data is not None:
            listing = region_facts.interfaces
            found[region] = listing if isinstance(listing, Unknown) else len(listing)
    return found


def requests(
    facts: Facts, gates: Mapping[str, Seen[TrafficGate]]
) -> Mapping[str, tuple[tuple[datetime, float], ...] | Unknown]:
    """By minute, of the Regions whose gate is closed."""
    found: dict[str, tuple[tuple[datetime, float], ...] | Unknown] = {}
    for region, seen in gates.items():
        gate = known(seen)
        if gate is None or not gate.is_closed:
            continue
        series = facts.regions[region].requests
        found[region] = series if isinstance(series, Unknown) else tuple((at, n) for at, n in series if n > 0)
    return found
