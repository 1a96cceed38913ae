"""Commit and generation of the desired state at hand."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.aws.revision import GitRevisions, desired_digest
from reconciler.model.outcome import Revision
from reconciler.model.topology import Topology
from tests.fakes.topologies import orders

DIGEST = desired_digest(orders())


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", root, *who, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def topology(tmp_path: Path) -> Topology:
    (tmp_path / "desired_state").mkdir()
    (tmp_path / "desired_state" / "orders.yaml").write_text("name: orders")
    (tmp_path / "handlers" / "api").mkdir(parents=True)
    (tmp_path / "handlers" / "api" / "app.py").write_text("1")
    (tmp_path / "notes.txt").write_text("1")
    return replace(orders(), root=tmp_path, source="desired_state/orders.yaml")


@pytest.fixture
def committed(topology: Topology) -> Topology:
    git(topology.root, "init", "-q")
    for _ in range(3):
        git(topology.root, "add", ".")
        git(topology.root, "commit", "-q", "--allow-empty", "-m", "more")
    return topology


def test_without_git_the_generation_counts_the_digests(topology: Topology) -> None:
    source = GitRevisions()
    assert source.revision(topology, None) == Revision(commit="worktree", generation=1, digest=DIGEST)
    same, other = {"generation": 7, "desiredDigest": DIGEST}, {"generation": 7, "desiredDigest": "sha256:other"}
    assert source.revision(topology, same).generation == 7
    assert source.revision(topology, other).generation == 8


def test_a_clean_repository_gives_its_head_and_the_number_of_commits(committed: Topology) -> None:
    (committed.root / "notes.txt").write_text("changed, but no part of the desired state")
    found = GitRevisions().revision(committed, None)
    assert found == Revision(commit=git(committed.root, "rev-parse", "HEAD"), generation=3, digest=DIGEST)


@pytest.mark.parametrize("name", ["desired_state/orders.yaml", "handlers/api/app.py", "handlers/api/new.py"])
def test_an_uncommitted_change_makes_it_a_worktree(committed: Topology, name: str) -> None:
    (committed.root / name).write_text("changed")
    assert GitRevisions().revision(committed, None).commit == "worktree"


def test_a_document_that_git_ignores_is_a_worktree(committed: Topology) -> None:
    (committed.root / "desired_state" / ".gitignore").write_text("*")
    git(committed.root, "rm", "-q", "--cached", "desired_state/orders.yaml")
    git(committed.root, "commit", "-q", "-m", "let go")
    assert GitRevisions().revision(committed, None).commit == "worktree"


def test_the_generation_never_falls(committed: Topology) -> None:
    """A shallow clone knows fewer commits than were recorded."""
    recorded = {"generation": 40, "desiredDigest": DIGEST}
    assert GitRevisions().revision(committed, recorded).generation == 40


def test_git_variables_of_a_hook_do_not_lead_astray(committed: Topology, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert GitRevisions().revision(committed, None).generation == 3


def test_the_digest_is_of_what_is_declared_not_of_where_it_lies() -> None:
    topology = orders()
    assert desired_digest(replace(topology, root=Path("/elsewhere"), source="x.yaml")) == DIGEST
    assert desired_digest(replace(topology, suspend=True)) != DIGEST
