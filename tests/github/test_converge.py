"""`meridian github converge` against the stand-in of GitHub: statuses and deployments walk as the status documents do."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler import wiring
from reconciler.aws.recorded import Recorded
from reconciler.cli import exits
from reconciler.cli.github import following
from reconciler.model.bundle import Accepted, Commit
from reconciler.model.errors import AccessDenied, Throttled
from reconciler.report.status import status_document
from tests.fakes import outcomes

DESIRED = Path(__file__).parents[2] / "desired_state"
OURS = "c" * 40
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
CONTEXT = "meridian/orders"
FINGERPRINT = f"sha256:{'0' * 64}"


def bundle(commit, generation):
    return Accepted(
        commit=commit, author="a", generation=generation, digest="d", version="v", repository="r", mark=generation
    )


def status(*healths, result="Progressing", commit=OURS, generation=3, ready="False", **more):
    """A status document of the worked example's Regions, with these healths."""
    document = status_document(outcomes.outcome(), None)
    region = document["regions"][0]
    regions = [
        {
            **region,
            "name": name,
            "health": health,
            "conditions": [{**region["conditions"][0], "message": f"is {health}"}],
        }
        for name, health in zip(REGIONS, healths, strict=True)
    ]
    conditions = [{**c, "status": ready} if c["type"] == "Ready" else c for c in document["conditions"]]
    told = {"regions": regions, "conditions": conditions, "desiredRevision": commit, "generation": generation}
    return {**document, **told, "result": result, **more}


MISSING, MOVES, HEALTHY = "Missing", "Progressing", "Healthy"
BEFORE = status(HEALTHY, HEALTHY, HEALTHY, commit="b" * 40, generation=2, bundle=bundle("b" * 40, 2).document())
SERVING = status(HEALTHY, HEALTHY, HEALTHY, result="Converged", ready="True")
WAY = [None, BEFORE, status(MOVES, MISSING, MISSING), status(HEALTHY, MOVES, MISSING), SERVING]


class Plane:
    """A control plane that gets on by one status at each look; the last one stays."""

    def __init__(self):
        self.statuses, self.uploaded, self.time = list(WAY), bundle(OURS, 3), outcomes.NOW - timedelta(seconds=1)
        self.looks, self.of = 0, {}

    def read(self, name, home):
        self.looks += 1
        statuses = self.of.get(name, self.statuses)
        found = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        if isinstance(found, BaseException):
            raise found
        return Recorded(status=found)

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def plane(monkeypatch):
    made = Plane()
    commit = Commit(commit=OURS, author="a", generation=3, repository="github.com/acme/apis")
    described = SimpleNamespace(described=lambda name: made.uploaded and SimpleNamespace(accepted=made.uploaded))
    monkeypatch.setattr(following, "LEAST", 0.0)
    monkeypatch.setattr(wiring, "account", lambda topology: topology.account)
    monkeypatch.setattr(wiring, "commit_at_hand", lambda root, paths: commit)
    monkeypatch.setattr(wiring, "watched", lambda: (made.read, made))
    monkeypatch.setattr(wiring, "revisions", lambda account, home: described)
    return made


@pytest.fixture
def step(gh, job):
    gh.push(OURS)
    return job({"statuses": "write", "deployments": "write"}, sha=OURS)


@pytest.fixture
def follow(meridian, plane):
    return lambda *more: meridian("github", "converge", DESIRED, *more)


def walked(gh):
    return {d.environment: d.states for d in gh.deployments() if d.sha == OURS}


def test_deployments_walk_their_states(gh, follow, step):
    ran = follow()
    assert ran.code == 0, ran.err
    assert walked(gh) == {f"orders/{r}": ["queued", "in_progress", "success"] for r in REGIONS}
    made = gh.deployments("orders/eu-west-1")[0]
    assert (made.production, made.transient, made.task) == (True, False, "meridian:orders")
    assert made.statuses[-1]["log_url"].endswith("/actions/runs/77")
    assert made.statuses[-1]["environment_url"] == "https://api.example.com"
    told = [s["state"] for s in gh.statuses(OURS, CONTEXT)]
    assert (told[0], told[-1], set(told[:-1])) == ("pending", "success", {"pending"})
    assert step.outputs == {"phases": {"orders": "Serving"}, "approvals": []}
    assert "### orders: serving" in step.told


def test_a_rerun_leads_to_the_same(gh, follow, step, plane):
    follow()
    plane.statuses = [SERVING]
    before = [d.states for d in gh.deployments()]
    assert follow().code == 0
    assert [d.states for d in gh.deployments()] == before


