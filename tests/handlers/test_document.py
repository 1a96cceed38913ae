"""The OpenAPI document is true: schemathesis asks what it allows and what it forbids, and checks each answer against it.

With MERIDIAN_SOAK set it asks more.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.handlers.conftest import HANDLERS
from tests.handlers.gateway import Client, event
from tests.handlers.postgres import environment

EXAMPLES = 400 if os.environ.get("MERIDIAN_SOAK") else 12
DOCUMENT = yaml.safe_load((HANDLERS / "api/openapi.yaml").read_text())
BEHIND: list[Client] = []
"""The service that is asked: there is one while the tests of this module run."""


def gateway(asked: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """What API Gateway does between HTTP and the function, as far as these requests can tell; a WSGI application."""
    if asked["PATH_INFO"] == "/openapi.json":
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(DOCUMENT).encode()]
    (client,) = BEHIND
    answer = client.service.app.serve(_event(asked), None, client.database)
    status = HTTPStatus(answer["statusCode"])
    start(f"{status} {status.phrase}", list(answer["headers"].items()))
    return [answer["body"].encode()]


def _event(asked: dict[str, Any]) -> dict[str, Any]:
    path = asked["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    headers = {name[5:].replace("_", "-"): value for name, value in asked.items() if name.startswith("HTTP_")}
    if kind := asked.get("CONTENT_TYPE"):
        headers["Content-Type"] = kind
    body = asked["wsgi.input"].read(int(asked.get("CONTENT_LENGTH") or 0))
    found = event(asked["REQUEST_METHOD"], f"/?{asked.get('QUERY_STRING', '')}", headers=headers)
    return {**found, "path": path, "body": base64.b64encode(body).decode() or None, "isBase64Encoded": bool(body)}


SCHEMA = schemathesis.openapi.from_wsgi("/openapi.json", gateway, config=SchemathesisConfig(seed=1))


@pytest.fixture(scope="module", autouse=True)
def client(service, orders):
    client = Client(service, environment("us-east-1"))
    BEHIND.append(client)
    yield client
    BEHIND.clear()
    client.database.drop()


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_those_of_the_document(case):
    # schemathesis 4.32 fills in a wrong If-Match (0) beside bodies that it calls right as a whole
    wrong = any(component.mode.is_negative for component in case.meta.components.values())
    case.call_and_validate(excluded_checks=[positive_data_acceptance] if wrong else [])


def test_every_operation_tells_of_its_refusals():
    operations = [o for path in DOCUMENT["paths"].values() for o in path.values() if "responses" in o]
    assert {status for o in operations for status in o["responses"]} == {
        *["200", "201", "400", "404", "409", "412", "413", "415", "422", "503"]
    }
    assert all({"400", "404"} & set(o["responses"]) for o in operations if o["operationId"] not in ("index", "health"))
