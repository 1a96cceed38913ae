"""Functions and who may call them, as Lambda writes them, in the shape of templates."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.model.observed import Missing, Unknown
from reconciler.observe import live_functions

FOUND = {"FunctionName": "f", "MemorySize": 128, "Timeout": 3, "Role": "r"}
OURS = {"Principal": "apigateway.amazonaws.com", "Action": "lambda:InvokeFunction"}
ARN = "arn:aws:execute-api:eu-west-1:111111111111:a1/*"
STATEMENT = {
    "Sid": "orders-Invoke-1",
    "Effect": "Allow",
    "Principal": {"Service": "apigateway.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": "arn:f",
    "Condition": {"ArnLike": {"AWS:SourceArn": ARN}},
}
STRANGER = {"Sid": "other", "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": "arn:f"}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def test_a_function_outside_any_network_shows_empty_lists() -> None:
    assert live_functions.function(FOUND, "b")["VpcConfig"] == {"SubnetIds": [], "SecurityGroupIds": []}


def test_tags_and_code_are_given_where_they_were_read() -> None:
    assert not {"Tags", "Code"} & live_functions.function(FOUND, "b").keys()
    found = {**FOUND, "Tags": {"b": "2", "a": "1"}, "CodeSha256": "PmEY4ntmveKoT9gHcwY8uH15bXoYX04dqXglLlgDphQ="}
    shaped = live_functions.function(found, "bucket")
    assert shaped["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert shaped["Code"]["S3Bucket"] == "bucket"
    assert shaped["Code"]["S3Key"].startswith("assets/")


def test_our_statement_in_the_words_of_the_template() -> None:
    expected = {"FunctionName": "f", **OURS, "SourceArn": ARN, "SourceAccount": None}
    assert live_functions.permission(policy(STRANGER, STATEMENT), OURS, "orders-Invoke-1", "f") == expected


@pytest.mark.parametrize("physical_id", ["orders-Invoke-1", "f|orders-Invoke-1", "told otherwise"])
def test_our_statement_is_found_by_its_id_or_by_what_it_allows(physical_id: str) -> None:
    assert live_functions.foreign(policy(STRANGER, STATEMENT), OURS, physical_id) == [STRANGER]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, Missing()),
        (policy(STRANGER), Missing()),
        (Unknown("Throttling", ""), Unknown("Throttling", "")),
    ],
)
def test_without_our_statement_it_is_missing(answer: Any, expected: Any) -> None:
    assert live_functions.permission(answer, OURS, "orders-Invoke-1", "f") == expected


def test_a_version_is_there_or_gone() -> None:
    versions = [{"Version": "$LATEST", "FunctionArn": "f", **FOUND}, {"Version": "1", "FunctionArn": "f:1", **FOUND}]
    assert live_functions.version(versions, "f:1") == {"FunctionName": "f"}
    assert live_functions.version(versions, "f:2") == Missing()
    assert live_functions.version(Unknown("Throttling", ""), "f:1") == Unknown("Throttling", "")
    assert live_functions.unpublished(versions) == versions[0]
