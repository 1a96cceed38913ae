"""Plans with their preflight: what `meridian plan` shows, for whoever shows plans."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.cli.looking import look_at_all
from reconciler.cli.settings import Settings
from reconciler.loop import Ports
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Goal
from reconciler.model.preflight import Preflight
from reconciler.model.topology import Topology

Planned = tuple[Outcome, Preflight]


def plan_all(settings: Settings, topologies: Iterable[Topology], *, offline: bool) -> tuple[list[Planned], list[int]]:
    """What a pass would do about each topology, with its preflight; an exit code for each that could not be looked at."""
    from reconciler import wiring

    ports = wiring.ports(offline=offline)
    wanted = {topology.name: topology for topology in topologies}
    outcomes, codes = look_at_all(settings, wanted.values(), offline=offline, ports=ports)
    return [(o, preflight(ports, wanted[o.topology], o, offline=offline)) for o in outcomes], codes


def preflight(ports: Ports, topology: Topology, outcome: Outcome, *, offline: bool) -> Preflight:
    """Asks only about what the plan makes; nothing of an account that is not the document's."""
    from reconciler.preflight import judged, questions, unchecked

    seen, plan = outcome.observed, outcome.plan
    foreign = seen.account != topology.account
    if offline or foreign or ports.surveyor is None or outcome.goal is not Goal.CONVERGE:
        return unchecked(topology, seen)
    asked = questions(topology, seen, plan)
    return judged(topology, seen, plan, ports.surveyor.answers(asked) if asked else {})
