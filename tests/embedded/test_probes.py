"""A probe really calls the API that its name leads to, and says what it met."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.embedded.test_drift import ZONE
from tests.embedded.test_health import ANSWERS, HOST, Checks, probe_config, regional_api

SLEPT = 5.0  # wall seconds


@pytest.fixture(scope="module")
def kept(server: Any) -> str:
    """A world with a complete API, kept once."""
    server.control("reset", {})
    server.control("clock", {"speed": 2000})
    assert server.deploy("api", regional_api()) == "CREATE_COMPLETE"
    return server.until(lambda: server.control("snapshot", {})[1].get("id"))


@pytest.fixture
def checks(server: Any, kept: str) -> Iterator[Checks]:
    server.control("clock", {"speed": 2000})
    server.until(lambda: server.control("restore", {"id": kept})[0] == 200)
    yield Checks(server)
    server.control("faults", {"faults": []})


def probe_of(checks: Checks) -> str:
    return str(checks.route53.list_health_checks()["HealthChecks"][0]["Id"])


def status(checks: Checks, probe: str) -> str:
    found = checks.route53.get_health_check_status(HealthCheckId=probe)["HealthCheckObservations"]
    [told] = {one["StatusReport"]["Status"] for one in found}
    return told


def becomes(checks: Checks, probe: str, told: str) -> None:
    checks.aws.until(lambda: status(checks, probe) == told, seconds=30)
    checks.aws.until(lambda: checks.values(probe)[:1] == [float(told.startswith("Success"))], seconds=30)


def code(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", text)
    return out.getvalue()


def put(checks: Checks, text: str) -> None:
    checks.aws.client("lambda").update_function_code(FunctionName="f", ZipFile=code(text))


def patch_stage(checks: Checks, **patches: str) -> None:
    gateway = checks.aws.client("apigateway")
    [api] = gateway.get_rest_apis()["items"]
    operations = [{"op": "replace", "path": path, "value": value} for path, value in patches.items()]
    gateway.update_stage(restApiId=api["id"], stageName="live", patchOperations=operations)


# ---- what the function does ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ANSWERS.format(status=500), "Failure: HTTP Status Code 500, Internal Server Error"),
        (ANSWERS.format(status=404), "Failure: HTTP Status Code 404, Not Found"),
        (ANSWERS.format(status=302), "Success: HTTP Status Code 302, Found"),
        ("def handler(event, context): raise RuntimeError('no')", "Failure: HTTP Status Code 502, Bad Gateway"),
        ("this is no Python", "Failure: HTTP Status Code 502, Bad Gateway"),
    ],
)
def test_the_functions_answer_counts_and_a_repair_too(checks: Checks, text: str, told: str) -> None:
    probe = probe_of(checks)
    becomes(checks, probe, "Success: HTTP Status Code 200, OK")
    put(checks, text)
    becomes(checks, probe, told)
    put(checks, ANSWERS.format(status=200))
    becomes(checks, probe, "Success: HTTP Status Code 200, OK")


def test_the_last_failure_is_remembered(checks: Checks) -> None:
    probe = checks.probe("fresh", HOST)  # the stack's own was there before its record, and may have seen that
    told = checks.route53.get_health_check_last_failure_reason
    last = lambda: told(HealthCheckId=probe)["HealthCheckObservations"]  # noqa: E731
    becomes(checks, probe, "Success: HTTP Status Code 200, OK")
    assert last() == []
    gateway = checks.aws.client("apigateway")
    [mapping] = gateway.get_base_path_mappings(domainName=HOST)["items"]
    gateway.delete_base_path_mapping(domainName=HOST, basePath="(none)")
    becomes(checks, probe, "Failure: HTTP Status Code 403, Forbidden")
    gateway.create_base_path_mapping(domainName=HOST, restApiId=mapping["restApiId"], stage=mapping["stage"])
    becomes(checks, probe, "Success: HTTP Status Code 200, OK")
    assert {one["StatusReport"]["Status"] for one in last()} == {"Failure: HTTP Status Code 403, Forbidden"}


def test_the_function_sees_a_checkers_request(checks: Checks) -> None:
    probe = probe_of(checks)
    agent = "event['headers'].get('user-agent') or event['headers'].get('User-Agent') or ''"
    body = f"def handler(event, context): return {{'statusCode': 200 if 'Route53-Health-Check' in ({agent}) else 400}}"
    put(checks, body)
    becomes(checks, probe, "Success: HTTP Status Code 200, OK")


def test_a_check_can_search_the_body(checks: Checks) -> None:
    config = probe_config() | {"Type": "HTTPS_STR_MATCH"}
    found = checks.make("found", **config, SearchString="here I am")
    missed = checks.make("missed", **config, SearchString="HERE I AM")
    becomes(checks, found, "Success: HTTP Status Code 200, OK")
    checks.aws.until(lambda: "Search string not found" in status(checks, missed), seconds=30)


# ---- what stands before the function ---------------------------------------------------------------------------------------


def test_a_stage_that_lets_nobody_through_is_unhealthy(checks: Checks) -> None:
    patch_stage(checks, **{"/*/*/throttling/rateLimit": "0", "/*/*/throttling/burstLimit": "0"})
    becomes(checks, probe_of(checks), "Failure: HTTP Status Code 429, Too Many Requests")


def test_a_deployment_without_the_path_is_unhealthy(checks: Checks) -> None:
    gateway = checks.aws.client("apigateway")
    [api] = gateway.get_rest_apis()["items"]
    [health] = [r for r in gateway.get_resources(restApiId=api["id"])["items"] if r["path"] == "/health"]
    put_back = gateway.get_method(restApiId=api["id"], resourceId=health["id"], httpMethod="GET")
    gateway.delete_method(restApiId=api["id"], resourceId=health["id"], httpMethod="GET")
    other = {"restApiId": api["id"], "resourceId": health["parentId"], "httpMethod": "GET"}
    gateway.put_method(**other, authorizationType="NONE")
    gateway.put_integration(**other, type="MOCK")  # a deployment needs some method
    empty = gateway.create_deployment(restApiId=api["id"])["id"]
    gateway.put_method(restApiId=api["id"], resourceId=health["id"], httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(
        restApiId=api["id"], resourceId=health["id"], httpMethod="GET", type="AWS_PROXY",
        integrationHttpMethod="POST", uri=put_back["methodIntegration"]["uri"],
    )  # fmt: skip
    probe = probe_of(checks)
    patch_stage(checks, **{"/deploymentId": empty})
    becomes(checks, probe, "Failure: HTTP Status Code 403, Forbidden")
    patch_stage(checks, **{"/deploymentId": gateway.create_deployment(restApiId=api["id"])["id"]})
    becomes(checks, probe, "Success: HTTP Status Code 200, OK")


@pytest.mark.parametrize(
    ("effect", "resource", "told"),
    [
        ("Deny", "execute-api:/*", "Failure: HTTP Status Code 403, Forbidden"),
        ("Allow", "execute-api:/live/GET/other", "Failure: HTTP Status Code 403, Forbidden"),
        ("Allow", "execute-api:/live/GET/health", "Success: HTTP Status Code 200, OK"),
    ],
)
def test_a_resource_policy_must_let_the_checker_in(checks: Checks, effect: str, resource: str, told: str) -> None:
    statement = {"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    gateway = checks.aws.client("apigateway")
    [api] = gateway.get_rest_apis()["items"]
    operation = {"op": "replace", "path": "/policy", "value": document}
    gateway.update_rest_api(restApiId=api["id"], patchOperations=[operation])
    gateway.create_deployment(restApiId=api["id"], stageName="live")
    becomes(checks, probe_of(checks), told)


def test_api_gateway_must_be_allowed_to_invoke_the_function(checks: Checks) -> None:
    policy = json.loads(checks.aws.client("lambda").get_policy(FunctionName="f")["Policy"])
    [sid] = [statement["Sid"] for statement in policy["Statement"]]
    checks.aws.client("lambda").remove_permission(FunctionName="f", StatementId=sid)
    becomes(checks, probe_of(checks), "Failure: HTTP Status Code 500, Internal Server Error")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"FullyQualifiedDomainName": "nowhere.example.com"}, "Failure: DNS resolution failed: Rcode NXDomain(3)"),
        ({"FullyQualifiedDomainName": "outside.org"}, "Failure: DNS resolution failed: Rcode Refused, no address"),
        ({"EnableSNI": False}, "Failure: SSL alert handshake_failure"),
        ({"Type": "HTTP"}, "Failure: The health checker could not establish a connection within the timeout limit."),
        ({"ResourcePath": "/none"}, "Failure: HTTP Status Code 403, Forbidden"),
    ],
)
def test_a_probe_says_where_it_failed(checks: Checks, config: dict[str, Any], told: str) -> None:
    probe = checks.make("wrong", **(probe_config() | config))
    becomes(checks, probe, told)


def test_a_connection_is_enough_for_tcp(checks: Checks) -> None:
    config = {"Type": "TCP", "FullyQualifiedDomainName": HOST, "RequestInterval": 10, "FailureThreshold": 1}
    becomes(checks, checks.make("open", **config, Port=443), "Success: TCP connection established")
    told = "Failure: The health checker could not establish a connection within the timeout limit."
    becomes(checks, checks.make("closed", **config, Port=8080), told)


# ---- what a probe must not do ----------------------------------------------------------------------------------------------


def test_probing_keeps_nobody_from_keeping_the_world(checks: Checks) -> None:
    probe = probe_of(checks)
    for _ in range(30):
        status_code, answer = checks.aws.control("snapshot", {})
        assert status_code == 200, answer
        assert checks.aws.control("restore", {"id": answer["id"]})[0] == 200
        checks.values(probe)


def test_a_slow_function_holds_nobody_up(checks: Checks) -> None:
    probe = probe_of(checks)
    put(checks, f"import time\ndef handler(event, context):\n    time.sleep({SLEPT})\n    return {{'statusCode': 200}}")
    begin = time.monotonic()
    for _ in range(20):
        checks.values(probe)
    checks.route53.list_resource_record_sets(HostedZoneId=ZONE)
    assert time.monotonic() - begin < SLEPT
