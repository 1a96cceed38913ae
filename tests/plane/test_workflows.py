"""The workflows, executed as they are by the tests' runner, from a repository that calls them: with the roles that `meridian
bootstrap --github` made, on an account that enforces IAM, and with the permissions of each job on a stand-in of GitHub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.control import APPROVAL_ENVIRONMENT, GITHUB_APPROVE, GITHUB_MAIN, GITHUB_PLAN
from tests.embedded.control_plane import ControlPlane
from tests.embedded.iam_world import World
from tests.github import standin
from tests.plane.conftest import IMAGE
from tests.plane.world import REGIONS, TTL, Made, Plane
from tests.workflows.conftest import CALLERS, pull_request
from tests.workflows.hub import Hub
from tests.workflows.runner import Job, run

REPOSITORY = "acme/apis"
VARIABLES = {"MERIDIAN_ACCOUNT": "111111111111"}
Runs = Callable[..., dict[str, Job]]


@pytest.fixture(scope="module")
def let_in(made: Made, converged: str) -> str:
    """The snapshot of the converged example whose control plane lets the repository's workflows in."""
    plane = made.plane
    plane.restore(converged)
    plane.git("config", "uploadpack.allowAnySHA1InWant", "true")
    code, out, err = plane.meridian.run("bootstrap", "--github", REPOSITORY, "--synth-image", IMAGE)
    assert code == 0, out + err
    return plane.snapshot()


@pytest.fixture
def plane(made: Made, let_in: str) -> Plane:
    made.plane.restore(let_in)
    return made.plane


@pytest.fixture
def gh() -> Iterator[Any]:
    with standin.github(REPOSITORY) as found:
        yield found


