"""The parts that need no aws_cdk: which files ship, and which routes an OpenAPI document gives."""

from __future__ import annotations

import pytest

from cdk_app import openapi
from cdk_app.code import shipped, stage


def fill(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_what_ships(tmp_path):
    fill(tmp_path, "b.py", "a/c.py", "a/__pycache__/c.pyc", ".git/x", ".hidden", "README.md", "x.pyc", "notes.md")
    assert [p.as_posix() for p in shipped(tmp_path)] == ["a/c.py", "b.py", "notes.md"]


def test_staged_copy_holds_what_ships_and_what_is_generated(tmp_path):
    source = fill(tmp_path / "in", "a/c.py", ".hidden")
    out = stage(source, tmp_path / "out", generated={"config.json": "{}"})
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) == ["a/c.py", "config.json"]


def test_files_and_folders_of_elsewhere_come_to_stand_beside(tmp_path):
    fill(tmp_path / "other", "one.py", "two.py", "lib/x.py", "lib/README.md")
    out = stage(
        fill(tmp_path / "in", "a.py"), tmp_path / "out", beside=[tmp_path / "other/one.py", tmp_path / "other/lib"]
    )
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) == [
        "a.py",
        "lib/x.py",
        "one.py",
    ]


def test_link_inside_the_folder_is_followed(tmp_path):
    source = fill(tmp_path / "in", "a.py")
    (source / "b.py").symlink_to(source / "a.py")
    assert (stage(source, tmp_path / "out") / "b.py").read_text() == "a.py"
    assert not (tmp_path / "out" / "b.py").is_symlink()


@pytest.mark.parametrize("target", ["secret.txt", "folder", "gone"])
def test_link_to_elsewhere_is_refused(target, tmp_path):
    fill(tmp_path, "secret.txt", "folder/x.py")
    source = fill(tmp_path / "in", "a.py")
    (source / "link").symlink_to(tmp_path / target)
    with pytest.raises(ValueError, match="link: this link does not lead to a file inside in"):
        shipped(source)


DOCUMENT = """
paths:
  /orders:
    summary: all of them
    parameters: []
    get: {}
    post: {}
  /orders/{id}:
    get: {description: "one"}
  /nothing: {}
"""


def routes(tmp_path, text):
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    return openapi.routes(path)


def test_routes_of_a_document(tmp_path):
    assert routes(tmp_path, DOCUMENT) == {"/orders": ("get", "post"), "/orders/{id}": ("get",)}


def test_without_a_document_everything_is_a_route(tmp_path):
    assert set(openapi.routes(tmp_path / "none.yaml")) == {"/", "/{proxy+}"}


@pytest.mark.parametrize("text", ["[]", "paths: 3", "paths: {orders: {}}", "paths: {/a: 3}", "{", "openapi: 3.0.1"])
def test_wrong_document_is_named(text, tmp_path):
    with pytest.raises(ValueError, match=r"openapi\.yaml: "):
        routes(tmp_path, text)


def test_definition_signs_all_but_get_on_the_health_path(tmp_path):
    found = {**routes(tmp_path, DOCUMENT), "/health": ("post",)}
    body = openapi.definition("orders", found, health="/health", signed=True, uri="the function")
    auth = {
        (path, method): (operation["x-amazon-apigateway-auth"]["type"], "security" in operation)
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    }
    assert auth.pop(("/health", "get")) == ("NONE", False)
    assert set(auth.values()) == {("AWS_IAM", True)}
    assert set(auth) == {("/orders", "get"), ("/orders", "post"), ("/orders/{id}", "get"), ("/health", "post")}
    assert body["paths"]["/orders/{id}"]["get"]["parameters"][0]["name"] == "id"
