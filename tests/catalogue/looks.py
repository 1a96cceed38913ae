"""What the commands do, in this process: `meridian drift`, and `meridian converge` until it ends."""

from __future__ import annotations

import time

from reconciler.cli.converge import Passes
from reconciler.drive import Run
from reconciler.loop import Looking, look, run_pass
from reconciler.model.change import Finding
from reconciler.model.facts import Sweep
from reconciler.model.outcome import Outcome, Result
from reconciler.model.topology import Topology
from tests.embedded.converged import QUICKLY, Converged

BETWEEN = 30
PATIENCE = 240
"""Seconds of the wall: at this speed it is the machine that stacks wait for, and passes are over before it has made them."""


def drift(world: Converged, topology: Topology | None = None) -> Outcome:
    """A full look, as `meridian drift` has it."""
    return look(world.ports, topology or world.topology, sweep=Sweep.FULL)


def findings(world: Converged, topology: Topology | None = None) -> list[Finding]:
    """A resource's change takes a moment to be seen everywhere, and the report says the same as soon as it is."""
    return list(drift(world, topology).diff.findings)


def converge(world: Converged, topology: Topology | None = None) -> Outcome:
    world.aws.go(QUICKLY)
    run, wanted = Run(patience=30), topology or world.topology
    passes = Passes(lambda sweep: run_pass(world.ports, wanted, run, looking=Looking(sweep=sweep)))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        outcome = passes()
        assert all(p.retry for p in outcome.problems), outcome.problems
        assert not outcome.plan.refusals, outcome.plan.refusals
        if outcome.result is Result.CONVERGED:
            world.aws.go()
            return outcome
        world.ports.clock.sleep(BETWEEN)
    raise AssertionError(f"not converged after {PATIENCE} s: {outcome.plan.waves[:1]} {outcome.problems}")
