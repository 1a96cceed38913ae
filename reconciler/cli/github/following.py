"""Following commits to their end: look at the status, tell, wait, until each serves or does not get any further by itself.

What cannot be read just now is looked at again: AWS goes on, whether anybody follows it or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reconciler.cli import exits
from reconciler.model.bundle import Accepted, Commit
from reconciler.model.errors import ReconcilerError, Retry
from reconciler.model.topology import Topology
from reconciler.model.unknown import Unknown
from reconciler.ports import Clock
from reconciler.report.github.rollout import ENDS, Phase, Rollout, phase
from reconciler.report.github.rollout_states import commit_status

POLL = 15.0
"""Seconds of AWS's clock between two looks."""
LEAST = 0.2
"""Seconds of wall time: where AWS's clock runs fast, waiting would be a busy loop."""

Read = Callable[[Topology], Mapping[str, Any] | None]
Uploaded = Callable[[Topology], Accepted | Unknown | None]


def wait(clock: Clock) -> None:
    began = time.monotonic()
    clock.sleep(POLL)
    time.sleep(max(0.0, LEAST - (time.monotonic() - began)))


@dataclass(kw_only=True)
class Following:
    commit: Commit
    read: Read
    uploaded: Uploaded
    digest: Callable[[Topology], str]
    """Of what it declares."""
    clock: Clock
    publish: Callable[[Rollout], None]
    tell: Callable[[str], None]
    pause: Callable[[Clock], None]
    rollouts: dict[str, Rollout] = field(default_factory=dict)
    """As last seen, by topology."""
    missing: dict[str, exits.NotDone] = field(default_factory=dict)
    """Topologies whose upload failed: there is nothing to follow, and the others go on."""
    told: dict[str, str] = field(default_factory=dict)
    began: float = 0.0

    def follow(self, topologies: Sequence[Topology]) -> None:
        """Until all are at their end. Raises what says that no look will ever succeed."""
        since, self.began = self.clock.now(), time.monotonic()
        while True:
            for topology in topologies:
                if not self._ended(topology):
                    self._look(topology, since)
            if all(self._ended(t) for t in topologies):
                return
            self.pause(self.clock)

    def _ended(self, topology: Topology) -> bool:
        rollout = self.rollouts.get(topology.name)
        return topology.name in self.missing or (rollout is not None and phase(rollout) in ENDS)

    def _look(self, topology: Topology, since: datetime) -> None:
        try:
            rollout = self._seen(topology, since)
        except exits.NotDone as error:
            self.missing[topology.name] = error
            self.rollouts.pop(topology.name, None)
            self._say(topology.name, f"{error.code}: {error.message}")
            return
        except ReconcilerError as error:
            if error.retry is Retry.NEVER:
                raise
            self._say(topology.name, f"the status cannot be read, and is asked for again: {error.message}")
            return
        self.rollouts[topology.name] = rollout
        state, told = commit_status(rollout)
        self._say(topology.name, f"{state}: {told}")
        self.publish(rollout)

    def _seen(self, topology: Topology, since: datetime) -> Rollout:
        status = self.read(topology)
        ours = status is not None and status["desiredRevision"] == self.commit.commit
        uploaded = None if ours else self.uploaded(topology)
        rollout = Rollout(
            name=topology.name,
            domain=topology.domain.name,
            regions=topology.region_names,
            commit=self.commit.commit,
            generation=self.commit.generation,
            since=since,
            followed=timedelta(seconds=time.monotonic() - self.began),
            status=status,
            uploaded=uploaded,
            digest=self.digest(topology),
        )
        missing = not isinstance(uploaded, Unknown) and (uploaded is None or uploaded.commit != self.commit.commit)
        if not ours and missing and phase(rollout) is Phase.QUEUED:
            raise exits.NotDone(
                f"the revision bucket holds no bundle of {topology.name} at commit {self.commit.commit[:12]}: the upload "
                "failed, and its log says why, or nobody ran `meridian bundle --upload`",
                code="NotUploaded",
            )
        return rollout

    def _say(self, name: str, text: str) -> None:
        if self.told.get(name) != text:
            self.told[name] = text
            self.tell(f"{name}: {text}")


def exit_code(rollout: Rollout) -> int:
    match phase(rollout):
        case Phase.SERVING | Phase.SUPERSEDED:
            return exits.DONE
        case Phase.BLOCKED | Phase.SUSPENDED | Phase.REFUSED:
            return exits.BLOCKED
        case Phase.FAILED if rollout.ours:
            healthy = [region["health"] == "Healthy" for region in rollout.by_region.values()]
            return exits.PARTIAL if any(healthy) and not all(healthy) else exits.ERROR
        case _:
            return exits.ERROR
