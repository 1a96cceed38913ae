"""Notices: what is told from one status document to the next, in which words, and how often."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.model.notice import Event, Level, Notice
from reconciler.report.notices import LIMIT, Beside, Expiring, expiring, noticed, settled, waiting
from reconciler.report.notices.ledger import MOST, ROOM
from tests.browser.statuses import status
from tests.fakes.topologies import with_regions
from tests.unit.report.test_schemas import check

T0 = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MARK = "sha256:" + "a" * 64


def condition(kind: str, reason: str, message: str = "why", status: str = "True") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def doc(result: str = "Converged", generation: int = 3, **more: Any) -> dict[str, Any]:
    ready = condition("Ready", "Converged", status="True" if result == "Converged" else "False")
    extra = more.pop("conditions", [])
    given = {
        "topology": "orders",
        "result": result,
        "generation": generation,
        "desiredRevision": f"{generation}" * 20,
        "desiredDigest": f"d{generation}",
        "updatedAt": "2026-03-01T02:59:00Z",
        "stepsLeft": 0,
        "conditions": [ready, condition("Serving", "RegionsHealthy", "us-east-1 serves"), *extra],
        "problems": [],
        "refusals": [],
        "findings": [],
        "suspension": None,
        "plan": {"fingerprint": MARK, "approval": None},
    }
    return {**given, **more}


def finding(path: str, disposition: str, **more: Any) -> dict[str, Any]:
    given = {"region": None, "waived": False, "reason": "changed by hand", "since": "2026-03-01T02:00:00Z", "by": None}
    return {"path": path, "key": f"{path}##", "disposition": disposition, **given, **more}


def refusal(code: str = "LastServingRegion", path: str = "spec.regions[1].traffic") -> dict[str, str]:
    return {"code": code, "path": path, "message": "at least 1 Region has to serve; leave one serving"}


def refused(*refusals: dict[str, str], **more: Any) -> dict[str, Any]:
    return doc("Blocked", refusals=list(refusals or [refusal()]), **more)


def stalled(code: str = "Stalled", message: str = "AccessDenied, 5 times: no", step: str = "deploy/api/eu-west-1"):
    problem = {"code": code, "step": step, "message": message}
    return doc("Stalled", problems=[problem], conditions=[condition("Stalled", code, message)])


def failed(**more: Any) -> dict[str, Any]:
    """After an error on the way: as before, but for what went wrong."""
    problem = {"code": "Unreachable", "step": "pass", "message": "AWS is down"}
    return doc("Failed", problems=[problem], conditions=[condition("PassFailed", "Unreachable")], **more)


ROLLED_BACK = stalled("RolloutFailed", "the rollout of api was stopped")
AWAITED, WINDOW = status("waiting-for-approval"), status("waiting-for-a-window")
SUSPENSION = {"reason": "incident 7", "by": "ann", "at": "2026-03-01T01:00:00Z", "regions": []}
SUSPENDED = doc("Suspended", suspension=SUSPENSION)
ROLLING = doc("Progressing", stepsLeft=2)
HEALING = doc("Progressing", stepsLeft=1, conditions=[condition("DriftDetected", "Heal")])
HELD = doc(findings=[finding("database/writer", "hold")])
PAGE = doc(findings=[finding("database/MasterUserPassword", "page")])
BUNDLE = doc("Blocked", conditions=[condition("BundleRefused", "CodeMissing", "code/1.zip is not there")])
UNPLANNED = doc(
    "Blocked",
    problems=[{"code": "UnplannedChange", "step": "deploy/api/eu-west-1", "message": "Function would be replaced"}],
    conditions=[condition("Blocked", "UnplannedChange")],
)
EXPIRES = Beside(waivers=(Expiring(field="drift.ignore", of="edge/priceClass", expires=T0 + timedelta(hours=71)),))


NOTHING = Beside()


class Topology:
    """One document after the other, each a minute after the one before; everything is published at once."""

    def __init__(self, first: dict[str, Any] | None = None) -> None:
        self.at, self.document = T0, None
        if first:
            self.then(first)

    def then(self, document: dict[str, Any], beside: Beside = NOTHING, after: timedelta = timedelta(minutes=1)):
        self.at += after
        self.document = noticed(self.document, document, self.at, beside)
        found = waiting(self.document)
        self.document = settled(self.document, [n.id for n in found], self.at)
        for notice in found:
            check(notice.document())
        return found

    def events(self, *documents: dict[str, Any], beside: Beside = NOTHING) -> list[list[str]]:
        return [[str(n.event) for n in self.then(document, beside)] for document in documents]


TRANSITIONS = {
    "first convergence": ([ROLLING, doc()], [[], ["converged"]]),
    "a pass that finds nothing": ([doc(), doc(), doc()], [["converged"], [], []]),
    "a new generation": ([doc(), doc(generation=4)], [["converged"], ["converged"]]),
    "an upgrade of what is deployed": ([doc(), ROLLING, doc()], [["converged"], [], ["converged"]]),
    "drift that is healed is no rollout": ([doc(), HEALING, doc()], [["converged"], [], []]),
    "converged, but it does not serve yet": (
        [ROLLING, doc(conditions=[]) | {"conditions": [condition("Ready", "X", status="False")]}, doc()],
        [[], [], ["converged"]],
    ),
    "refused, once": ([refused(), refused()], [["refused"], []]),
    "the next commit is refused, too": ([refused(), refused(generation=4)], [["refused"], ["refused"]]),
    "another field is refused as well": (
        [refused(), refused(refusal(), refusal(path="spec.regions[0].traffic"))],
        [["refused"], ["refused"]],
    ),
    "refused, mended, refused": ([refused(), doc(), refused()], [["refused"], ["converged"], ["refused"]]),
    "a refused bundle": ([doc(), BUNDLE, BUNDLE, doc()], [["converged"], ["refused"], [], []]),
    "an unplanned change, once, though each try begins anew": (
        [UNPLANNED, UNPLANNED, ROLLING, UNPLANNED],
        [["refused"], [], [], []],
    ),
    "an unplanned change that a failure hides": ([doc("Failed", problems=UNPLANNED["problems"])], [[]]),
    "held, once": ([HELD, HELD], [["held", "converged"], []]),
    "waived is not told": ([doc(), doc(findings=[finding("a", "hold", waived=True)])], [["converged"], []]),
    "healed is not told": ([doc(), doc(findings=[finding("a", "heal")])], [["converged"], []]),
    "page, and over": ([doc(), PAGE, PAGE, doc()], [["converged"], ["page"], [], ["recovered"]]),
    "stalled, tried again in vain": ([stalled(), ROLLING, stalled()], [["stalled"], [], []]),
    "stalled, and over": ([doc(), stalled(), doc()], [["converged"], ["stalled"], ["recovered"]]),
    "stalled, and a commit mends it": (
        [stalled(), doc("Progressing", 4, stepsLeft=1), doc(generation=4)],
        [["stalled"], [], ["converged"]],
    ),
    "a failure that is tried again is not told": ([doc(), doc("Failed"), doc()], [["converged"], [], []]),
    "rolled back is not stalled besides": ([ROLLED_BACK, ROLLED_BACK], [["rolled-back"], []]),
    "an approval, once": ([AWAITED, AWAITED], [["approval"], []]),
    "an approval of what waits for a window, too": (
        [AWAITED | {"refusals": [*AWAITED["refusals"], *WINDOW["refusals"]]}],
        [["window", "approval"]],
    ),
    "a window, once": ([WINDOW, WINDOW], [["window"], []]),
    "a window is of no use while a rule refuses, too": (
        [WINDOW | {"refusals": [*WINDOW["refusals"], refusal()]}],
        [["refused"]],
    ),
    "a window that never opens": ([refused(refusal("WindowClosed", "spec.safety.windows"))], [["refused"]]),
    "suspended and resumed": ([doc(), SUSPENDED, SUSPENDED, doc()], [["converged"], ["suspended"], [], ["resumed"]]),
    "suspended by the document": ([doc("Suspended"), doc("Suspended")], [["suspended"], []]),
    "an error on the way ends nothing": ([refused(), failed(), refused()], [["refused"], [], []]),
    "an error on the way does not end a page": (
        [PAGE, failed(findings=[]), PAGE],
        [["page", "converged"], [], []],
    ),
}


@pytest.mark.parametrize(("documents", "told"), TRANSITIONS.values(), ids=TRANSITIONS)
def test_transitions(documents, told):
    assert Topology().events(*documents) == told


def test_what_a_command_brought_about_is_not_told_to_whoever_saw_it():
    topology = Topology(doc())
    assert topology.document["notices"]["converged"]
    topology.document = {**doc(generation=4), "notices": topology.document["notices"]}  # by `meridian converge`
    assert topology.events(doc(generation=4), doc(generation=5)) == [[], ["converged"]]


def test_a_lease_that_ran_out_is_told_each_time():
    stolen = Beside(stolen=True)
    topology = Topology(doc())
    assert [len(topology.then(doc(), b)) for b in (stolen, Beside(), Beside(), stolen)] == [1, 0, 0, 1]


def test_a_waiver_is_told_of_once_within_three_days_of_its_end():
    topology = Topology(doc())
    early = Beside(waivers=(Expiring(field="drift.ignore", of="a", expires=topology.at + timedelta(hours=73)),))
    assert topology.events(doc(), beside=early) == [[]]
    assert topology.events(doc(), doc(), beside=EXPIRES) == [["waiver"], []]
    (unknown,) = topology.events(BUNDLE, beside=Beside(waivers=None))
    assert unknown == ["refused"]
    assert topology.events(doc(), beside=EXPIRES) == [[]], "without the document at hand it was not over"
    assert topology.then(doc(), EXPIRES, after=DAY * 3) == ()


def test_every_entry_of_the_document_that_expires_is_a_waiver():
    from dataclasses import replace

    from reconciler.model.topology import Allow, Ignore

    base = with_regions("us-east-1")
    allow = Allow(hazard="data-deletion", region="eu-west-1", fingerprint=MARK, expires=T0)
    ignored = (Ignore(path="a", reason="r", expires=T0), Ignore(path="b", reason="for good", expires=None))
    both = replace(base, safety=replace(base.safety, allow=(allow,)), drift=replace(base.drift, ignore=ignored))
    assert [(e.field, e.of) for e in expiring(both)] == [
        ("drift.ignore", "a"),
        ("safety.allow", "data-deletion eu-west-1"),
    ]


@pytest.mark.parametrize(("document", "event"), [(stalled(), "stalled"), (PAGE, "page")])
def test_what_needs_a_person_is_repeated_each_day(document, event):
    topology = Topology(doc())
    topology.then(document)
    assert topology.then(document, after=DAY - timedelta(minutes=5)) == ()
    (again,) = topology.then(document, after=timedelta(minutes=6))
    assert (again.event, again.reminder) == (event, True)
    assert "still" in again.subject
    assert topology.then(document) == ()


@pytest.mark.parametrize("document", [refused(), HELD, AWAITED, WINDOW, SUSPENDED])
def test_nothing_else_is_repeated(document):
    topology = Topology(doc())
    topology.then(document)
    assert topology.then(document, after=3 * DAY) == ()


def test_the_words_say_what_it_is_where_and_what_to_do():
    held = doc(
        findings=[
            finding(
                "database/writer",
                "hold",
                by="arn:aws:iam::1:user/ann",
                waysOut={
                    "adopt": "writer: eu-west-1, under spec.database",
                    "takeBack": "aws rds switchover-global-cluster --region eu-west-1",
                },
            )
        ]
    )
    topology = Topology(doc())
    (refuses,) = topology.then(refused())
    (holds,) = topology.then(held)
    (asks,) = topology.then(AWAITED)
    (says,) = topology.then(doc(generation=4))
    assert refuses.text.splitlines()[0] == refuses.headline
    assert "LastServingRegion at spec.regions[1].traffic: at least 1 Region has to serve" in refuses.text
    assert "to keep it: writer: eu-west-1, under spec.database" in holds.text
    assert "to undo it: aws rds switchover-global-cluster --region eu-west-1" in holds.text
    assert "by arn:aws:iam::1:user/ann" in holds.text
    mark = AWAITED["plan"]["fingerprint"]
    assert asks.subject == "[meridian] orders: waits for an approval: write-interruption"
    assert f"meridian approve orders --fingerprint {mark} --reason TEXT" in asks.text
    assert says.headline.startswith("orders converged on commit 444444444444 (generation 4): us-east-1 serves")
    for notice in (refuses, holds, asks, says):
        assert "meridian status orders" in notice.text or notice.event is Event.APPROVAL
        assert notice.subject.startswith("[meridian] orders: ")


def test_what_waits_for_a_window_is_no_error_and_goes_on_by_itself():
    (waits,) = Topology(doc()).then(WINDOW)
    assert waits.level is Level.WARNING
    assert waits.subject == "[meridian] orders: waits for a window: 2026-01-01 22:00 UTC"
    assert waits.headline == "orders waits for a window, which opens at 2026-01-01 22:00 UTC"
    assert "switchover/eu-west-1 carries the hazard write-interruption" in waits.text
    assert "\nit goes on by itself then\n" in waits.text
    for wrong in ("nothing is changed", "nothing was changed", "what to change in the document"):
        assert wrong not in waits.text


def test_what_is_refused_half_way_is_not_said_to_have_changed_nothing():
    (refuses,) = Topology(ROLLING).then(refused())
    assert refuses.headline.endswith("nothing more of it is carried out")


def test_the_page_is_named_and_never_linked():
    report = {"bucket": "b", "key": "reports/orders.html"}
    (notice,) = Topology(doc()).then(refused(report=report))
    assert "s3://b/reports/orders.html" in notice.text
    assert "http" not in notice.text


HOSTILE = "x\r\nSubject: you won\u202e \x1b[31m\u2028" + "é" * 5000


def test_what_strangers_wrote_is_inert_and_cut():
    bad = [
        finding(f"{i}{HOSTILE}", "hold", by=HOSTILE, reason=HOSTILE, waysOut={"adopt": HOSTILE, "takeBack": HOSTILE})
        for i in range(40)
    ]
    topology = Topology(doc())
    topology.at += timedelta(minutes=1)
    document = noticed(topology.document, doc(findings=bad), topology.at, Beside())
    (notice,) = waiting(document)
    check(notice.document())
    assert notice.more == MOST + 10 - len(notice.items)
    assert len(notice.message.encode()) < 256 * 1024
    assert notice.subject.isascii()
    assert notice.subject.isprintable()
    for line in (notice.headline, *(i.line for i in notice.items), *(w for i in notice.items for w in i.ways)):
        assert line.isprintable()
    assert len(json.dumps(document["notices"])) < ROOM
    parts = json.loads(notice.message)
    assert parts["default"] == notice.text
    assert Notice.recorded(json.loads(parts["sqs"])) == notice


def test_at_most_so_many_an_hour_and_the_others_are_counted_in_one():
    topology, told = Topology(), []
    for number in range(40):
        told += topology.then(refused(refusal(code=f"C{number}")), after=timedelta(minutes=1))
    assert len(told) == LIMIT
    later = topology.then(doc(), after=HOUR)
    assert [n.event for n in later] == [Event.CONVERGED, Event.MORE]
    assert later[1].more == 40 - LIMIT
    assert "28 refused" in later[1].headline
    assert topology.then(doc(), after=HOUR) == ()


def test_the_same_change_seen_twice_has_the_same_id_and_another_one_has_another():
    topology = Topology(doc())
    before = topology.document
    ids = {waiting(noticed(before, refused(), T0 + timedelta(minutes=m), Beside()))[0].id for m in (1, 2, 3)}
    assert len(ids) == 1
    later = {**before, "updatedAt": "2026-03-02T00:00:00Z"}
    assert waiting(noticed(later, refused(), T0, Beside()))[0].id not in ids


def test_what_cannot_be_published_for_a_day_is_counted():
    document = noticed(doc(), refused(), T0, Beside())
    later = noticed(document, refused(), T0 + DAY, Beside())
    assert [(n.event, n.more) for n in waiting(later)] == [(Event.MORE, 1)]


LEDGER = {"converged": "", "rollout": False, "open": {}, "waiting": [], "sent": [], "left": {}, "since": ""}
WAITS = waiting(noticed(doc(), HELD, T0, Beside()))[0].document()
AHEAD = "2999-01-01T00:00:00+00:00"
BROKEN = {
    "none": None,
    "a word": "x",
    "nothing of it": {},
    "a list": {"open": []},
    "no time": {"converged": "a", "sent": ["yesterday"]},
    "no number": LEDGER | {"waiting": [WAITS | {"more": float("inf")}]},
    "a notice of no time": LEDGER | {"waiting": [WAITS | {"at": "yesterday"}]},
    "a notice without a zone": LEDGER | {"waiting": [WAITS | {"at": "2026-03-01T02:00:00"}]},
    "a notice beyond every bound": LEDGER | {"waiting": [WAITS | {"headline": "x" * 300_000}]},
    "more notices than wait": LEDGER | {"waiting": [WAITS] * (LIMIT + 1)},
    "more than is remembered": LEDGER | {"open": {f"held/{n}": AHEAD for n in range(1_000)}},
    "more than was sent": LEDGER | {"sent": [AHEAD] * 1_000},
    "sent in a thousand years": LEDGER | {"sent": [AHEAD] * LIMIT},
}


@pytest.mark.parametrize("ledger", BROKEN.values(), ids=BROKEN)
def test_a_ledger_that_makes_no_sense_is_none(ledger):
    (notice,) = waiting(noticed({**doc(), "notices": ledger}, refused(), T0, Beside()))
    assert notice.event is Event.REFUSED


def test_a_time_far_ahead_puts_nothing_off():
    """A clock that was wrong once, or somebody who writes into the table."""
    topology = Topology()
    topology.then(PAGE)
    ledger = topology.document["notices"]
    topology.document["notices"] = ledger | {"open": dict.fromkeys(ledger["open"], AHEAD)}
    assert [(n.event, n.reminder) for n in topology.then(PAGE)] == [(Event.PAGE, True)]
    stuck = LEDGER | {"waiting": [WAITS | {"at": AHEAD}]}
    told = waiting(noticed({**doc(), "notices": stuck}, doc(), T0, Beside()))
    assert [n.event for n in told] == [Event.MORE]


def test_a_revision_from_the_table_is_cut_too():
    (notice,) = waiting(noticed(doc(), refused(desiredRevision="r" * 300_000), T0, Beside()))
    assert len(notice.message) < 10_000
