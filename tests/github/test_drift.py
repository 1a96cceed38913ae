"""`meridian github drift` against the stand-in of GitHub: an issue that is opened, updated and closed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler import wiring
from reconciler.aws.recorded import Recorded
from reconciler.cli import bundling
from reconciler.cli.github import drift as command
from reconciler.cli.settings import Settings
from reconciler.model.bundle import BundleRefused
from reconciler.model.observed import Unknown
from reconciler.report.status import status_document
from tests.fakes import outcomes
from tests.unit.cli.test_bundling import NAME, repo, s3  # noqa: F401  # fixtures: a repository, and a revision bucket

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


@pytest.fixture
def no_clone(monkeypatch):
    """What this repository's own commit is has nothing to do with the worked example."""

    def refused(root, paths):
        raise BundleRefused("no Git repository", code="NoCommit")

    monkeypatch.setattr(wiring, "commit_at_hand", refused)


def test_an_issue_is_opened_updated_and_closed(gh, meridian, found, no_clone, job):
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


def test_an_issue_is_not_closed_by_what_cannot_be_read(gh, meridian, found, no_clone, job):
    job({"issues": "write"})
    meridian("github", "drift", DESIRED)
    outcome = outcomes.outcome()
    found["outcome"] = replace(
        outcome, observed=replace(outcome.observed, distribution=Unknown("Throttled", "slow down"))
    )
    assert "left as it is" in meridian("github", "drift", DESIRED).err
    assert gh.issues()[0].state == "open"


def test_what_the_last_pass_said_of_git_comes_along(found, no_clone):
    from tests.fakes import topologies

    status = status_document(outcomes.outcome(), None)
    found["status"] = {**status, "conditions": [*status["conditions"], BEHIND]}
    outcome = command._with_source(outcomes.outcome(), topologies.orders())
    assert [c.message for c in outcome.conditions if c.type == "SourceBehind"] == ["the source is ahead"]


def test_a_missing_permission_fails_the_job(meridian, found, no_clone, job):
    job({"issues": "read"})
    ran = meridian("github", "drift", DESIRED)
    assert (ran.code, "issues: write" in ran.err) == (1, True)


@pytest.fixture
def merged(repo, monkeypatch):  # noqa: F811
    """Commits, so many minutes ago."""

    def commit(minutes):
        monkeypatch.setenv("GIT_COMMITTER_DATE", (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat())
        repo.commit()
        return repo.commits[-1]

    return commit


@pytest.fixture
def drift(meridian, found, job):
    """Run where nothing drifts; gives what it tells."""
    found["outcome"] = outcomes.outcome()
    job({"issues": "write"})

    def run():
        ran = meridian("github", "drift", "desired_state")
        assert ran.code == 0, ran.err
        return ran.err

    return run


def upload():
    given = {"out": Path("build"), "upload": True, "rollback": False, "announce": False}
    assert bundling.bundle(Settings(), Path("desired_state"), **given) == 0


def test_a_commit_whose_bundle_never_came_is_an_issue_until_it_comes(gh, s3, merged, drift, found):  # noqa: F811
    found["status"] = status_document(outcomes.outcome(), None)
    first = merged(60)
    upload()
    drift()
    assert gh.issues() == []
    head = merged(14)
    drift()
    assert gh.issues() == [], "its upload may be under way"
    head = merged(16)
    assert "the upload failed or never began" in drift()
    [issue] = gh.issues()
    assert issue.title == "orders: no drift found, source behind"
    assert f"`{head[:12]}`" in issue.body
    assert f"`{first[:12]}`" in issue.body
    assert "run the workflow `converge` again" in issue.body
    upload()
    drift()
    assert issue.state == "closed"


def test_what_the_control_plane_says_of_the_same_is_said_once(gh, s3, merged, drift, found):  # noqa: F811
    status = status_document(outcomes.outcome(), None)
    found["status"] = {**status, "conditions": [*status["conditions"], BEHIND]}
    merged(60)
    drift()
    body = gh.issues()[0].body
    assert (body.count("Source behind."), "no bundle is there" in body) == (1, True)


def test_a_rollback_is_not_behind(gh, s3, merged, drift, repo):  # noqa: F811
    first = merged(60)
    upload()
    merged(50)
    upload()
    repo.git("checkout", "-q", first)
    given = {"out": Path("build"), "upload": True, "rollback": True, "announce": False}
    assert bundling.bundle(Settings(), Path("desired_state"), **given) == 0
    repo.git("checkout", "-q", "main")
    drift()
    assert gh.issues() == []


@pytest.mark.parametrize("missing", ["bucket", "clone"])
def test_without_a_control_plane_or_a_clone_there_is_nothing_to_say(gh, s3, merged, drift, repo, missing):  # noqa: F811
    merged(60)
    if missing == "bucket":
        s3.delete_bucket(Bucket=NAME)
    else:
        shutil.rmtree(repo.folder / ".git")
    assert "cannot be told" not in drift()
    assert gh.issues() == []
