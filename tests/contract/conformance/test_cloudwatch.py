"""CloudWatch: metrics of health checks, and alarms."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.contract.conformance.aurora import EU, US, ready
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused
from tests.contract.conformance.zone import check, gate

DATA, ALARMS = "cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms"
REFERENCE = "API reference, GetMetricData [V]"


def query(name: str = "q", check_id: str = "none", metric: str = "HealthCheckStatus", **more: Any) -> dict[str, Any]:
    described = {
        "Namespace": "AWS/Route53",
        "MetricName": metric,
        "Dimensions": [{"Name": "HealthCheckId", "Value": check_id}],
    }
    return {"Id": name, "MetricStat": {"Metric": described, "Period": 60, "Stat": "Minimum", **more}}


def asked(aws: Target, *queries: dict[str, Any], **more: Any) -> dict[str, Any]:
    end = aws.now()
    return {"MetricDataQueries": list(queries), "StartTime": end - dt.timedelta(minutes=30), "EndTime": end} | more


def values(aws: Target, *queries: dict[str, Any], region: str = "us-east-1") -> dict[str, list[float]]:
    """Newest first."""
    found = aws.client("cloudwatch", region).get_metric_data(**asked(aws, *queries))["MetricDataResults"]
    return {result["Id"]: result["Values"] for result in found}


@success(DATA, source=REFERENCE)
@real("nothing: metrics that do not exist")
def test_what_has_no_data_is_complete_and_empty(aws: Target) -> None:
    answer = aws.client("cloudwatch").get_metric_data(**asked(aws, query("a"), query("b")))
    assert [(r["Id"], r["StatusCode"], r["Values"]) for r in answer["MetricDataResults"]] == [
        ("a", "Complete", []),
        ("b", "Complete", []),
    ]


@success(DATA, source="developer guide, Monitoring health checks with CloudWatch [V]: in us-east-1, by the minute")
def test_health_checks_are_measured_in_one_region(aws: Target) -> None:
    probe = check(aws)
    mine = gate(aws, probe)
    aws.control("health", {"id": probe, "status": "healthy"})
    wanted = [
        query("status", mine),
        query("count", mine, "ChildHealthCheckHealthyCount"),
        query("percent", probe, "HealthCheckPercentageHealthy"),
    ]
    aws.until(lambda: values(aws, *wanted)["status"][:1] == [1.0], minutes=10)
    found = values(aws, *wanted)
    assert (found["count"][0], found["percent"][0]) == (1.0, 100.0)
    assert values(aws, *wanted, region="eu-west-1") == {"status": [], "count": [], "percent": []}
    aws.control("health", {"id": probe, "status": "unhealthy"})
    aws.until(lambda: values(aws, *wanted)["status"][:1] == [0.0], minutes=10)
    found = values(aws, *wanted)
    assert (found["count"][0], found["percent"][0]) == (0.0, 0.0)


@success(DATA, source="[K]: a minute's value is there about a minute after it is over")
def test_a_value_arrives_late(aws: Target) -> None:
    probe = check(aws)
    aws.control("health", {"id": probe, "status": "healthy"})
    aws.until(lambda: values(aws, query(check_id=probe))["q"], minutes=10)
    request = asked(aws, query(check_id=probe))
    [result] = aws.client("cloudwatch").get_metric_data(**request)["MetricDataResults"]
    assert request["EndTime"] - result["Timestamps"][0] >= dt.timedelta(seconds=120 - 5)


WRONG: dict[str, dict[str, Any]] = {
    "too many": {"MetricDataQueries": [query(f"q{i}") for i in range(501)]},
    "an id in capitals": {"MetricDataQueries": [query("Q")]},
    "an id twice": {"MetricDataQueries": [query(), query()]},
    "neither metric nor expression": {"MetricDataQueries": [{"Id": "q"}]},
    "a period of its own": {"MetricDataQueries": [query(Period=90)]},
    "backwards": {"EndTime": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
    "too many at once": {"MaxDatapoints": 100_801},
}


@refusal(DATA, "ValidationError", source=f"{REFERENCE}; that all have this code is [K]")
@real("nothing")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_query_is_refused(aws: Target, case: str) -> None:
    arguments = asked(aws, query()) | WRONG[case]
    refused(aws.client("cloudwatch").get_metric_data, "ValidationError", **arguments)


@refusal(DATA, "InvalidNextToken", source=REFERENCE)
@real("nothing")
def test_a_made_up_token_is_refused(aws: Target) -> None:
    arguments = asked(aws, query(), NextToken="made up")
    refused(aws.client("cloudwatch").get_metric_data, "InvalidNextToken", **arguments)


def measured(aws: Target, region: str, namespace: str, metric: str, **dimensions: str) -> list[float]:
    """Newest first."""
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    described = {"Namespace": namespace, "MetricName": metric, "Dimensions": listed}
    return values(
        aws, {"Id": "q", "MetricStat": {"Metric": described, "Period": 60, "Stat": "Maximum"}}, region=region
    )["q"]


@success(DATA, source="user guide, Aurora Serverless v2: ACUUtilization, a percentage of the maximum capacity [V]")
def test_a_cluster_tells_how_busy_it_is_as_long_as_it_has_an_instance(aws: Target) -> None:
    aurora = ready(aws)
    name = f"orders-{EU}"

    def load() -> list[float]:
        return measured(aws, EU, "AWS/RDS", "ACUUtilization", DBClusterIdentifier=name)

    scaling = {"MinCapacity": 1, "MaxCapacity": 4}
    aurora.rds(EU).modify_db_cluster(
        DBClusterIdentifier=name, ServerlessV2ScalingConfiguration=scaling, ApplyImmediately=True
    )
    aurora.go()
    aws.until(lambda: load()[:1] == [20.0])
    aws.control("load", {"cluster": name, "percent": 75})
    aws.until(lambda: load()[:1] == [75.0])
    assert measured(aws, US, "AWS/RDS", "ACUUtilization", DBClusterIdentifier=name) == []


def alarm(aws: Target, name: str, missing: str = "missing") -> str:
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData=missing,
        Tags=[{"Key": key, "Value": value} for key, value in aws.tags.items()],
    )  # fmt: skip
    aws.later(cloudwatch.delete_alarms, AlarmNames=[name])
    return name


@success(ALARMS, source="API reference, DescribeAlarms [V]")
@state(ALARMS, "INSUFFICIENT_DATA", source="API reference, MetricAlarm [V]: until there is a value")
@real("nothing: ten alarms are free, and this one lives for seconds")
def test_an_alarm_is_found_by_its_prefix(aws: Target) -> None:
    name = alarm(aws, aws.name("errors"))
    [found] = aws.client("cloudwatch").describe_alarms(AlarmNamePrefix=aws.name())["MetricAlarms"]
    assert (found["AlarmName"], found["StateValue"]) == (name, "INSUFFICIENT_DATA")
    assert aws.client("cloudwatch", "eu-west-1").describe_alarms(AlarmNamePrefix=aws.name())["MetricAlarms"] == []


@refusal(ALARMS, "ValidationError", source="API reference, DescribeAlarms [V]; the code is [K]")
@real("nothing")
@pytest.mark.parametrize("arguments", [{"AlarmNames": ["a"], "AlarmNamePrefix": "a"}, {"MaxRecords": 101}])
def test_a_wrong_search_is_refused(aws: Target, arguments: dict[str, Any]) -> None:
    refused(aws.client("cloudwatch").describe_alarms, "ValidationError", **arguments)


@success("route53:CreateHealthCheck", source="API reference, HealthCheckConfig: CLOUDWATCH_METRIC [V]")
@pytest.mark.parametrize(
    ("without_data", "healthy"), [("Healthy", True), ("Unhealthy", False), ("LastKnownStatus", True)]
)
def test_a_check_follows_its_alarm(aws: Target, without_data: str, healthy: bool) -> None:
    name = alarm(aws, "followed", "ignore")  # without data it stays as it is set
    named = {"Region": "us-east-1", "Name": name}
    mine = check(aws, Type="CLOUDWATCH_METRIC", AlarmIdentifier=named, InsufficientDataHealthStatus=without_data)

    def becomes(value: bool) -> None:
        aws.until(lambda: values(aws, query(check_id=mine))["q"][:1] == [float(value)], minutes=10)

    becomes(healthy)
    for word, value in (("ALARM", False), ("OK", True), ("ALARM", False)):
        aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=word, StateReason="a test")
        becomes(value)
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="INSUFFICIENT_DATA", StateReason="a test")
    becomes({"LastKnownStatus": False}.get(without_data, healthy))
