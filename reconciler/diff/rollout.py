"""A rollout that made a Region sick: it goes no further, and the last good template is put back where it went wrong.

The last good template is the one that an established Region still has to which the rollout had not come: Regions are the
same by construction, so nothing else need be kept. A new commit that changes the API's template starts afresh.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.model import client_keys
from reconciler.model.motion import Motion
from reconciler.model.observed import Observed, StackState, Unknown, known
from reconciler.model.stacks import CLIENT_KEYS, DesiredStack, StackKind, StackRef, Template
from reconciler.model.topology import Topology

SICK_SAMPLES = 3
"""A Region counts as made sick after so many unhealthy minutes in a row: one may be a lost packet."""
BLAME = timedelta(minutes=15)
"""Later than this after its deployment and soak, a sickness has other reasons."""


def failed_rollout(
    topology: Topology, stacks: Mapping[StackRef, DesiredStack], observed: Observed
) -> Mapping[str, str] | None:
    """What `Motion.broken` has to hold from now on; None where no rollout made a Region sick."""
    for ref, desired in stacks.items():
        state = observed.stack(ref.kind, ref.region)
        if (
            ref.kind is not StackKind.API
            or state is None
            or not state.complete
            or state.template != desired.template.body
        ):
            continue
        gate = known(observed.gates.get(ref.region))
        since = _sick_since(observed, ref.region)
        if gate is None or not gate.is_open or since is None or _last_good(stacks, observed, desired) is None:
            continue
        settled = state.settled_at or state.changed_at
        if settled - timedelta(minutes=1) <= since <= settled + BLAME + timedelta(seconds=topology.safety.soak_seconds):
            why = f"{ref.region} is unhealthy since {since:%H:%M:%S}, after its deployment"
            return {"digest": digest(desired.template), "region": ref.region, "reason": why, "since": since.isoformat()}
    return None


def held_back(stacks: Mapping[StackRef, DesiredStack], observed: Observed) -> Mapping[StackRef, DesiredStack]:
    """The API stacks as they should be while their template is known to be broken: nobody else gets it, and the Region that
    it made sick gets the last good one."""
    first = next((s for ref, s in stacks.items() if ref.kind is StackKind.API), None)
    motion = Motion.recorded(observed.recorded)
    failure = motion.broken if motion else {}
    if first is None or not failure or failure.get("digest") != digest(first.template):
        return stacks
    good = _last_good(stacks, observed, first)
    return {ref: _instead(desired, observed, good, failure) for ref, desired in stacks.items()}


def digest(template: Template) -> str:
    return hashlib.sha256(json.dumps(template.body, sort_keys=True).encode()).hexdigest()[:20]


def _instead(
    desired: DesiredStack, observed: Observed, good: StackState | None, failure: Mapping[str, str]
) -> DesiredStack:
    if desired.ref.kind is not StackKind.API:
        return desired
    state = observed.stack(StackKind.API, desired.ref.region)
    own = state if state and state.template else None
    source = good if desired.ref.region == failure["region"] or own is None else own
    if source is None or source.template is None:
        return desired
    template = Template(desired.template.key, dict(source.template), desired.template.assets)
    return replace(desired, template=template, parameters=_values(desired, source), held=failure["reason"])


def _values(desired: DesiredStack, source: StackState) -> Mapping[str, str] | None:
    """The parameters for that Region's template: keys go with the issuer that it names, or are none of it."""
    ours, theirs = client_keys.issuer_of(desired.template.body), client_keys.issuer_of(source.template or {})
    if desired.parameters is None or ours == theirs:
        return desired.parameters
    others = {k: v for k, v in desired.parameters.items() if k != CLIENT_KEYS}
    return {**others, **{k: v for k, v in source.parameters.items() if k == CLIENT_KEYS}}


def _last_good(stacks: Mapping[StackRef, DesiredStack], observed: Observed, desired: DesiredStack) -> StackState | None:
    """The stack of a Region that serves, or did before it was drained, with another one than the desired."""
    for state in _others(stacks, observed):
        gate = known(observed.gates.get(state.ref.region))
        if state.template != desired.template.body and gate and not gate.never_opened and state.stands:
            return state
    return None


def _others(stacks: Mapping[StackRef, DesiredStack], observed: Observed) -> Iterator[StackState]:
    for ref in stacks:
        state = observed.stack(ref.kind, ref.region)
        if ref.kind is StackKind.API and state and state.template:
            yield state


def _sick_since(observed: Observed, region: str) -> datetime | None:
    """When the unhealthy minutes began that reach to now, if they are enough to tell; an alarm tells at once."""
    probe = known(observed.probes.get(region))
    since = probe.unhealthy_since() if probe else None
    if probe and since and sum(at >= since for at, _ in probe.samples) >= SICK_SAMPLES:
        return since
    alarms = observed.alarms.get(region, ())
    return observed.at if not isinstance(alarms, Unknown) and alarms else None
