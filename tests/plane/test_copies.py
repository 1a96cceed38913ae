"""Every message three times, and in any order: the same end, and not one call more that changes something."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.plane.world import DEAD, QUEUE, TTL, Plane


def _change(plane: Plane) -> tuple[Counter[tuple[str, str]], dict[str, Any]]:
    since = plane.now()
    generation = plane.commit(*TTL)
    plane.upload()
    status = plane.converged(generation)
    plane.hush()
    plane.trail_is_told()
    return plane.writes(since), status


def test_copies_of_messages_change_nothing(plane: Plane, converged: str) -> None:
    once, status = _change(plane)
    assert once["ExecuteChangeSet", "us-east-1"] == 1, once
    plane.restore(converged)
    plane.faults({"queue": QUEUE, "copies": 3, "shuffle": True})
    thrice, again = _change(plane)
    assert thrice == once
    assert {c["type"]: c["status"] for c in again["conditions"]} == {
        c["type"]: c["status"] for c in status["conditions"]
    }
    assert plane.record_ttl() == 20
    assert plane.waiting(DEAD) == 0
