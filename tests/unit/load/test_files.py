"""PATH: files, folders, links, sizes, encodings."""

import os
import time

import pytest

from reconciler.load import load


def test_a_folder_and_its_file_give_the_same(project):
    path = project.write(project.example)

    (topology,) = load(project.folder)

    assert (topology,) == load(path)
    assert topology.root == project.root
    assert topology.source == "desired_state/orders.yaml"


def test_path_may_be_relative(project, monkeypatch):
    project.write(project.example)
    monkeypatch.chdir(project.folder)

    assert [
        topology.root
        for name in (".", "orders.yaml", "../desired_state")
        for topology in load(type(project.root)(name))
    ] == [project.root] * 3


def test_a_missing_path_an_empty_folder_and_an_empty_file(project):
    assert project.problems(project.root / "nowhere") == [f"{project.root}/nowhere:1:1: no such file or folder"]
    assert project.problems() == [
        f"{project.folder}:1:1: the folder has no *.yaml or *.yml file; an empty folder never means delete all"
    ]
    project.write("# nothing\n")
    assert project.problems() == ["desired_state/orders.yaml:1:1: the file holds no document"]


def test_hidden_files_and_others_are_left_alone(project):
    project.write(project.example)
    project.write("a: [", ".#orders.yaml")
    project.write("a: [", "README.md")

    assert len(load(project.folder)) == 1


def test_a_huge_file_is_refused_without_reading_it(project):
    path = project.write("")
    os.truncate(path, 50 * 1024 * 1024)
    started = time.process_time()

    assert project.problems() == ["desired_state/orders.yaml:1:1: larger than 1024 KiB; a topology takes a few"]
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: 1\nb: \xff\n", "2:4: not UTF-8 text; save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "1:1: not UTF-8 text; save the file as UTF-8"),
        (b"a: 1\nb: x\x1b[31m\n", "2:5: the control character U+001B is not allowed in YAML"),
        (b"a: \x00\n", "1:4: the control character U+0000 is not allowed in YAML"),
    ],
)
def test_bytes_that_are_no_text(project, content, problem):
    (project.folder / "orders.yaml").write_bytes(content)

    assert project.problems() == [f"desired_state/orders.yaml:{problem}"]


def test_a_byte_order_mark_is_no_harm(project):
    (project.folder / "orders.yaml").write_text(project.example, encoding="utf-8-sig")

    assert len(load(project.folder)) == 1


def test_what_is_no_regular_file_is_refused(project):
    os.mkfifo(project.folder / "a.yaml")
    (project.folder / "b.yaml").mkdir()

    assert project.problems() == [f"desired_state/{name}.yaml:1:1: not a regular file" for name in "ab"]


def test_links_are_followed_inside_the_root_only(project, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "orders.yaml").write_text(project.example)
    (project.root / "kept.yaml").write_text(project.example)
    (project.folder / "inside.yaml").symlink_to("../kept.yaml")
    assert len(load(project.folder)) == 1

    (project.folder / "out.yaml").symlink_to(outside / "orders.yaml")
    (project.folder / "round.yaml").symlink_to("round.yaml")
    told = f"1:1: a link that leads out of {project.root.name}/; put the file itself here"
    assert project.problems() == [f"desired_state/out.yaml:{told}", f"desired_state/round.yaml:{told}"]


def test_links_in_code_stay_inside_too(project, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    code = project.root / "handlers/api"
    (project.root / "shared.py").write_text("")
    (code / "shared.py").symlink_to("../../shared.py")
    project.write(project.example)
    assert len(load(project.folder)) == 1

    (code / "secrets").symlink_to(outside)
    (project.root / "elsewhere").symlink_to(outside)
    project.write(project.edited(("migrations: handlers/api/migrations", "migrations: elsewhere")))
    assert project.problems() == [
        (
            'desired_state/orders.yaml:25:17: spec.database.migrations: "elsewhere" leads out of the folder that holds '
            "desired_state/; code and migrations live inside it"
        ),
        (
            'desired_state/orders.yaml:29:11: spec.api.code: "handlers/api" holds the link secrets, which leads out of the '
            "folder that holds desired_state/"
        ),
    ]
