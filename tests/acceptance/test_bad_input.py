"""Desired state that cannot be used: every problem at once, with its place, before AWS is asked anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.world import NOWHERE, Project, Ran, World


@pytest.fixture(scope="module")
def nowhere() -> World:
    """No AWS at all: a command that makes a call cannot give exit 65."""
    return World(NOWHERE)


EDITS = {
    "malformed YAML": (("metadata:", "metadata: ["), "orders.yaml:"),
    "unknown field": (("memoryMb: 512", "memoryMegabytes: 512"), "memoryMegabytes"),
    "wrong type": (("memoryMb: 512", "memoryMb: much"), "spec.api.memoryMb"),
    "two writers": (("writer: us-east-1", "writer: [us-east-1, eu-west-1]"), "spec.database.writer"),
    "unknown Region": (("name: eu-west-1,", "name: eu-nowhere-1,"), "eu-nowhere-1"),
    "overlapping CIDRs": (("10.20.0.0/16", "10.10.0.0/16"), "10.10.0.0/16"),
    "path outside": (("code: handlers/api", "code: ../elsewhere"), "../elsewhere"),
    "duplicate key": (("    ttlSeconds: 10", "    ttlSeconds: 10\n    ttlSeconds: 20"), "ttlSeconds"),
    "out of range": (("ttlSeconds: 10", "ttlSeconds: 1"), "spec.routing.ttlSeconds"),
}


@pytest.mark.parametrize(("edit", "told"), EDITS.values(), ids=EDITS)
def test_is_refused_with_its_place(nowhere: World, project: Project, edit: tuple[str, str], told: str) -> None:
    project.edit(edit)
    ran = nowhere.meridian(project, "converge", "--format", "json")
    is_refused(ran, told)


def is_refused(ran: Ran, told: str) -> None:
    """Exit 65; the same problems as text with places on stderr and as one document on stdout."""
    assert ran.code == 65, ran.said
    problems = ran.json["errors"]
    assert ran.json["kind"] == "Error"
    assert problems
    for p in problems:
        place = f"{p['file']}:{p['line']}:{p['column']}: "
        assert place in ran.err
        assert p["message"] in ran.err
    assert told in ran.err


def test_every_problem_is_told_at_once(nowhere: World, project: Project) -> None:
    for name in ("wrong type", "unknown Region", "out of range", "path outside"):
        project.edit(EDITS[name][0])
    ran = nowhere.meridian(project, "plan", "--format", "json")
    assert ran.code == 65
    lines = {p["line"] for p in ran.json["errors"]}
    assert len(lines) >= 4, ran.said


def alias_bomb(folder: Path) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (folder / "orders.yaml").write_text("\n".join(["a0: &a0 [x]", *levels]))


def huge(folder: Path) -> None:
    with (folder / "orders.yaml").open("a") as file:
        file.write("# padding\n" * 5_000_000)  # 50 MB


def empty(folder: Path) -> None:
    (folder / "orders.yaml").unlink()


def twice(folder: Path) -> None:
    (folder / "again.yaml").write_text((folder / "orders.yaml").read_text())


@pytest.mark.parametrize("spoil", [alias_bomb, huge, empty, twice], ids=lambda f: f.__name__)
def test_a_folder_that_cannot_be_used_is_refused(nowhere: World, project: Project, spoil) -> None:
    spoil(project.document.parent)
    is_refused(nowhere.meridian(project, "plan", "--format", "json"), "desired_state")


@pytest.mark.parametrize("command", ["validate", "plan", "converge", "drift", "status"])
def test_every_command_refuses_a_missing_path(nowhere: World, project: Project, command: str) -> None:
    path = ("--path", "not-there") if command == "status" else ("not-there",)
    is_refused(nowhere.meridian(project, command, *path, "--format", "json"), "not-there")


def test_usage_errors_are_another_matter(nowhere: World, project: Project) -> None:
    ran = nowhere.meridian(project, "plan", "--no-such-option", "--format", "json")
    assert ran.code == 64
    assert ran.json["kind"] == "Error"
