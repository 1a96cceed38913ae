"""A commit's way to Serving as GitHub shows it: status document by status document."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.attempts import K
from reconciler.model.bundle import Accepted
from reconciler.model.errors import ReconcilerError
from reconciler.model.memory import Memory
from reconciler.model.outcome import Problem, Result
from reconciler.model.plan import Refusal
from reconciler.model.unknown import Unknown
from reconciler.report.github.links import Links
from reconciler.report.github.rollout import Phase, Rollout, approvals, phase
from reconciler.report.github.rollout_states import commit_status, deployments, path
from reconciler.report.github.rollout_summary import rollout_summary
from reconciler.report.status import after_error, status_document
from tests.fakes import outcomes

OURS, OTHER, DIGEST = "a1b2c3d", "f" * 40, "sha256:d"
FINGERPRINT = f"sha256:{'0' * 64}"
EARLIER = timedelta(minutes=5)


def bundle(commit, generation, mark=0):
    return Accepted(
        commit=commit,
        author="alice",
        generation=generation,
        digest="d",
        version="v",
        repository="r",
        mark=mark or generation,
    )


def rollout(status=None, **more):
    given = {
        "name": "orders",
        "domain": "api.example.com",
        "regions": outcomes.REGIONS,
        "commit": OURS,
        "generation": 3,
        "since": outcomes.NOW - EARLIER,
        "followed": timedelta(),
        "status": status,
    }
    return Rollout(**(given | more))


def document(outcome, **more):
    return {**status_document(outcome, None), **more}


def elsewhere(in_force=None, **more):
    """The status of another commit."""
    found = document(outcomes.outcome(), desiredRevision=OTHER, bundle=in_force.document() if in_force else None)
    return {**found, **more}


def stalled():
    return document(outcomes.failed(), result="Stalled")


def blocked(code="ApprovalRequired", hazards=("data-deletion",), **more):
    refusal = {"code": code, "path": "spec.safety.approval", "message": "nobody has approved it"}
    asked = {"fingerprint": FINGERPRINT, "hazards": list(hazards)} if code == "ApprovalRequired" else None
    plan = {"fingerprint": FINGERPRINT, "approval": asked}
    return document(outcomes.building(), result="Blocked", refusals=[refusal], plan=plan, **more)


NEXT = "the next window opens at 2026-03-02 02:00 UTC"


def refused_over_live(*codes, opens=NEXT):
    """Both Regions serve what was before, and the plan has no steps: it was refused whole."""
    refusals = tuple(Refusal(code=c, path="spec.safety", message=f"{c}: {opens}") for c in codes)
    return document(outcomes.outcome(Result.BLOCKED, plan=outcomes.plan(refusals=refusals)))


def taken_back():
    """The rollout made eu-west-1 sick; the last good revision is back there, and nothing is left to do."""
    why = Problem(code="RolloutFailed", step="deploy/api/eu-west-1", message="the rollout of api was stopped")
    return document(outcomes.outcome(Result.STALLED, problems=(why,)))


def never_ended(times, before=None, at=outcomes.NOW):
    """What hosted passes leave that end in an error, the first time or every time."""
    memory = Memory.recorded(before, DIGEST)
    for _ in range(times):
        problem = memory.after_error(ReconcilerError("no template of api", code="SynthesisFailed"), at)
    return after_error("orders", before, problem, memory.document(), at)


def refused_bundle(message="the bundle of orders has generation 3", since="2026-03-01T03:00:00Z"):
    condition = {"type": "BundleRefused", "status": "True", "reason": "OlderGeneration", "message": message}
    found = elsewhere(bundle(OTHER, 2), updatedAt=since)
    return {**found, "conditions": [*found["conditions"], condition]}


OURS_UPLOADED = {"uploaded": bundle(OURS, 3), "digest": DIGEST}
PHASES = [
    ("a window half way", rollout(refused_over_live("WindowClosed")), Phase.DEPLOYING, "pending"),
    (
        "a window and more",
        rollout(refused_over_live("WindowClosed", "LastServingRegion")),
        Phase.BLOCKED,
        "failure",
    ),
    (
        "a window that never opens",
        rollout(refused_over_live("WindowClosed", opens="none of its windows ever opens")),
        Phase.BLOCKED,
        "failure",
    ),
    ("no pass came to an end", rollout(never_ended(1), **OURS_UPLOADED), Phase.QUEUED, "pending"),
    ("no pass ever does", rollout(never_ended(K), **OURS_UPLOADED), Phase.FAILED, "failure"),
    ("nor after another commit", rollout(never_ended(K, elsewhere()), **OURS_UPLOADED), Phase.FAILED, "failure"),
    (
        "none did before we came",
        rollout(never_ended(K), since=outcomes.NOW + EARLIER, **OURS_UPLOADED),
        Phase.QUEUED,
        "pending",
    ),
    (
        "none does of what was before",
        rollout(never_ended(K, elsewhere()), uploaded=bundle(OURS, 3), digest="sha256:another"),
        Phase.QUEUED,
        "pending",
    ),
    ("no pass yet", rollout(), Phase.QUEUED, "pending"),
    ("an older one in force", rollout(elsewhere(bundle(OTHER, 2))), Phase.QUEUED, "pending"),
    ("a pass of the command", rollout(elsewhere()), Phase.QUEUED, "pending"),
    ("at work", rollout(document(outcomes.building())), Phase.DEPLOYING, "pending"),
    ("failed, and tried again", rollout(document(outcomes.failed())), Phase.DEPLOYING, "pending"),
    ("converged and serving", rollout(document(outcomes.outcome())), Phase.SERVING, "success"),
    (
        "converged and not serving",
        rollout(document(replace(outcomes.outcome(), conditions=(outcomes.condition("Ready", "False"),)))),
        Phase.DEPLOYING,
        "pending",
    ),
    ("stalled", rollout(stalled()), Phase.FAILED, "failure"),
    ("refused", rollout(blocked("LastServingRegion")), Phase.BLOCKED, "failure"),
    ("waiting for approval", rollout(blocked()), Phase.BLOCKED, "pending"),
    (
        "blocked before we came",
        rollout(blocked(), since=outcomes.NOW + timedelta(seconds=1)),
        Phase.DEPLOYING,
        "pending",
    ),
    (
        "blocked before we came, and nothing came after",
        rollout(blocked(), since=outcomes.NOW + timedelta(seconds=1), followed=EARLIER),
        Phase.BLOCKED,
        "pending",
    ),
    ("suspended", rollout(document(outcomes.outcome(), result="Suspended")), Phase.SUSPENDED, "pending"),
    ("a newer one in force", rollout(elsewhere(bundle(OTHER, 4))), Phase.SUPERSEDED, "success"),
    (
        "a newer one uploaded",
        rollout(elsewhere(bundle(OTHER, 2)), uploaded=bundle("e" * 40, 4)),
        Phase.SUPERSEDED,
        "success",
    ),
    ("rolled back from", rollout(elsewhere(bundle(OTHER, 2, mark=3))), Phase.ROLLED_BACK, "failure"),
    (
        "our rollback uploaded, not picked up",
        rollout(elsewhere(bundle(OTHER, 9)), uploaded=bundle(OURS, 3)),
        Phase.QUEUED,
        "pending",
    ),
    (
        "the bucket cannot be read",
        rollout(elsewhere(bundle(OTHER, 4)), uploaded=Unknown("x", "y")),
        Phase.SUPERSEDED,
        "success",
    ),
    ("our bundle refused", rollout(refused_bundle(), uploaded=bundle(OURS, 3)), Phase.REFUSED, "failure"),
    (
        "another bundle refused before",
        rollout(refused_bundle(since="2026-03-01T02:00:00Z"), uploaded=bundle(OURS, 3)),
        Phase.QUEUED,
        "pending",
    ),
]


@pytest.mark.parametrize(("seen", "wanted", "state"), [r[1:] for r in PHASES], ids=[r[0] for r in PHASES])
def test_phase_and_status_of_the_commit(seen, wanted, state):
    told, description = commit_status(seen)
    assert (phase(seen), told) == (wanted, state)
    assert 0 < len(description) <= 140


def states(seen):
    return {d.region: d.state for d in deployments(seen)}


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (rollout(), ["queued", "queued"]),
        (rollout(document(outcomes.building())), ["queued", "queued"]),
        (rollout(document(outcomes.failed())), ["success", "failure"]),
        (rollout(stalled()), ["success", "failure"]),
        (rollout(refused_over_live("LastServingRegion")), ["queued", "queued"]),
        (
            rollout(refused_over_live("ApprovalRequired"), since=outcomes.NOW + EARLIER),
            ["queued", "queued"],
        ),
        (rollout(refused_over_live("WindowClosed")), ["queued", "queued"]),
        (rollout(document(outcomes.outcome(Result.SUSPENDED))), ["queued", "queued"]),
        (rollout(taken_back()), ["failure", "failure"]),
        (rollout(never_ended(K, elsewhere()), **OURS_UPLOADED), ["failure", "failure"]),
        (rollout(document(outcomes.outcome())), ["success", "success"]),
        (rollout(blocked()), ["queued", "queued"]),
        (rollout(elsewhere(bundle(OTHER, 4))), ["inactive", "inactive"]),
        (rollout(refused_bundle(), uploaded=bundle(OURS, 3)), ["failure", "failure"]),
    ],
)
def test_each_region_has_its_state(seen, wanted):
    assert list(states(seen).values()) == wanted
    assert all(0 < len(d.description) <= 140 for d in deployments(seen))


def test_a_region_that_is_being_changed_is_in_progress_and_one_not_reached_has_failed():
    changing = document(outcomes.outcome(), result="Progressing")
    changing["regions"][1]["health"] = "Progressing"
    assert list(states(rollout(changing)).values()) == ["success", "in_progress"]
    given_up = {**changing, "result": "Stalled"}
    assert list(states(rollout(given_up)).values()) == ["success", "failure"]


def test_of_a_rollout_that_is_taken_back_the_regions_that_had_it_before_keep_it():
    assert {d.region: d.unless_done for d in deployments(rollout(taken_back()))} == dict(
        zip(outcomes.REGIONS, (True, False), strict=True)
    )


def test_a_region_that_leaves_becomes_inactive():
    leaving = document(outcomes.leaving())
    old, new = outcomes.REGIONS
    leaving["regions"][0]["traffic"] = "draining"
    assert old not in states(rollout(leaving, regions=(new,)))
    leaving["regions"][0]["traffic"] = "leaving"
    assert states(rollout(leaving, regions=(new,)))[old] == "inactive"


@pytest.mark.parametrize(
    ("before", "wanted", "set_"),
    [
        (None, "queued", ["queued"]),
        (None, "in_progress", ["queued", "in_progress"]),
        (None, "success", ["queued", "in_progress", "success"]),
        (None, "failure", ["queued", "in_progress", "failure"]),
        (None, "inactive", []),
        ("queued", "queued", []),
        ("queued", "success", ["in_progress", "success"]),
        ("pending", "success", ["in_progress", "success"]),
        ("in_progress", "queued", []),
        ("in_progress", "failure", ["failure"]),
        ("success", "in_progress", []),
        ("success", "queued", []),
        ("success", "failure", ["failure"]),
        ("success", "inactive", ["inactive"]),
        ("failure", "in_progress", ["in_progress"]),
        ("failure", "success", ["in_progress", "success"]),
        ("failure", "inactive", ["inactive"]),
        ("inactive", "inactive", []),
    ],
)
def test_states_go_in_githubs_order(before, wanted, set_):
    assert list(path(before, wanted)) == set_


def test_what_is_to_be_approved():
    hostile = blocked(hazards=["data-deletion", "x; rm -rf /"])
    assert approvals(rollout(hostile)) == [
        {"topology": "orders", "fingerprint": FINGERPRINT, "hazards": ["data-deletion"]}
    ]
    assert approvals(rollout(blocked("LastServingRegion"))) == []
    assert approvals(rollout(document(outcomes.building()))) == []


def test_a_failed_rollout_explains_itself():
    found = stalled()
    condition = {
        "type": "Stalled",
        "status": "True",
        "reason": "DeploymentFailed",
        "message": "m",
        "lastTransitionTime": "2026-03-01T02:51:00Z",
    }
    text = rollout_summary([rollout({**found, "conditions": [*found["conditions"], condition]})], Links())
    for part in (
        "### orders: the rollout failed",
        "`DeploymentFailed` at `deploy/api/eu-west-1`",
        "no such runtime",
        "since `2026-03-01T02:51:00Z`",
        "taken back in `eu-west-1`: `api (ROLLBACK_COMPLETE)`",
        "**What to do**",
        "`meridian status orders`",
    ):
        assert part in text


def test_passes_that_come_to_no_end_are_told_though_the_status_is_of_another_commit():
    for times, headline, sentence in (
        (1, "not picked up yet", "no pass on it has come to an end yet"),
        (K, "the rollout failed", "nothing is tried again until a commit"),
    ):
        text = rollout_summary([rollout(never_ended(times, elsewhere()), **OURS_UPLOADED)], Links())
        for part in (f"### orders: {headline}", sentence, "no template of api", "commit what makes it right"):
            assert part in text, part


def test_what_waits_for_a_window_asks_for_nothing():
    found = rollout(refused_over_live("WindowClosed"))
    text = rollout_summary([found], Links())
    for part in (
        "still being deployed",
        "in the next window, by itself",
        "the next window opens at",
        "- nothing; run",
    ):
        assert part in text, part
    assert "commit what the refusal asks for" not in text
    assert "the next window opens at 2026-03-02" in commit_status(found)[1]


def test_an_approval_is_ready_to_paste():
    text = rollout_summary([rollout(blocked())], Links())
    assert f"meridian approve orders --fingerprint {FINGERPRINT} --reason …" in text


def test_what_aws_says_is_shown_and_does_nothing():
    evil = "<img src=x onerror=alert(1)> @acme/admins [x](http://evil) | ::error::x\n# big"
    found = stalled()
    found["problems"][0]["message"] = evil
    found["regions"][1]["conditions"][0]["message"] = evil
    text = rollout_summary([rollout(found)], Links())
    assert "<img" not in text
    assert "](http" not in re.sub(r"`[^`]*`", "", text), "in code it is no link"
    assert not any(line.startswith(("# ", "::")) for line in text.splitlines())
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1


def test_a_summary_of_many_topologies_stays_below_githubs_limit():
    found = stalled()
    found["problems"][0]["message"] = "\n".join(["word " * 300] * 60)
    text = rollout_summary([rollout(found)] * 14, Links())
    assert len(text.encode()) < 1024 * 1024
    assert "more topologies" in text
