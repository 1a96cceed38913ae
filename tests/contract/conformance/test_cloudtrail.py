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


API = "CloudTrail API reference, {} [V]"


def trail_bucket(aws: Target, trail: str) -> str:
    """One that CloudTrail may write to, for this trail alone."""
    s3, name, account = aws.client("s3"), aws.name("trail"), aws.account()
    s3.create_bucket(Bucket=name)
    aws.later(s3.delete_bucket, Bucket=name)
    aws.later(_empty, s3=s3, bucket=name)
    by = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    source = {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{account}:trail/{trail}"}
    owner = {"s3:x-amz-acl": "bucket-owner-full-control"}
    arn = f"arn:aws:s3:::{name}"
    looks = by | {"Action": "s3:GetBucketAcl", "Resource": arn, "Condition": {"StringEquals": source}}
    writes = by | {
        "Action": "s3:PutObject",
        "Resource": f"{arn}/AWSLogs/{account}/*",
        "Condition": {"StringEquals": source | owner},
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [looks, writes]}))
    return name


def _empty(s3: Any, bucket: str) -> None:
    for found in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
        s3.delete_object(Bucket=bucket, Key=found["Key"])


@success("cloudtrail:CreateTrail", source=API.format("CreateTrail"))
@success("cloudtrail:DescribeTrails", source=API.format("DescribeTrails"))
@success("cloudtrail:GetTrailStatus", source=API.format("GetTrailStatus"))
@success("cloudtrail:GetEventSelectors", source=API.format("GetEventSelectors"))
@refusal("cloudtrail:CreateTrail", "TrailAlreadyExistsException", source=API.format("CreateTrail"))
@refusal("cloudtrail:GetTrailStatus", "TrailNotFoundException", source=API.format("GetTrailStatus"))
@refusal("cloudtrail:GetEventSelectors", "TrailNotFoundException", source=API.format("GetEventSelectors"))
@real("a second copy of management events for a minute: less than a cent")
def test_a_trail_says_what_it_records_and_whether_it_does(aws: Target) -> None:
    client, name = aws.client("cloudtrail"), aws.name("trail")
    refused(client.get_trail_status, "TrailNotFoundException", Name=name)
    refused(client.get_event_selectors, "TrailNotFoundException", TrailName=name)
    made = client.create_trail(Name=name, S3BucketName=trail_bucket(aws, name), IsMultiRegionTrail=True)
    aws.later(client.delete_trail, Name=name)
    refused(client.create_trail, "TrailAlreadyExistsException", Name=name, S3BucketName=aws.name("trail"))
    arn = made["TrailARN"]
    for region in ("us-east-1", "eu-west-1"):  # of every Region: each shows it, with where it is at home
        shown = {t["TrailARN"]: t for t in aws.client("cloudtrail", region).describe_trails()["trailList"]}
        assert (shown[arn]["HomeRegion"], shown[arn]["IsMultiRegionTrail"]) == ("us-east-1", True)
    assert client.get_trail_status(Name=arn)["IsLogging"] is False
    client.start_logging(Name=name)
    assert client.get_trail_status(Name=arn)["IsLogging"] is True
    (selector,) = client.get_event_selectors(TrailName=arn)["EventSelectors"]
    assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("All", True)
    client.put_event_selectors(
        TrailName=name, EventSelectors=[{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]
    )
    (selector,) = client.get_event_selectors(TrailName=arn)["EventSelectors"]
    assert selector["ReadWriteType"] == "WriteOnly"


@refusal("cloudtrail:CreateTrail", "S3BucketDoesNotExistException", source=API.format("CreateTrail"))
@refusal("cloudtrail:CreateTrail", "InsufficientS3BucketPolicyException", source=API.format("CreateTrail"))
@real("nothing")
def test_a_trail_needs_a_bucket_that_admits_it(aws: Target) -> None:
    client, name = aws.client("cloudtrail"), aws.name("trail")
    refused(client.create_trail, "S3BucketDoesNotExistException", Name=name, S3BucketName=aws.name("none"))
    bucket = trail_bucket(aws, "another")
    refused(client.create_trail, "InsufficientS3BucketPolicyException", Name=name, S3BucketName=bucket)
