"""`meridian github drift` against the stand-in of GitHub: an issue that is opened, updated and closed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler import wiring
from reconciler.aws.recorded import Recorded
from reconciler.cli.github import drift as command
from reconciler.model.observed import Unknown
from reconciler.report.status import status_document
from tests.fakes import outcomes

DESIRED = Path(__file__).parents[2] / "desired_state"
BEHIND = {
    "type": "SourceBehind",
    "status": "True",
    "reason": "NoBundle",
    "message": "the source is ahead",
    "observedGeneration": 3,
    "lastTransitionTime": "2026-03-01T03:00:00Z",
}


@pytest.fixture
def found(monkeypatch):
    seen = {"outcome": outcomes.drifted(), "status": None}
    monkeypatch.setattr(command, "look_at_all", lambda settings, topologies, *, sweep: ([seen["outcome"]], []))
    monkeypatch.setattr(wiring, "recorded", lambda name, home: Recorded(status=seen["status"]))
    return seen


def test_an_issue_is_opened_updated_and_closed(gh, meridian, found, job):
    step = job({"issues": "write"})
    ran = meridian("github", "drift", DESIRED)
    assert (ran.code, "orders: issue opened" in ran.err) == (0, True)
    assert step.outputs["drift"] == {"orders": {"open": True, "findings": 3}}
    assert step.told
    [issue] = gh.issues()
    assert (issue.labels, issue.author) == (["meridian-drift"], "github-actions[bot]")
    assert meridian("github", "drift", DESIRED, "--detailed-exitcode").code == 2
    found["outcome"] = outcomes.outcome()
    assert "orders: issue closed" in meridian("github", "drift", DESIRED).err
    assert (issue.state, len(gh.issues())) == ("closed", 1)
    assert "orders: issue none" in meridian("github", "drift", DESIRED).err


def test_an_issue_is_not_closed_by_what_cannot_be_read(gh, meridian, found, job):
    job({"issues": "write"})
    meridian("github", "drift", DESIRED)
    outcome = outcomes.outcome()
    found["outcome"] = replace(
        outcome, observed=replace(outcome.observed, distribution=Unknown("Throttled", "slow down"))
    )
    assert "left as it is" in meridian("github", "drift", DESIRED).err
    assert gh.issues()[0].state == "open"


def test_what_the_last_pass_said_of_git_comes_along(found):
    from tests.fakes import topologies

    status = status_document(outcomes.outcome(), None)
    found["status"] = {**status, "conditions": [*status["conditions"], BEHIND]}
    outcome = command._with_source(outcomes.outcome(), topologies.orders())
    assert [c.message for c in outcome.conditions if c.type == "SourceBehind"] == ["the source is ahead"]


def test_a_missing_permission_fails_the_job(meridian, found, job):
    job({"issues": "read"})
    ran = meridian("github", "drift", DESIRED)
    assert (ran.code, "issues: write" in ran.err) == (1, True)
