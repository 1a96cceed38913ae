"""A world that the pass itself converged on the worked example, once per server; every test starts from a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from reconciler.drive import Run
from reconciler.load import load
from reconciler.loop import Ports, run_pass
from reconciler.model.facts import Facts, Sweep
from reconciler.model.observed import Observed
from reconciler.model.outcome import Outcome, Result
from reconciler.model.topology import Topology
from reconciler.observe import observe
from reconciler.wiring import ports
from tests.embedded.conftest import ROOT, SPEED, Aws

PASSES = 150
QUICKLY = 5000  # nobody looks at what happens on the way, which other tests do
AT_ONCE = 20_000
_kept: dict[str, str] = {}  # by the server's address: the snapshot of the converged world


@dataclass(frozen=True)
class Converged:
    aws: Aws
    ports: Ports
    topology: Topology
    snapshot: str

    def restore(self, snapshot: str | None = None) -> None:
        """The converged world, or another snapshot, at the usual speed, as soon as all that was set in motion is over."""
        self.aws.control("clock", {"speed": SPEED})
        self.aws.until(lambda: self.aws.control("restore", {"id": snapshot or self.snapshot})[0] == 200)

    def snapshot_at_rest(self) -> str | None:
        """Another snapshot, of what is now; None while something is under way, which no snapshot can hold."""
        status, answer = self.aws.control("snapshot", {})
        return answer["id"] if status == 200 else None

    def passes(self, seconds: float) -> None:
        """So many of AWS's seconds go by at once, however slow this machine is, and then time goes on as usual."""
        end = self.aws.now() + timedelta(seconds=seconds)
        self.aws.go(AT_ONCE)
        self.aws.until(lambda: self.aws.now() >= end)
        self.aws.go()

    def facts(self, sweep: Sweep = Sweep.PLAN) -> Facts:
        return self.ports.cloud.facts(self.topology, sweep)

    def observed(self, sweep: Sweep = Sweep.PLAN) -> Observed:
        return observe(self.facts(sweep), self.topology)


@contextmanager
def credentials(aws: Aws) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", aws.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "111111111111")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.delenv("AWS_PROFILE", raising=False)
        # Tests change the clock's speed from one line to the next: whoever counts on from an old answer is hours off.
        patch.setattr("reconciler.aws.clock._RESYNC", 0.02)
        yield


@contextmanager
def converged(aws: Aws) -> Iterator[Converged]:
    """Restore it before use. On a server that nobody has used it is there as it was made, with what its databases hold, which no
    snapshot keeps."""
    there = aws.url in _kept
    snapshot = kept(aws)
    with credentials(aws):
        if there:
            aws.control("reset", {})
        (topology,) = load(ROOT / "desired_state")
        aws.control("clock", {"speed": SPEED})  # whatever the test before made of it
        yield Converged(aws, ports(), topology, snapshot)
        aws.still()  # what stands here would work on beside the tests that follow


def kept(aws: Aws) -> str:
    """The snapshot of the converged world; whoever asks first waits for it."""
    if aws.url not in _kept:
        with credentials(aws):
            aws.control("reset", {})
            aws.control("clock", {"speed": QUICKLY})
            _converge(ports(), *load(ROOT / "desired_state"))
            _kept[aws.url] = aws.control("snapshot", {})[1]["id"]
    return _kept[aws.url]


def _converge(world: Ports, topology: Topology) -> None:
    run = Run(patience=30)  # as `meridian converge` has
    for _ in range(PASSES):
        outcome: Outcome = run_pass(world, topology, run)
        assert all(p.retry for p in outcome.problems), outcome.problems
        if outcome.result is Result.CONVERGED:
            return
        world.clock.sleep(10)
    raise AssertionError(f"not converged after {PASSES} passes: {outcome.plan.waves[0]}")
