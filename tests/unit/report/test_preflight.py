"""A preflight as people and programs read it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli import exits
from reconciler.model.preflight import Check, Cost, CostLine, Objective, Preflight, Verdict
from reconciler.report.plan import plan_json
from reconciler.report.plan_text import plan_text
from tests.fakes import outcomes

HOSTILE = "](x) `` <img src=x onerror=alert(1)> @everyone\n::error::x\x1b[31m | # y"


def check(verdict: Verdict, detail: str = "4 of 5 in use, 1 more needed", **more) -> Check:
    way_out = "" if verdict is Verdict.PASSED else "ask for more"
    given = {"code": "QuotaTooSmall", "subject": "VPCs", "region": "eu-west-1", "way_out": way_out}
    return Check(verdict=verdict, detail=detail, **(given | more))


def line(what: str, region: str | None, before: str | None, after: str | None, basis: str = "2 × 8") -> CostLine:
    return CostLine(
        what=what,
        region=region,
        before=None if before is None else Decimal(before),
        after=None if after is None else Decimal(after),
        basis=basis,
    )


USE = line("use: requests", None, None, None, "")
COST = Cost(
    lines=(
        line("database", "us-east-1", "700.8", "1401.6"),
        line("key", "us-east-1", "1", "1", "1 key"),
        line("database", "sa-east-1", "0", None, "price not known"),
        USE,
    ),
    priced=date(2026, 8, 5),
)
LOSSES = (
    Objective(what="loss of another Region", before="there is none", after="data: none"),
    Objective(what="loss of an instance", before="same", after="same"),
)
FULL = Preflight(
    checks=(check(Verdict.FAILED, "5 of 5 in use"), check(Verdict.UNKNOWN, "not known: denied"), check(Verdict.PASSED)),
    cost=COST,
    objectives=LOSSES,
)
TEXT = """\
Preflight failed: QuotaTooSmall  VPCs in eu-west-1
  5 of 5 in use: ask for more

Changes"""
REST = """\
Preflight: 1 check passed, 1 failed, 1 unknown
  unknown QuotaTooSmall  VPCs in eu-west-1
    not known: denied: ask for more

Cost: 701.80 → 1,402.60 USD a month and what is unknown, before use
  us-east-1  701.80 → 1,402.60  mostly database: 2 × 8
  sa-east-1  0.00 → unknown  database: price not known
  unknown: database in sa-east-1, price not known
  on top: use: requests
  list prices of 2026-08-05, without free tiers and taxes

What a loss costs
  loss of another Region: data: none
    now: there is none

Notes"""


def test_a_failure_is_shown_first_and_the_rest_after_the_waves():
    told = plan_text(outcomes.building(), preflight=FULL)
    assert told.index("fingerprint") < told.index(TEXT) < told.index("Wave 1") < told.index(REST)


def test_what_does_not_change_is_short():
    same = Preflight(
        cost=Cost(lines=(line("key", "us-east-1", "1", "1"), USE), priced=date(2026, 8, 5)), objectives=LOSSES[1:]
    )
    told = plan_text(outcomes.outcome(), preflight=same).splitlines()
    assert told == [
        "No changes. orders is converged.",
        "",
        "Cost: 1.00 USD a month, before use",
        "  on top: use: requests",
        "  list prices of 2026-08-05, without free tiers and taxes",
    ]


def test_what_was_the_same_for_all_is_said_once():
    twice = tuple(Objective(what=f"loss {n}", before="nothing is there", after=f"{n}") for n in range(2))
    told = plan_text(outcomes.building(), preflight=Preflight(objectives=twice))
    assert "What a loss costs (now: nothing is there)\n  loss 0: 0\n  loss 1: 1" in told


def test_a_plan_without_preflight_reads_as_ever():
    assert plan_text(outcomes.building(), preflight=Preflight()) == plan_text(outcomes.building())
    assert "preflight" not in plan_json(outcomes.building())


def test_json_keeps_to_its_schema():
    document = json.loads(json.dumps(plan_json(outcomes.building(), FULL)))
    schema = json.loads((files("reconciler.report") / "schemas" / "Plan.json").read_text())
    assert [e.message for e in Draft202012Validator(schema).iter_errors(document)] == []
    told = document["preflight"]
    assert told["checks"][0] == {
        "code": "QuotaTooSmall",
        "number": "MRD8003",
        "subject": "VPCs",
        "region": "eu-west-1",
        "verdict": "failed",
        "detail": "5 of 5 in use",
        "wayOut": "ask for more",
    }
    assert (told["cost"]["after"], told["cost"]["priced"]) == (1402.6, "2026-08-05")
    assert [entry["after"] for entry in told["cost"]["lines"]] == [1401.6, 1.0, None, None]


def test_what_others_wrote_is_printable_on_a_terminal():
    hostile = Preflight(checks=(check(Verdict.WARNED, HOSTILE),))
    assert "\x1b" not in plan_text(outcomes.building(), preflight=hostile)


@pytest.mark.parametrize(
    ("preflight", "code"),
    [
        (FULL, exits.BLOCKED),
        (Preflight(checks=(check(Verdict.WARNED), check(Verdict.UNKNOWN))), exits.CHANGES),
        (None, exits.CHANGES),
    ],
)
def test_only_a_failure_blocks(preflight, code):
    assert exits.of_plan(outcomes.building(), detailed=True, preflight=preflight) == code
