"""A bundle is uploaded, and nobody calls the command: the topology converges by events alone, with the rights of the roles."""

from __future__ import annotations

from tests.plane.world import DEAD, REGIONS, Plane


def test_a_topology_converges_from_nothing_by_events_alone(empty: Plane) -> None:
    assert empty.status() == {}
    empty.upload()
    status = empty.converged(1, seconds=120)
    ready = empty.condition("Ready")
    assert (ready["status"], ready["reason"], ready["observedGeneration"]) == ("True", "Converged", 1)
    head = empty.git("rev-parse", "HEAD")
    assert (status["generation"], status["desiredRevision"], status["lastServingRevision"]) == (1, head, head)
    assert {r["name"]: (r["traffic"], r["health"]) for r in status["regions"]} == dict.fromkeys(
        REGIONS, ("serving", "Healthy")
    )
    assert {region: empty.serves(region) for region in REGIONS} == dict.fromkeys(REGIONS, 200)
    assert empty.waiting(DEAD) == 0
    empty.trail_is_told()
    assert empty.refused_by_iam() == []
    assert {c.role for c in empty.calls(0.0) if c.name == "ExecuteChangeSet" and c.lease} == {"meridian-reconcile"}
