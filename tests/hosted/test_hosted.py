"""Reconcilers that are woken by messages, side by side on virtual time, over accounts in memory."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace

import pytest

from reconciler.model.facts import Sweep
from tests.hosted.world import RESYNC, Hosting


class Serial:
    """A pool of threads that has none: what runs side by side here are processes."""

    def __init__(self, *_: object) -> None:
        self.map = map

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def serial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.drive.ThreadPoolExecutor", Serial)


def fenced(hosting: Hosting) -> None:
    """No request was made by anybody but the holder of the newest token."""
    for place in hosting.places.values():
        assert all(s.token == s.in_force for s in place.stamps), place.stamps
        assert [s.token for s in place.stamps] == sorted(s.token for s in place.stamps)


def once() -> Hosting:
    hosting = Hosting(1)
    hosting.event("t00")
    hosting.run()
    return hosting


def test_twenty_topologies_at_once_and_a_poisoned_one_among_them() -> None:
    hosting = Hosting(20, workers=6)
    poisoned = hosting.places["t07"]
    poisoned.poisoned = True
    for name in hosting.places:
        hosting.event(name)
    healthy = [name for name in hosting.places if name != "t07"]
    hosting.run(20_000, *healthy, until=lambda: all(hosting.places[n].done for n in healthy) and hosting.queue.dead)
    fenced(hosting)
    assert hosting.most_at_once >= 4, "in parallel across topologies"
    took = [hosting.places[name].done or 0 for name in healthy]
    assert max(took) < 2 * statistics.median(took), "none starves"
    assert [m.topology for m in hosting.queue.dead] == ["t07"]
    assert poisoned.outcomes["crashed"] == 5
    status = json.loads(poisoned.table.status or "")
    assert (status["result"], not poisoned.stamps) == ("Stalled", True)
    assert any(c["type"] == "Stalled" and "a bug of ours" in c["message"] for c in status["conditions"])


def test_with_every_event_lost_it_converges_on_the_timer() -> None:
    hosting = Hosting(1, events=False)
    hosting.run()
    assert hosting.places["t00"].calls == once().places["t00"].calls


@pytest.mark.parametrize("seed", [1, 2])
def test_with_every_message_three_times_and_out_of_order_nothing_is_asked_for_twice(seed: int) -> None:
    hosting = Hosting(1, seed=seed, copies=3)
    hosting.event("t00")
    place = hosting.places["t00"]
    hosting.run(until=lambda: bool(place.done) and hosting.stage.now > (place.done or 0) + 1500)
    fenced(hosting)
    assert place.calls == once().places["t00"].calls
    passes = sum(place.outcomes.values())
    assert hosting.queue.sent["t00"] <= passes
    assert len(hosting.queue.messages) <= 3, "they are used up"


@pytest.mark.parametrize(("schedule", "full"), [("rate(30 minutes)", 12), ("rate(2 hours)", 3)])
def test_at_rest_it_is_glanced_at_and_swept_when_that_is_due(schedule: str, full: int) -> None:
    hosting = Hosting(1)
    place = hosting.places["t00"]
    place.topology = replace(place.topology, drift=replace(place.topology.drift, schedule=schedule))
    hosting.event("t00")
    hosting.run(60_000, until=lambda: bool(place.done) and hosting.stage.now > (place.done or 0) + 12 * RESYNC)
    assert abs(place.sweeps[Sweep.FULL] - full) <= 2, place.sweeps
    assert place.outcomes["Unchanged"] == place.sweeps[Sweep.FAST]
    assert place.sweeps[Sweep.FAST] + place.sweeps[Sweep.FULL] >= 10
    looks = json.loads(place.table.status or "")["looks"]
    assert looks["lookedAt"] >= looks["fullAt"]


@pytest.mark.parametrize("result", ["Stalled", "Waiting"])
def test_a_topology_that_does_not_get_on_is_swept_all_the_same(result: str) -> None:
    """What it failed at waits for a commit, and a gate may stay shut for days; what drifts meanwhile is seen."""
    hosting = Hosting(1)
    place = hosting.places["t00"]
    hosting.event("t00")

    def stuck() -> bool:
        if place.done and not place.sweeps[Sweep.FULL]:
            found = json.loads(place.table.status or "")
            place.table.status = json.dumps({**found, "result": result})
        return place.sweeps[Sweep.FULL] > 0

    hosting.run(60_000, until=stuck)
    assert place.sweeps[Sweep.FULL] == 1


def contended(seed: int) -> Hosting:
    hosting = Hosting(1, seed=seed, workers=3, copies=2, freezes=0.2, dies=0.1, from_nothing=True)
    for _ in range(3):
        hosting.event("t00")
    hosting.stage.start(lambda: hosting.command(hosting.places["t00"]))
    hosting.run()
    return hosting


def test_two_reconcilers_and_a_command_at_once_never_work_under_different_tokens() -> None:
    """Processes freeze for longer than their lease, and die right after a request: whoever takes over is alone, and the old holder,
    once it moves again, stops."""
    steals = stopped = 0
    for seed in range(2):
        hosting = contended(seed)
        fenced(hosting)
        steals += hosting.places["t00"].table.steals
        stopped += hosting.places["t00"].outcomes["redeliver"]
    assert steals > 20
    assert stopped > 5


def test_what_no_longer_counts_is_found_out_by_these_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lease's check a frozen holder goes on, and the stamps tell."""
    monkeypatch.setattr("tests.hosted.journal.Lease.check", lambda _self: None)
    hosting = contended(0)
    with pytest.raises(AssertionError):
        fenced(hosting)
