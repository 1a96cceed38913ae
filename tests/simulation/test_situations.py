"""The recorded statuses are what the loop leaves today: `UPDATE_SNAPSHOTS=1` writes them anew; look at what changed."""

import json
import os

import pytest

from reconciler.report.status_text import status_text
from tests.simulation.situations import GOLDEN, SITUATIONS
from tests.unit.report.test_schemas import check

FOLDER = GOLDEN / "status"


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_status_of_a_situation(name):
    document = check(SITUATIONS[name]())
    file = FOLDER / f"{name}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(json.dumps(document, indent=1) + "\n")
    assert json.loads(file.read_text()) == document


RESULTS = {
    "converged": "Converged",
    "adding-a-region": "Progressing",
    "held-failover": "Converged",
    "stalled": "Stalled",
    "waiting-for-a-window": "Blocked",
    "waiting-for-approval": "Blocked",
    "twelve-regions": "Converged",
    "nothing-yet": "Progressing",
}


@pytest.mark.parametrize(("name", "result"), RESULTS.items())
def test_each_is_of_the_situation_that_it_is_named_for(name, result):
    document = json.loads((FOLDER / f"{name}.json").read_text())
    assert document["result"] == result
    assert document["topology"] in status_text(document)
    held = [f["path"] for f in document["findings"]]
    assert held == (["database/writer"] if name == "held-failover" else [])
    assert len(document["regions"]) == {"twelve-regions": 12, "adding-a-region": 4}.get(name, 3)
