"""Injected faults: chance that can be repeated, lost answers, stale reads, and a Region's planes that are out."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.embedded.conftest import SPEED, Aws

ZONE = "Z0123456789EXAMPLE"
STILL = 0.001
EU = "eu-west-1"
QUEUE = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}}


def faults(aws: Aws, *entries: object, **more: object) -> dict[str, Any]:
    status, answer = aws.control("faults", {"faults": list(entries), **more})
    assert status == 200, answer
    return answer


def code(call: Callable[..., Any], **arguments: Any) -> str:
    """The error's code, or nothing."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def table(aws: Aws, region: str) -> Any:
    dynamodb = aws.client("dynamodb", region)
    dynamodb.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


# ---- what is asked for -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            {"call": "rds:*"},
            "an object with one of outage, queue, rules, kill, resource, stack, drop, stale, error, delay, not",
        ),
        ({"call": "rds", "error": "X"}, "call 'rds' must be service:Operation, service:* or *:*"),
        ({"call": "rdz:*", "error": "X"}, "call 'rdz:*' must name a client of boto3: rds?"),
        ({"call": "rds:DescribeDBCluster", "error": "X"}, "must name an operation of rds: DescribeDBClusters?"),
        ({"error": "X"}, "a fault with 'error' needs 'call': service:Operation, service:* or *:*"),
        ({"call": "rds:*", "error": 7}, "error 7 must be a text"),
        ({"call": "rds:*", "drop": "during"}, "drop 'during' must be before or after"),
        ({"call": "rds:*", "drop": "after", "error": "X"}, "'error' does not go with 'drop': allowed are region,"),
        ({"call": "rds:*", "delay": -1}, "delay -1 must be wall seconds from 0 to 600"),
        ({"call": "rds:*", "error": "X", "probability": 2}, "probability 2 must be a number from 0 to 1"),
        ({"call": "rds:*", "error": "X", "times": True}, "times True must be a whole number from 0 up"),
        ({"call": "*:*", "stale": 30}, "call '*:*' must name a service"),
        ({"outage": "Europe"}, "outage 'Europe' must be a Region"),
        ({"outage": EU, "plane": "both"}, "plane 'both' must be control or data"),
        ({"stack": "s"}, "a fault with 'stack' needs 'after': the number of resources that are done, from 0 up"),
        ({"stack": "s", "after": -1}, "after -1 must be the number of resources that are done, from 0 up"),
        ({"queue": "q", "copies": 11}, "copies 11 must be a whole number from 1 to 10"),
        (
            {"queue": "q", "probability": 0.5},
            "'probability' does not go with 'queue': allowed are queue, copies, shuffle",
        ),
        ({"rules": "on"}, "rules 'on' must be off"),
        ({"kill": "f"}, "a fault with 'kill' needs 'call': the number of a mutating call, from 1 up"),
        ({"kill": "f", "call": "s3:*"}, "call 's3:*' must be the number of a mutating call"),
        ({"kill": "f", "call": 1, "when": "during"}, "when 'during' must be before or after"),
        ({"resource": "Queue"}, "resource 'Queue' must be a resource type"),
    ],
)
def test_what_cannot_strike_is_refused_with_what_can(aws: Aws, fault: object, said: str) -> None:
    status, answer = aws.control("faults", {"faults": [fault]})
    assert status == 400
    assert said in answer["error"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fault": []}, "'fault' is not allowed here: give faults"),
        ({"faults": {}}, "faults {} must be a list"),
        ({"faults": [], "seed": 1.5}, "seed 1.5 must be a whole number or a text"),
    ],
)
def test_a_body_that_is_no_list_of_faults_is_refused(aws: Aws, body: dict[str, Any], said: str) -> None:
    status, answer = aws.control("faults", body)
    assert status == 400
    assert said in answer["error"]


# ---- chance ------------------------------------------------------------------------------------------------------------