def test_what_was_deployed_before_becomes_inactive(gh, follow, step, plane):
    follow()
    again = Commit(commit="d" * 40, author="a", generation=4, repository="")
    gh.push(again.commit)
    plane.uploaded = bundle(again.commit, 4)
    plane.statuses = [status(HEALTHY, HEALTHY, HEALTHY, result="Converged", ready="True", commit=again.commit)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "commit_at_hand", lambda root, paths: again)
        assert follow().code == 0
    assert {d.state for d in gh.deployments() if d.sha == OURS} == {"inactive"}
    assert {d.state for d in gh.deployments() if d.sha == again.commit} == {"success"}


def test_a_region_that_is_gone_becomes_inactive(gh, follow, step, plane):
    from tests.github.world import Deployment

    left = Deployment(
        id=1,
        sha="b" * 40,
        task="meridian:orders",
        environment="orders/sa-east-1",
        description="",
        payload={},
        transient=False,
        production=True,
        author="github-actions[bot]",
        statuses=[{"state": "success", "id": 2, "description": ""}],
    )
    gh.world.deployments.append(left)
    follow()
    assert left.states == ["success", "inactive"]


def stalled():
    problem = {"code": "DeploymentFailed", "step": "deploy/api/eu-west-1", "message": "Function: no such runtime"}
    return status(HEALTHY, "Degraded", MISSING, result="Stalled", problems=[problem])


def test_a_failed_rollout_explains_itself(gh, follow, step, plane):
    plane.statuses = [*WAY[:3], stalled()]
    ran = follow()
    assert ran.code == 5
    assert walked(gh)["orders/eu-west-1"][-1] == "failure"
    assert walked(gh)["orders/us-east-1"][-1] == "success"
    assert gh.statuses(OURS, CONTEXT)[-1]["state"] == "failure"
    assert "no such runtime" in step.told
    assert any(line.startswith("::error title=orders%3A Failed::") for line in ran.out.splitlines())


def test_what_is_refused_or_taken_back_makes_no_region_a_success(gh, follow, step, plane):
    """Their plans have no steps left, so every Region is healthy on what was before."""
    refusal = {"code": "LastServingRegion", "path": "spec.regions", "message": "one has to serve"}
    plane.statuses = [BEFORE, status(HEALTHY, HEALTHY, HEALTHY, result="Blocked", refusals=[refusal])]
    assert follow().code == 3
    assert {tuple(d.states) for d in gh.deployments()} == {("queued",)}
    sick = {"code": "RolloutFailed", "step": "deploy/api/eu-west-1", "message": "eu-west-1 is unhealthy since 02:51"}
    back = status(HEALTHY, HEALTHY, HEALTHY, result="Stalled", problems=[sick])
    plane.statuses = [status(HEALTHY, MOVES, MOVES), back]
    assert follow().code == 1
    assert walked(gh) == {
        "orders/us-east-1": ["queued", "in_progress", "success"],
        "orders/eu-west-1": ["queued", "in_progress", "failure"],
        "orders/ap-northeast-1": ["queued", "in_progress", "failure"],
    }


def test_a_plan_that_waits_for_approval_ends_with_what_to_approve(gh, follow, step, plane):
    refusal = {"code": "ApprovalRequired", "path": "spec.safety.approval", "message": "nobody approved it"}
    asked = {"fingerprint": FINGERPRINT, "approval": {"fingerprint": FINGERPRINT, "hazards": ["write-interruption"]}}
    plane.statuses = [status(MOVES, MISSING, MISSING, result="Blocked", refusals=[refusal], plan=asked)]
    assert follow().code == 3
    approval = {"topology": "orders", "fingerprint": FINGERPRINT, "hazards": ["write-interruption"]}
    assert step.outputs["approvals"] == [approval]
    assert {d.state for d in gh.deployments()} == {"queued"}
    assert gh.statuses(OURS, CONTEXT)[-1]["state"] == "pending"
    # Approved by then: what the last pass before that said does not count.
    plane.statuses, plane.time = [plane.statuses[0], *WAY[2:]], outcomes.NOW + timedelta(seconds=1)
    assert follow().code == 0
    assert step.outputs["approvals"] == []
    assert walked(gh)["orders/eu-west-1"] == ["queued", "in_progress", "success"]


def test_a_newer_commit_supersedes_ours(gh, follow, step, plane):
    newer = status(MOVES, MISSING, MISSING, commit="e" * 40, generation=4, bundle=bundle("e" * 40, 4).document())
    plane.statuses = [*WAY[:3], newer]
    plane.uploaded = bundle("e" * 40, 4)
    plane.statuses = [WAY[2], newer]
    assert follow().code == 0
    assert {d.state for d in gh.deployments()} == {"inactive"}
    assert "superseded by eeeeeeeeeeee" in gh.statuses(OURS, CONTEXT)[-1]["description"]
    assert step.outputs["phases"] == {"orders": "Superseded"}


