"""All events may be lost: the slow resync finds what is to be done, and a pass asks for the next one itself (`requeueAfter`)."""

from __future__ import annotations

from tests.plane.world import DEAD, QUIET, TTL, Plane


def test_without_any_event_the_resync_brings_a_commit_in(plane: Plane) -> None:
    plane.hush()
    generation = plane.commit(*TTL)
    plane.upload()
    plane.passes_by(3600)
    assert plane.status()["observedGeneration"] == 1, "somebody was woken without an event and without the schedule"
    plane.faults({"rules": "off"})
    plane.converged(generation)
    assert plane.record_ttl() == 20
    assert plane.waiting(DEAD) == 0


def test_once_begun_a_change_needs_nothing_but_its_own_messages(plane: Plane) -> None:
    plane.faults({"rules": "off"})
    generation = plane.commit(*TTL)
    plane.upload()
    plane.until(lambda: plane.item("status") and plane.status()["observedGeneration"] == generation)
    plane.faults(QUIET)
    woken = plane.woken()
    plane.converged(generation)
    assert plane.record_ttl() == 20
    assert plane.woken() == woken, "wake was called, and this test shows nothing"
