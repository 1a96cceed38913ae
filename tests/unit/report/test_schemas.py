"""Every document that a program may read keeps to the schema of its kind."""

import json
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from reconciler.model.errors import InvalidDesiredState, LeaseHeld, Problem, WrongAccount
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Sent
from reconciler.model.stacks import StackKind
from reconciler.report.drift import drift_json
from reconciler.report.outcome import error_json, list_json, outcome_json
from reconciler.report.plan import plan_json
from reconciler.report.status import status_document
from tests.fakes import outcomes

SCHEMAS = files("reconciler.report") / "schemas"
ERRORS = (
    InvalidDesiredState((Problem("orders.yaml", 3, 5, "spec.regions", "Unknown", "no such Region"),)),
    WrongAccount("the credentials are for 222222222222", path="spec.account"),
    LeaseHeld("held by another pass"),
)


def check(document):
    """As a reader gets it: through text."""
    received = json.loads(json.dumps(document))
    schema = json.loads((SCHEMAS / f"{document['kind']}.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert [e.message for e in Draft202012Validator(schema).iter_errors(received)] == []
    return received


@pytest.mark.parametrize("example", outcomes.EXAMPLES.values(), ids=outcomes.EXAMPLES)
@pytest.mark.parametrize("write", [plan_json, drift_json, outcome_json, lambda o: status_document(o, None)])
def test_documents_of_an_outcome(example, write):
    assert check(write(example()))["topology"] == "orders"


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: e.code)
def test_errors(error):
    assert len(check(error_json(error))["errors"]) == 1


def test_a_list_holds_whole_documents():
    items = check(list_json([plan_json(outcomes.building()), plan_json(outcomes.refused())]))["items"]
    assert [check(item)["kind"] for item in items] == ["Plan", "Plan"]


def test_an_outcome_names_its_requests():
    sent = Sent(id="deploy/edge", call="cloudformation:ExecuteChangeSet", region="us-east-1")
    outcome = replace(outcomes.building(), requests=(sent,), duration=timedelta(seconds=0.8125), api_calls={"rds": 4})
    document = check(outcome_json(outcome))
    assert document["requests"] == [{"id": "deploy/edge", "call": sent.call, "region": "us-east-1"}]
    assert (document["durationMs"], document["apiCalls"], document["requeueAfter"]) == (812, {"rds": 4}, "PT5S")


def test_what_cannot_be_read_is_said_to_be_unknown():
    dark = Unknown("AccessDenied", "no")
    stacks = {outcomes.ref(kind, "eu-west-1"): dark for kind in (StackKind.DATA, StackKind.API)}
    seen = outcomes.observed(stacks=stacks, gates={"eu-west-1": dark}, distribution=dark, global_cluster=dark)
    document = check(status_document(outcomes.outcome(observed=seen), None))
    (region,) = [r for r in document["regions"] if r["name"] == "eu-west-1"]
    assert (region["traffic"], region["health"], region["databaseRole"]) == ("quarantined", "Unknown", "unknown")
    assert document["edge"]["status"] == "Unknown"