def pattern(aws: Aws, *, noise: bool = False, **more: object) -> str:
    faults(aws, {"call": "rds:*", "error": "InternalFailure", "probability": 0.5}, **more)
    rds, hits = aws.client("rds", EU), ""
    for _ in range(24):
        hits += "x" if code(rds.describe_db_clusters) else "."
        if noise:
            code(rds.describe_db_instances)
            code(aws.client("rds").describe_db_clusters)
    return hits


def test_a_seed_repeats_what_chance_did_whatever_comes_between(aws: Aws) -> None:
    first = pattern(aws, seed=7)
    assert "x" in first
    assert "." in first
    assert pattern(aws, seed=7) == pattern(aws, seed=7, noise=True) == first
    assert pattern(aws, seed=8) != first
    chosen = faults(aws)["seed"]  # of its own accord: told, so that it can be repeated
    assert pattern(aws, seed=chosen) == pattern(aws, seed=chosen)


@pytest.mark.parametrize(
    ("service", "operation", "words"),
    [
        ("lambda", "list_functions", "TooManyRequestsException"),
        ("apigateway", "get_rest_apis", "TooManyRequestsException"),
        ("ec2", "describe_vpcs", "RequestLimitExceeded"),
        ("s3", "list_buckets", "SlowDown"),
    ],
)
def test_throttling_is_what_the_service_says_for_it(aws: Aws, service: str, operation: str, words: str) -> None:
    faults(aws, {"call": f"{service}:*", "error": "Throttling"})
    assert code(getattr(aws.client(service), operation)) == words


# ---- lost answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("moment", "made"), [("before", []), ("after", ["bucket"])])
def test_a_lost_answer_says_nothing_of_what_happened(aws: Aws, moment: str, made: list[str]) -> None:
    faults(aws, {"call": "s3:CreateBucket", "drop": moment, "times": 1})
    s3 = aws.client("s3")
    with pytest.raises(ConnectionClosedError):
        s3.create_bucket(Bucket="bucket")
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == made


def test_boto3_tries_a_lost_answer_again(aws: Aws) -> None:
    faults(aws, {"call": "sts:*", "drop": "after", "times": 1})
    assert aws.client("sts", attempts=3).get_caller_identity()["Account"] == "111111111111"


# ---- stale reads -------------------------------------------------------------------------------------------------------


def test_a_stale_read_answers_as_it_would_have_before(aws: Aws) -> None:
    faults(aws, {"call": "route53:ListHealthChecks", "stale": 30}, {"call": "cloudformation:*", "stale": 60})
    route53, cloudformation = aws.client("route53"), aws.client("cloudformation")
    aws.control("clock", {"speed": STILL})

    def seen() -> int:
        return len(route53.list_health_checks()["HealthChecks"])

    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "a.example.com"}
    check = route53.create_health_check(CallerReference="a", HealthCheckConfig=config)["HealthCheck"]["Id"]
    assert seen() == 0
    assert route53.get_health_check(HealthCheckId=check)["HealthCheck"]["Id"] == check  # that one is not stale
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": QUEUE}))
    assert cloudformation.describe_stacks()["Stacks"] == []
    assert code(cloudformation.describe_stacks, StackName="s") == "ValidationError"
    aws.control("clock", {"speed": SPEED})
    aws.until(lambda: seen() == 1)
    aws.until(lambda: code(cloudformation.describe_stacks, StackName="s") == "")
    assert aws.settled("s") == "CREATE_COMPLETE"  # the stack itself has gone on, and is seen in the end
    faults(aws)
    assert seen() == 1


def test_what_is_not_a_read_is_never_stale(aws: Aws) -> None:
    dynamodb = table(aws, EU)
    faults(aws, {"call": "dynamodb:*", "stale": 3600})
    dynamodb.put_item(TableName="table", Item={"pk": {"S": "a"}})
    assert "Item" not in dynamodb.get_item(TableName="table", Key={"pk": {"S": "a"}})
    faults(aws)
    assert "Item" in dynamodb.get_item(TableName="table", Key={"pk": {"S": "a"}})


# ---- outages -----------------------------------------------------------------------------------------------------------