def test_a_commit_without_a_bundle_is_refused(gh, follow, step, plane):
    plane.statuses, plane.uploaded = [BEFORE], bundle("b" * 40, 2)
    ran = follow()
    assert ran.code == 1
    assert "NotUploaded" in ran.err
    assert gh.writes() == []


def test_a_topology_that_was_not_uploaded_ends_alone_and_the_others_are_followed(gh, meridian, step, plane, tmp_path):
    plane.uploaded = None
    for name in ("orders", "bills"):
        text = (DESIRED / "orders.yaml").read_text().replace("name: orders ", f"name: {name} ", 1)
        (tmp_path / "desired_state").mkdir(exist_ok=True)
        (tmp_path / "desired_state" / f"{name}.yaml").write_text(text.replace("api.example.com", f"{name}.example.com"))
    shutil.copytree(DESIRED.parent / "handlers" / "api", tmp_path / "handlers" / "api")
    plane.of = {"bills": [None], "orders": [*WAY[2:]]}
    ran = meridian("github", "converge", tmp_path / "desired_state")
    assert ran.code == exits.PARTIAL
    assert "bills: NotUploaded" in ran.err
    assert any(line.startswith("::error title=NotUploaded (bills)::") for line in ran.out.splitlines())
    assert step.outputs["phases"] == {"orders": "Serving"}
    assert "### bills: not uploaded" in step.told
    assert "### orders: serving" in step.told
    assert gh.statuses(OURS, CONTEXT)[-1]["state"] == "success"


def test_a_read_that_fails_is_tried_again(gh, follow, step, plane):
    plane.statuses = [*WAY[:3], Throttled("slow down"), SERVING]
    ran = follow()
    assert (ran.code, "slow down" in ran.err) == (0, True)


def test_rights_that_end_end_it_and_leave_what_is_true(gh, follow, step, plane):
    plane.statuses = [*WAY[:4], AccessDenied("the session has expired")]
    ran = follow()
    assert ran.code == 1
    assert walked(gh)["orders/eu-west-1"] == ["queued", "in_progress"]
    assert "still being deployed" in step.told


@pytest.mark.parametrize("code", [exits.TIMEOUT, exits.INTERRUPTED, exits.TERMINATED])
def test_stopped_it_leaves_what_is_true(gh, follow, step, plane, code):
    plane.statuses = [*WAY[:4], exits.Stopped(code, "stopped")]
    ran = follow()
    assert ran.code == code
    assert "the reconciliation goes on" in ran.err
    assert walked(gh)["orders/eu-west-1"] == ["queued", "in_progress"]
    last = gh.statuses(OURS, CONTEXT)[-1]
    assert last["state"] == "pending"
    assert last["description"].startswith("goes on, followed by nobody until this job runs again; deploying: 1 of 3")
    assert "still being deployed" in step.told


def test_the_timeout_is_real(follow, step, plane, monkeypatch):
    plane.statuses = [WAY[2]]
    monkeypatch.setattr(following, "LEAST", 0.01)
    assert follow("--timeout", "0.3s").code == exits.TIMEOUT


def test_github_being_down_keeps_nobody_from_following(gh, follow, step):
    gh.fail("POST", r"/statuses/\w+", 502, times=1)
    gh.fail("POST", "/deployments", 502, times=2)
    ran = follow()
    assert ran.code == 0
    assert "GitHubUnavailable" in ran.err
    assert walked(gh) == {f"orders/{r}": ["queued", "in_progress", "success"] for r in REGIONS}
    assert gh.statuses(OURS, CONTEXT)[-1]["state"] == "success"


def test_a_missing_permission_is_said_once_and_the_rest_goes_on(gh, meridian, plane, job):
    gh.push(OURS)
    job({"deployments": "write"}, sha=OURS)
    ran = meridian("github", "converge", DESIRED)
    assert ran.code == 0
    assert ran.err.count("statuses: write") == 1
    assert len([c for c in gh.calls if c[1].startswith("/statuses/")]) == 1
    assert walked(gh)["orders/eu-west-1"][-1] == "success"


def test_without_a_token_it_only_follows(gh, meridian, plane, job):
    step = job(None, sha=OURS)
    ran = meridian("github", "converge", DESIRED)
    assert (ran.code, gh.calls) == (0, [])
    assert "### orders: serving" in step.told
