"""The demo's observer on a real embedded AWS: it reads what is there, sees what breaks, and reports it on SIGTERM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.invariants import not_serving, remember, violations
from demo.memory import Memory
from demo.reading import Reader
from demo.snapshot import Region
from tests.embedded.conftest import ROOT, Aws

DOMAIN, ZONE, REGION = "api.example.com", "Z0123456789EXAMPLE", "eu-west-1"
OWN, SHARED = f"{REGION}.origin.{DOMAIN}", f"origin.{DOMAIN}"


@pytest.fixture
def reader(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111111111111")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return Reader(aws.url, "orders", DOMAIN, ZONE, [REGION])


def upsert(aws: Aws, action: str = "UPSERT", **record: object) -> None:
    change = {"Action": action, "ResourceRecordSet": record}
    aws.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": [change]})


def alias(name: str, target: str, zone: str = ZONE, **more: object) -> dict[str, object]:
    return {
        "Name": name,
        "Type": "A",
        "AliasTarget": {"DNSName": target, "HostedZoneId": zone, "EvaluateTargetHealth": True},
        **more,
    }


def regional_endpoint(aws: Aws) -> None:
    """What the stack `api` makes, by hand: two custom domains on one stage, and the stack's name."""
    assert aws.deploy("meridian-orders-api", {"Logs": {"Type": "AWS::Logs::LogGroup"}}, REGION) == "CREATE_COMPLETE"
    acm, gateway = aws.client("acm", REGION), aws.client("apigateway", REGION)
    certificate = acm.request_certificate(DomainName=OWN, SubjectAlternativeNames=[SHARED], ValidationMethod="DNS")[
        "CertificateArn"
    ]
    described = lambda: acm.describe_certificate(CertificateArn=certificate)["Certificate"]  # noqa: E731
    options = aws.until(lambda: [o for o in described()["DomainValidationOptions"] if "ResourceRecord" in o])
    for record in (o["ResourceRecord"] for o in options):
        upsert(aws, Name=record["Name"], Type="CNAME", TTL=60, ResourceRecords=[{"Value": record["Value"]}])
    aws.until(lambda: described()["Status"] == "ISSUED")
    api = gateway.create_rest_api(name="orders")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="live")
    for name in (OWN, SHARED):
        gateway.create_domain_name(
            domainName=name, regionalCertificateArn=certificate, endpointConfiguration={"types": ["REGIONAL"]}
        )
        aws.until(lambda n=name: gateway.get_domain_name(domainName=n)["domainNameStatus"] == "AVAILABLE")
        gateway.create_base_path_mapping(domainName=name, restApiId=api, stage="live")


def routed(aws: Aws) -> None:
    """The Region's own record, its probe, an open gate, and the latency records behind it."""
    target = aws.client("apigateway", REGION).get_domain_name(domainName=OWN)
    upsert(aws, **alias(OWN, target["regionalDomainName"], target["regionalHostedZoneId"]))
    checks = aws.client("route53")
    probe = {"Type": "HTTPS", "FullyQualifiedDomainName": OWN, "ResourcePath": "/"}
    child = checks.create_health_check(CallerReference="probe", HealthCheckConfig=probe)["HealthCheck"]["Id"]
    config = {"Type": "CALCULATED", "ChildHealthChecks": [child], "HealthThreshold": 1}
    reference = f"meridian/orders/{REGION}/gate/1"
    gate = checks.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]["Id"]
    latency = {"Region": REGION, "SetIdentifier": REGION, "HealthCheckId": gate}
    route = {"Name": f"route.{DOMAIN}", "Type": "CNAME", "TTL": 10, "ResourceRecords": [{"Value": OWN}]}
    upsert(aws, **route, **latency)
    upsert(aws, **alias(SHARED, OWN, **latency))


def test_an_empty_account_reads_as_nothing(reader: Reader):
    found = reader.snapshot()
    assert (found.records, found.checks, found.distributions, found.writers) == ((), {}, (), None)
    assert found.regions == {REGION: Region()}
    assert violations(found, Memory()) == []


def test_a_region_is_read_and_its_loss_is_seen(aws: Aws, reader: Reader):
    regional_endpoint(aws)
    routed(aws)
    found = aws.until(lambda: (s := reader.snapshot()) and s.healthy and s)
    assert violations(found, Memory()) == []
    assert {r.name for r in found.records} == {OWN, SHARED, f"route.{DOMAIN}"}
    aws.client("apigateway", REGION).delete_base_path_mapping(domainName=SHARED, basePath="(none)")
    broken = violations(reader.snapshot(), remember(found, Memory()))
    assert [text for text in broken if text.startswith("I2") and f"custom domain {SHARED} in {REGION}" in text], broken


def test_the_gate_decides_whether_a_region_serves(aws: Aws, reader: Reader):
    regional_endpoint(aws)
    routed(aws)
    serves = lambda: not_serving(reader.snapshot(), REGION)  # noqa: E731
    aws.until(lambda: serves() == "")
    gate = next(key for key, check in reader.snapshot().checks.items() if check.children)
    aws.client("route53").update_health_check(HealthCheckId=gate, HealthThreshold=2)
    assert serves() == "gate not open"


def test_the_process_reports_on_sigterm_and_a_blind_watch_fails(aws: Aws, tmp_path: Path):
    command = [sys.executable, "-m", "demo.observer", "--endpoint", aws.url, "--topology", "orders", "--domain", DOMAIN]
    command += ["--zone", ZONE, "--regions", REGION, "--out", str(tmp_path / "report.json")]
    keys = {"AWS_ACCESS_KEY_ID": "111111111111", "AWS_SECRET_ACCESS_KEY": "test"}
    before = aws.control("calls")[1]["total"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **keys})
    file = tmp_path / "report.json"
    aws.until(lambda: file.exists() and json.loads(file.read_text())["snapshots"] > 1, seconds=60)
    process.terminate()
    assert process.wait(20) == 1
    report = json.loads(file.read_text())
    assert report["violations"] == []
    assert report["blind"] == "no snapshot showed a serving Region and edge"
    assert aws.control("calls")[1]["total"] == before, "an observer is not counted"