def test_a_control_plane_that_is_out_refuses_every_call_of_its_region(aws: Aws) -> None:
    dynamodb = table(aws, EU)
    faults(aws, {"outage": EU})
    for service, operation, words in (
        ("rds", "describe_db_clusters", "ServiceUnavailable"),
        ("cloudformation", "describe_stacks", "ServiceUnavailable"),
        ("ec2", "describe_vpcs", "ServiceUnavailable"),
        ("lambda", "list_functions", "ServiceUnavailableException"),
        ("apigateway", "get_rest_apis", "ServiceUnavailableException"),
        ("acm", "list_certificates", "ServiceUnavailableException"),
    ):
        assert code(getattr(aws.client(service, EU), operation)) == words
        assert code(getattr(aws.client(service, "us-east-1"), operation)) == ""
        assert code(getattr(aws.client(service, EU, agent="observer"), operation)) == ""
    dynamodb.put_item(TableName="table", Item={"pk": {"S": "the data plane goes on"}})
    assert code(aws.client("dynamodb", EU).describe_table, TableName="table") == "ServiceUnavailableException"
    assert code(aws.client("route53").list_hosted_zones) == ""
    faults(aws, {"outage": "us-east-1"})
    for service, operation in (
        ("route53", "list_hosted_zones"),
        ("cloudfront", "list_distributions"),
        ("iam", "list_roles"),
    ):
        assert code(getattr(aws.client(service), operation)) == "ServiceUnavailable"
    assert aws.client("sts").get_caller_identity()
    faults(aws)
    assert code(aws.client("route53").list_hosted_zones) == ""


ROLE = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        "DependsOn": "Queue",
    }
}


@pytest.mark.parametrize(("out", "stuck"), [(EU, "Queue"), ("us-east-1", "Role")])
def test_stacks_stand_still_while_a_control_plane_is_out(aws: Aws, out: str, stuck: str) -> None:
    """A resource of a global service waits for us-east-1, wherever its stack is."""
    cloudformation = aws.client("cloudformation", EU)
    watching = aws.client("cloudformation", EU, agent="observer")
    aws.control("clock", {"speed": STILL})
    cloudformation.create_stack(
        StackName="s", TemplateBody=json.dumps({"Resources": {**QUEUE, **ROLE}}), Capabilities=["CAPABILITY_IAM"]
    )
    faults(aws, {"outage": out})
    aws.control("clock", {"speed": SPEED})

    def states() -> dict[str, str]:
        found = watching.describe_stack_resources(StackName="s")["StackResources"]
        return {r["LogicalResourceId"]: r["ResourceStatus"] for r in found}

    aws.until(lambda: states().get(stuck) == "CREATE_IN_PROGRESS")
    begin = aws.control("clock")[1]["now"]
    aws.until(lambda: aws.control("clock")[1]["now"][:15] != begin[:15])  # ten virtual minutes pass, or less
    assert states()[stuck] == "CREATE_IN_PROGRESS"
    faults(aws)
    assert aws.settled("s", EU) == "CREATE_COMPLETE"


def test_a_data_plane_that_is_out_answers_nobody_who_uses_what_is_there(aws: Aws) -> None:
    dynamodb = table(aws, EU)
    api = aws.client("apigateway", EU).create_rest_api(name="a")["id"]
    url = urllib.request.Request(f"{aws.url}/live/", headers={"Host": f"{api}.execute-api.{EU}.amazonaws.com"})

    def reached() -> bool:
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.HTTPError as error:
            error.close()
        except (ConnectionError, urllib.error.URLError):
            return False
        return True

    assert reached()
    faults(aws, {"outage": EU, "plane": "data"})
    assert not reached()
    assert code(dynamodb.get_item, TableName="table", Key={"pk": {"S": "a"}}) == "ServiceUnavailableException"
    assert code(dynamodb.describe_table, TableName="table") == ""
    faults(aws, {"outage": "us-east-1", "plane": "data"})
    assert reached()
    assert code(dynamodb.get_item, TableName="table", Key={"pk": {"S": "a"}}) == ""
