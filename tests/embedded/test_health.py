"""Health follows what a request needs, changes as slowly as on AWS, and is told by status calls and metrics."""

import datetime as dt
from typing import Any

import pytest

from tests.embedded.test_changesets import refused
from tests.embedded.test_drift import ROLE, ZONE, function

ANSWERS = "def handler(event, context): return {{'statusCode': {status}, 'body': 'here I am'}}"
HOST = "us-east-1.origin.api.example.com"


def body() -> dict[str, Any]:
    uri = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"}
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
    method = {"x-amazon-apigateway-integration": integration, "responses": {}}
    return {"openapi": "3.0.1", "info": {"title": "orders"}, "paths": {"/health": {"get": method}}}


def regional_api() -> dict[str, Any]:
    """Everything that a checker's request meets, in one small stack."""
    api, domain = {"Ref": "Api"}, {"Ref": "Domain"}
    alias = {
        "DNSName": {"Fn::GetAtt": ["Domain", "RegionalDomainName"]},
        "HostedZoneId": {"Fn::GetAtt": ["Domain", "RegionalHostedZoneId"]},
        "EvaluateTargetHealth": False,
    }
    properties: dict[str, tuple[str, dict[str, Any]]] = {
        "Api": (
            "ApiGateway::RestApi",
            {"Name": "orders", "Body": body(), "EndpointConfiguration": {"Types": ["REGIONAL"]}},
        ),
        "Deployment": ("ApiGateway::Deployment", {"RestApiId": api}),
        "Stage": ("ApiGateway::Stage", {"RestApiId": api, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"}),
        "Certificate": (
            "CertificateManager::Certificate",
            {
                "DomainName": HOST,
                "ValidationMethod": "DNS",
                "DomainValidationOptions": [{"DomainName": HOST, "HostedZoneId": ZONE}],
            },
        ),
        "Domain": (
            "ApiGateway::DomainName",
            {
                "DomainName": HOST,
                "RegionalCertificateArn": {"Ref": "Certificate"},
                "EndpointConfiguration": {"Types": ["REGIONAL"]},
            },
        ),
        "Mapping": ("ApiGateway::BasePathMapping", {"DomainName": domain, "RestApiId": api, "Stage": {"Ref": "Stage"}}),
        "Permission": (
            "Lambda::Permission",
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "apigateway.amazonaws.com",
            },
        ),
        "Record": ("Route53::RecordSet", {"HostedZoneId": ZONE, "Name": HOST, "Type": "A", "AliasTarget": alias}),
        "Probe": ("Route53::HealthCheck", {"HealthCheckConfig": probe_config()}),
    }
    resources = {name: {"Type": f"AWS::{kind}", "Properties": p} for name, (kind, p) in properties.items()}
    return {"Role": ROLE, "Function": function(Code={"ZipFile": ANSWERS.format(status=200)}), **resources}


def probe_config() -> dict[str, Any]:
    return {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": HOST,
        "ResourcePath": "/health",
        "RequestInterval": 10,
        "FailureThreshold": 3,
    }


class Checks:
    def __init__(self, aws: Any) -> None:
        self.aws, self.route53, self.cloudwatch = aws, aws.client("route53"), aws.client("cloudwatch")

    def make(self, reference: str, **config: Any) -> str:
        arguments = {"CallerReference": reference, "HealthCheckConfig": config}
        return str(self.route53.create_health_check(**arguments)["HealthCheck"]["Id"])

    def probe(self, reference: str = "p", host: str = "a.example.com") -> str:
        return self.make(reference, **(probe_config() | {"FullyQualifiedDomainName": host}))

    def set(self, check: str, status: str | None) -> None:
        assert self.aws.control("health", {"id": check, "status": status})[0] == 200

    def values(
        self, check: str, metric: str = "HealthCheckStatus", minutes: int = 5, region: str = "us-east-1"
    ) -> list[float]:
        """Newest first."""
        now = dt.datetime.fromisoformat(self.aws.control("clock")[1]["now"])
        described = {
            "Namespace": "AWS/Route53",
            "MetricName": metric,
            "Dimensions": [{"Name": "HealthCheckId", "Value": check}],
        }
        query = {"Id": "q", "MetricStat": {"Metric": described, "Period": 60, "Stat": "Minimum"}}
        [found] = self.aws.client("cloudwatch", region).get_metric_data(
            MetricDataQueries=[query], StartTime=now - dt.timedelta(minutes=minutes), EndTime=now
        )["MetricDataResults"]
        assert found["Timestamps"] == sorted(found["Timestamps"], reverse=True)
        return list(found["Values"])

    def healthy(self, check: str) -> bool:
        return self.values(check)[:1] == [1.0]

    def becomes(self, check: str, *, healthy: bool) -> None:
        """Also after two quiet minutes it is so: a minute shows its worst moment."""
        self.aws.until(lambda: self.values(check)[:1] == [float(healthy)])


@pytest.fixture
def checks(aws: Any) -> Checks:
    aws.control("clock", {"speed": 2000})
    return Checks(aws)


@pytest.fixture
def api(checks: Checks) -> Checks:
    assert checks.aws.deploy("api", regional_api()) == "CREATE_COMPLETE"
    return checks


def probe_of(checks: Checks) -> str:
    return str(checks.route53.list_health_checks()["HealthChecks"][0]["Id"])


def test_a_probe_of_a_complete_api_is_healthy(api: Checks) -> None:
    api.becomes(probe_of(api), healthy=True)


def _no_stage_mapping(aws: Any) -> None:
    aws.client("apigateway").delete_base_path_mapping(domainName=HOST, basePath="(none)")


def _no_domain(aws: Any) -> None:
    aws.client("apigateway").delete_domain_name(domainName=HOST)


def _no_function(aws: Any) -> None:
    aws.client("lambda").delete_function(FunctionName="f")


def _no_record(aws: Any) -> None:
    client = aws.client("route53")
    rows = client.list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    [row] = [r for r in rows if r["Name"] == HOST + "."]
    client.change_resource_record_sets(
        HostedZoneId=ZONE, ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": row}]}
    )


def _signed_only(aws: Any) -> None:
    client = aws.client("apigateway")
    [found] = client.get_rest_apis()["items"]
    [path] = [r for r in client.get_resources(restApiId=found["id"])["items"] if r["path"] == "/health"]
    patch = {"op": "replace", "path": "/authorizationType", "value": "AWS_IAM"}
    client.update_method(restApiId=found["id"], resourceId=path["id"], httpMethod="GET", patchOperations=[patch])
    [stage] = client.get_stages(restApiId=found["id"])["item"]
    client.create_deployment(restApiId=found["id"], stageName=stage["stageName"])


@pytest.mark.parametrize("break_it", [_no_stage_mapping, _no_domain, _no_function, _no_record, _signed_only])
def test_a_probe_turns_unhealthy_when_a_link_is_missing(api: Checks, break_it: Any) -> None:
    probe = probe_of(api)
    api.becomes(probe, healthy=True)
    break_it(api.aws)
    api.becomes(probe, healthy=False)


def test_a_new_check_counts_as_healthy_until_it_has_failed_often_enough(checks: Checks) -> None:
    slow = probe_config() | {
        "FullyQualifiedDomainName": "nowhere.example.com",
        "FailureThreshold": 10,
        "RequestInterval": 30,
    }
    probe = checks.make("slow", **slow)
    checks.becomes(probe, healthy=False)
    oldest = checks.values(probe, minutes=60)[::-1]
    assert oldest[:4] == [1.0] * 4


def test_a_set_value_wins_over_the_world_until_it_is_taken_back(checks: Checks) -> None:
    probe = checks.probe(host="nowhere.example.com")
    checks.set(probe, "healthy")
    checks.becomes(probe, healthy=True)
    checks.set(probe, None)
    checks.becomes(probe, healthy=False)
    assert checks.aws.control("health", {"fqdn": "nowhere.example.com", "status": "healthy"})[1]["set"] == [probe]
    checks.becomes(probe, healthy=True)


@pytest.mark.parametrize("request_", [{"id": "x", "status": "healthy"}, {"id": "x", "status": "ill"}, {}])
def test_a_wrong_health_request_is_refused_by_name(checks: Checks, request_: dict) -> None:
    status, answer = checks.aws.control("health", request_)
    assert status == 400
    assert "must be" in answer["error"] or "no health check matches" in answer["error"]


@pytest.mark.parametrize(("threshold", "expected"), [(0, True), (1, True), (2, False), (3, False)])
def test_a_calculated_check_counts_its_healthy_children(checks: Checks, threshold: int, expected: bool) -> None:
    good, bad = checks.probe("a", "a.example.com"), checks.probe("b", "b.example.com")
    checks.set(good, "healthy")
    checks.set(bad, "unhealthy")
    gate = checks.make("gate", Type="CALCULATED", ChildHealthChecks=[good, bad], HealthThreshold=threshold)
    checks.becomes(bad, healthy=False)
    checks.becomes(gate, healthy=expected)


def test_a_gate_opens_and_closes_by_its_threshold(checks: Checks) -> None:
    probe = checks.probe()
    checks.set(probe, "healthy")
    gate = checks.make("gate", Type="CALCULATED", ChildHealthChecks=[probe], HealthThreshold=2)
    checks.becomes(gate, healthy=False)
    checks.route53.update_health_check(HealthCheckId=gate, HealthCheckVersion=1, HealthThreshold=1)
    checks.becomes(gate, healthy=True)
    refused("HealthCheckVersionMismatch", checks.route53.update_health_check, HealthCheckId=gate, HealthCheckVersion=1)


def test_a_disabled_check_is_healthy_and_an_inverted_one_is_turned_around(checks: Checks) -> None:
    probe = checks.probe()
    checks.set(probe, "unhealthy")
    checks.becomes(probe, healthy=False)
    checks.route53.update_health_check(HealthCheckId=probe, Inverted=True)
    checks.becomes(probe, healthy=True)
    checks.route53.update_health_check(HealthCheckId=probe, Inverted=False)
    checks.becomes(probe, healthy=False)
    checks.route53.update_health_check(HealthCheckId=probe, Disabled=True)
    checks.becomes(probe, healthy=True)


def test_the_status_call_refuses_calculated_checks(checks: Checks) -> None:
    probe = checks.probe()
    checks.set(probe, "healthy")
    gate = checks.make("gate", Type="CALCULATED", ChildHealthChecks=[probe], HealthThreshold=1)
    refused("InvalidInput", checks.route53.get_health_check_status, HealthCheckId=gate)
    found = checks.route53.get_health_check_status(HealthCheckId=probe)["HealthCheckObservations"]
    assert len(found) >= 3
    assert found[0]["StatusReport"]["Status"].startswith("Success")
    refused("NoSuchHealthCheck", checks.route53.get_health_check_status, HealthCheckId="none")


def test_the_status_call_is_throttled(checks: Checks) -> None:
    checks.aws.control("clock", {"speed": 1})
    probe = checks.probe()
    for _ in range(4):
        checks.route53.get_health_check_status(HealthCheckId=probe)
    refused("Throttling", checks.route53.get_health_check_status, HealthCheckId=probe)


def test_health_metrics_exist_in_one_region_only(checks: Checks) -> None:
    probe = checks.probe()
    checks.set(probe, "healthy")
    checks.becomes(probe, healthy=True)
    assert checks.values(probe, region="eu-west-1") == []
    assert checks.values(probe, "HealthCheckPercentageHealthy")[:1] == [100.0]


def test_the_metric_keeps_a_history_by_the_minute(checks: Checks) -> None:
    probe = checks.probe()
    checks.set(probe, "healthy")
    checks.becomes(probe, healthy=True)
    checks.set(probe, "unhealthy")
    checks.becomes(probe, healthy=False)
    found = checks.values(probe, minutes=60)
    assert 1.0 in found
    assert found[0] == 0.0
    assert found == sorted(found)


def test_metric_statistics_answer_the_same(checks: Checks) -> None:
    probe = checks.probe()
    checks.set(probe, "healthy")
    checks.becomes(probe, healthy=True)
    now = dt.datetime.fromisoformat(checks.aws.control("clock")[1]["now"])
    found = checks.cloudwatch.get_metric_statistics(
        Namespace="AWS/Route53",
        MetricName="HealthCheckStatus",
        Dimensions=[{"Name": "HealthCheckId", "Value": probe}],
        StartTime=now - dt.timedelta(minutes=5),
        EndTime=now,
        Period=60,
        Statistics=["Minimum"],
    )["Datapoints"]
    assert found
    assert {point["Minimum"] for point in found} == {1.0}
