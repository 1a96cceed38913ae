"""The timeline under faults, crashes, operators and commits in a row: whatever happens, it makes sense in every document."""

import json
from itertools import pairwise

import pytest

from reconciler.report.timeline import MOST, Timeline, recorded
from tests.simulation.run import Simulation


class Journal:
    """Beside the simulation's own: keeps every timeline that a pass leaves."""

    def __init__(self, journal):
        self._journal, self.timelines = journal, []

    def __getattr__(self, name):
        return getattr(self._journal, name)

    def record(self, topology, status):
        document = json.loads(json.dumps(status))
        if document.get("timeline"):
            self.timelines.append((document, recorded(document["timeline"])))
        self._journal.record(topology, status)


def makes_sense(document, found: Timeline):
    open_steps = [s.id for s in found.steps if s.ended is None]
    assert len(open_steps) == len(set(open_steps)), "a step is open twice"
    assert len([g.id for g in found.gates if g.met is None]) == len({g.id for g in found.gates if g.met is None})
    assert len(found.steps) <= MOST
    assert len(found.gates) <= MOST
    for step in found.steps:
        assert step.began or not step.ended, f"{step.id} ended before it began"
        assert not step.ended or step.began <= step.ended
    assert all(g.met is None or g.since <= g.met for g in found.gates)
    if document["result"] == "Converged":
        assert found.ended, "as declared, and the rollout is still under way"


def goes_on(before: Timeline, after: Timeline):
    """Within a rollout nothing that is over changes any more, but for what no longer has room."""
    if before.began == after.began and before.revision == after.revision and len(after.steps) < MOST:
        over = [s for s in before.steps if s.ended]
        assert [s for s in after.steps if s in over] == over


@pytest.mark.parametrize("seed", [2, 5, 11])
def test_every_document_of_a_run_has_a_timeline_that_makes_sense(seed):
    simulation = Simulation(seed, destroys=False)
    journal = Journal(simulation.ports.journal)
    object.__setattr__(simulation.ports, "journal", journal)
    simulation.run()
    for document, found in journal.timelines:
        makes_sense(document, found)
    for (_, before), (_, after) in pairwise(journal.timelines):
        goes_on(before, after)
    assert sum(1 for s in journal.timelines[-1][1].steps if s.ended) > 0
    assert len({found.began for _, found in journal.timelines}) > 1, "one commit and no other"
