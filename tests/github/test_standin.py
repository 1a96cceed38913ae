"""The stand-in of GitHub refuses what GitHub refuses: each row breaks one rule of a call that is taken otherwise."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

ALL = dict.fromkeys(("deployments", "issues", "pull-requests", "statuses"), "write")
SHA = "1" * 40


@pytest.fixture
def ask(gh):
    gh.push(SHA)
    gh.pull_request(7, head=SHA)

    def asked(method, path, body=None, permissions=ALL, token=None):
        headers = {"Authorization": f"Bearer {token or gh.token(permissions)}", "User-Agent": "test"}
        data = None if body is None else json.dumps(body).encode()
        url = f"{gh.url}/repos/{gh.repository}{path}"
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.loads(answer.read() or b"null"), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read()), dict(error.headers)

    return asked


COMMENTS, STATUSES, DEPLOYMENTS = "/issues/7/comments", f"/statuses/{SHA}", "/deployments"
DEPLOY = {"ref": SHA, "required_contexts": []}

REFUSED = [
    ("a comment too long", COMMENTS, {"body": "x" * 65_537}, 422),
    ("an empty comment", COMMENTS, {"body": ""}, 422),
    ("a field that GitHub does not know", COMMENTS, {"body": "x", "minimized": True}, 422),
    ("a field missing", COMMENTS, {}, 422),
    ("a comment nowhere", "/issues/8/comments", {"body": "x"}, 404),
    ("a description too long", STATUSES, {"state": "success", "description": "x" * 141}, 422),
    ("no state of a commit", STATUSES, {"state": "queued"}, 422),
    ("a link that is none", STATUSES, {"state": "success", "target_url": "javascript:alert(1)"}, 422),
    ("a commit that is not there", f"/statuses/{'2' * 40}", {"state": "success"}, 422),
    ("a ref that is not there", DEPLOYMENTS, {**DEPLOY, "ref": "nowhere"}, 422),
    ("a list that is none", DEPLOYMENTS, {**DEPLOY, "required_contexts": "all"}, 422),
    ("a flag that is none", DEPLOYMENTS, {**DEPLOY, "auto_merge": "no"}, 422),
    ("a title too long", "/issues", {"title": "x" * 257}, 422),
    ("a label twice", "/labels", {"name": "bug", "color": "ffffff"}, 422),
    ("a colour that is none", "/labels", {"name": "new", "color": "red"}, 422),
    ("a call that is not known", "/pulls", {"title": "x"}, 404),
]


@pytest.mark.parametrize(("path", "body", "status"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_github_refuses(ask, path, body, status):
    code, answer, _ = ask("POST", path, body)
    assert code == status
    assert set(answer) <= {"message", "errors", "documentation_url", "status"}
    assert answer["message"]
    assert answer["documentation_url"].startswith("https://docs.github.com/")


@pytest.mark.parametrize(
    ("path", "body", "permission"),
    [
        (COMMENTS, {"body": "x"}, "pull-requests"),
        (STATUSES, {"state": "success"}, "statuses"),
        (DEPLOYMENTS, DEPLOY, "deployments"),
        ("/issues", {"title": "x"}, "issues"),
    ],
)
def test_each_call_takes_its_permission(ask, path, body, permission):
    assert ask("POST", path, body, {permission: "write"})[0] == 201
    assert ask("POST", path, body, {permission: "read"})[0] == 403
    code, answer, _ = ask("POST", path, body, {"contents": "write"})
    assert (code, answer["message"]) == (403, "Resource not accessible by integration")
    assert ask("POST", path, body, token="unknown")[0] == 401


def test_pages_are_linked(gh, ask):
    for number in range(5):
        gh.comment_as("alice", 7, f"{number}")
    code, first, headers = ask("GET", f"{COMMENTS}?per_page=2")
    assert (code, [c["body"] for c in first]) == (200, ["0", "1"])
    assert 'page=2>; rel="next"' in headers["Link"]
    assert 'page=3>; rel="last"' in headers["Link"]
    _, last, headers = ask("GET", f"{COMMENTS}?per_page=2&page=3")
    assert [c["body"] for c in last] == ["4"]
    assert 'rel="next"' not in headers["Link"]
    assert "Link" not in ask("GET", COMMENTS)[2]
    for number in range(30):
        gh.comment_as("alice", 7, f"{number}")
    assert len(ask("GET", COMMENTS)[1]) == 30


def test_a_deployment_left_to_its_defaults_waits_for_every_status(ask):
    assert ask("POST", STATUSES, {"state": "pending", "context": "meridian/orders"})[0] == 201
    code, answer, _ = ask("POST", DEPLOYMENTS, {"ref": SHA})
    assert (code, "status checks failed" in answer["message"]) == (409, True)
    assert ask("POST", DEPLOYMENTS, DEPLOY)[0] == 201


def test_success_makes_earlier_ones_inactive_but_those_of_production(gh, ask):
    kinds = {"staging": False, "live": True}
    for environment, production in kinds.items():
        for _ in range(2):
            made = {**DEPLOY, "environment": environment, "production_environment": production}
            number = ask("POST", DEPLOYMENTS, made)[1]["id"]
            assert ask("POST", f"{DEPLOYMENTS}/{number}/statuses", {"state": "success"})[0] == 201
    assert [d.state for d in gh.deployments("staging")] == ["inactive", "success"]
    assert [d.state for d in gh.deployments("live")] == ["success", "success"]
    assert ask("POST", f"{DEPLOYMENTS}/{number}/statuses", {"state": "done"})[0] == 422


def test_a_context_takes_so_many_statuses_at_a_commit(gh, ask):
    gh.world.statuses[SHA] = [{"context": "meridian/orders", "state": "pending"}] * 1000
    assert ask("POST", STATUSES, {"state": "success", "context": "Meridian/orders"})[0] == 422
    assert ask("POST", STATUSES, {"state": "success", "context": "another"})[0] == 201
