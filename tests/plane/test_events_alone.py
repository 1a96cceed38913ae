"""A bundle is uploaded, and nobody calls the command: the topology converges by events alone, with the rights of the roles."""

from __future__ import annotations

from tests.plane.world import REGIONS, Alone


def test_a_topology_converges_from_nothing_by_events_alone(alone: Alone) -> None:
    assert alone.before == {}
    ready, status = alone.ready, alone.status
    assert (ready["status"], ready["reason"], ready["observedGeneration"]) == ("True", "Converged", 1)
    seen = (status["generation"], status["desiredRevision"], status["lastServingRevision"])
    assert seen == (1, alone.head, alone.head)
    assert {r["name"]: (r["traffic"], r["health"]) for r in status["regions"]} == dict.fromkeys(
        REGIONS, ("serving", "Healthy")
    )
    assert alone.serves == dict.fromkeys(REGIONS, 200)
    assert alone.dead == 0
    assert alone.refused == []
    assert {c.role for c in alone.calls if c.name == "ExecuteChangeSet" and c.lease} == {"meridian-reconcile"}
