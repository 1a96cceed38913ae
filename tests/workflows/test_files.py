"""What every workflow file keeps to, and that the starter is a repository that works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.load import load
from reconciler.model.control import GITHUB_MAIN, GITHUB_PLAN
from tests.workflows import files
from tests.workflows.conftest import CALLERS, WORKFLOWS
from tests.workflows.hub import MERIDIAN, ROOT, allowed

OURS = sorted(WORKFLOWS.glob("*.yml"))
ALL = [*OURS, *sorted(CALLERS.glob("*.yml"))]
ACTION = ROOT / ".github" / "actions" / "setup" / "action.yml"
APPROVE = "meridian-github-approve"


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def jobs(path: Path) -> dict[str, Any]:
    return dict(files.workflow(path)["jobs"])


def test_the_workflows_that_people_know_are_there() -> None:
    assert [p.stem for p in OURS] == ["converge", "drift", "plan", "release", "test"]
    assert {p.name for p in CALLERS.glob("*")} == {"converge.yml", "drift.yml", "plan.yml"}


@pytest.mark.parametrize("path", [*ALL, ACTION], ids=_short)
def test_actions_are_pinned_by_commit_with_their_version_beside_it(path: Path) -> None:
    for line in path.read_text().splitlines():
        if match := re.search(r"\buses: (.*)", line):
            assert re.fullmatch(r"\$/[\w./-]+|[\w./-]+@[0-9a-f]{40} # (v\d+\.\d+\.\d+|a release .*)", match[1]), line


@pytest.mark.parametrize("path", ALL, ids=_short)
def test_rights_are_named_per_job_and_strangers_never_get_any(path: Path) -> None:
    found = files.workflow(path)
    assert found["permissions"] == {}
    assert "pull_request_target" not in path.read_text()
    assert "secrets" not in path.read_text()
    for name, job in found["jobs"].items():
        assert job["permissions"], name
        assert "timeout-minutes" in job or "uses" in job, name
        assert not any("${{" in step.get("run", "") for step in job.get("steps", ())), name


def test_who_may_write_what() -> None:
    write = {
        f"{path.stem}/{name}": {k for k, v in job["permissions"].items() if v == "write"}
        for path in OURS
        for name, job in jobs(path).items()
    }
    assert {k: v for k, v in write.items() if v} == {
        "plan/plan": {"id-token", "pull-requests"},
        "converge/bundle": {"id-token"},
        "converge/follow": {"id-token", "deployments", "statuses"},
        "converge/approve": {"id-token"},
        "converge/follow-approved": {"id-token", "deployments", "statuses"},
        "drift/drift": {"id-token", "issues"},
        "release/image": {"packages"},
        "release/publish": {"contents"},
    }


def test_each_job_takes_the_role_that_is_enough_for_it() -> None:
    roles = {
        f"{path.stem}/{name}": step["with"]["role-to-assume"].rpartition("/")[2]
        for path in OURS
        for name, job in jobs(path).items()
        for step in job["steps"]
        if "role-to-assume" in step.get("with", {})
    }
    assert roles == {
        "plan/plan": GITHUB_PLAN,
        "drift/drift": GITHUB_PLAN,
        "converge/bundle": GITHUB_MAIN,
        "converge/follow": GITHUB_MAIN,
        "converge/approve": APPROVE,
        "converge/follow-approved": GITHUB_MAIN,
    }


def test_a_plan_gives_way_to_a_newer_one_and_nothing_else_is_broken_off() -> None:
    found = {f"{p.stem}/{n}": j["concurrency"] for p in OURS for n, j in jobs(p).items() if "concurrency" in j}
    assert {k for k, v in found.items() if v["cancel-in-progress"]} == {"plan/plan", "plan/offline"}
    assert {"converge/bundle", "drift/drift"} <= set(found)
    assert all("${{ github.ref }}" in group["group"] for group in found.values())


def test_the_starters_document_is_valid_and_its_handler_is_there() -> None:
    (topology,) = load(ROOT / "starter" / "desired_state")
    module, _, function = topology.api.handler.partition(".")
    assert f"def {function}(" in (ROOT / "starter" / topology.api.code / f"{module}.py").read_text()


@pytest.mark.parametrize("caller", sorted(CALLERS.glob("*.yml")), ids=lambda p: p.stem)
def test_the_starter_calls_what_is_there_with_rights_that_are_enough(caller: Path) -> None:
    (job,) = jobs(caller).values()
    called = job["uses"].partition("@")[0].removeprefix(f"{MERIDIAN}/")
    found = files.workflow(ROOT / called)
    assert set(job.get("with", ())) <= set(found["on"]["workflow_call"]["inputs"])
    asked = [j["permissions"] for j in found["jobs"].values()]
    assert [allowed(permissions, job["permissions"]) for permissions in asked] == asked
    needed = {k for permissions in asked for k in permissions}
    assert set(job["permissions"]) == needed, "the caller grants what nobody asks for"
