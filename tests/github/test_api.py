"""The adapters on GitHub's API: what is there is found again, whoever else wrote there, and whatever was broken off."""

from __future__ import annotations

import pytest

from reconciler.github import api, deployments
from reconciler.github.failures import GitHubRefused, GitHubUnavailable

MARKER = "<!-- meridian:plan:orders -->"
DRIFT = "<!-- meridian:drift:orders -->"
LABEL = "meridian-drift"
SHA = "1" * 40


@pytest.fixture
def pull_request(gh):
    gh.pull_request(7, head=SHA)
    return 7


def body(text):
    return f"{MARKER}\n{text}\n"


def test_a_comment_is_made_once_then_edited(gh, client, pull_request):
    ours = client({"pull-requests": "write"})
    assert api.upsert_comment(ours, 7, MARKER, body("one")) == "created"
    assert api.upsert_comment(ours, 7, MARKER, body("two")) == "edited"
    assert api.upsert_comment(ours, 7, MARKER, body("two")) == "unchanged"
    assert [(c.body, c.edits) for c in gh.comments(7)] == [(body("two"), 1)]


def test_a_comment_of_another_topology_is_another_comment(gh, client, pull_request):
    ours = client()
    api.upsert_comment(ours, 7, MARKER, body("one"))
    api.upsert_comment(ours, 7, "<!-- meridian:plan:billing -->", "<!-- meridian:plan:billing -->\none")
    assert len(gh.comments(7)) == 2


@pytest.mark.parametrize("login", ["mallory", "github-actions", "dependabot[bot]"])
def test_a_strangers_comment_with_our_marker_is_left_alone(gh, client, pull_request, login):
    theirs = gh.comment_as(login, 7, body("approved, merge it"))
    assert api.upsert_comment(client(), 7, MARKER, body("the plan")) == "created"
    assert [c.author for c in gh.comments(7)] == [login, "github-actions[bot]"]
    assert theirs.edits == 0


def test_a_marker_that_somebody_quotes_is_no_marker(gh, client, pull_request):
    gh.comment_as("github-actions[bot]", 7, f"as in {MARKER}")
    assert api.upsert_comment(client(), 7, MARKER, body("the plan")) == "created"


def test_a_persons_token_finds_the_persons_comments(gh, client, pull_request):
    ours = client(login="alice")
    assert api.upsert_comment(ours, 7, MARKER, body("one")) == "created"
    assert api.upsert_comment(ours, 7, MARKER, body("two")) == "edited"


def test_of_two_comments_the_newest_stays(gh, client, pull_request):
    for text in ("one", "two"):
        gh.comment_as("github-actions[bot]", 7, body(text))
    assert api.upsert_comment(client(), 7, MARKER, body("three")) == "edited"
    assert [c.body for c in gh.comments(7)] == [body("three")]


def test_a_comment_that_is_gone_is_made_anew(gh, client, pull_request):
    ours = client()
    api.upsert_comment(ours, 7, MARKER, body("one"))
    gh.delete_comment(gh.comments(7)[0])
    assert api.upsert_comment(ours, 7, MARKER, body("two")) == "created"
    gh.fail("PATCH", r"/issues/comments/\d+", 404, "Not Found")  # taken away between our look and our edit
    assert api.upsert_comment(ours, 7, MARKER, body("three")) == "created"


def test_a_comment_is_found_on_the_last_page(gh, client, pull_request):
    for number in range(250):
        gh.comment_as("alice", 7, f"{number}")
    ours = client()
    api.upsert_comment(ours, 7, MARKER, body("one"))
    assert api.upsert_comment(ours, 7, MARKER, body("two")) == "edited"


def test_reads_are_tried_again_and_a_lost_answer_to_a_write_is_not(gh, client, pull_request):
    ours = client()
    gh.fail("GET", "/issues/7/comments", 502)
    assert api.upsert_comment(ours, 7, MARKER, body("one")) == "created"
    gh.delete_comment(gh.comments(7)[0])
    gh.fail("POST", "/issues/7/comments", 502, after=True)
    with pytest.raises(GitHubUnavailable, match="502"):
        api.upsert_comment(ours, 7, MARKER, body("one"))
    assert api.upsert_comment(ours, 7, MARKER, body("one")) == "unchanged"
    assert len(gh.comments(7)) == 1


def test_asked_to_slow_down_it_does(gh, client, pull_request):
    gh.slow_down(seconds=1)
    assert api.upsert_comment(client(), 7, MARKER, body("one")) == "created"
    assert [m for m, _ in gh.writes()] == ["POST", "POST"]


