"""The workflow `converge` around its commands, which are scripts here: who waits for whom, who approves, and what a failure is."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.conftest import CALLERS
from tests.workflows.runner import Job, run

FINGERPRINT = "sha256:" + "ab" * 32
WAITING = json.dumps([{"topology": "orders", "fingerprint": FINGERPRINT, "hazards": ["write-interruption"]}])
REVIEWERS = {"protection_rules": [{"type": "required_reviewers", "reviewers": [{"type": "User"}]}]}
ACCOUNT = {"MERIDIAN_ACCOUNT": "111111111111"}


@pytest.fixture
def environment() -> Iterator[tuple[str, dict[str, object]]]:
    """GitHub's answer about the environment, which a test may change."""
    answer: dict[str, object] = dict(REVIEWERS)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/repos/acme/apis/environments/meridian-approval"
            may = self.headers["Authorization"] == "Bearer may-read-actions"
            self.send_response(200 if known and may else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", answer
    server.shutdown()
    server.server_close()


@pytest.fixture
def converge(hub, environment, tmp_path: Path) -> Callable[[str], tuple[dict[str, Job], list[str], list[str]]]:
    """Runs it with a command that does as it is told when it follows; the jobs, the calls and the roles."""

    def carried_out(
        following: str, page: str = "true", kept: list[Any] | None = None, bundling: str = "true"
    ) -> tuple[dict[str, Job], list[str], list[str]]:
        calls, command = tmp_path / "calls", tmp_path / "meridian"
        calls.write_text("")
        command.write_text(
            f'#!/bin/bash\necho "$*" >> {calls}\n'
            f"case $1:$2 in bundle:*) {bundling};; github:converge) {following};; report:*) {page};; esac\n"
        )
        here = hub(
            variables=ACCOUNT,
            meridian=command,
            world={"GITHUB_API_URL": environment[0], "CALLS": str(calls)},
            token=lambda permissions: "may-read-actions" if "actions" in permissions else "may-not",
        )
        jobs = run(here, CALLERS / "converge.yml")
        if kept is not None:
            kept.append(here.artifacts)
        return {n.partition("/")[2]: j for n, j in jobs.items()}, calls.read_text().splitlines(), here.roles

    return carried_out


ASKS = (
    "if grep -q ^approve $CALLS; then exit 0; fi; "
    f"printf 'approvals<<END\\n%s\\nEND\\n' '{WAITING}' >> $GITHUB_OUTPUT; exit 3"
)


def test_a_commit_that_serves_is_uploaded_and_followed(converge) -> None:
    jobs, calls, roles = converge("echo 'approvals=[]' >> $GITHUB_OUTPUT")
    assert {n: j.result for n, j in jobs.items() if n} == {
        "bundle": "success", "follow": "success", "approve": "skipped", "follow-approved": "skipped",
    }  # fmt: skip
    assert calls == [
        "bundle desired_state --announce",
        "bundle desired_state --upload",
        "github converge desired_state --timeout 3h",
        "report --path desired_state --out build/report.html",
    ]
    assert roles == ["meridian-github-main"] * 2


def test_a_plan_that_waits_is_approved_in_the_protected_environment_and_followed_on(converge) -> None:
    jobs, calls, roles = converge(ASKS)
    assert {j.result for n, j in jobs.items() if n} == {"success"}, "".join(j.log for j in jobs.values())
    why = "reviewed in https://github.com/acme/apis/actions/runs/77"
    approved = f"approve orders --path desired_state --fingerprint {FINGERPRINT} --reason {why}"
    assert [c for c in calls if c.startswith("approve")] == [approved]
    assert roles == [f"meridian-github-{who}" for who in ("main", "main", "approve", "main")]
    assert jobs["approve"].subject == "repo:acme/apis:environment:meridian-approval"
    assert jobs["follow"].subject == "repo:acme/apis:ref:refs/heads/main"


@pytest.mark.parametrize(
    "answer",
    [
        {"protection_rules": []},
        {"protection_rules": [{"type": "wait_timer", "wait_timer": 30}]},
        {"protection_rules": [{"type": "required_reviewers", "reviewers": []}]},
        {},
    ],
)
def test_an_environment_that_lets_everybody_through_approves_nothing(converge, environment, answer) -> None:
    environment[1].clear()
    environment[1].update(answer)
    jobs, calls, roles = converge(ASKS)
    assert jobs["approve"].result == "failure"
    assert "no required reviewers" in jobs["approve"].log
    assert not [c for c in calls if c.startswith("approve")]
    assert "meridian-github-approve" not in roles
    assert jobs["follow-approved"].result == "skipped"


def test_of_several_topologies_one_that_is_refused_keeps_nobody_from_following_and_approving_the_others(
    converge,
) -> None:
    jobs, calls, _ = converge(f"if grep -q ^approve $CALLS; then exit 5; fi; {ASKS}", bundling="exit 5")
    assert {n: j.result for n, j in jobs.items() if n} == {
        "bundle": "failure", "follow": "success", "approve": "success", "follow-approved": "failure",
    }  # fmt: skip
    assert len([c for c in calls if c.startswith("github converge")]) == 2
    jobs, _, _ = converge("echo 'approvals=[]' >> $GITHUB_OUTPUT; exit 5", bundling="exit 5")
    assert [jobs[n].result for n in ("bundle", "follow", "approve", "follow-approved")] == [
        "failure", "failure", "skipped", "skipped",
    ]  # fmt: skip


def test_a_head_that_nobody_could_announce_is_uploaded(converge) -> None:
    jobs, calls, _ = converge("echo 'approvals=[]' >> $GITHUB_OUTPUT", bundling="case $3 in --announce) exit 1;; esac")
    assert jobs["bundle"].result == "success"
    assert "bundle desired_state --upload" in calls


def test_without_an_account_nothing_is_followed(converge, monkeypatch) -> None:
    monkeypatch.setitem(ACCOUNT, "MERIDIAN_ACCOUNT", "")
    jobs, calls, _ = converge("true")
    assert ({j.result for n, j in jobs.items() if n}, calls) == ({"skipped"}, [])


@pytest.mark.parametrize("outputs", ["echo 'approvals=[]' >> $GITHUB_OUTPUT; ", ""])
def test_a_commit_that_failed_fails_the_run(converge, outputs) -> None:
    jobs, _, _ = converge(f"{outputs}exit 1")
    assert [jobs[n].result for n in ("follow", "approve")] == ["failure", "skipped"]


def test_approvals_are_data_and_nothing_in_them_is_carried_out(converge, tmp_path) -> None:
    trap = tmp_path / "trap"
    evil = json.dumps([{"topology": f"$(touch {trap})", "fingerprint": f"`touch {trap}`; touch {trap}"}])
    script = tmp_path / "evil"
    script.write_text(evil)
    output = f"(echo 'approvals<<E'; cat {script}; echo; echo E) >> $GITHUB_OUTPUT"
    converge(f"if grep -q ^approve $CALLS; then exit 0; fi; {output}; exit 3")
    assert not trap.exists()


def test_the_page_of_what_came_of_it_is_kept_also_where_the_commit_is_not_served(converge, tmp_path) -> None:
    """In the runs before and after an approval under names of their own: a run cannot have two of one name."""
    page = "mkdir -p build; echo page > build/report.html"
    kept: list[dict[str, list[str]]] = []
    for following in ("exit 1", ASKS):
        jobs, _, _ = converge(following, page=page, kept=kept)
    assert kept == [
        {"meridian-report-111111111111": ["report.html"]},
        {"meridian-report-111111111111": ["report.html"], "meridian-report-approved-111111111111": ["report.html"]},
    ]
    jobs, _, _ = converge("echo 'approvals=[]' >> $GITHUB_OUTPUT", page="exit 1")
    assert jobs["follow"].result == "success", "that there is no page fails nothing"


def test_uploads_queue_up_and_following_does_not(converge) -> None:
    jobs, _, _ = converge("true")
    group = {"group": "meridian-bundle-refs/heads/main--desired_state", "cancel-in-progress": "false"}
    assert {n: j.concurrency for n, j in jobs.items() if j.concurrency} == {"bundle": group}
