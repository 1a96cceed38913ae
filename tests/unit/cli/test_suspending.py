"""`suspend`, `resume`, `history` and what `status` shows of it, on a table in memory."""

from __future__ import annotations

import json
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from reconciler.report.status import status_document
from tests.fakes import outcomes
from tests.unit.report.test_schemas import check

HOME = ("--home-region", "us-east-1")
WHY = ("--reason", "incident 7")
JSON = ("--format", "json")


@pytest.fixture
def table(monkeypatch, meridian):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        names = {"pk": "HASH", "sk": "RANGE"}
        dynamodb.create_table(
            TableName="meridian-state",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        )
        yield dynamodb


@pytest.fixture
def recorded(table):
    first = status_document(outcomes.outcome(), None)
    document = status_document(replace(outcomes.failed(), observed=outcomes.outcome().observed), first)
    item = {"pk": {"S": "topology#orders"}, "sk": {"S": "status"}, "body": {"S": json.dumps(document)}}
    table.put_item(TableName="meridian-state", Item=item)
    return document


def test_a_topology_is_suspended_shown_and_resumed(meridian, recorded):
    ran = meridian("suspend", "orders", *HOME, *WHY, *JSON)
    document = check(ran.json)
    assert (ran.code, document["suspended"], document["changed"]) == (0, True, True)
    assert document["suspension"]["reason"] == "incident 7"
    assert document["suspension"]["by"].startswith("arn:aws:")
    assert "everything is suspended by arn:aws:" in meridian("status", "orders", *HOME).out
    assert check(meridian("status", "orders", *HOME, *JSON).json)["suspension"] == document["suspension"]
    assert not meridian("suspend", "orders", *HOME, *WHY, *JSON).json["changed"], "the first reason stays"
    assert "goes on" in meridian("resume", "orders", *HOME, "--reason", "over").out
    assert "suspended" not in meridian("status", "orders", *HOME).out
    assert "was not suspended" in meridian("resume", "orders", *HOME, "--reason", "over").out


def test_regions_are_suspended_and_resumed_one_by_one(meridian, recorded):
    regions = [r["name"] for r in recorded["regions"]]
    for region in regions:
        meridian("suspend", "orders", "--region", region, *HOME, *WHY)
    ran = meridian("resume", "orders", "--region", regions[0], *HOME, "--reason", "back", *JSON)
    assert ran.json["suspension"]["regions"] == sorted(regions[1:])
    meridian("suspend", "orders", *HOME, *WHY)
    ran = meridian("resume", "orders", "--region", regions[1], *HOME, "--reason", "back", *JSON)
    assert (ran.code, ran.json["errors"][0]["code"]) == (1, "WholeSuspended")


def test_the_history_is_told_with_who_resumed(meridian, recorded):
    meridian("suspend", "orders", *HOME, *WHY)
    meridian("resume", "orders", *HOME, "--reason", "found it")
    document = check(meridian("history", "orders", *HOME, *JSON).json)
    assert (document["entries"], document["suspension"]) == (recorded["history"], None)
    assert document["resumed"]["reason"] == "found it"
    text = meridian("history", "orders", *HOME).out
    assert "last resumed by arn:aws:" in text
    assert "| result |" in meridian("history", "orders", *HOME, "--format", "markdown").out


def test_who_resumes_wakes_the_control_plane_and_who_suspends_need_not(meridian, recorded):
    sqs = boto3.client("sqs", region_name="us-east-1")
    url = sqs.create_queue(QueueName="meridian-reconcile")["QueueUrl"]
    meridian("suspend", "orders", *HOME, *WHY)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    meridian("resume", "orders", *HOME, "--reason", "over")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"topology": "orders", "reason": "resumed"}


@pytest.mark.parametrize("command", ["suspend", "resume"])
def test_what_is_not_there_is_not_said_to_be_suspended(meridian, recorded, command):
    ran = meridian(command, "ordrs", *HOME, *WHY, *JSON)
    assert (ran.code, ran.json["errors"][0]["code"]) == (1, "NotRecorded")
    ran = meridian(command, "orders", "--region", "sa-east-1", *HOME, *WHY)
    assert ran.code == 64
    assert "orders has nothing in sa-east-1" in ran.err
    assert meridian(command, "orders", *HOME).code == 64, "without a reason"
    assert meridian(command, "orders", *HOME, "--reason", " ").code == 64


def test_without_a_pass_there_is_no_history(meridian, table):
    assert meridian("history", "orders", *HOME, *JSON).json["errors"][0]["code"] == "NotRecorded"