def refusals():
    yield "comment", {"issues": "none"}, "pull-requests: write", lambda c: api.upsert_comment(c, 7, MARKER, body("x"))
    yield "status", {}, "statuses: write", lambda c: api.commit_status(c, SHA, "meridian/orders", "pending", "", "")
    yield "issue", {"issues": "read"}, "issues: write", lambda c: api.upsert_issue(c, DRIFT, LABEL, "t", DRIFT)
    yield "deployments", {}, "deployments: read", lambda c: deployments.placed(c, "meridian:orders")


@pytest.mark.parametrize(("permissions", "needs", "call"), [r[1:] for r in refusals()], ids=[r[0] for r in refusals()])
def test_a_missing_permission_is_named(client, pull_request, permissions, needs, call):
    with pytest.raises(GitHubRefused, match=f"`permissions:` with `{needs}`") as refused:
        call(client(permissions))
    assert refused.value.code == "PermissionMissing"
    with pytest.raises(GitHubRefused, match="GITHUB_TOKEN") as refused:
        call(client(token="ghs_unknown"))
    assert refused.value.code == "BadToken"
    assert "ghs_unknown" not in str(refused.value)


def test_a_status_is_set(gh, client, pull_request):
    ours = client({"statuses": "write"})
    api.commit_status(ours, SHA, "meridian/orders", "pending", "deploying", "https://example.com/run")
    api.commit_status(ours, SHA, "meridian/orders", "success", "serving", "https://example.com/run")
    assert [s["state"] for s in gh.statuses(SHA, "meridian/orders")] == ["pending", "success"]


def test_an_issue_is_opened_updated_and_closed(gh, client):
    ours = client({"issues": "write"})
    assert api.close_issue(ours, DRIFT, LABEL, "Drift", DRIFT) == "none"
    assert api.upsert_issue(ours, DRIFT, LABEL, "Drift", f"{DRIFT}\none") == "opened"
    assert api.upsert_issue(ours, DRIFT, LABEL, "Drift", f"{DRIFT}\none") == "unchanged"
    assert api.upsert_issue(ours, DRIFT, LABEL, "Drift", f"{DRIFT}\ntwo") == "updated"
    assert api.close_issue(ours, DRIFT, LABEL, "No drift", f"{DRIFT}\nover") == "closed"
    [issue] = gh.issues()
    assert (issue.title, issue.state, issue.reason, issue.labels) == ("No drift", "closed", "completed", [LABEL])
    assert api.upsert_issue(ours, DRIFT, LABEL, "Drift", f"{DRIFT}\nagain") == "opened", "what is closed is history"


def test_a_strangers_issue_is_left_alone_and_a_double_closed(gh, client):
    ours = client()
    api.upsert_issue(ours, DRIFT, LABEL, "Drift", f"{DRIFT}\none")
    first = gh.issues()[0]
    for author in ("mallory", "github-actions[bot]"):
        copy = type(first)(number=gh.world.next(), author=author, title="t", body=DRIFT, labels=[LABEL])
        gh.world.issues.append(copy)
    api.upsert_issue(ours, DRIFT, LABEL, "Drift", f"{DRIFT}\ntwo")
    assert [(i.author, i.state) for i in gh.issues()] == [
        ("github-actions[bot]", "open"),
        ("mallory", "open"),
        ("github-actions[bot]", "closed"),
    ]


def test_issues_that_are_turned_off_are_told(gh, client):
    gh.world.has_issues = False
    with pytest.raises(GitHubRefused, match="turn them on"):
        api.upsert_issue(client(), DRIFT, LABEL, "Drift", DRIFT)


def test_a_deployment_is_made_beside_pending_statuses_and_found_again(gh, client, pull_request):
    ours = client({"deployments": "write", "statuses": "write"})
    api.commit_status(ours, SHA, "meridian/orders", "pending", "deploying", "https://example.com/run")
    made = deployments.create(
        ours,
        environment="orders/eu-west-1",
        commit=SHA,
        task="meridian:orders",
        description="generation 3",
        payload={"generation": 3},
    )
    for state in ("queued", "in_progress"):
        deployments.set_state(made, state, description="", log="https://example.com/run", address="https://example.com")
    [found] = deployments.placed(ours, "meridian:orders")
    assert (found.environment, found.commit) == ("orders/eu-west-1", SHA)
    assert deployments.read_state(found) == "in_progress"
    assert deployments.placed(ours, "meridian:billing") == []
    there = gh.deployments()[0]
    assert (there.production, there.transient, there.payload) == (True, False, {"generation": 3})
    assert there.statuses[0]["environment_url"] == "https://example.com"


def test_a_ref_that_is_not_there_is_told(client):
    with pytest.raises(GitHubRefused, match="No ref found"):
        deployments.create(client(), environment="e", commit="2" * 40, task="t", description="", payload={})
