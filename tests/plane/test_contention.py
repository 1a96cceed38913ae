"""Several reconcilers and a command at once: never two that change something under different leases, as CloudTrail tells it."""

from __future__ import annotations

import time
from itertools import pairwise

from reconciler.aws import lease
from tests.plane.world import HOME, MEMORY, QUEUE, TTL, Call, Plane

BEAT = lease.BEAT * lease.LENGTH_ON_LOOPBACK  # wall seconds after which a holder has noticed
SLOW = {"call": "route53:ListHealthChecks", "delay": 4.0, "times": 1}


def _one_after_another(calls: list[Call]) -> None:
    """Tokens only rise, and each is one process's."""
    ours = [c for c in calls if c.lease]
    assert ours
    for before, after in pairwise(ours):
        assert before.lease <= after.lease, (before, after)
    owners = {c.lease: c.key for c in ours}
    assert all(owners[c.lease] == c.key for c in ours)


def test_two_reconcilers_and_a_command_never_write_at_once(plane: Plane) -> None:
    since = plane.now()
    plane.faults({"queue": QUEUE, "copies": 3, "shuffle": True})
    generation = plane.commit(*MEMORY)
    plane.upload()
    command = plane.meridian.start("converge")
    plane.converged(generation, seconds=90)
    out, err = command.communicate(timeout=60)
    assert command.returncode in {0, 3}, out + err
    if command.returncode == 3:
        assert "works on orders and is alive" in err
    plane.trail_is_told()
    calls = plane.calls(since)
    _one_after_another(calls)
    assert len({c.key for c in calls if c.lease}) > 1, "one alone has written: nobody was there to be kept apart from"
    passes = [c for c in calls if c.role == "meridian-reconcile"]
    assert all(c.lease for c in passes), "a pass wrote without a lease"
    assert plane.memories() == dict.fromkeys(plane.memories(), 640)


def test_a_stolen_lease_stops_its_old_holder(plane: Plane) -> None:
    plane.faults(SLOW)
    generation = plane.commit(*TTL)
    before = plane.item("lease")
    assert before
    plane.upload()
    held = plane.until(lambda: (found := plane.item("lease")) and "holder" in found and found)
    kept = plane.item("status")
    token = int(held["token"]["N"]) + 1
    plane.steal(token, until=time.time() + 3600)
    time.sleep(2 * BEAT)  # until its next heartbeat the old holder cannot know
    noticed = plane.now()
    time.sleep(SLOW["delay"])  # type: ignore[arg-type]
    assert plane.item("status") == kept, "the old holder has overwritten the thief's status"
    taken = plane.item("lease")
    assert taken
    assert (taken["holder"]["S"], taken["token"]["N"]) == ("thief", str(token))
    released = plane.now()
    plane.steal(token, until=0.0)
    plane.converged(generation)
    plane.trail_is_told()
    calls = [c for c in plane.calls(noticed) if c.role == "meridian-reconcile"]
    assert [c for c in calls if c.at < released] == []
    assert {c.region for c in calls if not c.compares} == {HOME}
    assert min(c.lease for c in calls) > token
    assert plane.record_ttl() == 20
