"""What the page says: the first sentence, the timeline, the tree, drift, and what a document may say without harm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.report.html import reading
from reconciler.report.html.headline import overall, sentence
from reconciler.report.html.records import coverage, findings, notes
from reconciler.report.html.regions import regions
from reconciler.report.html.timeline import timeline
from reconciler.report.html.tree import tree
from tests.browser.statuses import status as status_of

NOW = "2026-03-01T03:00:00Z"
CONVERGED = {
    "topology": "orders",
    "result": "Converged",
    "updatedAt": NOW,
    "lastServingRevision": "a1",
    "conditions": [{"type": "Ready", "status": "True"}, {"type": "Serving", "status": "True"}],
    "regions": [
        {"name": "us-east-1", "traffic": "serving", "health": "Healthy", "databaseRole": "writer"},
        {"name": "eu-west-1", "traffic": "serving", "health": "Healthy", "databaseRole": "reader", "replicaLagMs": 80},
    ],
}
HELD = {"path": "database/writer", "disposition": "hold", "waived": False, "region": None}


def at(minute):
    return f"2026-03-01T02:{minute:02}:00Z"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "orders serves from 2 Regions; us-east-1 writes; nothing to do."),
        ({"findings": [HELD]}, "orders serves from 2 Regions; us-east-1 writes; 1 thing changed by hand, see below."),
        ({"findings": [{**HELD, "waived": True}]}, "orders serves from 2 Regions; us-east-1 writes; nothing to do."),
        ({"regions": CONVERGED["regions"][:1]}, "orders serves from us-east-1 alone; us-east-1 writes; nothing to do."),
        (
            {"result": "Waiting", "stepsLeft": 2},
            "orders serves from 2 Regions; us-east-1 writes; it waits, 2 steps to come.",
        ),
        (
            {"result": "Blocked"},
            "orders serves from 2 Regions; us-east-1 writes; a rule refused, and nothing more of it is carried out.",
        ),
        (
            {"regions": [], "lastServingRevision": None, "result": "Suspended"},
            "orders serves nobody yet; a person asked for it to be left alone.",
        ),
        (
            {"conditions": [{"type": "Serving", "status": "False", "reason": "EdgeNotDeployed"}]},
            "orders serves nobody now; us-east-1 writes; nothing to do.",
        ),
    ],
)
def test_the_first_sentence(more, words):
    document = {**CONVERGED, **more}
    assert sentence(document, regions(document, "t0")) == words


def test_converged_without_serving_is_not_well():
    assert overall(CONVERGED).tone == "good"
    assert overall({**CONVERGED, "conditions": [{"type": "Ready", "status": "False"}]}).word == "Not serving"


STEP = {"action": "deploy", "region": "eu-west-1", "status": ""}
UNDER_WAY = {
    **CONVERGED,
    "timeline": {
        "began": at(20),
        "ended": None,
        "steps": [
            {**STEP, "id": "deploy/api/eu-west-1", "began": at(50), "ended": None, "status": "UPDATE_IN_PROGRESS"},
            {**STEP, "id": "deploy/data/eu-west-1", "began": at(20), "ended": at(45)},
            {**STEP, "id": "migrate/eu-west-1", "began": at(45), "ended": at(46), "status": "UPDATE_ROLLBACK_COMPLETE"},
            {**STEP, "id": "open-gate/eu-west-1", "began": None, "ended": None},
        ],
        "gates": [{"id": "lag/eu-west-1", "name": "lag", "region": "eu-west-1", "detail": "3 s", "since": at(45), "met": at(50)}],
    },
    "plan": {
        "waves": [
            {
                "aside": False,
                "steps": [{"id": "deploy/api/eu-west-1", "eta": "PT15M"}],
                "gates": [{"id": "probe/eu-west-1", "detail": "no"}],
            },
            {"aside": True, "steps": [{"id": "delete/data/sa-east-1", "eta": "PT9H"}], "gates": []},
            {"aside": False, "steps": [{"id": "open-gate/eu-west-1", "eta": "PT30S"}], "gates": []},
        ]
    },
}  # fmt: skip


def test_the_timeline_tells_what_was_is_and_comes():
    told = timeline(UNDER_WAY)
    assert [(b.what, b.state, b.took) for b in told.bars] == [
        ("deploy/data/eu-west-1", "done", "25m"),
        ("migrate/eu-west-1", "failed", "1m"),
        ("lag/eu-west-1", "met", "5m"),
        ("deploy/api/eu-west-1", "running", "10m"),
        ("probe/eu-west-1", "next", ""),
        ("open-gate/eu-west-1", "next", "about 30s"),
    ]
    assert (told.under_way, told.elapsed, told.eta, told.done, told.steps) == (True, "40m", "5m30s", 1, 4)
    running = next(b for b in told.bars if b.state == "running")
    assert running.x + running.width == pytest.approx(told.now)
    assert running.rest / (running.width + running.rest) == pytest.approx(5 / 15)
    assert all(0 <= b.x <= 1000 and b.x + b.width + b.rest <= 1000.01 for b in told.bars)


def test_a_rollout_that_is_over_has_neither_now_nor_steps_to_come():
    over = {**UNDER_WAY, "plan": {"waves": []}}
    steps = [s | {"ended": s["ended"] or NOW} for s in UNDER_WAY["timeline"]["steps"] if s["began"]]
    over["timeline"] = {**UNDER_WAY["timeline"], "ended": NOW, "steps": steps}
    told = timeline(over)
    assert (told.under_way, told.now, told.eta, told.elapsed) == (False, None, "", "40m")


def test_of_an_older_document_the_plan_alone_is_drawn_and_of_none_nothing():
    assert [b.state for b in timeline({**UNDER_WAY, "timeline": None}).bars] == ["next"] * 3
    assert timeline(CONVERGED) is None
    assert timeline({**UNDER_WAY, "updatedAt": "yesterday"}) is None


def test_the_tree_knows_what_each_resource_is_and_what_drifted():
    document = {
        **CONVERGED,
        "resources": {"d1": {"Cluster": "AWS::RDS::DBCluster"}},
        "structure": {
            "data/us-east-1": {"template": "d1", "ids": {"Cluster": "c-1", "Extra": "e-1"}},
            "edge/us-east-1": {"template": "gone", "ids": {"Distribution": "D1"}},
        },
        "findings": [
            {**HELD, "path": "regions/us-east-1/database/capacity/max", "key": "regions/us-east-1/data/Cluster#Cluster#us-east-1"},
            {**HELD, "path": "regions/us-east-1/data/Cluster/X", "key": "x#Cluster#us-east-1", "disposition": "page"},
            {**HELD, "path": "edge/priceClass", "key": "edge/priceClass#Distribution#"},
        ],
    }  # fmt: skip
    whole, us, eu = tree(document, regions(document, "t0"))
    assert [(s.kind, s.resources[0].drift.word) for s in whole.stacks] == [("edge in us-east-1", "hold")]
    assert [(r.name, r.type, r.drift and r.drift.word) for r in us.stacks[0].resources] == [
        ("Cluster", "AWS::RDS::DBCluster", "page"),
        ("Extra", "", None),
    ]
    assert (us.drift, us.resources, eu.stacks) == (1, 2, ())


@pytest.mark.parametrize(
    ("address", "name", "status", "tone"),
    [
        ("edge", "edge", "UPDATE_ROLLBACK_FAILED", "bad"),
        ("routing", "routing", "UPDATE_IN_PROGRESS", "busy"),
        ("global", "global", "UPDATE_ROLLBACK_COMPLETE", "warn"),
        ("foundation/eu-west-1", "foundation", "CREATE_FAILED", "bad"),
        ("foundation/eu-west-1", "foundation", {"no": "text"}, "off"),
    ],
)
def test_the_tree_has_what_belongs_to_no_region_in_whatever_state(address, name, status, tone):
    """`structure` has those at rest alone."""
    document = status_of("converged")
    document["stacks"] = {**document.get("stacks", {}), address: status}
    for structure in (document["structure"], {k: v for k, v in document["structure"].items() if k != address}):
        found = tree({**document, "structure": structure}, regions(document, "t0"))
        (stack,) = (s for b in found for s in b.stacks if s.kind == name and ("/" not in address or b.name in address))
        assert (stack.state.word, stack.state.tone) == (status if isinstance(status, str) else "UNKNOWN", tone)


def test_of_an_older_document_what_belongs_to_no_region_is_at_rest():
    document = status_of("converged")
    document.pop("stacks", None)
    (everywhere, *_) = tree(document, regions(document, "t0"))
    assert {(s.kind, s.state.word) for s in everywhere.stacks} >= {("edge", "at rest"), ("routing", "at rest")}


def test_drift_comes_the_worst_first_with_both_values_and_the_ways_out():
    ways = {"adopt": "writer: eu-west-1", "takeBack": "aws rds switchover"}
    told = findings(
        {
            "findings": [
                {**HELD, "waived": True, "disposition": "page"},
                {**HELD, "desired": "us-east-1", "observed": "eu-west-1", "waysOut": ways},
                {**HELD, "disposition": "page", "missing": True},
            ]
        }
    )
    assert [(f.disposition.word, f.waived) for f in told] == [("page", False), ("hold", False), ("page", True)]
    assert (told[1].desired, told[1].observed) == ("us-east-1", "eu-west-1")
    assert told[1].ways == (("keep it: commit", "writer: eu-west-1"), ("take it back", "aws rds switchover"))


def test_what_was_compared_is_told_and_never_more_than_all():
    looks = {"fullAt": NOW, "coverage": {"fields": 200, "checked": 190}}
    assert coverage({"looks": looks}).percent == 95
    assert coverage({"looks": {"coverage": {"fields": 2, "checked": 9}}}).percent == 100
    assert coverage({"looks": {"coverage": None}}) is None


def test_words_of_people_that_hold():
    document = {
        "topology": "orders",
        "suspension": {"reason": "incident 7", "by": "ann", "regions": []},
        "plan": {"approval": {"fingerprint": "sha256:ab", "hazards": ["data-loss"]}},
        "approval": {"state": "expired", "by": "bob"},
    }
    assert list(notes(document)) == [
        "everything is suspended by ann: incident 7",
        "the plan waits for an approval (data-loss): meridian approve orders --fingerprint sha256:ab",
    ]


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (reading.name, "a\u202eb\x00c\n d", "a?b?c d"),
        (reading.name, "x" * 500, "x" * 159 + "…"),
        (reading.name, True, ""),
        (reading.name, 7, "7"),
        (reading.prose, "a\nb\x1b[2J", "a\nb?[2J"),
        (reading.moment, "2026-03-01T03:00:00", None),
        (reading.moment, "2026-03-01T03:00:00Z", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        (reading.moment, "0001-01-01T00:00:00+23:59", None),
        (reading.span, "PT" + "9" * 30 + "H", None),
        (reading.number, 10**400, None),
        (reading.parts, {"a": 1}, []),
        (reading.names, "abc", []),
    ],
)
def test_what_is_read_is_harmless(read, value, found):
    assert read(value) == found
