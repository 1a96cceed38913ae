"""What the status document has for whoever draws it: what is left of the plan, types of resources, the lag; and its size."""

import json
from dataclasses import replace
from math import inf, nan

import pytest

from reconciler.aws.state import _bounded
from reconciler.model.observed import Cluster, StackState, Unknown
from reconciler.model.outcome import Result, Sent
from reconciler.model.plan import Gate, Wave
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.structure import Remembered
from reconciler.report.plan import MOST_LEFT
from reconciler.report.status import status_document
from tests.fakes import outcomes
from tests.fakes.outcomes import REGIONS, ref, state, step
from tests.unit.report.test_schemas import check

BODY = {
    "Resources": {"Cluster": {"Type": "AWS::RDS::DBCluster"}, "Key": {"Type": "AWS::KMS::Key"}, "Odd": 7, "Bare": {}}
}
TYPES = {"Cluster": "AWS::RDS::DBCluster", "Key": "AWS::KMS::Key"}
HELD = {f"data/{r}": Remembered(mark="m", template="d1", ids={"Cluster": f"orders-{r}"}) for r in REGIONS}


def with_stacks(*states, structure, recorded=None):
    seen = outcomes.observed(stacks=dict(zip(map(data, REGIONS), states, strict=False)), recorded=recorded)
    return status_document(outcomes.outcome(observed=seen, structure=structure), recorded)["resources"]


def data(region):
    return ref(StackKind.DATA, region)


def holding(body, region="us-east-1"):
    return state(data(region), template=body)


DARK = Unknown("Throttled", "no")
BEFORE = {
    "resources": {"d1": TYPES, "d0": {"Old": "AWS::S3::Bucket"}},
    "tombstones": [],
    "conditions": [],
    "history": [],
}


@pytest.mark.parametrize(
    ("states", "recorded", "found"),
    [
        ((holding(BODY), holding(BODY)), None, {"d1": TYPES}),
        ((DARK, DARK), BEFORE, {"d1": TYPES}),
        ((DARK, holding(BODY)), None, {"d1": TYPES}),
        ((DARK, DARK), None, {}),
        ((DARK, DARK), {**BEFORE, "resources": [1]}, {}),
        ((DARK, DARK), {**BEFORE, "resources": {"d1": "x"}}, {}),
        (
            (DARK, DARK),
            {**BEFORE, "resources": {"d1": {"A": 7, "B": "AWS::S3::Bucket"}}},
            {"d1": {"B": "AWS::S3::Bucket"}},
        ),
        ((holding({"Resources": "none"}), DARK), None, {}),
    ],
)
def test_types_are_kept_once_for_each_template_that_a_stack_holds(states, recorded, found):
    assert with_stacks(*states, structure=HELD, recorded=recorded) == found


def test_what_no_stack_holds_any_more_is_forgotten():
    assert with_stacks(DARK, DARK, structure={}, recorded=BEFORE) == {}


def test_what_is_left_of_the_plan():
    document = check(status_document(outcomes.leaving(), None))
    switch, close, api, *aside = document["plan"]["waves"]
    assert switch == {
        "aside": False,
        "steps": [
            {
                "id": "switchover/eu-west-1",
                "action": "switchover",
                "target": "writer",
                "region": "eu-west-1",
                "hazards": ["write-interruption"],
                "eta": "PT2M",
            }
        ],
        "gates": [],
    }
    assert [g["id"] for g in close["gates"]] == ["drained/us-east-1", "quiet/us-east-1"]
    assert [s["id"] for s in api["steps"]] == ["delete/api/us-east-1"]
    assert [w["aside"] for w in aside] == [True] * 4


def test_gates_that_hold_are_not_left():
    met, open_ = (Gate(name=n, region=None, detail="x" * 999, met=n == "met") for n in ("met", "open"))
    waves = (Wave(gates=(met, open_)), Wave(gates=(met,)))
    document = check(status_document(outcomes.outcome(Result.WAITING, plan=outcomes.plan(waves=waves)), None))
    assert [[g["id"] for g in w["gates"]] for w in document["plan"]["waves"]] == [["open"]]
    assert len(document["plan"]["waves"][0]["gates"][0]["detail"]) == 300


@pytest.mark.parametrize(
    ("lag", "told"),
    [(120.04, 120.0), (0.0, 0.0), (None, None), (nan, None), (inf, None)],
)
def test_the_lag_of_a_reader(lag, told):
    clusters = {r: Cluster(identifier=r, status="available", engine_version="16.8", lag_ms=lag) for r in REGIONS}
    document = check(status_document(outcomes.outcome(observed=outcomes.observed(clusters=clusters)), None))
    writer, reader = document["regions"]
    assert (writer["replicaLagMs"], reader["replicaLagMs"]) == (None, told)


def test_the_lag_of_what_cannot_be_read():
    seen = outcomes.observed(clusters=dict.fromkeys(REGIONS, DARK))
    document = check(status_document(outcomes.outcome(observed=seen), None))
    assert [r["replicaLagMs"] for r in document["regions"]] == [None, None]


MANY = tuple(f"xx-region-{n}" for n in range(12))
KINDS = (StackKind.FOUNDATION, StackKind.DATA, StackKind.API)


def large():
    """Twelve Regions with 42 resources each, and a plan that touches everything of all of them, with much to wait for."""
    body = {"Resources": {f"SomeLogicalName{n:03}": {"Type": "AWS::SomeService::SomeResource"} for n in range(14)}}
    ids = {
        name: f"arn:aws:service:{MANY[0]}:111111111111:resource/meridian-orders-api-{name}-ABCDEFGHIJKLM"
        for name in body["Resources"]
    }
    refs = [StackRef(kind, r) for kind in KINDS for r in MANY]
    stacks = {at: StackState(ref=at, status="UPDATE_COMPLETE", changed_at=outcomes.NOW, template=body) for at in refs}
    structure = {str(at): Remembered(mark="m" * 32, template=f"{at.kind:x<32}", key="api", ids=ids) for at in refs}
    steps = tuple(step(at.kind, at.region, hazards=("write-interruption",)) for at in refs) * 6
    gates = tuple(Gate(name=f"gate-{n}", region=MANY[n % 12], detail="d" * 500) for n in range(60))
    waves = (Wave(gates=gates), *(Wave(steps=steps[n : n + 12], gates=gates[:12]) for n in range(0, len(steps), 12)))
    clusters = {r: Cluster(identifier=r, status="available", engine_version="16.8", lag_ms=12.34) for r in MANY}
    seen = outcomes.observed(stacks=stacks, clusters=clusters, gates=dict.fromkeys(MANY))
    sent = tuple(Sent(id=s.id, call="cloudformation:ExecuteChangeSet", region=s.region) for s in steps)
    return outcomes.outcome(
        Result.WAITING, plan=outcomes.plan(waves=waves), observed=seen, structure=structure, requests=sent, regions=MANY
    )


def test_twelve_regions_fit_into_the_table_whole():
    outcome, document = large(), None
    for hours in range(3):
        later = replace(outcome.observed, at=outcome.observed.at + outcomes.minutes(60 * hours))
        document = status_document(replace(outcome, observed=later), document)
    check(document)
    assert json.loads(_bounded(document)) == document
    assert len(json.dumps(document, separators=(",", ":"))) < 300_000
    assert len(document["structure"]) * 14 == 504
    assert sum(len(w["steps"]) for w in document["plan"]["waves"]) <= MOST_LEFT < document["stepsLeft"]
    assert len(document["resources"]) == len(KINDS)
