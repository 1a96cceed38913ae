import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.github.client import Client
from reconciler.github.event import Run
from tests.github.standin import github
from tests.unit.cli.conftest import meridian  # noqa: F401  # the command line in this process


@dataclass(frozen=True)
class Step:
    summary: Path
    output: Path

    @property
    def told(self):
        return self.summary.read_text() if self.summary.exists() else ""

    @property
    def outputs(self):
        """As the runner reads them; of an output that was written twice, the last."""
        lines, found = iter(self.output.read_text().splitlines()), {}
        for line in lines:
            name, _, end = line.partition("<<")
            found[name] = json.loads("\n".join(iter(lines.__next__, end)))
        return found


ALL = dict.fromkeys(("deployments", "issues", "pull-requests", "statuses"), "write")


@pytest.fixture
def gh():
    with github() as standin:
        yield standin


@pytest.fixture
def client(gh):
    """Makes a client with the permissions named, or with all."""
    made = []

    def make(permissions=ALL, login="github-actions[bot]", token=None):
        run = Run(
            repository=gh.repository,
            server="https://github.com",
            api=gh.url,
            event="push",
            commit="0" * 40,
            url="https://github.com/acme/apis/actions/runs/77",
        )
        made.append(Client(run, token or gh.token(permissions, login)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def job(gh, monkeypatch, tmp_path):
    """Makes this process a step of a workflow; gives back what it wrote for the runner."""
    for name in ("GITHUB_EVENT_PATH", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def begin(permissions=ALL, *, sha=None, event=None):
        commit = sha or gh.push()
        files = {"GITHUB_STEP_SUMMARY": tmp_path / "summary.md", "GITHUB_OUTPUT": tmp_path / "output"}
        given = gh.environment(commit, event="pull_request" if event else "push")
        if event:
            (tmp_path / "event.json").write_text(json.dumps(event))
            given["GITHUB_EVENT_PATH"] = str(tmp_path / "event.json")
        if permissions is not None:
            given["GITHUB_TOKEN"] = gh.token(permissions)
        for name, value in {**given, **files}.items():
            monkeypatch.setenv(name, str(value))
        return Step(summary=files["GITHUB_STEP_SUMMARY"], output=files["GITHUB_OUTPUT"])

    return begin
