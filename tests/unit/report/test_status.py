"""The status document over several passes, and what it says of each Region."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.bundle import Bundle, Head, Refusal, Source
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Result, Revision
from reconciler.model.plan import Gate, Step, StepAction, Wave
from reconciler.model.stacks import StackKind
from reconciler.report.conditions import conditions
from reconciler.report.refused import refused_status
from reconciler.report.status import status_document
from reconciler.report.status_text import status_markdown, status_text
from reconciler.report.suspension import history_markdown, history_text
from tests.browser.statuses import everywhere
from tests.fakes import outcomes
from tests.fakes.outcomes import gate, minutes, probe
from tests.fakes.topologies import orders
from tests.unit.report.test_schemas import check

NEXT = Revision(commit="bbbb", generation=4, digest="sha256:e")


def later(outcome, hours=1, **changes):
    seen = replace(outcome.observed, at=outcome.observed.at + timedelta(hours=hours))
    moved = tuple(replace(c, last_transition=seen.at) for c in changes.pop("conditions", outcome.conditions))
    return replace(outcome, observed=seen, conditions=moved, **changes)


def test_a_condition_keeps_its_time_until_its_status_changes():
    first = status_document(outcomes.outcome(), None)
    same = status_document(later(outcomes.outcome()), first)
    assert same["conditions"][0]["lastTransitionTime"] == "2026-03-01T03:00:00Z"
    assert same["updatedAt"] == "2026-03-01T04:00:00Z"
    lost = (outcomes.condition("Ready", "False"),)
    changed = status_document(later(outcomes.outcome(), hours=2, conditions=lost), same)
    assert changed["conditions"][0]["lastTransitionTime"] == "2026-03-01T05:00:00Z"


def test_revisions_are_attempted_then_applied_then_serving():
    def told(outcome, previous):
        document = status_document(replace(outcome, revision=NEXT), previous)
        fields = ("desiredRevision", "lastAttemptedRevision", "lastAppliedRevision", "lastServingRevision")
        return (*(document[field] for field in fields), document["observedGeneration"])

    old = status_document(outcomes.outcome(), None)
    waiting = outcomes.plan(waves=(Wave(gates=(Gate(name="health", region=None, detail=""),)),))
    assert told(outcomes.outcome(Result.SUSPENDED), old) == ("bbbb", "a1b2c3d", "a1b2c3d", "a1b2c3d", 3)
    assert told(outcomes.refused(), old) == ("bbbb", "bbbb", "a1b2c3d", "a1b2c3d", 4)
    assert told(outcomes.failed(), old) == ("bbbb", "bbbb", "a1b2c3d", "a1b2c3d", 4)
    assert told(outcomes.outcome(Result.WAITING, plan=waiting), old) == ("bbbb", "bbbb", "bbbb", "a1b2c3d", 4)
    assert told(outcomes.outcome(), old) == ("bbbb", "bbbb", "bbbb", "bbbb", 4)
    assert told(outcomes.building(), None) == ("bbbb", "bbbb", None, None, 4)


def of_bundle(generation, *, rollback=False, **source):
    made = Bundle(
        topology="orders",
        commit=f"{generation:040x}",
        author="Ada",
        generation=generation,
        repository="github.com/acme/apis",
        rollback=rollback,
        digest=f"sha256:{generation:064x}",
        document="desired_state/orders.yaml",
        code={},
        version=f"v{generation}",
    )
    return replace(outcomes.outcome(), revision=replace(NEXT, commit=made.commit, source=Source(bundle=made, **source)))


def test_the_bundle_in_force_is_told_and_a_rollback_does_not_lower_the_mark():
    assert status_document(outcomes.outcome(), None)["bundle"] is None
    at_five = status_document(of_bundle(5), None)
    assert at_five["bundle"] == {
        "commit": f"{5:040x}",
        "author": "Ada",
        "generation": 5,
        "digest": f"sha256:{5:064x}",
        "version": "v5",
        "repository": "github.com/acme/apis",
        "rollback": False,
        "mark": 5,
    }
    back = status_document(of_bundle(3, rollback=True), at_five)
    assert (back["bundle"]["generation"], back["bundle"]["mark"]) == (3, 5)
    assert (
        status_document(outcomes.outcome(), back)["bundle"] == back["bundle"]
    )  # the command has no bundle, and forgets none
    check(back)
    assert "bundle of commit 000000000000 by Ada, a rollback" in status_text(back)


def told(outcome):
    return {c.type: (c.status, c.reason, c.message) for c in conditions(outcome, orders())}


def test_a_bundle_that_is_refused_is_a_condition():
    refusal = Refusal(code="WrongDigest", message="the manifest has another digest", version="v6")
    assert "BundleRefused" not in told(of_bundle(5))
    status, reason, message = told(of_bundle(5, refused=refusal))["BundleRefused"]
    assert (status, reason) == ("True", "WrongDigest")
    assert message == "the manifest has another digest; commit 000000000000 stays in force"


@pytest.mark.parametrize(
    ("bundle", "head", "waited", "reason"),
    [
        (5, 6, 16, "NoBundle"),
        (5, 6, 14, None),
        (5, 5, 60, None),
        (5, 4, 60, None),
    ],
)
def test_a_head_without_its_bundle_is_a_condition_after_a_quarter_of_an_hour(bundle, head, waited, reason):
    since = outcomes.NOW - minutes(waited)
    found = told(of_bundle(bundle, head=Head(commit="f" * 40, generation=head, since=since))).get("SourceBehind")
    assert (found[1] if found else None) == reason


def test_after_a_rollback_the_source_is_behind_on_purpose():
    head = Head(commit="f" * 40, generation=5, since=outcomes.NOW - minutes(30))
    assert told(of_bundle(3, rollback=True, head=head))["SourceBehind"][:2] == ("True", "RolledBack")


def test_where_the_only_bundle_is_refused_the_status_says_why_and_keeps_what_was_known():
    refusal = Refusal(code="BadArchive", message="the bundle is no zip", version="v1")
    first = refused_status("orders", refusal, None, outcomes.NOW)
    check(first)
    assert "not Ready (Blocked)" in status_text(first)
    assert {c["type"]: c["reason"] for c in first["conditions"]} == {
        "Ready": "Blocked",
        "Blocked": "BadArchive",
        "BundleRefused": "BadArchive",
    }
    again = refused_status("orders", refusal, first, outcomes.NOW + minutes(5))
    assert {c["lastTransitionTime"] for c in again["conditions"]} == {first["updatedAt"]}
    known = refused_status("orders", refusal, status_document(of_bundle(5), None), outcomes.NOW)
    check(known)
    assert (known["bundle"]["generation"], known["lastServingRevision"], known["result"]) == (5, f"{5:040x}", "Blocked")


def test_history_has_one_entry_for_each_run():
    document = None
    for number in range(60):  # 30 revisions, each with a pass under way and one that converges
        revision = Revision(commit=f"c{number // 2}", generation=number // 2, digest="d")
        result = Result.CONVERGED if number % 2 else Result.PROGRESSING
        document = status_document(replace(outcomes.outcome(result), revision=revision), document)
    history = document["history"]
    assert [h["revision"] for h in history] == [f"c{n}" for n in range(29, 9, -1)]
    assert {(h["result"], h["passes"]) for h in history} == {("Converged", 2)}


def test_history_joins_what_came_to_the_same_again():
    document = status_document(outcomes.outcome(), None)
    for result in (Result.CONVERGED, Result.PROGRESSING, Result.WAITING, Result.CONVERGED):
        document = status_document(outcomes.outcome(result), document)
    assert [(h["result"], h["passes"]) for h in document["history"]] == [("Converged", 3), ("Converged", 2)]


OPENS = outcomes.plan(
    waves=(Wave(steps=(Step(action=StepAction.OPEN_GATE, target="gate", region="eu-west-1", eta=minutes(1)),)),)
)


@pytest.mark.parametrize(
    ("traffic", "more"),
    [
        ("serving", {}),
        ("unknown", {"probes": {"eu-west-1": probe("eu-west-1", healthy=False)}}),
        ("unknown", {"probes": {"eu-west-1": None}}),
        ("unknown", {"gates": {"eu-west-1": gate("eu-west-1", threshold=0)}}),  # forced open, whatever its probe says
        ("drained", {"gates": {"eu-west-1": gate("eu-west-1", threshold=2)}}),
        ("drained", {"gates": {"eu-west-1": gate("eu-west-1", threshold=2, version=1)}}),
        ("joining", {"gates": {"eu-west-1": gate("eu-west-1", threshold=2, version=1)}, "plan": OPENS}),
        ("joining", {"gates": {"eu-west-1": None}, "plan": OPENS}),
        ("unknown", {"gates": {"eu-west-1": None}}),
    ],
)
def test_traffic_of_a_region(traffic, more):
    plan = more.pop("plan", None) or outcomes.plan()
    outcome = outcomes.outcome(Result.PROGRESSING, plan=plan, observed=outcomes.observed(**more))
    regions = {r["name"]: r["traffic"] for r in status_document(outcome, None)["regions"]}
    assert regions["eu-west-1"] == traffic


@pytest.mark.parametrize(
    ("traffic", "outcome"),
    [
        ("serving", outcomes.leaving()),
        ("leaving", outcomes.finishing()),
        ("draining", replace(outcomes.leaving(), observed=outcomes.finishing().observed)),
    ],
)
def test_a_region_that_leaves_serves_drains_and_is_gone_one_after_the_other(traffic, outcome):
    regions = {r["name"]: r["traffic"] for r in status_document(outcome, None)["regions"]}
    assert regions == {"us-east-1": traffic, "eu-west-1": "serving"}


def test_a_region_that_left_is_forgotten():
    before = status_document(outcomes.finishing(), None)
    there = outcomes.observed()
    stacks = {at: state for at, state in there.stacks.items() if at.region == "eu-west-1"}
    seen = replace(there, stacks=stacks, gates={"us-east-1": None, "eu-west-1": gate("eu-west-1")})
    left = outcomes.outcome(observed=seen, regions=("eu-west-1",))
    assert [r["name"] for r in status_document(left, before)["regions"]] == ["eu-west-1"]


def test_what_finishes_aside_is_told_since_when_and_waits_for_what():
    first = status_document(outcomes.finishing(), None)
    document = status_document(later(outcomes.finishing()), first)
    assert (document["stepsLeft"], document["waitingFor"], document["lastAppliedRevision"]) == (0, [], "a1b2c3d")
    assert document["tombstones"] == [
        {
            "kind": "region",
            "region": "us-east-1",
            "subject": "",
            "what": "detach, delete/data, delete-gate",
            "since": "2026-03-01T03:00:00Z",
            "waitingFor": "interfaces/us-east-1: 2 are left",
        }
    ]
    for text in (status_text(document), status_markdown(document)):
        assert "waiting for interfaces/us-east-1: 2 are left" in text


def test_chains_that_finish_aside_do_not_wait_for_each_other():
    both = outcomes.outcome(plan=outcomes.plan(waves=(*outcomes.remains(), *outcomes.superseded())))
    region, version = status_document(both, None)["tombstones"]
    assert (region["kind"], region["waitingFor"]) == ("region", "interfaces/us-east-1: 2 are left")
    assert (version["kind"], version["subject"], version["what"]) == ("version", "router:1", "delete-version")
    assert version["waitingFor"] == "replicas: for 5 h more"


def test_a_region_still_to_be_taken_out_of_service_is_no_tombstone():
    assert status_document(outcomes.leaving(), None)["tombstones"] == []


API = outcomes.ref(StackKind.API, "eu-west-1")
WAITS = outcomes.plan(waves=(Wave(gates=(Gate(name="health", region="eu-west-1", detail="3 good minutes"),)),))


def rolled_back(outcome):
    stacks = {**outcome.observed.stacks, API: outcomes.state(API, "UPDATE_ROLLBACK_COMPLETE")}
    return replace(outcome, observed=replace(outcome.observed, stacks=stacks))


@pytest.mark.parametrize(
    ("health", "why", "outcome"),
    [
        ("Healthy", "complete", outcomes.outcome()),
        ("Missing", "no stacks", outcomes.building()),
        ("Degraded", "api is ROLLBACK_COMPLETE", outcomes.failed()),
        ("Degraded", "api is UPDATE_ROLLBACK_COMPLETE", rolled_back(outcomes.failed())),
        ("Healthy", "complete", rolled_back(outcomes.outcome())),  # the commit that failed was taken back
        ("Suspended", "suspended", outcomes.outcome(Result.SUSPENDED)),
        ("Progressing", "waiting for health/eu-west-1: 3 good minutes", outcomes.outcome(Result.WAITING, plan=WAITS)),
        ("Progressing", "next: open-gate", outcomes.outcome(Result.PROGRESSING, plan=OPENS)),
        (
            "Degraded",
            "unhealthy",
            outcomes.outcome(observed=outcomes.observed(probes={"eu-west-1": probe("x", healthy=False)})),
        ),
        ("Unknown", "not reported", outcomes.outcome(observed=outcomes.observed(probes={}))),
    ],
)
def test_health_of_a_region_and_its_reason(health, why, outcome):
    document = status_document(outcome, None)
    (region,) = [r for r in document["regions"] if r["name"] == "eu-west-1"]
    (ready,) = region["conditions"]
    assert (region["health"], ready["reason"]) == (health, health)
    assert why in ready["message"]
    assert health == "Healthy" or ready["message"] in status_text(document)


def test_database_roles():
    roles = {r["name"]: r["databaseRole"] for r in status_document(outcomes.outcome(), None)["regions"]}
    assert roles == {"us-east-1": "writer", "eu-west-1": "reader"}


def test_a_region_that_only_hosts_shared_stacks_is_not_one_of_ours():
    seen = outcomes.observed(gates={**outcomes.observed().gates, "us-west-2": None})
    document = status_document(outcomes.outcome(observed=seen), None)
    assert [r["name"] for r in document["regions"]] == ["us-east-1", "eu-west-1"]


def test_trouble_comes_before_everything_else():
    stalled = replace(outcomes.condition("Stalled"), message="Function: no such runtime")
    document = status_document(replace(outcomes.failed(), conditions=(stalled, stalled)), None)
    text = status_text(document).splitlines()
    assert sum("no such runtime" in line for line in text) == 1
    assert text[5] == "1 step left: once that is cured, `meridian converge` goes on"
    assert text[0] == "orders: Failed"
    assert text[3:5] == ["DeploymentFailed  deploy/api/eu-west-1", "  Function: no such runtime"]
    assert "> **DeploymentFailed** `deploy/api/eu-west-1`: Function: no such runtime" in status_markdown(document)


@pytest.mark.parametrize("shown", [status_text, status_markdown, history_text, history_markdown])
def test_nothing_that_a_terminal_obeys_is_shown_wherever_it_stands(shown):
    """Whoever may write to the table writes more than messages."""
    document = status_document(outcomes.building(), None)
    dates = {"suspension": None, "approval": None}
    hostile = everywhere(document, lambda text: f"\x1b]0;x\x07\x9b31m\u202e{text}\r") | dates
    text = shown({**hostile, "entries": hostile["history"], "resumed": None})
    assert text
    assert all(c.isprintable() or c == "\n" for c in text)


def test_stacks_that_belong_to_no_region_are_told_in_whatever_state():
    stuck = outcomes.state(outcomes.EDGE, "UPDATE_ROLLBACK_FAILED")
    stacks = {**outcomes.observed().stacks, outcomes.EDGE: stuck}
    stacks[outcomes.ref(StackKind.FOUNDATION, "eu-west-1")] = Unknown(code="AccessDenied", message="no")
    stacks[outcomes.ref(StackKind.ROUTING, "us-east-1")] = None
    stacks[outcomes.ref(StackKind.DATA, "sa-east-1")] = outcomes.state(outcomes.ref(StackKind.DATA, "sa-east-1"))
    document = status_document(outcomes.outcome(observed=outcomes.observed(stacks=stacks)), None)
    told = {"data/sa-east-1": "CREATE_COMPLETE", "edge": "UPDATE_ROLLBACK_FAILED", "foundation/eu-west-1": "UNKNOWN"}
    assert check(document)["stacks"] == told
