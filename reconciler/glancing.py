"""A glance: whether all that serves is still as the last whole look left it, in a tenth of the calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.diff import desired_stacks, diff, template_keys
from reconciler.loop import Ports, observed_by
from reconciler.model.facts import Sweep
from reconciler.model.observed import Unknown
from reconciler.model.sweeps import Looks
from reconciler.model.topology import Topology


def unchanged(ports: Ports, topology: Topology, status: Mapping[str, Any]) -> bool:
    """True only if everything that a fast sweep covers was read, equals what stands in the status, and agrees with what was
    applied and is desired. Anything else calls for a whole pass, which judges it. Raises `ReconcilerError`."""
    observed = observed_by(ports, topology, Sweep.FAST)
    known = not isinstance(observed.issuer_keys, Unknown) and observed.suspension is None and bool(observed.glance)
    if not known or observed.glance != Looks.recorded(status).glance:
        return False
    keys = tuple(dict.fromkeys(template_keys(topology, observed).values()))
    stacks = desired_stacks(topology, observed, ports.synthesizer.templates(topology, keys))
    found = diff(topology, stacks, observed)
    return not (found.changes or found.findings or found.failed_rollout)
