"""The commit at hand: what makes a bundle of it, and what is refused by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.aws.git import address, commit_at_hand, ignored, repository
from reconciler.model.bundle import BundleRefused

PATHS = ("desired_state/orders.yaml", "handlers/api")


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", root, *who, "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    found = tmp_path / "repository"
    (found / "desired_state").mkdir(parents=True)
    (found / "desired_state/orders.yaml").write_text("name: orders")
    (found / "handlers/api").mkdir(parents=True)
    (found / "handlers/api/app.py").write_text("1")
    (found / ".gitignore").write_text("built/\n")
    git(found, "init", "-q", "-b", "main")
    for _ in range(3):
        git(found, "add", ".")
        git(found, "commit", "-q", "--allow-empty", "-m", "more")
    return found


def refused(root: Path, *paths: str) -> BundleRefused:
    with pytest.raises(BundleRefused) as caught:
        commit_at_hand(root, paths or PATHS)
    return caught.value


def test_a_clean_clone_gives_its_head_its_author_and_its_first_parents(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "side")
    for _ in range(4):
        git(root, "commit", "-q", "--allow-empty", "-m", "aside")
    git(root, "checkout", "-q", "main")
    git(root, "merge", "-q", "--no-ff", "-m", "merged", "side")
    (root / "notes.txt").write_text("no part of the desired state")
    found = commit_at_hand(root, PATHS)
    assert found.commit == git(root, "rev-parse", "HEAD")
    assert (found.author, found.generation, found.repository) == ("Ada", 4, "")


@pytest.mark.parametrize("name", ["desired_state/orders.yaml", "handlers/api/app.py", "handlers/api/new file.py"])
def test_what_is_not_committed_is_named(root: Path, name: str) -> None:
    (root / name).write_text("changed")
    error = refused(root)
    assert error.code == "NotCommitted"
    assert f"not committed as it is: {name};" in error.message


def test_what_was_staged_renamed_or_never_added_is_named(root: Path) -> None:
    git(root, "mv", "handlers/api/app.py", "handlers/api/main.py")
    assert "handlers/api/app.py, handlers/api/main.py" in refused(root).message
    assert "desired_state/new.yaml" in refused(root, "desired_state/new.yaml").message


def test_a_shallow_clone_is_refused_with_the_way_out(root: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{root}", "shallow")
    error = refused(tmp_path / "shallow")
    assert error.code == "ShallowClone"
    assert "fetch-depth: 0" in error.message


def test_without_a_commit_there_is_no_bundle(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "NoCommit"
    git(tmp_path, "init", "-q")
    assert refused(tmp_path).code == "NoCommit"


def test_what_git_ignores_is_listed(root: Path) -> None:
    (root / "handlers/api/built").mkdir()
    (root / "handlers/api/built/a.py").write_text("1")
    assert commit_at_hand(root, PATHS).generation == 3
    assert ignored(root, PATHS) == ("handlers/api/built/a.py",)


@pytest.mark.parametrize(
    ("remote", "found"),
    [
        ("https://github.com/acme/apis.git", "github.com/acme/apis"),
        ("https://user:s3cret@github.com/acme/apis", "github.com/acme/apis"),
        ("https://x-access-token:ghs_abc@github.com:443/acme/apis.git?a=b#c", "github.com/acme/apis"),
        ("ssh://git@github.com:22/acme/apis.git", "github.com/acme/apis"),
        ("git@github.com:acme/apis.git", "github.com/acme/apis"),
        ("/home/ada/apis", "apis"),
        ("../apis.git", "apis"),
        ("", ""),
    ],
)
def test_an_address_without_what_it_takes_to_log_in(remote: str, found: str) -> None:
    assert address(remote) == found


def test_the_repository_is_the_same_in_a_workflow_and_on_a_desk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(root, "remote", "add", "origin", "git@github.com:acme/apis.git")
    assert repository(root) == "github.com/acme/apis"
    assert repository(root / "handlers") == "github.com/acme/apis//handlers"
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/apis")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    assert repository(root) == "github.com/acme/apis"
