"""What happened between two documents, line by line."""

import copy
import json

import pytest

from reconciler.report.flight import duration, flight
from reconciler.report.happenings import happened, when
from tests.simulation.situations import GOLDEN
from tests.unit.report.test_timing import ROLLOUT, at, status_document


def recorded(name):
    return json.loads((GOLDEN / "status" / f"{name}.json").read_text())


BASE = recorded("converged")


def told(before, after):
    return [f"{e.what} {e.text}" for e in happened(before, after)]


def changed(**more):
    return {**copy.deepcopy(BASE), **more}


def region(**more):
    first, *others = copy.deepcopy(BASE["regions"])
    return {"regions": [{**first, **more}, *others]}


def conditions(**more):
    return {"conditions": [*BASE["conditions"], {**BASE["conditions"][0], "status": "True", "message": "why", **more}]}


FINDING = recorded("held-failover")["findings"][0]
STONE = {"kind": "region", "region": "eu-west-1", "subject": "", "what": "detach", "since": "", "waitingFor": "x"}
TABLE = [
    ({}, []),
    ({"updatedAt": "2026-01-01T09:00:00Z", "looks": {}}, []),
    ({"generation": 2, "desiredRevision": "b" * 40}, ["commit generation 2, revision bbbbbbbbbbbb"]),
    ({"result": "Stalled"}, ["result Converged → Stalled"]),
    (region(traffic="draining"), ["Region us-east-1: traffic serving → draining"]),
    (region(health="Degraded"), ["Region us-east-1: health Healthy → Degraded"]),
    (region(databaseRole="reader"), ["Region us-east-1: database writer → reader"]),
    (region(replicaLagMs=7), []),
    ({"regions": BASE["regions"][1:]}, ["Region us-east-1 is gone"]),
    (
        {"regions": [*BASE["regions"], {**BASE["regions"][0], "name": "sa-east-1", "traffic": "joining"}]},
        ["Region sa-east-1 is there: joining, Healthy"],
    ),
    ({"edge": {**BASE["edge"], "status": "InProgress"}}, ["edge Deployed → InProgress"]),
    ({"edge": None}, ["edge Deployed → absent"]),
    (conditions(type="Stalled", reason="RolloutFailed"), ["now Stalled is True, RolloutFailed: why"]),
    (conditions(type="Reconciling", reason="Progressing"), []),
    ({"conditions": [c for c in BASE["conditions"] if c["type"] != "DriftDetected"]}, ["now DriftDetected is over"]),
    ({"findings": [FINDING]}, ["drift hold database/writer"]),
    ({"findings": [{**FINDING, "by": "ada\x1b[2J"}]}, ["drift hold database/writer by ada?[2J"]),
    ({"findings": [{**FINDING, "waived": True}]}, ["drift waived database/writer"]),
    (
        {"problems": [{"code": "DeploymentFailed", "step": "deploy/edge", "message": "no\nluck"}]},
        ["trouble DeploymentFailed deploy/edge: no luck"],
    ),
    ({"refusals": [{"code": "LastServing", "path": "spec", "message": "m"}]}, ["refused LastServing spec: m"]),
    (
        {"suspension": {"reason": "an audit", "by": "ada", "at": "2026-01-01T00:00:00Z", "regions": []}},
        ["suspend everything is suspended by ada at 2026-01-01T00:00:00Z: an audit"],
    ),
    ({"tombstones": [STONE]}, ["aside eu-west-1: detach"]),
]


@pytest.mark.parametrize(("difference", "lines"), TABLE, ids=lambda v: str(v)[:50])
def test_a_difference_is_told_in_a_line(difference, lines):
    assert told(BASE, changed(**difference)) == lines


@pytest.mark.parametrize(
    ("difference", "line"),
    [
        ({"findings": [FINDING]}, "drift database/writer is gone"),
        ({"tombstones": [STONE]}, "aside eu-west-1 is finished"),
        (conditions(type="Blocked", reason="X"), "now Blocked is over"),
    ],
)
def test_its_end_is_told_too(difference, line):
    assert told(changed(**difference), BASE) == [line]


def documents(*passes):
    found = [None]
    for outcome in passes:
        found.append(json.loads(json.dumps(status_document(outcome, found[-1]))))
    return found[1:]


def test_a_rollout_is_told_from_its_timeline_each_line_once():
    seen, lines = None, []
    for document in documents(*ROLLOUT):
        lines.append([line for line in told(seen, document) if line.split()[0] not in {"Region", "result", "now"}])
        seen = document
    assert lines == [
        ["started deploy/data/us-east-1", "status Progressing, generation 3, revision a1b2c3d"],
        ["started deploy/data/eu-west-1"],
        [
            "done deploy/data/us-east-1 after 19m",
            "done deploy/data/eu-west-1 after 19m",
            "waiting replica-lag/eu-west-1",
        ],
        ["met replica-lag/eu-west-1 after 2m", "started deploy/edge"],
        ["done deploy/edge after 8m"],
    ]


def test_the_same_step_in_another_rollout_is_told_again():
    again = at(40, ROLLOUT[0].plan, {"us-east-1": "CREATE_COMPLETE"}, sent=ROLLOUT[0].plan.steps[:1])
    first, *_, last, new = documents(*ROLLOUT, again)
    assert told(None, first)[0] == "started deploy/data/us-east-1"
    assert "started deploy/data/us-east-1" in told(last, new)


def test_documents_of_an_older_meridian_have_neither_timeline_nor_waves():
    old = {k: v for k, v in recorded("adding-a-region").items() if k not in {"timeline", "resources", "findings"}}
    old = {**old, "plan": {"fingerprint": "sha256:", "approval": None}}
    assert told(None, old) == ["status Progressing, generation 2, revision 9b2e7705d1f3"]
    assert next(w.id for w in flight(old).waiting) == "database-available/sa-east-1"
    assert flight({**old, "plan": None}).eta(when(old["updatedAt"])).total_seconds() == 0


def test_what_is_left_of_a_rollout():
    document = recorded("adding-a-region")
    found = flight(document)
    assert (found.done, found.total, [s.id for s in found.running]) == (1, 6, ["deploy/data/sa-east-1"])
    assert (found.queued, found.waiting, found.later) == ((), (), ("deploy/api/sa-east-1",))
    began = found.running[0].began
    assert found.eta(began).total_seconds() == (25 + 6 + 2) * 60 + 10 + 90
    assert found.eta(began + duration("PT1H")).total_seconds() == (6 + 2) * 60 + 10 + 90


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT1H5M0.5S", 3900.5), ("PT0S", 0), ("soon", 0), ("PT" + "9" * 300 + "H", 36_000_000)]
)
def test_durations(text, seconds):
    assert duration(text).total_seconds() == seconds