@pytest.fixture
def runs(plane: Plane, gh: Any, tmp_path: Path) -> Runs:
    """Runs a workflow of the starter at a commit."""
    control = ControlPlane(World(plane.aws), plane.meridian)
    roles: list[str] = []

    def keys(role: str, subject: str, seconds: int) -> dict[str, str]:
        made = control.web(role.rpartition("/")[2], subject, DurationSeconds=seconds)
        names = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY"}
        return {name: str(made[key]) for key, name in {**names, "SessionToken": "AWS_SESSION_TOKEN"}.items()}

    def carried_out(
        name: str,
        sha: str,
        event: str = "push",
        payload: dict[str, Any] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> dict[str, Job]:
        gh.push(sha)
        base = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        base.mkdir()
        hub = Hub(
            base=base,
            origin=plane.meridian.folder,
            event=event,
            payload=payload or {},
            sha=sha,
            ref="refs/pull/7/merge" if event == "pull_request" else "refs/heads/main",
            variables=VARIABLES,
            world={
                "AWS_ENDPOINT_URL": plane.aws.url,
                "GITHUB_API_URL": gh.url,
                "MERIDIAN_CACHE": plane.meridian.environment["MERIDIAN_CACHE"],
            },
            token=gh.token,
            keys=keys,
            cancelled=cancelled,
        )
        jobs = run(hub, CALLERS / f"{name}.yml")
        roles.extend(hub.roles)
        carried_out.roles = hub.roles
        carried_out.artifacts = hub.artifacts
        return jobs

    return carried_out


def succeeded(jobs: dict[str, Job], name: str) -> Job:
    assert jobs[name].result == "success", jobs[name].log
    return jobs[name]


def test_a_pull_request_shows_its_plan_in_one_comment_and_the_merge_is_followed_though_a_run_is_cancelled(
    plane: Plane, gh: Any, runs: Runs
) -> None:
    plane.git("checkout", "-qb", "change")
    plane.commit(*TTL)
    first = plane.git("rev-parse", "HEAD")
    plane.commit(TTL[1], "ttlSeconds: 15\n")
    head = plane.git("rev-parse", "HEAD")
    gh.pull_request(7, head=first)
    since, seen = plane.now(), []
    for sha in (first, first, head):  # somebody runs it once more, and pushes
        planned = succeeded(runs("plan", sha, "pull_request", pull_request(sha)), "plan/plan")
        assert runs.roles == [GITHUB_PLAN]
        (comment,) = gh.comments(7)
        seen.append((comment.id, comment.author, "`15`" in comment.body))
    made = comment.id, "github-actions[bot]"
    assert seen == [(*made, False), (*made, False), (*made, True)]
    assert comment.edits
    assert "ttlSeconds" in planned.summary
    assert runs.artifacts == {"meridian-plan-111111111111": ["orders.json", "orders.md"]}
    assert not plane.writes(since)

    plane.git("checkout", "-q", "main")
    plane.git("merge", "-q", "--ff-only", "change")
    jobs = runs("converge", head, cancelled=lambda: bool(gh.statuses(head, "meridian/orders")))
    assert [jobs[f"converge/{name}"].result for name in ("bundle", "follow")] == ["success", "cancelled"]
    plane.until(lambda: plane.record_ttl() == 15)  # nobody follows it, and it goes on
    jobs = runs("converge", head)
    for name in ("bundle", "follow"):
        succeeded(jobs, f"converge/{name}")
    assert runs.roles == [GITHUB_MAIN, GITHUB_MAIN]
    assert jobs["converge/approve"].result == "skipped"
    assert plane.record_ttl() == 15
    for region in REGIONS:
        (deployment,) = gh.deployments(f"orders/{region}")
        assert deployment.states[-1] == "success"
        assert set(deployment.states) <= {"queued", "in_progress", "success"}
    assert gh.statuses(head, "meridian/orders")[-1]["state"] == "success"
    assert jobs["converge/follow"].summary
    assert not plane.refused_by_iam()


def test_drift_is_an_issue_that_is_opened_updated_and_closed(plane: Plane, gh: Any, runs: Runs) -> None:
    plane.hush()  # nobody heals meanwhile
    head = plane.git("rev-parse", "HEAD")
    seen = []
    for seconds in (300, 400, 10):
        plane.set_record_ttl(seconds)
        plane.passes_by(120)
        job = succeeded(runs("drift", head, "schedule"), "drift/drift")
        assert runs.roles == [GITHUB_PLAN]
        seen.append([(issue.state, issue.number) for issue in gh.issues()])
    first = gh.issues()[0].number
    assert seen == [[("open", first)], [("open", first)], [("closed", first)]]
    assert job.summary


def test_a_dangerous_plan_waits_for_a_reviewer_and_goes_on_to_its_end(plane: Plane, gh: Any, runs: Runs) -> None:
    gh.protect(APPROVAL_ENVIRONMENT, "ada")
    plane.commit("    minServing: 1\n", "    minServing: 1\n    approval: hazards\n")
    plane.commit("    writer: us-east-1\n", "    writer: eu-west-1\n")
    head, since = plane.git("rev-parse", "HEAD"), plane.now()
    jobs = runs("converge", head)
    told = succeeded(jobs, "converge/follow").summary
    assert "meridian approve orders --fingerprint sha256:" in told
    assert ("| queued |" in told, "| success |" in told) == (True, False), "what waits was called done"
    for name in ("approve", "follow-approved"):
        succeeded(jobs, f"converge/{name}")
    assert runs.roles == [GITHUB_MAIN, GITHUB_MAIN, GITHUB_APPROVE, GITHUB_MAIN]
    status = plane.status()
    assert (status["result"], status["plan"]["approval"]) == ("Converged", None)
    assert {r["name"]: r["databaseRole"] for r in status["regions"]}["eu-west-1"] == "writer"
    assert [s["state"] for s in gh.statuses(head, "meridian/orders")][-1] == "success"
    assert "pending" in {s["state"] for s in gh.statuses(head, "meridian/orders")}
    plane.trail_is_told()
    moved = [c for c in plane.calls(since) if c.name == "SwitchoverGlobalCluster"]
    assert len(moved) == 1
    assert not plane.refused_by_iam()
