"""A pull request of somebody who is let in nowhere, and one that is written to do harm: a plan without credentials, and nothing
that is written in it is carried out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.github import standin
from tests.workflows.conftest import CALLERS, WORKFLOWS, pull_request
from tests.workflows.runner import Job, run

ACCOUNT = {"MERIDIAN_ACCOUNT": "111111111111"}


def hostile(trap: Path) -> str:
    return (
        f"$(touch {trap}) `touch {trap}` ; touch {trap} & | touch {trap} ' \" \n::set-env name=A::b\n::add-path::{trap}\n"
        "##[set-env name=A]b\n::error::mine %0A::warning::too\n${{ github.token }} {{x}}\n"
        "<!-- meridian:plan:orders --><img src=x onerror=alert(1)> [click](https://evil.example) ![i](https://evil.example/i.png) "
        "@acme/everybody #1 ```\n# heading\n| a | b |\n"
    )


def replaced(value: Any, text: str) -> Any:
    """Every text in it."""
    if isinstance(value, dict):
        return {k: v if k in {"apiVersion", "kind"} else replaced(v, text) for k, v in value.items()}
    if isinstance(value, list):
        return [replaced(v, text) for v in value]
    return text if isinstance(value, str) else value


def nothing_obeyed(job: Job) -> None:
    for step in job.steps:
        assert step.printed.others == [], step.log
        assert not any("mine" in text and not properties for _, properties, text in step.printed.annotations)


@pytest.mark.parametrize(
    ("request_", "variables"),
    [({"fork": True}, ACCOUNT), ({"user": {"login": "dependabot[bot]"}}, ACCOUNT), ({}, {})],
    ids=["fork", "dependabot", "no account"],
)
def test_who_is_not_let_in_gets_a_plan_for_an_empty_account(hub, repository, request_, variables) -> None:
    with standin.github("acme/apis") as gh:
        here = hub(
            "pull_request",
            pull_request(repository.git("rev-parse", "HEAD"), **request_),
            variables=variables,
            ref="refs/pull/7/merge",
            world={"GITHUB_API_URL": gh.url, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},  # where nobody answers
        )
        jobs = run(here, CALLERS / "plan.yml")
        assert jobs["plan/plan"].result == "skipped"
        assert jobs["plan/offline"].result == "success", jobs["plan/offline"].log
        assert (here.roles, gh.calls) == ([], []), "somebody was asked with rights"
    assert "orders" in jobs["plan/offline"].summary
    assert [sorted(names) for names in here.artifacts.values()] == [["orders.json", "orders.md"]]
    assert jobs["plan/offline"].permissions == {"contents": "read"}


@pytest.mark.parametrize("workflow", ["converge", "drift"])
def test_without_an_account_nothing_is_uploaded_or_looked_for(hub, workflow) -> None:
    jobs = run(hub(), CALLERS / f"{workflow}.yml")
    assert {job.result for name, job in jobs.items() if "/" in name} == {"skipped"}


def test_a_document_full_of_traps_springs_none(hub, repository, tmp_path) -> None:
    trap = tmp_path / "trap"
    text = hostile(trap)
    repository.document.write_text(yaml.safe_dump(replaced(yaml.safe_load(repository.document.read_text()), text)))
    sha = repository.commit()
    payload = pull_request(sha, fork=True, title=text, body=text)
    payload["pull_request"]["head"]["ref"] = "$(touch${IFS}" + str(trap) + ")"
    jobs = run(hub("pull_request", payload, ref="refs/pull/7/merge"), WORKFLOWS / "plan.yml")
    offline = jobs["offline"]
    assert offline.result == "failure"
    assert not trap.exists()
    nothing_obeyed(offline)
    planned = offline.step("github plan")
    errors = [(where, told) for level, where, told in planned.printed.annotations if level == "error"]
    assert any("file=desired_state/orders.yaml,line=" in where for where, _ in errors)
    assert len(errors) == 10, "GitHub shows ten of a level"
    assert "more" in errors[-1][1]
    assert "<img" not in offline.summary
    assert "<!-- meridian:plan" not in offline.summary


def test_a_valid_document_with_traps_where_any_text_is_allowed_springs_none(hub, repository, tmp_path) -> None:
    trap = tmp_path / "trap"
    document = yaml.safe_load(repository.document.read_text())
    expires = "2099-01-01T00:00:00Z"
    reason = " ".join(hostile(trap).split())[:500]
    document["spec"]["drift"]["ignore"] = [{"path": "edge/priceClass", "reason": reason, "expires": expires}]
    code = f"handlers/$(touch {trap.name}) [x](evil) <b>"
    (repository.folder / "handlers" / "api").rename(repository.folder / code)
    document["spec"]["api"]["code"] = code
    document["spec"]["database"]["migrations"] = f"{code}/migrations"
    repository.document.write_text(yaml.safe_dump(document))
    here = hub("pull_request", pull_request(repository.commit(), fork=True), ref="refs/pull/7/merge")
    offline = run(here, WORKFLOWS / "plan.yml")["offline"]
    nothing_obeyed(offline)
    assert offline.result == "success", offline.log
    assert not list(tmp_path.rglob(trap.name))
    assert "<b>" not in offline.summary
