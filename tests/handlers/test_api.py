"""The sample service: what it answers, what it logs, and that its OpenAPI document tells the truth."""

from __future__ import annotations

import json

import pytest

from cdk_app.openapi import routes
from tests.handlers.conftest import HANDLERS


def ask(api, method, path):
    event = {"httpMethod": method, "path": path, "requestContext": {"requestId": "r-1"}}
    answer = api.handler(event, None)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


@pytest.mark.parametrize(
    ("method", "path", "status", "content"),
    [
        ("GET", "/", 200, {"service": "orders", "region": "eu-west-1", "version": "abc"}),
        ("GET", "/health", 200, {"status": "ok", "region": "eu-west-1"}),
        ("GET", "/nowhere", 404, {"message": "there is nothing at /nowhere"}),
        ("DELETE", "/health", 405, {"message": "/health does not take DELETE; it takes GET"}),
    ],
)
def test_answers(method, path, status, content, api):
    assert ask(api, method, path)[:2] == (status, content)


@pytest.mark.parametrize("path", ["/", "/health", "/nowhere"])
def test_every_answer_says_its_region_and_is_not_kept(path, api):
    headers = ask(api, "GET", path)[2]
    assert (headers["X-Region"], headers["Cache-Control"]) == ("eu-west-1", "no-store")
    assert headers["Content-Type"] == "application/json"


def test_refused_method_says_what_is_allowed(api):
    assert ask(api, "PUT", "/")[2]["Allow"] == "GET"


def test_one_line_of_json_for_each_request(api, capsys):
    ask(api, "GET", "/")
    ask(api, "GET", "/nowhere")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["status"], line["path"], line["request"]) for line in lines] == [
        (200, "/", "r-1"),
        (404, "/nowhere", "r-1"),
    ]
    assert all(line["region"] == "eu-west-1" and line["ms"] >= 0 for line in lines)


def test_document_names_the_routes_that_exist(api):
    documented = {path: {m.upper() for m in methods} for path, methods in routes(HANDLERS / "api/openapi.yaml").items()}
    assert documented == {path: set(operations) for path, operations in api.ROUTES.items()}


def test_migrations_are_numbered_without_a_gap():
    numbers = [int(path.name.split("_")[0]) for path in sorted((HANDLERS / "api/migrations").glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
