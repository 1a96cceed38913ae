"""Properties that are compared by a key, both ways, or by what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff.compare import Difference
from reconciler.diff.openapi import methods
from reconciler.diff.resolve import UNRESOLVED
from reconciler.diff.whole import compared
from reconciler.model.redaction import Redacted

FUNCTION, API, CERTIFICATE = "AWS::Lambda::Function", "AWS::ApiGateway::RestApi", "AWS::CertificateManager::Certificate"


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (tags(other="x", b="2", a="1"), []),
        (tags(a="1"), [Difference("Tags", {"b": "2"}, None)]),
        (tags(a="1", b="3"), [Difference("Tags", {"b": "2"}, {"b": "3"})]),
        (None, [Difference("Tags", {"a": "1", "b": "2"}, None)]),
    ],
)
def test_of_tags_only_those_that_the_template_sets(live: Any, expected: list[Difference]) -> None:
    assert list(compared(FUNCTION, "Tags", tags(a="1", b="2"), live)) == expected


def test_a_variable_that_nobody_declared_is_shown_without_its_value() -> None:
    live = {"Variables": {"A": "1", "MORE": "hidden"}}
    (found,) = compared(FUNCTION, "Environment", {"Variables": {"A": "1"}}, live)
    assert found == Difference("Environment.Variables.MORE", None, Redacted.of("hidden"))


def test_names_of_a_certificate_come_in_any_order() -> None:
    declared = [{"DomainName": name, "HostedZoneId": "Z"} for name in ("a.b", "c.d")]
    assert list(compared(CERTIFICATE, "DomainValidationOptions", declared, declared[::-1])) == []
    live = [declared[1], {"DomainName": "a.b", "HostedZoneId": None}]
    (found,) = compared(CERTIFICATE, "DomainValidationOptions", declared, live)
    assert found == Difference("DomainValidationOptions.a\\.b.HostedZoneId", "Z", None)


def operation(uri: Any = "arn:f", auth: str = "AWS_IAM") -> dict[str, Any]:
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": uri,
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": 29000,
    }
    return {"x-amazon-apigateway-auth": {"type": auth}, "x-amazon-apigateway-integration": integration, "responses": {}}


def test_methods_are_compared_both_ways() -> None:
    declared = {"paths": {"/": {"get": operation()}, "/a": {"post": operation(), "parameters": []}}}
    live = methods(declared)
    assert sorted(live) == ["GET /", "POST /a"]
    assert list(compared(API, "Body", declared, live)) == []
    opened = {**live["GET /"], "authorization": "NONE"}
    more = {"GET /": opened, "DELETE /a": opened}
    (found,) = compared(API, "Body", declared, more)
    assert found == Difference("Body", {"GET /": live["GET /"], "POST /a": live["POST /a"]}, more)


def test_a_document_that_refers_to_what_nobody_tells_is_not_judged() -> None:
    (found,) = compared(API, "Body", {"paths": {"/": {"get": operation(UNRESOLVED)}}}, {})
    assert found.left is UNRESOLVED
