"""A tag becomes a release; without one everything is built and nothing published."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.workflows import files
from tests.workflows.conftest import WORKFLOWS
from tests.workflows.hub import ROOT
from tests.workflows.runner import run

MAKE = """
mkdir -p .venv/bin build && touch build/meridian-x.zip
cat > .venv/bin/python <<'END'
#!/bin/bash
echo "python $*" >> TOOLS/calls
mkdir -p dist && touch dist/meridian-0.1.0-py3-none-any.whl
END
printf '#!/bin/bash\\necho AWS_ENDPOINT_URL=there\\n' > .venv/bin/meridian
chmod +x .venv/bin/*
"""


@pytest.fixture
def sources(repository, tools):
    """What a release is made from; commands that build for minutes only say how they were called."""
    for name in ("CHANGELOG.md", "pyproject.toml", "starter"):
        subprocess.run(["cp", "-r", str(ROOT / name), str(repository.folder)], check=True)
    changes = repository.folder / "CHANGELOG.md"
    changes.write_text(changes.read_text().replace("## [Unreleased]\n", "## [Unreleased]\n\n## [0.1.0] - 2026-12-01\n"))
    making = tools / "make"
    making.write_text(making.read_text() + MAKE.replace("TOOLS", str(tools)))
    repository.commit()
    return repository


def test_a_tag_is_built_published_and_its_starter_calls_this_very_commit(hub, sources, tools, tmp_path) -> None:
    here = hub(ref="refs/tags/v0.1.0", tools=tools)
    jobs = run(here, WORKFLOWS / "release.yml")
    assert {n: j.result for n, j in jobs.items() if j.result != "success"} == {}, "".join(j.log for j in jobs.values())
    calls = (tools / "calls").read_text()
    assert "docker push ghcr.io/acme/apis/synth:0.1.0-arm64" in calls
    assert "gh release create v0.1.0 dist/meridian-0.1.0-py3-none-any.whl dist/meridian-starter.zip" in calls
    starter = here.base / "artifacts" / "wheel" / "meridian-starter.zip"
    zipfile.ZipFile(starter).extractall(tmp_path / "unpacked")
    for caller in (tmp_path / "unpacked").rglob("workflows/*.yml"):
        (job,) = files.workflow(caller)["jobs"].values()
        assert job["uses"] == f"acme/apis/.github/workflows/{caller.name}@{here.sha}"
        assert f"@{here.sha} # v0.1.0" in caller.read_text()
    (page,) = (tmp_path / "unpacked").rglob("README.md")
    assert "git clone --branch v0.1.0 https://github.com/acme/apis ../meridian\n" in page.read_text()
    notes = (here.base / "artifacts" / "wheel" / "notes.md").read_text()
    assert "meridian validate" in notes
    assert "\n## " not in notes


def test_without_a_tag_nothing_is_published(hub, sources, tools) -> None:
    jobs = run(hub("workflow_dispatch", tools=tools), WORKFLOWS / "release.yml")
    assert jobs["publish"].result == "skipped"
    assert "push" not in (tools / "calls").read_text()
    # The change log of this branch has nothing that is not released: that is said, not published as an empty text.
    assert "nothing under [Unreleased]" in jobs["wheel"].log


def test_a_tag_that_is_not_the_version_is_refused_before_anything_is_built(hub, sources, tools) -> None:
    jobs = run(hub(ref="refs/tags/v9.9.9", tools=tools), WORKFLOWS / "release.yml")
    assert jobs["wheel"].result == "failure"
    assert jobs["publish"].result == "skipped"
    assert jobs["wheel"].step("pip wheel").outcome == "skipped"


def test_every_change_is_checked_and_tested(hub, tools, repository) -> None:
    for name in ("pyproject.toml", "requirements"):
        subprocess.run(["cp", "-r", str(ROOT / name), str(repository.folder)], check=True)
    repository.commit()
    jobs = run(hub(tools=tools), WORKFLOWS / "test.yml")
    assert {j.result for j in jobs.values()} == {"success"}
    calls = Path(tools / "calls").read_text().splitlines()
    assert [c for c in calls if "setup" not in c] == ["make check", "make test"]
    assert "make -C . setup REQUIREMENTS=dev" in calls
