"""CloudTrail: finding out who did what."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused


def events(aws: Target, key: str, value: str) -> list[dict[str, Any]]:
    cloudtrail = aws.client("cloudtrail")
    pages = cloudtrail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}],
        StartTime=datetime.now(UTC) - timedelta(days=80),
        PaginationConfig={"MaxItems": 200},
    )
    return [e for page in pages for e in page["Events"]]


def queue(aws: Target, what: str) -> str:
    sqs, name = aws.client("sqs"), aws.name(what)
    url = sqs.create_queue(QueueName=name, tags=aws.tags)["QueueUrl"]
    aws.later(sqs.delete_queue, QueueUrl=url)
    return name


def about(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [json.loads(e["CloudTrailEvent"]) for e in found if name in e["CloudTrailEvent"]]


@success("cloudtrail:LookupEvents", source="API reference, LookupEvents; CloudTrail record contents [V]")
@state("cloudtrail:LookupEvents", "not yet delivered", source="Event history: within minutes of the call [V]")
@real("nothing")
def test_a_call_is_found_after_some_minutes_with_who_made_it(aws: Target) -> None:
    name = queue(aws, "found")
    assert about(events(aws, "EventName", "CreateQueue"), name) == []
    (event,) = aws.until(lambda: about(events(aws, "EventName", "CreateQueue"), name), minutes=20)
    me = aws.client("sts").get_caller_identity()
    assert event["eventSource"] == "sqs.amazonaws.com"
    assert (event["readOnly"], event["recipientAccountId"]) == (False, me["Account"])
    assert event["userIdentity"]["arn"] == me["Arn"]
    assert event["requestParameters"]["queueName"] == name
    (same,) = events(aws, "EventId", event["eventID"])
    assert (same["EventName"], same["ReadOnly"]) == ("CreateQueue", "false")


@success("cloudtrail:LookupEvents", source="API reference, LookupEvents: attributes, time range, NextToken [V]")
def test_events_come_newest_first_in_pages_by_one_attribute(aws: Target) -> None:
    names = [queue(aws, f"{n}") for n in range(5)]
    lookup = aws.client("cloudtrail").lookup_events
    asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateQueue"}], "MaxResults": 2}
    aws.until(lambda: len(events(aws, "EventName", "CreateQueue")) == 5)
    seen, more = [], {}
    while True:
        page = lookup(**asked, **more)
        seen += [json.loads(e["CloudTrailEvent"])["requestParameters"]["queueName"] for e in page["Events"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert seen == names[::-1]
    assert len(events(aws, "ResourceName", names[0])) == 1
    assert {e["EventName"] for e in events(aws, "ReadOnly", "false")} == {"CreateQueue"}
    assert len(events(aws, "Username", "root")) >= 5
    assert {e["EventSource"] for e in events(aws, "EventSource", "sqs.amazonaws.com")} == {"sqs.amazonaws.com"}
    moment = min(e["EventTime"] for e in events(aws, "EventName", "CreateQueue"))
    assert lookup(EndTime=moment - timedelta(seconds=1), **asked)["Events"] == []


@refusal("cloudtrail:LookupEvents", "InvalidLookupAttributesException", source="API reference, LookupEvents [V]")
@refusal("cloudtrail:LookupEvents", "InvalidTimeRangeException", source="API reference, LookupEvents [V]")
@refusal("cloudtrail:LookupEvents", "InvalidMaxResultsException", source="API reference, LookupEvents [V]")
@refusal("cloudtrail:LookupEvents", "InvalidNextTokenException", source="API reference, LookupEvents [V]")
@real("nothing")
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (
            {"LookupAttributes": [{"AttributeKey": k, "AttributeValue": "x"} for k in ("EventName", "Username")]},
            "InvalidLookupAttributesException",
        ),
        (
            {"StartTime": datetime(2026, 1, 2, tzinfo=UTC), "EndTime": datetime(2026, 1, 1, tzinfo=UTC)},
            "InvalidTimeRangeException",
        ),
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"NextToken": "no token"}, "InvalidNextTokenException"),
    ],
    ids=["two attributes", "backwards", "too many", "no token"],
)
def test_a_question_that_is_none_is_refused(aws: Target, asked: dict[str, Any], code: str) -> None:
    lookup = aws.client("cloudtrail").lookup_events
    aws.until(lambda: not _throttled(lookup), minutes=1)
    refused(lookup, code, **asked)


def _throttled(lookup: Any) -> bool:
    try:
        lookup(MaxResults=1)
    except ClientError as error:
        return error.response["Error"]["Code"] == "ThrottlingException"
    return False


@refusal(
    "cloudtrail:LookupEvents", "ThrottlingException", source="API reference: two per second, account and Region [V]"
)
def test_a_third_question_in_a_second_is_throttled(aws: Target) -> None:
    aws.control("clock", {"speed": 0.001})
    assert [_throttled(aws.client("cloudtrail").lookup_events) for _ in range(3)] == [False, False, True]
    assert not _throttled(aws.client("cloudtrail", "eu-west-1").lookup_events)
